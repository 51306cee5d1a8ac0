"""Text and documents as sources that render to exactly them."""

from __future__ import annotations

import json

import pytest

from prompthub_kernel import literal
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema

ENGINES = ("jinja2", "liquid")
SECRET = "kumquat-7319"
SCHEMA = {"properties": {"key": {"type": "string", "x-secret": True}, "guest": {"type": "string", "x-runtime": True}}}
VARIABLES = VariablesSchema.parse(SCHEMA)


def body(said, engine="jinja2", **more):
    text = isinstance(said, str)
    return PromptBody.parse(
        content_md=said if text else None, content_json=None if text else said, engine=engine, **more
    )


def again(said, engine, **more):
    """What a source of this renders to."""
    source = literal.as_source(body=body(said, engine, **more), secrets={SECRET: "key"})
    return render(body=source, variables=VARIABLES, values={"key": "new"}).join({"key": "new"})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "text", ["plain", "{{ x }}", "{% if", "{# a #}", "{{ guest }}", "{% raw %}a", "a {", "\n{{ a }}\n", "{%~ endraw %}"]
)
def test_a_text_renders_to_itself(text, engine):
    assert again(text, engine) == text
    assert json.loads(again({"a": [text, {"b": text}]}, engine)) == {"a": [text, {"b": text}]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ["Use %s.", "{%s}", "{{%s}}", "%%}{%s{", "{{ x }}%s%s{"])
def test_a_secret_becomes_its_placeholder_whatever_stands_around_it(text, engine):
    text = text.replace("%s", SECRET)
    assert again(text, engine) == text.replace(SECRET, "new")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sign", ["", "-", "+"])
def test_the_end_of_a_raw_block_is_refused_with_its_place(engine, sign):
    text = f"{{%{sign} endraw %}}{{{{ 1 + 1 }}}}{{% raw %}}"
    for said, places in ((text, ["/content_md"]), ({"a/b": ["x", text], "c": text}, ["/a~1b/1", "/c"])):
        with pytest.raises(Invalid, match="word for word") as refused:
            literal.as_source(body=body(said, engine), secrets={})
        assert refused.value.code == "400.template_schema_invalid"
        found = [problem.pointer.removeprefix("/content_json") for problem in refused.value.problems]
        assert found == places


def test_of_a_chat_only_content_is_a_template():
    chat = [{"role": "placeholder", "name": "history"}, {"role": "user", "content": "{{ x }}", "name": "ann"}]
    source = literal.as_source(body=body(chat), secrets={})
    assert source.document == [chat[0], {**chat[1], "content": "{% raw %}{{ x }}{% endraw %}"}]
    assert json.loads(again(chat, "jinja2")) == chat


def test_other_leaves_make_another_body_and_leave_the_first_as_it_was():
    first = body({"a/b": ["x", 1, {"~": "y"}], "0": "z"})
    second = first.with_leaves({"/a~1b/2/~0": "Y", "/0": "Z"})
    assert second.document == {"a/b": ["x", 1, {"~": "Y"}], "0": "Z"}
    assert first.document == {"a/b": ["x", 1, {"~": "y"}], "0": "z"}
    assert body("a", format="text").with_leaves({"": "b"}) == body("b", format="text")
    with pytest.raises(Invalid):
        body("a").with_leaves({"": " "})
