"""Packs and what each environment runs; and why a reader gets the text it gets."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.presenters.why import ORIGIN, STEPS
from prompthub_kernel.resolution import Origin
from registry import channels, packs, releases
from resolver import resolve
from tenancy import policy
from tenancy.policy import Role
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.integration.portal.bench import build_bench, page_of
from tests.integration.portal.shop import build_shop, publish_now
from tests.once import once

_bench, _shop = once(build_bench), once(build_shop)


@pytest.fixture
def bench(_bench, db):
    return deepcopy(_bench)


@pytest.fixture
def coach(bench):
    """A pack with two versions, the first of which is active."""
    work = Workbench(bench.project, "coach", kind="pack")
    work.write("system", "You coach.", template="coach-system")
    work.write("styles/calm", "Be calm.", template="coach-calm")
    work.cut("1.0.0")
    work.write("styles/calm", "Be very calm.")
    work.cut("1.0.1")
    packs.activate(pack=work.bundle, to="1.0.0", environment="", by=SYSTEM, at=AT)
    return work


def test_packs_show_what_each_environment_runs(bench, coach):
    packs.activate(pack=coach.bundle, to="1.0.1", environment="staging", by=SYSTEM, at=AT)
    old = releases.get(bundle=coach.bundle, version="1.0.0", actor=SYSTEM)
    releases.retire(release=old, reason="other", by=SYSTEM, at=AT)
    html = page_of(bench.person(Role.VIEWER).get("/packs/"))
    assert "active@staging" in html
    assert "calm" in html
    assert "retired" in html
    assert "@voice/desk" not in html
    assert "Needs the permission “publish” in this project." in html


def test_packs_show_what_runs_here_though_only_another_environment_was_activated(bench, coach, settings):
    settings.PACKS = {"environment": "prod", "defaults": [f"{coach.bundle.address}@1.0.1"]}
    html = page_of(bench.person(Role.VIEWER).get("/packs/"))
    assert "active@prod" in html
    assert "Nobody activated one yet" in html
    settings.PACKS = {"environment": "prod", "defaults": [f"{coach.bundle.address}@9.9.9"]}
    assert "names no release; 1.0.0 was active last" in page_of(bench.person(Role.VIEWER).get("/packs/"))


def test_a_pack_is_rolled_back_where_it_ran_something_before(bench, coach):
    def offered():
        html = page_of(bench.person(Role.PUBLISHER).get("/packs/"))
        return "There is no earlier release to go back to." not in html

    assert not offered()
    packs.activate(pack=coach.bundle, to="1.0.1", environment="", by=SYSTEM, at=AT)
    assert offered()


def test_without_a_pack_the_page_says_how_to_make_one(bench):
    assert "No pack yet" in page_of(bench.person().get("/packs/"))


def test_a_default_of_the_settings_is_shown_where_nobody_activated_one(bench, coach, settings):
    other = Workbench(bench.project, "fresh", kind="pack")
    other.write("system", "Fresh.", template="fresh-system")
    other.cut("1.0.0")
    settings.PACKS = {**settings.PACKS, "defaults": ["@voice/fresh@1.0.0"]}
    assert "default" in page_of(bench.person().get("/packs/"))


def test_another_version_is_activated_by_way_of_its_channel(bench, coach):
    browser, path = bench.person(Role.PUBLISHER), bench.address("pack_activate", bundle="coach")
    answer = browser.get(path, {"to": "1.0.1", "environment": ""})
    assert answer.headers["Location"] == bench.address("channel_move", bundle="coach", channel="active") + "?to=1.0.1"
    assert "styles/calm" in page_of(browser.get(answer.headers["Location"]))


def test_a_new_environment_gets_its_first_version(bench, coach):
    browser, path = bench.person(Role.PUBLISHER), bench.address("pack_activate", bundle="coach")
    html = page_of(browser.get(path, {"to": "1.0.1", "environment": "staging"}))
    assert "Activate 1.0.1: goes live" in html
    assert "Be very calm." in html
    html = page_of(browser.post(path, {"to": "1.0.1", "environment": "staging"}, follow=True))
    assert "active@staging gives 1.0.1 now." in html
    assert channels.current(bundle=coach.bundle, name="active@staging", actor=SYSTEM).release.version == "1.0.1"


def test_what_cannot_be_activated_is_told_at_its_field(bench, coach):
    browser, path = bench.person(Role.PUBLISHER), bench.address("pack_activate", bundle="coach")
    assert 'href="#id_environment"' in page_of(browser.get(path, {"to": "1.0.1", "environment": "No!"}), 422)
    assert 'href="#id_environment"' in page_of(browser.post(path, {"to": "1.0.1", "environment": "No!"}), 400)
    assert browser.get(path, {"to": "9.0.0", "environment": "x"}).status_code == 404
    assert browser.get(path).status_code == 422
    assert browser.post(path, {}).status_code == 422
    assert browser.get(bench.address("pack_activate"), {"to": "2.0.0"}).status_code == 404


def test_more_packs_cost_no_more_questions(bench, coach):
    browser, asked = bench.person(), []
    for number in range(2):
        other = Workbench(bench.project, f"pack-{number}", kind="pack")
        other.write("system", "S.", template=f"system-{number}")
        other.cut("1.0.0")
        packs.activate(pack=other.bundle, to="1.0.0", environment="", by=SYSTEM, at=AT)
        browser.get("/packs/")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/packs/")
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 11


def test_every_step_and_origin_of_the_read_path_has_its_words():
    assert {step.__name__ for step in (*resolve.BY_ADDRESS, *resolve.BY_CLIENT)} <= set(STEPS)
    assert set(ORIGIN) == set(Origin)


class TestWhy:
    """``/clients/<client>/why/``."""

    @pytest.fixture
    def shop(self, _shop, db):
        return deepcopy(_shop)

    @pytest.fixture
    def path(self, shop):
        return f"/clients/{shop.client.slug}/why/"

    def test_it_waits_to_be_asked(self, shop, path):
        html = page_of(shop.person().get(path))
        assert "Explain" in html
        assert shop.instance.name in html

    def test_the_clients_own_prompt_is_the_first_step(self, shop, path):
        publish_now(shop)
        html = page_of(shop.person(Role.VIEWER).get(path, {"name": shop.instance.name}))
        assert "The client&#x27;s own prompt" in html
        assert "has it" in html
        assert "the client&#x27;s own" in html
        assert "sha256:" in html

    def test_what_stands_in_is_told_with_the_steps_before_it(self, shop, path):
        html = page_of(shop.person(Role.VIEWER).get(path, {"name": "nothing", "category": "x"}))
        assert "has it not" in html
        assert "What is shipped with PromptHub" in html
        assert "shipped" in html

    def test_an_address_is_explained_with_its_warnings(self, shop, path, bench):
        releases.yank(release=bench.two, reason="security", message="Leaks.", by=SYSTEM, at=timezone.now())
        browser = shop.person(Role.VIEWER)
        policy.grant(role=Role.VIEWER, place=bench.project, to=_account(browser), by=SYSTEM, at=AT)
        html = page_of(browser.get(path, {"address": "@voice/desk@live/greeting", "key": "a", "segments": "beta, b"}))
        assert "@voice/desk@2.0.0/greeting" in html
        assert "Be very kind." in html
        assert "This release was yanked." in html
        assert "Leaks." in html

    def test_what_is_not_there_ends_in_the_error_a_reader_would_get(self, shop, path):
        html = page_of(shop.person(Role.VIEWER).get(path, {"address": "@nowhere/desk@live/greeting"}))
        assert "Nothing is given" in html
        assert "404.not_found" in html

    @pytest.mark.parametrize("given", [{"address": "desk"}, {"address": "@voice/desk/x", "name": "y"}])
    def test_what_cannot_be_read_is_told_at_its_field(self, shop, path, given):
        assert 'href="#id_address"' in page_of(shop.person(Role.VIEWER).get(path, given), 422)


def _account(browser):
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get(pk=browser.session["_auth_user_id"])
