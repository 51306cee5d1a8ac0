"""Drift of documents: what a provider runs is taken into the draft of a JSON or chat prompt."""

from __future__ import annotations

import json

import pytest

from audit.models import AuditEvent
from foundation.actors import system
from instances import drafts
from instances.models import PromptInstance
from publishing import courier, drift
from publishing.adapters import memory
from publishing.models import Drift
from tests import factories
from tests.problems import assert_problem, assert_shape

SECRET = 'kumquat <7319> "zebra"'
SCHEMA = {"properties": {"who": {"type": "string"}, "key": {"type": "string", "x-secret": True}}}
CHAT = [
    {"role": "system", "content": "You speak for {{ who }}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "Key: {{ key }}", "name": "ann"},
]
DOCUMENT = {"say": "Speak for {{ who }}.", "key": "{{ key }}", "steps": ["one", {"n": 1}]}
NO_DOCUMENT = "What the provider runs is no valid document of this prompt's format"


@pytest.fixture
def runs(admin, world, monkeypatch, at):
    """``runs(text, content_json=…)``: a document was delivered, and the provider runs this text by now."""
    monkeypatch.setattr(drift, "QUIET", drift.QUIET * 0)

    def make(text, **template):
        version = factories.make_template_version(project=world.project, variables_schema=SCHEMA, **template)
        world.instance = factories.make_instance(
            client=world.client, template_version=version, variables={"who": "Acme", "key": SECRET}
        )
        world.placement = factories.make_placement(
            instance=world.instance, target=world.target, location={"slot": "document"}
        )
        factories.make_delivery(placement=world.placement)
        courier.deliver(lane_id=world.placement.lane_id, by=system())
        memory.slots["document"].text = text if isinstance(text, str) else json.dumps(text)
        return drift.check(placement=world.placement, by=system(), at=at)

    return make


@pytest.fixture
def adopt(admin, world):
    def post(found):
        return admin.post(f"drifts/{found.pk}/adopt", {"revision": world.instance.revision})

    return post


def published(world):
    """What runs after the draft was published."""
    world.placement.instance = PromptInstance.objects.get(pk=world.instance.pk)
    factories.make_delivery(placement=world.placement)
    courier.deliver(lane_id=world.placement.lane_id, by=system())
    return json.loads(memory.slots["document"].text)


def assert_nothing_written(found, world):
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert (row.content_md, row.content_json, row.revision) == (None, None, world.instance.revision)
    assert Drift.objects.get(pk=found.pk).ended_at is None
    assert not AuditEvent.objects.filter(action__in=["drift.adopt", "instance.draft_edit"]).exists()


def test_a_chat_is_adopted_into_the_draft(adopt, runs, world):
    theirs = [
        {"role": "system", "content": "Speak up, {{ x }} and {% y %}."},
        {"type": "placeholder", "name": "history"},
        {"role": "placeholder", "name": "more"},
        {"role": "user", "content": f"Use {SECRET}", "name": "ann"},
    ]
    found = runs(theirs, content_json=CHAT)
    seen = world.instance.revision
    answer = adopt(found)
    assert answer.status_code == 200, answer.content
    assert_shape(answer.json(), "Instance")
    assert (answer.json()["revision"], answer.headers["ETag"]) == (seen + 1, f'"{seen + 1}"')
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert (row.content_md, row.revision) == (None, seen + 1)
    assert row.content_json == [
        {"role": "system", "content": "{% raw %}Speak up, {{ x }} and {% y %}.{% endraw %}"},
        *theirs[1:3],
        {"role": "user", "content": "Use {{ key }}", "name": "ann"},
    ]
    assert Drift.objects.get(pk=found.pk).ended_by == "adopt"
    assert AuditEvent.objects.get(action="drift.adopt").subject_id == str(found.pk)
    assert published(world) == theirs


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
def test_a_document_is_adopted_and_published_it_is_the_same_json(adopt, runs, world, engine):
    theirs = {
        "z": ["{{ x }}", "{# no #}", "{", "", None, True, 1.5, 10**19],
        "say": f"{{{SECRET}}} é \"'\\ 😀\n",
        "a/b~": {"": [], "c": {}},
        "list": [{"role": "user", "content": "this is no chat"}],
    }
    found = runs(json.dumps(theirs, indent=4).replace("\n", "\r\n"), content_json=DOCUMENT, engine=engine)
    assert adopt(found).status_code == 200
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert list(row.content_json) == list(theirs)
    assert row.content_json["z"][0] == "{% raw %}{{ x }}{% endraw %}"
    assert SECRET not in str(row.content_json)
    assert AuditEvent.objects.filter(action="drift.adopt").count() == 1
    assert published(world) == theirs


@pytest.mark.parametrize(
    ("text", "template", "pointer", "code"),
    [
        ("You are brisk.", DOCUMENT, "/content_json", "syntax"),
        ('{"say": "x", "say": "y"}', DOCUMENT, "/content_json/say", "duplicate_key"),
        ('{"say": 1e999}', DOCUMENT, "/content_json/say", "number"),
        ('{"say": "\\u0000"}', DOCUMENT, "/content_json/say", "nul"),
        ('"You are brisk."', DOCUMENT, "/content_json", "type"),
        ("{}", DOCUMENT, "/content_json", "minItems"),
        ("", CHAT, "/content_json", "syntax"),
        ('{"say": "no list"}', CHAT, "/content_json", "type"),
        ('[{"role": "user"}]', CHAT, "/content_json/0/content", "required"),
        ('[{"role": "robot", "content": "x"}]', CHAT, "/content_json/0/role", "enum"),
        ('[{"type": "placeholder", "name": "history", "content": "x"}]', CHAT, "/content_json/0/content", None),
    ],
)
def test_what_is_no_such_document_is_refused_and_nothing_is_written(adopt, runs, world, text, template, pointer, code):
    found = runs(text, content_json=template)
    problem = assert_problem(adopt(found), "422.request_invalid", pointer)
    assert problem["detail"].startswith(NO_DOCUMENT)
    assert "put our text back, or edit the draft by hand" in problem["detail"]
    assert [one["code"] for one in problem["errors"]] == [code or "additionalProperties"]
    assert_nothing_written(found, world)


@pytest.mark.parametrize(
    ("theirs", "pointer"),
    [
        ({"a": ["x", "{% endraw %}"]}, "/content_json/a/1"),
        ({"a": "{%+ endraw %}{{ key }}{% raw %}"}, "/content_json/a"),
        ({"a": {"{{ b }}": 1}}, "/content_json/a/{{ b }}"),
    ],
)
def test_what_cannot_be_taken_word_for_word_is_refused_with_its_place(adopt, runs, world, theirs, pointer):
    found = runs(theirs, content_json=DOCUMENT)
    assert_problem(adopt(found), "400.template_schema_invalid", pointer)
    assert_nothing_written(found, world)


@pytest.mark.parametrize(
    ("theirs", "pointer"),
    [
        (json.dumps({SECRET: "x"}), ""),
        (json.dumps({"a": [{SECRET: 1, "b": "{% endraw %}"}]}), ""),
        (json.dumps({"a": ["x", json.dumps(SECRET)]}), "/content_json/a/1"),
        (f"{{{json.dumps(SECRET)}: 1, {json.dumps(SECRET)}: 2}}", "/content_json"),
        (f'{{{json.dumps(SECRET)}: 1, "\\u006bumquat <7319> \\"zebra\\"": 2}}', "/content_json"),
    ],
)
def test_a_secret_where_none_can_stand_is_refused_and_not_told(adopt, runs, world, theirs, pointer):
    found = runs(theirs, content_json=DOCUMENT)
    answer = adopt(found)
    assert_problem(answer, "422.request_invalid", pointer)
    assert b"kumquat" not in answer.content
    assert_nothing_written(found, world)


def test_a_text_with_a_secret_that_is_not_set_any_more_is_not_adopted_without_it(adopt, runs, world, system, at):
    found = runs({"say": "x", "key": f"Use {SECRET}."}, content_json=DOCUMENT)
    world.instance = drafts.edit(
        instance=world.instance, revision=1, variables={"who": "Acme", "key": None}, by=system, at=at
    )
    problem = assert_problem(adopt(found), "409.state_conflict")
    assert problem["detail"].startswith("The provider's text holds a secret that is no longer set; set it again")
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert (row.content_json, row.revision, Drift.objects.get(pk=found.pk).ended_at) == (None, 2, None)
    assert not AuditEvent.objects.filter(action="drift.adopt").exists()
