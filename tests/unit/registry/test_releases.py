"""Releases: what a cut seals, refuses and tells, and what can still be said of it afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Refused
from prompthub_kernel.selector import parse_selector
from prompthub_kernel.signing import signature_problems
from registry import bundles, ed25519, plans, releases, signing
from registry.models import Channel, Pin, Release, ReleaseRequirement
from templates_app.models import Template, TemplateDraft, TemplateVersion
from tenancy.policy import Role
from tests.factories import make_actor
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db
TONE = {"tone": {"type": "string"}}


@pytest.fixture
def bench():
    return Workbench(slug="support")


def _rewrite(bench, variable, kind):
    return bench.write("a", f"{{{{ {variable} }}}}", variables={variable: {"type": kind}})


def test_a_cut_seals_what_was_written_pins_it_and_vouches_for_it(bench, at):
    bench.write("welcome", "Hello {{ tone }}.", variables=TONE)
    bench.write("styles/calm", "Be calm.")
    release = bench.cut("1.0.0")
    pinned = releases.pins(release=release)
    assert {name: version.content_md for name, version in pinned.items()} == {
        "styles/calm": "Be calm.",
        "welcome": "Hello {{ tone }}.",
    }
    assert TemplateDraft.objects.count() == 0
    assert release.paper.prompts == {name: version.digest for name, version in pinned.items()}
    assert release.digest == release.paper.digest()
    trust = {"keys": signing.public_keys(), "verify": ed25519.verified}
    assert signature_problems(release.paper, signing.signatures(release=release), **trust) == []
    event = AuditEvent.objects.get(action="release.cut")
    assert (event.subject_label, event.metadata["digest"]) == (f"{bench.name}@1.0.0", release.digest)


def test_an_unchanged_prompt_costs_a_pin_and_no_text(bench):
    for name in ("a", "b"):
        bench.write(name, f"This is {name}.")
    bench.cut("1.0.0")
    bench.write("a", "This is another.")
    second = bench.cut("1.0.1")
    assert TemplateVersion.objects.count() == 3
    assert Pin.objects.count() == 4
    assert releases.pins(release=second)["a"].content_md == "This is another."


def test_a_template_under_two_names_is_sealed_once(bench):
    template = bench.write("a", "Twice.")
    bundles.set_member(bundle=bench.bundle, revision=2, name="b", template=template, by=bench.by, at=bench.at)
    pinned = releases.pins(release=bench.cut("1.0.0"))
    assert pinned["a"] == pinned["b"]


@pytest.mark.parametrize(
    ("change", "version", "code", "lowest"),
    [
        (lambda bench: bench.drop("b"), "1.1.0", "prompt_removed", "2.0.0"),
        (lambda bench: bench.write("a", "Hello."), "1.9.9", "variable_removed", "2.0.0"),
        (lambda bench: bench.write("c", "New."), "1.0.1", "prompt_added", "1.1.0"),
        (lambda bench: _rewrite(bench, "tone", "integer"), "1.1.0", "variable_retyped", "2.0.0"),
        (lambda bench: _rewrite(bench, "mood", "string"), "1.1.0", "variable_renamed", "2.0.0"),
    ],
)
def test_a_version_that_is_too_low_for_the_change_is_refused_with_the_reason(bench, change, version, code, lowest):
    bench.write("a", "Hello {{ tone }}.", variables=TONE)
    bench.write("b", "Bye.")
    bench.cut("1.0.0")
    change(bench)
    told = releases.plan(bundle=bench.bundle, version=version, actor=bench.by)
    assert (told.enough, str(told.lowest)) == (False, lowest)
    with pytest.raises(Invalid) as refused:
        bench.cut(version)
    assert refused.value.code == "422.bump_too_small"
    assert code in {problem.code for problem in refused.value.problems}
    assert refused.value.context["lowest"] == lowest
    assert Release.objects.count() == 1
    assert releases.plan(bundle=bench.bundle, version=lowest, actor=bench.by).enough
    assert bench.cut(lowest).version == lowest


def test_a_refused_cut_leaves_the_drafts_as_they_were(bench):
    bench.write("a", "One.")
    bench.cut("1.0.0")
    bench.write("b", "Two.")
    with pytest.raises(Invalid):
        bench.cut("1.0.1")
    assert (TemplateDraft.objects.count(), TemplateVersion.objects.count()) == (1, 1)


def test_variants_are_measured_among_themselves(bench):
    bench.write("a", "One.")
    bench.cut("2.0.0")
    bench.write("b", "Two.")
    assert bench.cut("1.0.0-gpt4").variant == "gpt4"
    bench.drop("a")
    with pytest.raises(Invalid):
        bench.cut("1.1.0-gpt4")
    assert bench.cut("2.0.0-gpt4.rc.1").pre_release


def test_the_same_version_with_the_same_content_is_the_release_that_is_there(bench):
    bench.write("a", "One.")
    first = bench.try_cut("1.0.0")
    again = bench.try_cut("1.0.0")
    assert (first.created, again.created) == (True, False)
    assert again.release.pk == first.release.pk
    bench.write("a", "Other.")
    for version in ("1.0.0", "1.0.0+other"):
        with pytest.raises(Conflict) as refused:
            bench.cut(version)
        assert refused.value.code == "409.version_conflict"


def test_a_cut_without_any_change_is_told_so(bench):
    bench.write("a", "One.")
    bench.cut("1.0.0")
    told = bench.try_cut("1.0.1")
    assert (told.created, told.same_as.version) == (True, "1.0.0")
    bench.write("a", "Two.")
    assert bench.try_cut("1.0.2").same_as is None


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "", "1.0.0-rc.1.gpt4"])
def test_what_is_no_version_is_refused_at_its_place(bench, version):
    bench.write("a", "One.")
    with pytest.raises(Invalid) as refused:
        bench.cut(version)
    assert (refused.value.code, refused.value.problems[0].pointer) == ("400.address_invalid", "/version")


def test_an_empty_draft_and_a_prompt_without_text_are_refused(bench, at, system):
    with pytest.raises(Invalid) as refused:
        bench.cut("1.0.0")
    assert refused.value.problems[0].pointer == "/members"
    empty = Template.objects.create(project=bench.project, name="empty", created_at=at)
    bundles.set_member(bundle=bench.bundle, revision=1, name="a/b", template=empty, by=system, at=at)
    with pytest.raises(Invalid) as refused:
        bench.cut("1.0.0")
    assert (refused.value.problems[0].pointer, refused.value.problems[0].code) == ("/members/a~1b", "empty")


def test_a_pack_has_the_shape_of_a_pack():
    bench = Workbench(kind="pack")
    bench.write("styles/calm", "Calm.")
    with pytest.raises(Invalid) as refused:
        bench.cut("1.0.0")
    assert refused.value.problems[0].pointer == "/prompts/system"
    bench.write("system", "You are.")
    assert bench.cut("1.0.0").version == "1.0.0"


def test_who_may_publish_may_cut_and_nobody_else(bench):
    bench.write("a", "One.")
    with pytest.raises(Refused):
        bench.cut("1.0.0", by=make_actor(roles={bench.project: Role.EDITOR}))
    with pytest.raises(NotFound):
        bench.cut("1.0.0", by=make_actor())
    publisher = make_actor(roles={bench.project: Role.PUBLISHER})
    assert bench.cut("1.0.0", by=publisher).created_by == publisher.id


def test_a_cut_on_an_older_state_of_the_draft_is_refused(bench, at, system):
    bench.write("a", "One.")
    with pytest.raises(Conflict) as stale:
        releases.cut(bundle=bench.bundle, version="1.0.0", revision=1, by=system, at=at)
    assert stale.value.code == "409.draft_stale"


def test_notes_are_bounded(bench, at, system):
    bench.write("a", "One.")
    for notes in ("x" * 10_001, "\0"):
        with pytest.raises(Invalid) as refused:
            releases.cut(bundle=bench.bundle, version="1.0.0", notes=notes, by=system, at=at)
        assert refused.value.problems[0].pointer.startswith("/notes")


def test_releases_are_listed_by_precedence_and_latest_is_the_highest_finished_one(bench, at, system):
    bench.write("a", "One.")
    for version in ("1.0.0", "1.10.0", "1.2.0", "2.0.0-rc.1", "2.0.0-rc.1.2", "1.2.0-gpt4", "2.0.0-beta.11"):
        bench.cut(version)
    assert [row.version for row in releases.listing(bundle=bench.bundle)] == [
        *("2.0.0-rc.1.2", "2.0.0-rc.1", "2.0.0-beta.11", "1.10.0", "1.2.0-gpt4", "1.2.0", "1.0.0")
    ]
    assert releases.latest(bundle=bench.bundle).version == "1.10.0"
    assert releases.latest(bundle=bench.bundle, variant="gpt4").version == "1.2.0-gpt4"
    releases.yank(release=releases.latest(bundle=bench.bundle), reason="security", by=system, at=at)
    assert releases.latest(bundle=bench.bundle).version == "1.2.0"


def test_a_yanked_release_is_skipped_by_ranges_and_found_by_its_version(bench, at, system):
    bench.write("a", "One.")
    for version in ("1.0.0", "1.1.0+tokens.1500"):
        bench.cut(version)
    given = releases.get(bundle=bench.bundle, version="1.1.0", actor=system)
    assert given.version == "1.1.0+tokens.1500"
    mark = releases.yank(release=given, reason="security", message="leaks", by=system, at=at)
    assert (mark.kind, mark.reason) == ("yank", "security")

    def best(text):
        found = releases.best(bundle=bench.bundle, selector=parse_selector(text))
        return found and found.version

    assert (best("^1"), best("1.1.0"), best("^2")) == ("1.0.0", "1.1.0+tokens.1500", None)
    assert releases.get(bundle=bench.bundle, version="1.1.0", actor=system).yanked
    with pytest.raises(Conflict) as twice:
        releases.yank(release=given, reason="security", by=system, at=at)
    assert twice.value.code == "409.state_conflict"


def test_a_release_is_retired_with_a_reason_again_and_again_and_stays(bench, at, system):
    bench.write("a", "One.")
    release = bench.cut("1.0.0")
    for reason in ("renamed", "deprecated"):
        releases.retire(release=release, reason=reason, message="use other", by=system, at=at)
    assert [mark.reason for mark in releases.marks(release=release)] == ["deprecated", "renamed"]
    assert releases.find(key=release.pk, actor=system).retired
    assert releases.latest(bundle=bench.bundle) == release
    with pytest.raises(Invalid) as refused:
        releases.retire(release=release, reason="boredom", by=system, at=at)
    assert refused.value.problems[0].pointer == "/reason"


def test_a_release_taken_back_within_the_hour_leaves_a_tombstone(bench, at, system):
    bench.write("a", "One.")
    release = bench.cut("1.0.0")
    with pytest.raises(Conflict) as late:
        releases.revert(release=release, by=system, at=at + timedelta(hours=1, seconds=1))
    assert late.value.code == "409.state_conflict"
    releases.revert(release=release, by=system, at=at + timedelta(minutes=59))
    for ask in (
        lambda: releases.get(bundle=bench.bundle, version="1.0.0", actor=system),
        lambda: releases.find(key=release.pk, actor=system),
        lambda: releases.yank(release=release, reason="other", by=system, at=at),
    ):
        with pytest.raises(NotFound) as gone:
            ask()
        assert gone.value.code == "410.gone"
    with pytest.raises(Conflict) as used:
        bench.cut("1.0.0")
    assert "never used again" in used.value.detail
    assert releases.listing(bundle=bench.bundle).get().reverted
    assert releases.best(bundle=bench.bundle, selector=parse_selector("1.0.0")) is None
    assert bench.cut("0.1.0").version == "0.1.0"  # what was taken back is no measure


def test_what_is_pointed_at_or_needed_is_not_taken_back(bench, at, system):
    bench.write("a", "One.")
    release = bench.cut("1.0.0")
    Channel.objects.create(bundle=bench.bundle, name="stable", release=release, created_at=at, updated_at=at)
    with pytest.raises(Conflict) as used:
        releases.revert(release=release, by=system, at=at)
    assert (used.value.code, "stable" in used.value.detail) == ("409.in_use", True)
    needed = Workbench()
    needed.write("a", "One.")
    base = needed.cut("1.0.0")
    bench.need(needed.name, "^1")
    bench.cut("1.1.0")
    with pytest.raises(Conflict) as used:
        releases.revert(release=base, by=system, at=at)
    assert used.value.code == "409.in_use"


def test_only_administrators_say_something_of_a_release(bench, at):
    bench.write("a", "One.")
    release = bench.cut("1.0.0")
    publisher = make_actor(roles={bench.project: Role.PUBLISHER})
    for verb in (releases.yank, releases.retire, releases.revert):
        with pytest.raises(Refused):
            verb(release=release, reason="other", by=publisher, at=at)


def test_releases_of_others_are_missing(bench, at, system):
    bench.write("a", "One.")
    release = bench.cut("1.0.0")
    stranger = make_actor()
    with pytest.raises(NotFound) as missing:
        releases.find(key=release.pk, actor=stranger)
    assert missing.value.code == "404.release_not_found"
    with pytest.raises(NotFound):
        releases.get(bundle=bench.bundle, version="1.0.0", actor=stranger)
    with pytest.raises(NotFound) as missing:
        releases.get(bundle=bench.bundle, version="1.0.1", actor=system)
    assert missing.value.code == "404.release_not_found"


def test_what_is_needed_is_chosen_when_a_release_is_cut(bench):
    base = Workbench(slug="base")
    base.write("a", "One.")
    for version in ("1.0.0", "1.2.0", "2.0.0"):
        base.cut(version)
    bench.need(base.name, "^1")
    release = bench.cut("1.0.0")
    row = ReleaseRequirement.objects.get(release=release)
    assert (row.selector, row.resolved.version) == ("^1", "1.2.0")
    assert {name: str(selector) for name, selector in release.paper.requires.items()} == {base.name: "^1"}


def test_a_preview_shows_what_would_be_sealed_and_stores_nothing(bench, system):
    bench.write("a", "Hello {{ tone }}.", variables=TONE)
    shown = releases.preview(bundle=bench.bundle, name="a", values={"tone": "warm"}, actor=system)
    assert shown.rendered.text() == "Hello warm."
    assert TemplateVersion.objects.count() == 0
    with pytest.raises(Invalid) as refused:
        releases.preview(bundle=bench.bundle, name="a", values={"tone": 1}, actor=system)
    assert refused.value.code == "422.variables_invalid"
    with pytest.raises(NotFound) as missing:
        releases.preview(bundle=bench.bundle, name="b", values={}, actor=system)
    assert missing.value.code == "404.prompt_not_found"


def test_a_cut_asks_as_often_for_thirty_unchanged_prompts_as_for_three(bench):
    def asked(version):
        bench.write("changing", f"This is {version}.")
        with CaptureQueriesContext(connection) as queries:
            bench.cut(version)
        return len(queries)

    for number in range(3):
        bench.write(f"p{number}", "Text.")
    bench.write("changing", "Text.")
    bench.cut("1.0.0")
    few = asked("1.0.1")
    for number in range(3, 30):
        bench.write(f"p{number}", "Text.")
    bench.cut("1.1.0")
    assert asked("1.1.1") == few <= 40


def test_a_list_of_releases_is_one_query(bench):
    bench.write("a", "One.")
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        bench.cut(version)
    with CaptureQueriesContext(connection) as queries:
        assert [str(row.bundle.address) for row in releases.listing(bundle=bench.bundle)] == 3 * [bench.name]
    assert len(queries) == 1


def test_a_text_that_changes_while_it_is_cut_is_not_sealed_unseen(bench, monkeypatch):
    bench.write("a", "One.")
    planned = plans.plan

    def plan_and_be_late(**given):
        found = planned(**given)
        bench.write("a", "Two.")
        return found

    monkeypatch.setattr(plans, "plan", plan_and_be_late)
    with pytest.raises(Conflict) as late:
        bench.cut("1.0.0")
    assert late.value.code == "409.draft_stale"
    assert (Release.objects.count(), TemplateVersion.objects.count()) == (0, 0)


def test_a_release_below_another_promises_nothing_that_the_other_lacks(bench):
    """Whoever asks for ^1.1 gets 1.2.0 then, which does not have what 1.1.0 would bring."""
    bench.write("a", "Hello.")
    for version in ("1.0.0", "1.2.0", "1.3.0", "2.0.0"):
        bench.cut(version)
    bench.write("extra", "More.")
    told = releases.plan(bundle=bench.bundle, version="1.1.0", actor=bench.by)
    assert (told.enough, str(told.lowest), told.above.version) == (False, "2.1.0", "1.2.0")
    with pytest.raises(Invalid) as refused:
        bench.cut("1.1.0")
    assert refused.value.code == "422.bump_too_small"
    assert [(one.pointer, one.code) for one in refused.value.problems] == [("/members/extra", "prompt_removed")]
    assert refused.value.context == {"needed": "major", "given": "minor", "next": "1.2.0", "lowest": "2.1.0"}
    assert bench.cut("1.4.0").version == "1.4.0"
    assert bench.cut("1.4.1-rc.1").version == "1.4.1-rc.1"


def test_a_release_below_another_is_cut_where_the_other_keeps_what_it_has(bench):
    bench.write("a", "Hello.")
    bench.cut("1.0.0")
    bench.write("extra", "More.")
    bench.cut("1.2.0")
    bench.write("extra", "Even more.")
    assert releases.plan(bundle=bench.bundle, version="1.1.0", actor=bench.by).enough
    assert bench.cut("1.1.0").version == "1.1.0"
