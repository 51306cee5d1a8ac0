from __future__ import annotations

import json
import uuid

import pytest

from audit.models import AuditEvent
from templates_app.models import TemplateDraft, TemplateVersion
from tests.problems import assert_page, assert_problem, assert_shape

GREETING = {
    "project": "prompts",
    "name": "welcome",
    "content_md": "Hello {{ name }}.",
    "variables_schema": {"properties": {"name": {"type": "string"}}},
}


def test_registering_a_template_seals_and_records_it(admin, world):
    response = admin.post("/prompt/templates", {**GREETING, "version": "1.0"})
    assert response.status_code == 201
    assert_shape(response.json(), "TemplateLine")
    row = TemplateVersion.objects.get(pk=response.json()["templateId"])
    assert (row.template.name, row.label, row.content_md) == ("welcome", "1.0", "Hello {{ name }}.")
    event = AuditEvent.objects.get(action="template.version.seal", subject_id=str(row.id))
    assert event.correlation_id == response.headers["X-Correlation-ID"]
    assert event.door == "api"


def test_registering_the_same_again_answers_200_with_the_same_id(admin, world):
    first = admin.post("templates", {**GREETING, "version": "1.0"})
    again = admin.post("templates", {**GREETING, "version": "1.0"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["templateId"] == first.json()["templateId"]


def test_another_content_under_the_same_version_is_a_conflict(admin, world):
    admin.post("templates", {**GREETING, "version": "1.0"})
    response = admin.post("templates", {**GREETING, "version": "1.0", "content_md": "Other."})
    problem = assert_problem(response, "409.version_conflict", "/version")
    assert uuid.UUID(problem["context"]["template_id"])


def test_without_a_project_it_lands_in_the_default_one(admin):
    response = admin.post("templates", {"name": "plain", "content_md": "Hello."})
    assert (response.status_code, response.json()["project"], response.json()["version"]) == (201, "local", "1")


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"name": None}, "422.request_invalid", "/name"),
        ({"extra": 1}, "422.request_invalid", "/extra"),
        ({"content_json": {}}, "422.request_invalid", ""),
        ({"content_md": "{{ nobody }}"}, "400.template_schema_invalid", "/content_md"),
        ({"content_md": "{% for"}, "400.template_schema_invalid", "/content_md"),
        ({"variables_schema": {"type": "array"}}, "400.template_schema_invalid", None),
        ({"project": "elsewhere"}, "404.not_found", None),
        ({"engine": "mustache"}, "422.request_invalid", "/engine"),
    ],
)
def test_a_template_that_does_not_fit_is_refused(admin, world, change, code, pointer):
    before = TemplateVersion.objects.count()
    assert_problem(admin.post("templates", {**GREETING, **change}), code, pointer)
    assert TemplateVersion.objects.count() == before


def test_a_template_is_read_with_its_text_and_its_digest_as_etag(admin, world):
    response = admin.get(f"templates/{world.template.id}")
    assert_shape(response.json(), "Template")
    assert response.json()["content_md"] == world.template.content_md
    assert response.headers["ETag"] == f'"{world.template.digest}"'


def test_listings_filter_by_project_and_name(admin, world):
    admin.post("templates", GREETING)
    assert {row["name"] for row in assert_page(admin.get("templates"), "TemplateLine")} == {"greeting", "welcome"}
    assert [row["name"] for row in assert_page(admin.get("templates?name=welcome"), "TemplateLine")] == ["welcome"]
    assert assert_page(admin.get("templates?project=other"), "TemplateLine") == []


def test_versions_of_a_template_are_listed_newest_first(admin, world):
    admin.post("templates", {**GREETING, "name": "greeting", "version": "2"})
    rows = assert_page(admin.get(f"templates/{world.template.id}/versions"), "TemplateLine")
    assert [row["version"] for row in rows] == ["2", "1"]


def test_an_unknown_template_is_missing(admin, world):
    assert_problem(admin.get(f"templates/{uuid.uuid4()}"), "404.template_or_instance_not_found")
    assert_problem(admin.get(f"templates/{uuid.uuid4()}/versions"), "404.template_or_instance_not_found")


def test_a_draft_is_written_edited_and_sealed(admin, world):
    made = admin.post("templates/drafts", GREETING)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert_shape(made.json(), "TemplateDraft")
    path = f"templates/drafts/{made.json()['draft_id']}"
    text = {"content_md": "Hi {{ name }}.", "variables_schema": GREETING["variables_schema"]}
    edited = admin("PUT", path, text, If_Match='"1"')
    assert (edited.status_code, edited.json()["revision"]) == (200, 2)
    assert admin.get(path).json()["content_md"] == "Hi {{ name }}."
    assert [row["name"] for row in assert_page(admin.get("templates/drafts"), "TemplateDraft")] == ["welcome"]
    sealed = admin.post(f"{path}/seal", {"version": "2"})
    assert sealed.status_code == 201
    assert TemplateVersion.objects.get(pk=sealed.json()["templateId"]).content_md == "Hi {{ name }}."
    assert_problem(admin.get(path), "404.not_found")
    assert list(
        AuditEvent.objects.filter(action__startswith="template.", actor_kind="token")
        .order_by("id")
        .values_list("action", flat=True)
    ) == ["template.draft.create", "template.draft.edit", "template.version.seal"]


def test_a_draft_is_discarded_with_the_revision_that_was_seen(admin, world):
    path = f"templates/drafts/{admin.post('templates/drafts', GREETING).json()['draft_id']}"
    assert_problem(admin("DELETE", path), "422.request_invalid", "/revision")
    assert_problem(admin("DELETE", path, If_Match='"7"'), "409.draft_stale")
    assert admin("DELETE", path, If_Match='"1"').status_code == 204
    assert not TemplateDraft.objects.exists()


def test_a_second_draft_of_one_template_is_a_conflict(admin, world):
    admin.post("templates/drafts", GREETING)
    assert_problem(admin.post("templates/drafts", GREETING), "409.version_conflict")


def test_a_draft_is_not_replaced_by_someone_who_saw_an_older_one(admin, world):
    path = f"templates/drafts/{admin.post('templates/drafts', GREETING).json()['draft_id']}"
    text = {"content_md": "Hi."}
    assert admin("PUT", path, {**text, "revision": 1}).status_code == 200
    problem = assert_problem(admin("PUT", path, {**text, "revision": 1}), "409.draft_stale")
    assert problem["context"] == {"revision": 2}
    assert_problem(admin("PUT", path, {**text, "revision": 2}, If_Match='"1"'), "422.request_invalid")


def test_a_literal_that_no_database_stores_is_refused_with_its_line(admin, world):
    response = admin.post("templates", {**GREETING, "content_md": "Hello {{ name }}.\nA{{ '\\x00' }}B"})
    problem = assert_problem(response, "400.template_schema_invalid", "/content_md")
    assert problem["errors"][0]["detail"] == "line 2: a text holds a NUL character"


def test_a_message_without_content_is_told_and_a_document_like_it_is_read_as_it_was_sealed(admin, world):
    document = [{"role": "system", "content": "For {{ company }}."}, {"role": "user"}]
    body = {"name": "talk", "version": "1", "project": "prompts", "content_json": document}
    body["variables_schema"] = {"properties": {"company": {"type": "string"}}}
    refused = assert_problem(
        admin.post("/prompt/templates", body), "400.template_schema_invalid", "/content_json/1/content"
    )
    assert "content of this message is missing" in refused["detail"]
    sealed = admin.post("/prompt/templates", {**body, "format": "json"})  # as rows are that were sealed without a word
    assert sealed.status_code == 201
    key = sealed.json()["templateId"]
    assert admin.get(f"templates/{key}").json()["content_json"] == document
    made = admin.post(
        "/prompt/instances", {"client": "acme", "template_id": key, "name": "talk", "variables": {"company": "Acme"}}
    ).json()
    shown = admin.post(f"instances/{made['instanceId']}/preview").json()["content_materialized"]
    assert json.loads(shown) == [{"role": "system", "content": "For Acme."}, {"role": "user"}]
    own = admin("PATCH", f"instances/{made['instanceId']}", {"revision": 1, "content_json": document})
    assert own.status_code == 200
    assert admin.post(f"instances/{made['instanceId']}/publish").status_code == 200
