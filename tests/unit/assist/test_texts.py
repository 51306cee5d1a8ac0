"""Which texts may take a draft's place, and how changes are taken over one by one."""

from __future__ import annotations

import pytest

from assist import texts
from prompthub_kernel.errors import Conflict, Invalid
from tests import factories

SCHEMA = {
    "type": "object",
    "properties": {
        "company": {"type": "string"},
        "pin": {"type": "string", "x-secret": True},
        "guest": {"type": "string", "x-runtime": True},
        "times": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["company"],
}
VALUES = {"company": "Acme", "pin": "4711-zebra"}


@pytest.fixture
def prompt(db):
    def make(text=None, *, document=None, engine="jinja2"):
        version = factories.make_template_version(
            content_md=text, content_json=document, variables_schema=SCHEMA, engine=engine
        )
        return factories.make_instance(template_version=version, variables=VALUES)

    return make


def codes(instance, before, after):
    found = [texts.body_of(instance=instance, source=source) for source in (before, after)]
    return [problem.code for problem in texts.broken_rules(instance=instance, before=found[0], after=found[1])]


BASE = "For {{ company }}: {{guest}} calls."


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        ("Kindly, for {{ company }}: {{guest}} calls.", []),
        ("For {{ company | upper }}: {{guest}} calls.", []),
        ("For {{ company }}: {{guest}} calls.{% for time in times %} {{ time }}{% endfor %}", []),
        ("For Acme: {{guest}} calls.", ["variable_dropped"]),
        ("For {{ company }}: somebody calls.", ["variable_dropped"]),
        ("For somebody.", ["variable_dropped", "variable_dropped"]),
        ("For {{ company }}: {{ guest }} calls.", ["placeholder_changed"]),
        ("For {{ company }}: {{guest}} calls {{ pin }}.", ["secret_added"]),
        ("For {{ company }}: {{guest}} calls {{ invented }}.", ["undeclared"]),
        ("For {{ company: {{guest}} calls.", ["syntax"]),
        ("For {{ company }}: {{guest}} calls. {{ ''.__class__ }}", ["guard"]),
        ("For {{ company + 1 }}: {{guest}} calls.", ["evaluation"]),
    ],
)
def test_a_text_drops_and_invents_no_variables(prompt, after, broken):
    found = codes(prompt(BASE), BASE, after)
    assert found[: len(broken)] == broken if broken else found == []


def test_the_same_holds_in_liquid(prompt):
    base = "For {{ company }}{% for time in times %} {{ time }}{% endfor %}"
    instance = prompt(base, engine="liquid")
    assert codes(instance, base, base + " Bye.") == []
    assert codes(instance, base, "For {{ company }}") == ["variable_dropped"]


def test_the_same_holds_in_documents(prompt):
    instance = prompt(document=[{"role": "system", "content": "For {{ company }}, {{guest}}."}])
    base = instance.body.source()
    assert codes(instance, base, base.replace("For", "Kindly for")) == []
    assert codes(instance, base, base.replace("{{ company }}", "us")) == ["variable_dropped"]
    assert codes(instance, base, base.replace("{{guest}}", "{{ guest }}")) == ["placeholder_changed"]


@pytest.mark.parametrize("source", ["", "no JSON", '"a string"', "7", "null", "[" * 100_000, "NaN", "{}]"])
def test_a_text_that_is_no_document_is_refused_where_one_is_needed(prompt, source):
    with pytest.raises(Invalid) as refusal:
        texts.body_of(instance=prompt(document={"say": "Hi"}), source=source)
    assert (refusal.value.code, refusal.value.problems[0].pointer) == ("400.template_schema_invalid", "/text")


OLD = "one\ntwo\nthree\nfour\nfive\n"
NEW = "ONE\ntwo\nthree and a half\nfour\nfive\nsix\n"


def test_each_change_has_a_name_and_can_be_taken_over_alone():
    names = [texts.change_id(hunk) for hunk in texts.changes(old=OLD, new=NEW).hunks]
    assert len(set(names)) == len(names) == 3
    taken = [texts.with_changes(old=OLD, new=NEW, chosen=[name]) for name in names]
    assert taken == [
        "ONE\ntwo\nthree\nfour\nfive\n",
        "one\ntwo\nthree and a half\nfour\nfive\n",
        "one\ntwo\nthree\nfour\nfive\nsix\n",
    ]
    assert texts.with_changes(old=OLD, new=NEW, chosen=names[::-1]) == NEW
    assert texts.with_changes(old=OLD, new=NEW, chosen=[]) == OLD


def test_the_same_words_at_two_places_are_two_changes():
    names = [texts.change_id(hunk) for hunk in texts.changes(old="a\nb\na\n", new="x\nb\nx\n").hunks]
    assert len(set(names)) == 2


def test_a_name_that_is_none_is_refused():
    name = texts.change_id(texts.changes(old=OLD, new=NEW).hunks[0])
    with pytest.raises(Conflict) as refusal:
        texts.with_changes(old=OLD, new=NEW, chosen=[name, "0" * 16])
    assert refusal.value.code == "409.state_conflict"
    assert [problem.pointer for problem in refusal.value.problems] == ["/changes/1"]
