"""References in texts: found where the language would read a tag, and put in without leaving a seam."""

from __future__ import annotations

import contextlib
import time

import pytest

from prompthub_kernel import references, rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.references import Text
from prompthub_kernel.variables import VariablesSchema

TAG = '{% include "@acme/base@^1/style" %}'
ENGINES = pytest.mark.parametrize("engine", ["jinja2", "liquid"])
DECLARED = VariablesSchema.parse({"type": "object", "properties": {"x": {"type": "string"}}})


def body(text, engine="jinja2"):
    return PromptBody.parse(content_md=text, content_json=None, engine=engine)


def found(text, engine="jinja2"):
    return [str(one.address) for one in references.find(body(text, engine))]


def put(text, inserted, engine="jinja2"):
    texts = {"@acme/base@^1/style": Text("@acme/base@1.0.0/style", "sha256:" + 64 * "0", body(inserted, engine))}
    return references.put_in(body(text, engine), texts).text


def codes(call):
    with pytest.raises(Invalid) as refused:
        call()
    assert refused.value.code == "400.template_schema_invalid"
    return [(problem.pointer, problem.code, problem.detail.partition(":")[0]) for problem in refused.value.problems]


@ENGINES
@pytest.mark.parametrize(
    "tag", [TAG, TAG.replace('"', "'"), '{%include "@acme/base@^1/style"%}', TAG.replace("%", "%-", 1)]
)
def test_a_reference_is_found_however_it_is_spaced_and_quoted(engine, tag):
    assert found(f"a {tag} b", engine) == ["@acme/base@^1/style"]


@pytest.mark.parametrize(
    ("around", "engine"),
    [
        ("{{% raw %}}{}{{% endraw %}}", "jinja2"),
        ("{{% raw %}}{}{{% endraw %}}", "liquid"),  # in Liquid a tag ends at the first %}, also inside a string
        ("{{{{ '{}' }}}}", "jinja2"),
        ("{{% if '{}' %}}{{% endif %}}", "jinja2"),
    ],
)
def test_inside_raw_text_and_strings_nothing_is_a_reference(engine, around):
    assert found(around.format(TAG), engine) == []


def test_comments_hide_references():
    assert found(f"{{# {TAG} #}}") == []
    assert found(f"{{% comment %}}{TAG}{{% endcomment %}}", "liquid") == []
    assert found(f"{{# {TAG} #}}", "liquid") == ["@acme/base@^1/style"]  # no comment there


@ENGINES
@pytest.mark.parametrize(
    "tag",
    [
        "{% include x %}",
        '{% include "@acme" %}',
        '{% include "a.md" %}',
        TAG.replace(" %}", " with x %}"),
        "{% include",
    ],
)
def test_a_reference_that_cannot_be_read_is_told_with_its_line(engine, tag):
    assert codes(lambda: references.find(body(f"one\n\n{tag}", engine))) == [("/content_md", "reference", "line 3")]


def test_references_in_documents_are_told_at_their_place():
    talk = PromptBody.parse(
        content_md=None,
        content_json=[{"role": "user", "content": "Hi"}, {"role": "system", "content": "{% include 1 %}"}],
    )
    assert codes(lambda: references.find(talk)) == [("/content_json/1/content", "reference", "line 1")]


@ENGINES
@pytest.mark.parametrize(
    ("text", "inserted", "whole"),
    [
        (f"a {TAG} b", "X", "a X b"),
        ('a {%- include "@acme/base@^1/style" -%} b', " X ", "a X b"),
        (f"{TAG}{TAG}", "X", "XX"),
        (f"a\n{TAG}\nb", "X\n", "a\nX\n\nb"),
        (TAG, "{{ x }}", "{{ x }}"),
    ],
)
def test_the_text_stands_where_the_reference_stood(engine, text, inserted, whole):
    assert put(text, inserted, engine) == whole


def test_documents_are_filled_in_by_place():
    document = {"a/b": [{"~": TAG}, "kept"], "n": 1}
    whole = references.put_in(
        PromptBody.parse(content_md=None, content_json=document),
        {"@acme/base@^1/style": Text("@acme/base@1.0.0/style", "sha256:" + 64 * "0", body("X"))},
    )
    assert whole.document == {"a/b": [{"~": "X"}, "kept"], "n": 1}
    assert document["a/b"][0]["~"] == TAG


def test_a_text_without_references_is_the_same_text():
    plain = body("include me")
    assert references.put_in(plain, {}) is plain
    assert references.without(plain) is plain
    references.refuse(plain)


@ENGINES
@pytest.mark.parametrize(
    ("text", "inserted"),
    [('{ {%- include "@acme/base@^1/style" %}', "{ x }}"), (TAG + "{ x }}", "{"), (TAG + "% if x %}", "a {")],
)
def test_two_texts_never_become_a_tag_where_they_meet(engine, text, inserted):
    assert [code for _, code, _ in codes(lambda: put(text, inserted, engine))] == ["seam"]


def test_what_is_missing_too_large_or_too_many_is_refused():
    assert [code for _, code, _ in codes(lambda: references.put_in(body(TAG), {}))] == ["reference"]
    assert [code for _, code, _ in codes(lambda: put(TAG * 3, "x" * 100_000))] == ["size"]
    many = TAG * (references.MAX_REFERENCES + 1)
    assert [code for _, code, _ in codes(lambda: references.find(body(many)))] == ["reference"]
    assert len(references.find(body(TAG * references.MAX_REFERENCES))) == references.MAX_REFERENCES


@ENGINES
def test_a_draft_is_checked_without_what_is_not_there_yet(engine):
    written = body(f"{{% if x %}}{TAG}{{% endif %}}", engine)
    rendering.check(body=references.without(written), variables=DECLARED)
    with pytest.raises(Invalid):
        rendering.check(body=written, variables=DECLARED)


def test_a_text_that_has_to_be_whole_is_refused_with_every_place():
    assert codes(lambda: references.refuse(body(f"{TAG}\n{TAG}"))) == [
        ("/content_md", "reference", "line 1"),
        ("/content_md", "reference", "line 2"),
    ]


@ENGINES
@pytest.mark.parametrize(
    "piece",
    [
        "{{",
        "{% raw %}",
        "{#",
        "{% include ",
        "{{ ' ",
        "{% comment %}",
        '{% include "',
        "{%",
        "{% include x %}",
        "{{ x }}",
    ],
)
def test_hostile_texts_are_read_in_time(engine, piece):
    hostile = body("include " + piece * (250_000 // len(piece)), engine)
    begun = time.process_time()
    with contextlib.suppress(Invalid):
        references.find(hostile)
    assert time.process_time() - begun < 2
