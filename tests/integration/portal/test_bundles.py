"""Projects, bundles and their drafts: lists, forms, what is refused beside its field, and a preview."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import bundles
from registry.models import Bundle, Member, Requirement
from templates_app import numbering
from templates_app.models import Template
from tenancy.models import Project
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.integration.portal.bench import TONE, build_bench, draft_of, page_of
from tests.once import once

_built = once(build_bench)


@pytest.fixture
def bench(_built, db):
    return deepcopy(_built)


def queries(browser, path):
    browser.get(path)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(path).status_code == 200
    return len(asked)


def test_projects_are_ones_own_and_the_public_ones(bench):
    factories.make_project(slug="secret", name="Secret")
    factories.make_project(slug="open", name="Open", visibility="public")
    html = page_of(bench.person(Role.VIEWER).get("/projects/"))
    assert 'href="/projects/voice/"' in html
    assert 'href="/projects/open/"' in html
    assert "Secret" not in html


def test_somebody_without_a_project_is_told_what_to_do(db):
    from tests.integration.admin.rooms import browser_of

    assert "You have no project yet" in page_of(browser_of(factories.make_user()).get("/projects/"))


def test_a_project_shows_its_bundles_and_where_their_channels_point(bench):
    html = page_of(bench.person().get(bench.address("project", bundle=None)))
    assert "@voice/desk" in html
    assert bench.address("release", release="2.0.0") in html
    assert bench.address("channel", channel="live") in html


def test_more_projects_bundles_and_prompts_cost_no_more_questions(bench):
    browser = bench.person()
    paths = ["/projects/", bench.address("project", bundle=None), bench.address("templates", bundle=None)]
    paths.append(bench.address("bundle"))
    before = [queries(browser, path) for path in paths]
    for number in range(3):
        other = Workbench(bench.project, f"other-{number}")
        other.write("a", "A.", template=f"a-{number}")
        other.cut("1.0.0")
        bench.work.write(f"more-{number}", "More.", template=f"more-{number}")
    assert [queries(browser, path) for path in paths] == before
    assert max(before) <= 14


def test_a_project_is_made_public_and_private_again(bench):
    browser = bench.person()
    path = bench.address("visibility", bundle=None)
    assert "Everybody with an account reads it." in page_of(browser.post(path, {"visibility": "public"}, follow=True))
    assert Project.objects.get(slug="voice").visibility == "public"
    stranger = bench.person(place=factories.make_project())
    assert "Needs the permission “edit” in this project." in page_of(stranger.get(bench.address("bundle")))
    page_of(browser.post(path, {"visibility": "private"}, follow=True))
    assert stranger.get(bench.address("bundle")).status_code == 404


def test_a_bundle_is_made(bench):
    browser, path = bench.person(Role.EDITOR), bench.address("bundle_new", bundle=None)
    assert "Name in addresses" in page_of(browser.get(path))
    given = {"slug": "coach", "title": "Coach", "kind": "pack", "description": "It coaches."}
    html = page_of(browser.post(path, given, follow=True))
    assert "The bundle is there." in html
    assert "None yet. A release has at least one prompt" in html
    assert Bundle.objects.get(slug="coach").kind == "pack"
    assert "Nothing is released yet" in page_of(browser.get(bench.address("releases", bundle="coach")))


@pytest.mark.parametrize(
    ("given", "told"), [({"slug": "desk"}, "id_slug"), ({"slug": "No!"}, "id_slug"), ({}, "id_slug")]
)
def test_a_bundle_that_cannot_be_is_refused_beside_its_field(bench, given, told):
    answer = bench.person(Role.EDITOR).post(bench.address("bundle_new", bundle=None), {"kind": "set", **given})
    html = page_of(answer, 422)
    assert f'href="#{told}"' in html
    assert 'aria-invalid="true"' in html


def test_a_prompt_is_put_in_and_taken_out(bench):
    browser, draft = bench.person(Role.EDITOR), draft_of(bench)
    line = bench.work.write("other", "Other.", template="closing")
    bench.work.drop("other")
    given = {"revision": draft_of(bench).revision, "name": "closing", "template": str(line.pk)}
    html = page_of(browser.post(bench.address("member_set"), given, follow=True))
    assert "“closing” is in the next release." in html
    assert "not sealed yet" in html
    given = {"revision": draft_of(bench).revision, "name": "closing"}
    html = page_of(browser.post(bench.address("member_remove"), given, follow=True))
    assert "“closing” is left out of the next release." in html
    assert Member.objects.filter(bundle=draft).count() == 1


def test_what_is_refused_of_a_prompt_stands_at_its_field(bench):
    browser = bench.person(Role.EDITOR)
    template = str(bundles.members(bundle=bench.work.bundle)[0].template_id)
    given = {"revision": draft_of(bench).revision, "name": "No Name", "template": template}
    html = page_of(browser.post(bench.address("member_set"), given), 400)
    assert 'href="#memberform_name"' in html
    given["template"] = "elsewhere"
    assert 'href="#memberform_template"' in page_of(browser.post(bench.address("member_set"), given), 422)
    given = {"revision": draft_of(bench).revision, "name": "nothing"}
    assert "The bundle has no prompt of that name." in page_of(browser.post(bench.address("member_remove"), given), 404)
    assert browser.post(bench.address("member_remove"), {}).status_code == 422


def test_another_bundle_is_needed_and_no_longer(bench):
    Workbench(bench.project, "safety")
    browser, path = bench.person(Role.EDITOR), bench.address("requirement_set")
    given = {"revision": draft_of(bench).revision, "required": "@voice/safety", "selector": "^1.0"}
    assert "The next release needs @voice/safety." in page_of(browser.post(path, given, follow=True))
    assert Requirement.objects.get(bundle=bench.work.bundle).selector == "^1.0"
    given = {"revision": draft_of(bench).revision, "name": "@voice/safety"}
    html = page_of(browser.post(bench.address("requirement_remove"), given, follow=True))
    assert "The next release does not need @voice/safety." in html
    assert browser.post(bench.address("requirement_remove"), {**given, "revision": 99}).status_code == 409
    assert browser.post(bench.address("requirement_remove"), {}).status_code == 422


@pytest.mark.parametrize(
    ("required", "selector", "field", "status"),
    [
        ("@voice/desk", "^1.0", "required", 422),
        ("@voice/nothing", "^1.0", "required", 422),
        ("@voice/safety", "stable", "selector", 422),
        ("@voice/safety", "2", "selector", 400),
        ("", "^1.0", "required", 422),
    ],
)
def test_a_need_that_cannot_be_is_refused_beside_its_field(bench, required, selector, field, status):
    Workbench(bench.project, "safety")
    given = {"revision": draft_of(bench).revision, "required": required, "selector": selector}
    html = page_of(bench.person(Role.EDITOR).post(bench.address("requirement_set"), given), status)
    assert f'href="#requirementform_{field}"' in html


def test_what_it_goes_with_is_any_json_object(bench):
    browser, path = bench.person(Role.EDITOR), bench.address("compatibility")
    given = {"revision": draft_of(bench).revision, "compatibility": '{"models": ["a"]}'}
    html = page_of(browser.post(path, given, follow=True))
    assert "What the next release goes with is saved." in html
    assert draft_of(bench).compatibility == {"models": ["a"]}
    for wrong in ("[1]", "{", '{"a": "' + "x" * 20_000 + '"}'):
        again = {"revision": draft_of(bench).revision, "compatibility": wrong}
        assert 'href="#compatibilityform_compatibility"' in page_of(browser.post(path, again), 422)
    page_of(browser.post(path, {"revision": draft_of(bench).revision, "compatibility": ""}, follow=True))
    assert draft_of(bench).compatibility == {}


def test_title_and_description_are_changed(bench):
    browser, path = bench.person(Role.EDITOR), bench.address("bundle_about")
    given = {"revision": draft_of(bench).revision, "title": "Front desk", "description": "It answers."}
    html = page_of(browser.post(path, given, follow=True))
    assert "Front desk" in html
    assert "It answers." in html
    assert 'href="#aboutform_title"' in page_of(browser.post(path, {**given, "title": ""}), 422)


def test_who_was_slower_keeps_what_was_typed_and_sees_the_draft_as_it_is(bench):
    browser, old = bench.person(Role.EDITOR), draft_of(bench)
    bundles.rename(bundle=old, revision=old.revision, title="Theirs", description="", by=SYSTEM, at=AT)
    given = {"revision": old.revision, "title": "Mine", "description": "Mine too."}
    html = page_of(browser.post(bench.address("bundle_about"), given), 409)
    assert "The bundle was changed meanwhile." in html
    assert 'value="Mine"' in html
    assert "<h1>Theirs" in html.replace("\n", "")
    again = {**given, "revision": draft_of(bench).revision}
    page_of(browser.post(bench.address("bundle_about"), again, follow=True))
    assert draft_of(bench).title == "Mine"
    line = str(bundles.members(bundle=old)[0].template_id)
    sent = {"revision": old.revision, "name": "again", "template": line}
    assert 'value="again"' in page_of(browser.post(bench.address("member_set"), sent), 409)


def test_a_prompt_of_the_draft_is_previewed_under_variables_of_ones_own(bench):
    bench.work.write("greeting", "Speak in a {{ tone }} tone.", variables=TONE)
    browser, path = bench.person(Role.VIEWER), bench.address("bundle_preview")
    assert "Speak in a warm tone." in page_of(browser.get(path, {"prompt": "greeting"}))
    html = page_of(browser.post(path, {"prompt": "greeting", "revision": 1, "variable-tone": "brisk"}))
    assert "Speak in a brisk tone." in html
    assert browser.get(path, {"prompt": "nothing"}).status_code == 404


def test_a_preview_that_lacks_a_value_says_which(bench):
    schema = {"name": {"type": "string", "minLength": 2}}
    bench.work.write("hello", "Hello {{ name }}.", variables=schema)
    answer = bench.person().post(
        bench.address("bundle_preview"), {"prompt": "hello", "revision": 1, "variable-name": "x"}
    )
    assert "This cannot be rendered yet" in page_of(answer)
    assert "variable-name" in answer.content.decode()


def test_templates_are_listed_with_their_newest_version_and_drafts(bench):
    bench.work.write("greeting", "Newer.")
    line = bundles.members(bundle=bench.work.bundle)[0].template
    browser = bench.person(Role.VIEWER)
    html = page_of(browser.get(bench.address("templates", bundle=None)))
    assert "greeting" in html
    assert "not sealed yet" in html
    path = bench.address("template", bundle=None, template=line.pk)
    html = page_of(browser.get(path, {"version": 2}))
    assert "What changed since version 1" in html
    assert "What the variables ask for" in html
    assert "Be very kind." in html
    assert "Newer." in page_of(browser.get(path, {"version": "draft"}))
    assert "Be kind, in a {{ tone }} tone." in page_of(browser.get(path, {"version": 1}))
    elsewhere = factories.make_template_version()
    assert browser.get(bench.address("template", bundle=None, template=elsewhere.template_id)).status_code == 404


def test_a_project_of_others_is_not_there(bench):
    stranger = bench.person(place=factories.make_project())
    for name in ("project", "templates", "bundle", "releases", "channels", "dependants", "cut"):
        parts = {"bundle": None} if name in {"project", "templates"} else {}
        html = page_of(stranger.get(bench.address(name, **parts)), 404)
        assert "Voice" not in html


def test_what_may_not_be_done_is_shown_with_the_reason(bench):
    html = page_of(bench.person(Role.VIEWER).get(bench.address("bundle")))
    assert "Needs the permission “edit” in this project." in html
    assert "Needs the permission “publish” in this project." in html
    assert bench.person(Role.VIEWER).post(bench.address("member_remove"), {"name": "greeting"}).status_code == 403


def test_a_template_shows_what_was_written_and_what_was_put_in(bench):
    bench.work.write("whole", 'First: {% include "@voice/desk/greeting" %}', template="whole")
    bench.work.cut("3.0.0")
    template = Template.objects.get(name="whole")
    html = page_of(bench.person(Role.VIEWER).get(f"/projects/{bench.project.slug}/templates/{template.pk}/"))
    assert "As it was written" in html
    assert "@voice/desk@3.0.0/greeting" in html
    numbering.skip(ahead=1000)
    html = page_of(bench.person(Role.VIEWER).get(f"/projects/{bench.project.slug}/templates/"))
    assert "whole" in html
    other = Template.objects.get(name="greeting")
    html = page_of(bench.person(Role.VIEWER).get(f"/projects/{bench.project.slug}/templates/{other.pk}/"))
    assert "As it was written" not in html
