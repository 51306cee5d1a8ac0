from __future__ import annotations

import uuid

import pytest

from audit.models import AuditEvent
from instances import drafts
from instances.models import PromptInstance, PublishedSecrets
from tests import factories
from tests.problems import assert_page, assert_problem, assert_shape

MISSING = "404.template_or_instance_not_found"
SECRETIVE = {
    "type": "object",
    "properties": {"who": {"type": "string"}, "pin": {"type": "string", "x-secret": True}},
    "required": ["who"],
}
OPTIONAL = {"pin": {"type": "string", "x-secret": True}}


@pytest.fixture
def secretive(world):
    return factories.make_template_version(
        project=world.project, name="vault", content_md="Tell {{ who }} the pin {{ pin }}.", variables_schema=SECRETIVE
    )


def test_an_instance_is_created_with_its_variables(admin, world):
    body = {"client": "acme", "template_id": str(world.template.id), "variables": {"company": "Acme"}}
    response = admin.post("/prompt/instances", body)
    assert response.status_code == 201
    assert_shape(response.json(), "Instance")
    row = PromptInstance.objects.get(pk=response.json()["instanceId"])
    assert (row.client.slug, row.name, row.variables) == ("acme", "greeting-2", {"company": "Acme"})
    assert AuditEvent.objects.filter(action="instance.draft.create", subject_id=str(row.id)).exists()


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"variables": {}}, "422.variables_invalid", "/variables/company"),
        ({"variables": {"company": "A", "tone": "rude"}}, "422.variables_invalid", "/variables/tone"),
        ({"client": "nobody"}, "404.not_found", None),
        ({"template_id": str(uuid.uuid4())}, MISSING, None),
        ({"template_id": "x"}, "422.request_invalid", "/template_id"),
        ({"status": "active"}, "422.request_invalid", "/status"),
        ({"name": "greeting"}, "409.version_conflict", "/name"),
    ],
)
def test_an_instance_that_does_not_fit_is_refused(admin, world, change, code, pointer):
    body = {"client": "acme", "template_id": str(world.template.id), "variables": {"company": "Acme"}}
    assert_problem(admin.post("instances", {**body, **change}), code, pointer)
    assert PromptInstance.objects.count() == 1


def test_the_instances_of_one_client_are_listed(admin, world):
    other = factories.make_instance()
    assert len(assert_page(admin.get("instances"), "InstanceLine")) == 2
    rows = assert_page(admin.get(f"instances?client={other.client.slug}"), "InstanceLine")
    assert [row["instanceId"] for row in rows] == [str(other.id)]


def test_a_draft_is_changed_by_who_saw_it_last(admin, world):
    path = f"instances/{world.instance.id}"
    tag = admin.get(path).headers["ETag"]
    response = admin("PATCH", path, {"variables": {"company": "Acme", "tone": "brisk"}}, If_Match=tag)
    assert response.status_code == 200
    assert_shape(response.json(), "Instance")
    assert response.json()["variables"] == {"company": "Acme", "tone": "brisk"}
    assert response.headers["ETag"] != tag
    stale = assert_problem(admin("PATCH", path, {"variables": {"company": "B"}}, If_Match=tag), "409.draft_stale")
    assert stale["context"]["revision"] == response.json()["revision"]
    assert PromptInstance.objects.get(pk=world.instance.pk).variables["tone"] == "brisk"
    assert AuditEvent.objects.filter(action="instance.draft.edit").count() == 1


def test_a_draft_gets_its_own_text_and_goes_back_to_the_templates(admin, world):
    path = f"instances/{world.instance.id}"
    own = admin("PATCH", path, {"revision": 1, "content_md": "Speak for {{ company }} only.", "name": "hello"}).json()
    assert (own["content_md"], own["name"]) == ("Speak for {{ company }} only.", "hello")
    back = admin("PATCH", path, {"revision": 2, "content_md": None}).json()
    assert back["content_md"] is None
    refused = admin("PATCH", path, {"revision": 3, "content_json": {"a": "b"}})
    assert_problem(refused, "422.request_invalid")
    refused = admin("PATCH", path, {"revision": 3, "content_md": "{{ nobody }}"})
    assert_problem(refused, "400.template_schema_invalid", "/content_md")
    assert_problem(admin("PATCH", path, {"name": "x"}), "422.request_invalid", "/revision")


def test_a_draft_moves_to_a_newer_template(admin, world):
    newer = factories.make_template_version(project=world.project, name="greeting", label="2", content_md="New.")
    path = f"instances/{world.instance.id}"
    body = {"revision": 1, "template_id": str(newer.id), "variables": {}}
    assert admin("PATCH", path, body).json()["template"]["version"] == "2"


def test_secret_variables_are_only_named(admin, world, secretive):
    body = {"client": "acme", "template_id": str(secretive.id), "variables": {"who": "Ann", "pin": "hush-4711"}}
    made = admin.post("instances", body)
    assert made.json()["variables"] == {"who": "Ann"}
    assert made.json()["secrets_set"] == ["pin"]
    assert b"hush-4711" not in made.content
    preview = admin.post(f"instances/{made.json()['instanceId']}/preview")
    assert_shape(preview.json(), "Preview")
    assert preview.json()["content_materialized"] == "Tell Ann the pin ••••••."
    assert preview.json()["secrets"] == ["pin"]


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
def test_a_prompt_is_published_without_an_optional_secret_that_was_never_set(admin, world, system, engine):
    template = factories.make_template_version(
        project=world.project, content_md="A{{ pin }}B", engine=engine, variables_schema={"properties": OPTIONAL}
    )
    made = admin.post("instances", {"client": "acme", "template_id": str(template.id), "variables": {}}).json()
    path = f"instances/{made['instanceId']}"

    preview = admin.post(f"{path}/preview")
    assert preview.status_code == 200
    assert_shape(preview.json(), "Preview")
    assert (preview.json()["content_materialized"], preview.json()["secrets"]) == ("AB", [])
    assert (preview.json()["used"], preview.json()["unused"]) == (["pin"], [])

    published = admin.post(f"{path}/publish")
    assert published.status_code == 200, published.content
    row = PromptInstance.objects.get(pk=made["instanceId"])
    bare = row.active_version
    assert (str(bare.pk), bare.content_materialized) == (published.json()["versionId"], ["AB"])
    assert (row.secret_values, row.secret_revision, PublishedSecrets.objects.count()) == ({}, 0, 0)
    events = AuditEvent.objects.filter(correlation_id=published.headers["X-Correlation-ID"]).order_by("id")
    assert [(event.action, event.metadata["digest"]) for event in events] == [
        (action, bare.digest) for action in ("instance.version.seal", "instance.version.activate", "instance.publish")
    ]

    admin("PATCH", path, {"revision": 1, "variables": {"pin": "hush-4711"}})
    filled = admin.post(f"{path}/publish").json()
    shown = admin.get(f"{path}/versions/{filled['versionId']}").json()
    assert (shown["content_materialized"], shown["secrets"]) == ("A••••••B", ["pin"])
    back = admin.post(f"{path}/publish", {"version": str(bare.pk)})
    assert back.status_code == 200, back.content
    assert admin.post(f"{path}/versions/{bare.pk}/reveal").json()["content_revealed"] == "AB"

    admin("PATCH", path, {"revision": 2, "variables": {"pin": None}})
    gone = assert_problem(admin.post(f"{path}/publish", {"version": filled["versionId"]}), "409.state_conflict")
    assert gone["detail"] == "The secret variables pin of this version are no longer set."
    row.refresh_from_db()
    assert row.active_version_id == bare.pk


def test_a_preview_takes_other_variables_and_text_and_stores_nothing(admin, world):
    path = f"instances/{world.instance.id}/preview"
    shown = admin.post(path, {"variables": {"company": "Bolt"}, "content_md": "For {{ company }}."}).json()
    assert shown["content_materialized"] == "For Bolt."
    assert (shown["used"], shown["unused"]) == (["company"], ["tone"])
    assert PromptInstance.objects.get(pk=world.instance.pk).revision == 1
    assert_problem(admin.post(path, {"variables": {"company": 1}}), "422.variables_invalid", "/variables/company")


def test_an_archived_instance_is_read_but_no_longer_changed(admin, world):
    path = f"instances/{world.instance.id}"
    assert admin.post(f"{path}/archive").json()["status"] == "archived"
    assert admin.get(path).json()["archived_at"]
    assert_problem(admin("PATCH", path, {"revision": 2, "name": "x"}), "409.archived")
    assert_problem(admin.post(f"{path}/publish"), "409.archived")
    assert AuditEvent.objects.filter(action="instance.archive").count() == 1


def test_the_difference_from_the_template_is_told_at_both_levels(admin, world, system, at):
    path = f"instances/{world.instance.id}"
    admin("PATCH", path, {"revision": 1, "content_md": "You are {{ tone }} and speak only for {{ company }}."})
    source = admin.get(f"/prompt/instances/{world.instance.id}/diff")
    assert_shape(source.json(), "Diff")
    assert "{{ company }}" in source.json()["changed"][0]["new"]
    rendered = admin.get(f"{path}/diff?level=rendered").json()
    assert rendered["changed"][0]["new"].strip() == "You are warm and speak only for Acme."


def test_the_difference_is_taken_from_another_version_of_the_same_template_alone(admin, world):
    older = factories.make_template_version(project=world.project, name="greeting", label="0", content_md="Hey.")
    path = f"instances/{world.instance.id}/diff"
    assert (
        admin.get(f"{path}?base={older.id}").json()["changed"] or admin.get(f"{path}?base={older.id}").json()["added"]
    )
    other = factories.make_template_version(project=world.project)
    assert_problem(admin.get(f"{path}?base={other.id}"), MISSING)
    assert_problem(admin.get(f"{path}?base={uuid.uuid4()}"), MISSING)
    assert_problem(admin.get(f"{path}?level=wire"), "422.request_invalid", "/query/level")
    assert_problem(admin.get(f"{path}?base=1"), "422.request_invalid", "/query/base")


def test_any_two_texts_of_a_prompt_are_compared(admin, world):
    path = f"instances/{world.instance.id}"
    admin.post(f"{path}/publish")
    admin("PATCH", path, {"revision": 1, "content_md": "You speak only for {{ company }}."})

    found = admin.get(f"{path}/diff?base=version:1&target=draft")

    assert_shape(found.json(), "Diff")
    assert "{{ company }}" in str(found.json()["hunks"])
    assert admin.get(f"{path}/diff?base=active&target=version:1").json()["hunks"] == []
    assert_problem(admin.get(f"{path}/diff?target=version:2"), MISSING)
    assert_problem(admin.get(f"{path}/diff?target=confirmed:{uuid.uuid4()}"), MISSING)
    assert_problem(admin.get(f"{path}/diff?target=nothing"), "422.request_invalid", "/query/target")


def test_sealed_versions_and_publications_are_read(admin, world):
    published = admin.post(f"instances/{world.instance.id}/publish").json()
    path = f"instances/{world.instance.id}"
    rows = assert_page(admin.get(f"{path}/versions"), "InstanceVersionLine")
    assert [row["versionId"] for row in rows] == [published["versionId"]]
    one = admin.get(f"{path}/versions/{published['versionId']}")
    assert_shape(one.json(), "InstanceVersion")
    assert one.json()["content_materialized"] == "You are warm and speak for Acme."
    assert one.headers["ETag"] == f'"{one.json()["digest"]}"'
    moves = assert_page(admin.get(f"{path}/publications"), "Publication")
    assert [(row["ordinal"], row["versionId"]) for row in moves] == [(1, published["versionId"])]
    other = factories.make_instance_version()
    assert_problem(admin.get(f"{path}/versions/{other.id}"), MISSING)
    assert_problem(admin.post(f"{path}/versions/{other.id}/reveal"), MISSING)


def test_revealing_joins_the_secrets_and_is_recorded(admin, caller, world, secretive, at, system):
    instance = drafts.create(
        client=world.client, template_version=secretive, variables={"who": "Ann", "pin": "hush-4711"}, by=system, at=at
    )
    version = factories.make_instance_version(instance=instance)
    path = f"instances/{instance.id}/versions/{version.id}"
    assert admin.get(path).json()["content_materialized"] == "Tell Ann the pin ••••••."
    revealed = admin.post(f"{path}/reveal", Idempotency_Key="again")
    assert_shape(revealed.json(), "Revealed")
    assert revealed.json()["content_revealed"] == "Tell Ann the pin hush-4711."
    assert revealed.headers["Cache-Control"] == "no-store"
    assert admin.post(f"{path}/reveal", Idempotency_Key="again").status_code == 200
    assert AuditEvent.objects.filter(action="instance.version.reveal", subject_id=str(version.id)).count() == 2
    assert_problem(caller("publisher", world.client).post(f"{path}/reveal"), "403.permission_denied")
    limited = caller("administrator", world.client, scopes=("read", "publish"))
    assert_problem(limited.post(f"{path}/reveal"), "403.permission_denied")


@pytest.mark.parametrize("path", ["", "/diff", "/versions", "/publications"])
def test_an_unknown_instance_is_missing(admin, world, path):
    assert_problem(admin.get(f"instances/{uuid.uuid4()}{path}"), MISSING)
