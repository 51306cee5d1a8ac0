"""Releases: planned, cut, read, compared, retired, yanked and taken back; and who uses a bundle."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry import releases
from registry.models import Release
from tenancy.policy import Role
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import mark
from tests.factories.workbench import Workbench
from tests.integration.portal.bench import TONE, build_bench, draft_of, page_of
from tests.once import once

_built = once(build_bench)


@pytest.fixture
def bench(_built, db):
    return deepcopy(_built)


def cut(bench, browser, version, **more):
    given = {"revision": draft_of(bench).revision, "version": version, "notes": "Because.", **more}
    return browser.post(bench.address("cut"), given)


def test_the_plan_tells_the_step_the_reasons_and_the_lowest_version(bench):
    bench.work.write("greeting", "Be kind, in a {{ tone }} tone.", variables=TONE)
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut")))
    assert 'value="2.1.0"' in html
    assert "This variable is new and may be left out." in html
    assert "minor" in html
    assert "<ins>" in html


def test_a_number_that_was_taken_back_is_not_proposed(bench):
    bench.work.write("greeting", "Be kindest.")
    releases.revert(release=bench.work.cut("2.0.1"), by=SYSTEM, at=AT)
    bench.work.write("greeting", "Be the kindest.")
    browser = bench.person(Role.PUBLISHER)
    html = page_of(browser.get(bench.address("cut")))
    assert 'value="2.0.2"' in html
    assert "2.0.1" not in html
    given = {"version": "2.0.2", "revision": draft_of(bench).revision}
    assert browser.post(bench.address("cut"), given).status_code == 302
    assert releases.latest(bundle=bench.work.bundle).version == "2.0.2"


def test_a_plan_for_a_version_of_ones_own_keeps_it(bench):
    bench.work.write("greeting", "Kinder.")
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut"), {"version": "3.0.0"}))
    assert 'value="3.0.0"' in html
    assert "The text of this prompt changed." in html


def test_looking_at_another_version_keeps_what_was_typed_and_puts_nothing_into_the_address(bench):
    bench.work.write("greeting", "Kinder.")
    browser = bench.person(Role.PUBLISHER)
    html = page_of(cut(bench, browser, "3.0.0", notes="So much kinder.", look="yes", revision=1))
    assert 'value="3.0.0"' in html
    assert "So much kinder." in html
    assert f'name="revision" value="{draft_of(bench).revision}"' in html
    assert "formmethod" not in html, "a form that is sent by its address would put its token there"
    assert not Release.objects.filter(bundle=bench.work.bundle, version="3.0.0").exists()


def test_a_version_below_another_that_lacks_something_is_warned_of(bench):
    bench.work.cut("2.2.0")
    bench.work.write("more", "More.")
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut"), {"version": "2.1.0"}))
    assert "2.2.0 is there already and lacks what this one would have. Release it as 2.3.0." in html
    html = page_of(cut(bench, bench.person(Role.PUBLISHER), "2.1.0"), 422)
    assert "This prompt was removed." in html
    assert "Release it as 2.3.0." in html


def test_a_draft_without_changes_says_so(bench):
    assert "Nothing changed since 2.0.0" in page_of(bench.person(Role.PUBLISHER).get(bench.address("cut")))


def test_a_first_release_is_measured_against_nothing(bench):
    other = Workbench(bench.project, "other")
    other.write("hello", "Hello.", template="hello")
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut", bundle="other")))
    assert "nothing: it is the first of its kind" in html
    assert 'value="1.0.0"' in html
    assert "Hello." in html


def test_a_release_is_cut_and_told(bench):
    bench.work.write("greeting", "Kinder.")
    browser = bench.person(Role.PUBLISHER)
    answer = cut(bench, browser, "2.0.1")
    assert answer.headers["Location"] == bench.address("release", release="2.0.1")
    html = page_of(browser.get(answer.headers["Location"]))
    assert "Release 2.0.1 is cut." in html
    assert "vouches for it" in html
    assert "Because." in html
    made = Release.objects.get(version="2.0.1")
    assert made.digest in html
    assert made.created_by == str(browser.account.pk)
    assert "was there already" in page_of(browser.get(cut(bench, browser, "2.0.1").headers["Location"]))


def test_a_step_that_is_too_small_is_refused_with_its_reasons(bench):
    bench.work.write("second", "Second.", template="second")
    html = page_of(cut(bench, bench.person(Role.PUBLISHER), "2.0.1"), 422)
    assert "This prompt is new." in html
    assert "Lowest version that fits" in html
    assert not Release.objects.filter(version="2.0.1").exists()


@pytest.mark.parametrize(("version", "status"), [("1.0.0", 409), ("two", 400), ("", 422)])
def test_a_version_that_cannot_be_is_refused_at_its_field(bench, version, status):
    html = page_of(cut(bench, bench.person(Role.PUBLISHER), version), status)
    assert 'href="#cutform_version"' in html


def test_a_draft_that_was_changed_meanwhile_is_shown_again(bench):
    old = draft_of(bench).revision
    bench.work.write("second", "Second.", template="second")
    html = page_of(cut(bench, bench.person(Role.PUBLISHER), "2.1.0", revision=old), 409)
    assert "The draft was changed while you were looking at it, so nothing was cut." in html
    assert "second" in html
    assert not Release.objects.filter(version="2.1.0").exists()


def test_a_conflict_of_requirements_is_explained_in_sentences(bench):
    safety, billing = Workbench(bench.project, "safety"), Workbench(bench.project, "billing")
    safety.write("a", "A.", template="a")
    safety.cut("1.0.0")
    safety.cut("2.0.0")
    billing.need("@voice/safety", "^1.0")
    billing.write("b", "B.", template="b")
    billing.cut("1.0.0")
    bench.work.need("@voice/billing", "^1.0")
    bench.work.need("@voice/safety", "^2.0")
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut")))
    assert "The bundles that are needed do not fit together" in html
    assert "because your bundle needs @voice/safety ^2.0" in html
    assert "Cut this release for ever" not in html


def test_a_bundle_without_prompts_says_why_it_cannot_be_cut(bench):
    Workbench(bench.project, "empty")
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("cut", bundle="empty")))
    assert "A release has at least one prompt, or needs another bundle." in html


def test_releases_are_listed_the_highest_first_with_what_is_known_of_them(bench):
    releases.yank(release=bench.one, reason="security", by=SYSTEM, at=timezone.now())
    html = page_of(bench.person(Role.VIEWER).get(bench.address("releases")))
    assert html.index(bench.address("release", release="2.0.0")) < html.index(bench.address("release", release="1.0.0"))
    assert "latest" in html
    assert "yanked" in html


def test_more_releases_cost_no_more_questions(bench):
    browser, asked = bench.person(Role.VIEWER), []
    for version in ("2.0.1", "2.0.2", "2.0.3"):
        browser.get(bench.address("releases"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(bench.address("releases"))
        asked.append(len(queries))
        bench.work.cut(version)
    assert len(set(asked)) == 1
    assert asked[0] <= 11


def test_a_release_shows_its_papers_and_its_prompts(bench):
    html = page_of(bench.person(Role.VIEWER).get(bench.address("release", release="1.0.0")))
    assert bench.one.digest in html
    assert "@voice/desk@1.0.0" in html
    assert "ed25519:" in html
    assert "&quot;manifest&quot;: 1" in html
    assert "Needs the permission “admin” in this project." in html
    browser, path = bench.person(Role.VIEWER), bench.address("release_prompt", release="1.0.0")
    assert "Be kind, in a {{ tone }} tone." in page_of(browser.get(path, {"name": "greeting"}))
    assert browser.get(path, {"name": "nothing"}).status_code == 404
    assert browser.get(bench.address("release", release="7.0.0")).status_code == 404


def test_two_releases_are_compared_prompt_by_prompt(bench):
    browser = bench.person(Role.VIEWER)
    path = bench.address("release_compare", old="1.0.0", new="2.0.0")
    html = page_of(browser.get(path, {"view": "split"}))
    assert "major" in html
    assert "This variable was removed." in html
    assert "What the variables ask for" in html
    assert 'id="change-1"' in html
    assert html.count('id="change-2"') == 1, "changes are numbered through all prompts"
    same = page_of(browser.get(bench.address("release_compare", old="2.0.0", new="2.0.0")))
    assert "Every prompt is the same on both sides." in same
    chosen = browser.get(bench.address("release_compare_chosen"), {"old": "1.0.0", "new": "2.0.0"})
    assert chosen.headers["Location"] == path
    assert browser.get(bench.address("release_compare", old="1.0.0", new="9.0.0")).status_code == 404


def test_requirements_and_what_it_goes_with_are_compared_too(bench):
    safety = Workbench(bench.project, "safety")
    safety.write("a", "A.", template="a")
    safety.cut("1.0.0")
    bench.work.need("@voice/safety", "^1.0")
    bench.work.cut("2.0.1")
    html = page_of(bench.person(Role.VIEWER).get(bench.address("release_compare", old="2.0.0", new="2.0.1")))
    assert "Bundles it needs" in html
    assert "@voice/safety" in html


def test_a_retired_release_that_the_next_one_would_go_with_is_warned_of(bench):
    safety = Workbench(bench.project, "safety")
    safety.write("a", "A.", template="a")
    mark(safety.cut("1.0.0"), "retire", "security", "Says too much.")
    bench.work.need("@voice/safety", "^1.0")
    html = " ".join(page_of(bench.person(Role.PUBLISHER).get(bench.address("cut"))).split())
    assert '<span class="ph-version">@voice/safety@1.0.0</span> retired: security' in html
    assert "Says too much." in html
    assert "Cut this release for ever" in html


def test_a_yanked_release_whose_text_the_next_one_would_have_is_warned_of(bench):
    safety = Workbench(bench.project, "safety")
    safety.write("a", "A.", template="a")
    mark(safety.cut("1.0.0"), "yank", "security", "Says too much.")
    bench.work.write("greeting", 'Be kind. {% include "@voice/safety@1.0.0/a" %}')
    browser = bench.person(Role.PUBLISHER)
    html = " ".join(page_of(browser.get(bench.address("cut"))).split())
    assert '<span class="ph-version">@voice/safety@1.0.0</span> yanked: security' in html
    assert "Says too much." in html


def test_texts_of_other_releases_are_told_on_both_sides(bench):
    user = Workbench(bench.project, "user")
    user.write("start", 'First: {% include "@voice/desk@2.0.0/greeting" %}')
    user.cut("1.0.0")
    browser = bench.person(Role.VIEWER)
    html = " ".join(page_of(browser.get(bench.address("dependants"))).split())
    assert "@voice/user@1.0.0" in html
    assert '<span class="ph-code">greeting</span> <span class="ph-version">2.0.0</span>' in html
    assert "in start" in html
    html = page_of(browser.get(bench.address("release", bundle="user", release="1.0.0")))
    assert "Texts of other releases in it" in html
    assert "@voice/desk@2.0.0/greeting" in html
    html = page_of(browser.get(bench.address("release", release="1.0.0")))
    assert "Texts of other releases in it" not in html


def test_more_releases_that_use_a_bundle_cost_no_more_questions(bench):
    user, browser, asked = Workbench(bench.project, "user"), bench.person(Role.VIEWER), []
    user.need("@voice/desk", "^2.0")
    browser.get(bench.address("dependants"))
    for number in range(1, 5):
        user.write(f"a{number}", '{% include "@voice/desk/greeting" %}')
        user.cut(f"1.{number}.0")
        with CaptureQueriesContext(connection) as queries:
            html = page_of(browser.get(bench.address("dependants")))
        with CaptureQueriesContext(connection) as more:
            browser.get(bench.address("release", bundle="user", release="1.1.0"))
        assert all(f"@voice/user@1.{one}.0" in html for one in range(1, number + 1))
        asked.append((len(queries), len(more)))
    assert len(set(asked)) == 1


def test_who_uses_a_bundle_is_told(bench):
    user = Workbench(bench.project, "user")
    user.need("@voice/desk", "^2.0")
    user.cut("1.0.0")
    browser = bench.person(Role.VIEWER)
    html = page_of(browser.get(bench.address("dependants")))
    assert "@voice/user@1.0.0" in html
    assert "^2.0" in html
    assert "No other bundle needs this one" in page_of(browser.get(bench.address("dependants", bundle="user")))
    assert "@voice/desk" in page_of(browser.get(bench.address("release", bundle="user", release="1.0.0")))


def test_a_release_is_retired_and_everybody_is_warned(bench):
    browser, path = bench.person(Role.ADMINISTRATOR), bench.address("release_retire", release="1.0.0")
    assert "This cannot be unsaid." in page_of(browser.get(path))
    html = page_of(browser.post(path, {"reason": "deprecated", "message": "Use 2.0.0."}, follow=True))
    assert "Release 1.0.0 is retired: whoever reads it is warned." in html
    assert "Use 2.0.0." in html
    assert "retired: deprecated" in " ".join(html.split())


def test_a_release_is_yanked_once(bench):
    browser, path = bench.person(Role.ADMINISTRATOR), bench.address("release_yank", release="2.0.0")
    assert "Channels that give it now:" in page_of(browser.get(path))
    assert "ranges skip it" in page_of(browser.post(path, {"reason": "security"}, follow=True))
    assert "Version 2.0.0 is yanked already." in page_of(browser.post(path, {"reason": "security"}), 409)
    assert 'href="#id_reason"' in page_of(browser.post(path, {"reason": "whim"}), 422)


def test_a_release_is_taken_back_within_the_hour_unless_somebody_has_it(bench):
    bench.work.cut("2.0.1", at=timezone.now())
    browser, path = bench.person(Role.ADMINISTRATOR), bench.address("release_revert", release="2.0.1")
    assert "Take 2.0.1 back?" in page_of(browser.get(path))
    html = page_of(browser.post(path, {"reason": "invalid"}, follow=True))
    assert "Release 2.0.1 was taken back." in html
    assert browser.get(bench.address("release", release="2.0.1")).status_code == 410
    late = page_of(browser.post(bench.address("release_revert", release="2.0.0"), {"reason": "invalid"}), 409)
    assert "A release is taken back within an hour; later it can be yanked." in late
    assert "The hour is over." in page_of(browser.get(bench.address("release", release="2.0.0")))
