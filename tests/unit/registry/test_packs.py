"""Packs: which releases there are, which runs where, and what stands in for a default that names none (seed 001)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from prompthub_kernel.errors import Invalid, NotFound
from registry import channels, packs, rollouts
from registry.models import Channel
from tests.factories import make_actor, make_bundle, make_project, make_release_mark
from tests.factories.shelf import cut_release
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db
TEXTS = {"system": "You coach.", "styles/calm": "Speak calmly.", "styles/firm": "Speak firmly."}
GOES_WITH = {"models": ["gpt-4o"], "engine": "coach/2", "minimum_client": "3.1.0"}


@pytest.fixture
def pack():
    return make_bundle(kind="pack")


@pytest.fixture
def settled(pack):
    """Releases 1.0.0, 1.1.0 and 2.0.0."""
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        cut_release(pack, version, TEXTS, compatibility=GOES_WITH)
    return pack


def default(settings, pack, version, environment=""):
    settings.PACKS = {"environment": environment, "defaults": [f"{pack.address}@{version}"]}


def test_the_catalogue_tells_versions_what_they_go_with_and_what_runs_where(settled, at, system):
    packs.activate(pack=settled, to="1.1.0", by=system, at=at)
    packs.activate(pack=settled, to="2.0.0", environment="staging", by=system, at=at)
    channels.create(bundle=settled, name="stable", by=system, at=at)
    for version, kind in (("1.0.0", "retire"), ("1.1.0", "yank")):
        make_release_mark(release=settled.releases.get(version=version), kind=kind)
    [told] = packs.catalogue(packs=list(packs.listing(actor=system)))
    assert told.bundle == settled
    assert [(one.version, one.marks) for one in told.versions] == [
        ("2.0.0", ()),
        ("1.1.0", ("yank",)),
        ("1.0.0", ("retire",)),
    ]
    newest = told.versions[0]
    assert (newest.styles, newest.compatibility) == (("calm", "firm"), GOES_WITH)
    assert newest.digest == settled.releases.get(version="2.0.0").digest
    assert told.active == {"": "1.1.0", "staging": "2.0.0"}


def test_a_reverted_release_is_in_no_catalogue(settled, system):
    make_release_mark(release=settled.releases.get(version="2.0.0"), kind="revert")
    [told] = packs.catalogue(packs=[settled])
    assert [one.version for one in told.versions] == ["1.1.0", "1.0.0"]
    assert told.active == {}


def test_the_catalogue_is_three_queries_however_many_packs(system, at, django_assert_num_queries):
    for _ in range(3):
        pack = make_bundle(kind="pack")
        cut_release(pack, "1.0.0", TEXTS)
        packs.activate(pack=pack, to="1.0.0", by=system, at=at)
    found = list(packs.listing(actor=system))
    with django_assert_num_queries(3):
        assert [one.active for one in packs.catalogue(packs=found)] == [{"": "1.0.0"}] * 3


def test_packs_are_listed_for_whoever_sees_their_project(pack):
    make_bundle(project=pack.project)
    public = make_bundle(project=make_project(visibility="public"), kind="pack")
    member, stranger = make_actor(roles={pack.project: "viewer"}), make_actor()
    assert set(packs.listing(actor=member)) == {pack, public}
    assert list(packs.listing(actor=stranger)) == [public]
    slugs = {"repository": pack.project.slug, "slug": pack.slug}
    assert packs.get(**slugs, actor=member) == pack
    refused("404.bundle_not_found", packs.get, **slugs, actor=stranger)
    refused("404.not_found", packs.active, pack=pack, actor=stranger)


def test_activating_an_older_release_is_a_rollback(settled, at):
    by = make_actor(roles={settled.project: "publisher"})
    for to in ("1.0.0", "2.0.0"):
        packs.activate(pack=settled, to=to, by=by, at=at)
    assert packs.active(pack=settled, actor=by).release.version == "2.0.0"
    result = packs.activate(pack=settled, to="1.0.0", reason="worse", by=by, at=at)
    assert packs.active(pack=settled, actor=by) == packs.Active(result.channel.release, "", "channel")
    assert moved(result.channel) == [(3, "2.0.0", "1.0.0"), (2, "1.0.0", "2.0.0"), (1, None, "1.0.0")]


def test_rollback_runs_what_ran_before_in_its_environment_alone(settled, at, system):
    for environment in ("", "staging"):
        for to in ("1.0.0", "2.0.0"):
            packs.activate(pack=settled, to=to, environment=environment, by=system, at=at)
    packs.rollback(pack=settled, environment="staging", by=system, at=at)
    found = {one: packs.active(pack=settled, environment=one, actor=system).release.version for one in ("", "staging")}
    assert found == {"": "2.0.0", "staging": "1.0.0"}
    refused("404.channel_not_found", packs.rollback, pack=settled, environment="lab", by=system, at=at)


def test_an_unknown_version_is_refused_and_leaves_no_channel(settled, at, system):
    refused("400.release_unknown", packs.activate, pack=settled, to="9.0.0", by=system, at=at)
    assert not Channel.objects.exists()
    packs.activate(pack=settled, to="1.0.0", by=system, at=at)
    refused("400.release_unknown", packs.activate, pack=settled, to="9.0.0", by=system, at=at)
    assert packs.active(pack=settled, actor=system).release.version == "1.0.0"


def test_a_set_is_no_pack(at, system):
    bundle = make_bundle()
    cut_release(bundle, "1.0.0", TEXTS)
    for verb, given in ((packs.activate, {"to": "1.0.0"}), (packs.rollback, {})):
        refused("404.bundle_not_found", verb, pack=bundle, by=system, at=at, **given)
    slugs = {"repository": bundle.project.slug, "slug": bundle.slug}
    refused("404.bundle_not_found", packs.get, **slugs, actor=system)
    assert list(packs.listing(actor=system)) == []


@pytest.mark.parametrize("environment", ["Staging", "a b", "-", "a" * 64])
def test_what_is_no_environment_is_refused(settled, at, system, environment):
    refused("400.address_invalid", packs.activate, pack=settled, to="1.0.0", environment=environment, by=system, at=at)


@pytest.mark.parametrize(("role", "code"), [("editor", "403.permission_denied"), (None, "404.not_found")])
def test_only_publishers_activate_the_first_time_too(settled, at, role, code):
    by = make_actor(roles={settled.project: role} if role else {})
    refused(code, packs.activate, pack=settled, to="1.0.0", by=by, at=at)
    assert not Channel.objects.exists()


def test_the_rule_of_an_environments_channel_holds(settled, at, system):
    packs.activate(pack=settled, to="1.0.0", by=system, at=at)
    channel = channels.get(bundle=settled, name="active", actor=system)
    for rule, code in (("review", "409.review_required"), ("locked", "403.channel_locked")):
        channels.set_policy(channel=channel, rule=rule, by=system, at=at)
        refused(code, packs.activate, pack=settled, to="2.0.0", by=system, at=at)
        refused(code, packs.rollback, pack=settled, by=system, at=at)


def test_two_who_activate_the_first_release_at_once_use_one_channel(settled, at, system, monkeypatch):
    really = channels.create

    def other_first(**given):
        really(**given)
        return really(**given)

    monkeypatch.setattr(channels, "create", other_first)
    assert packs.activate(pack=settled, to="1.0.0", by=system, at=at).channel.last_ordinal == 1


# --- defaults of the installation ---------------------------------------------------------------------------------


def test_the_default_runs_until_somebody_activates_a_release(settled, settings, at, system):
    refused("404.channel_not_found", packs.active, pack=settled, actor=system)
    default(settings, settled, "1.1.0")
    found = packs.active(pack=settled, actor=system)
    assert (found.release.version, found.origin, found.warning) == ("1.1.0", "default", "")
    refused("404.channel_not_found", packs.active, pack=settled, environment="lab", actor=system)
    packs.activate(pack=settled, to="1.0.0", by=system, at=at)
    found = packs.active(pack=settled, actor=system)
    assert (found.release.version, found.origin) == ("1.0.0", "channel")


def test_the_installations_environment_is_the_one_that_is_meant(settled, settings, at, system):
    default(settings, settled, "1.1.0", environment="staging")
    assert packs.active(pack=settled, actor=system).environment == "staging"
    result = packs.activate(pack=settled, to="2.0.0", by=system, at=at)
    assert result.channel.name == "active@staging"
    packs.activate(pack=settled, to="1.0.0", by=system, at=at)
    assert packs.rollback(pack=settled, by=system, at=at).channel.release.version == "2.0.0"


@pytest.mark.parametrize("what", ["never there", "reverted since"])
def test_a_default_that_names_no_release_is_stood_in_for_loudly(settled, settings, at, system, what):
    packs.activate(pack=settled, to="1.0.0", environment="lab", by=system, at=at)
    packs.activate(pack=settled, to="1.1.0", environment="staging", by=system, at=at + timedelta(hours=1))
    if what == "reverted since":
        make_release_mark(release=settled.releases.get(version="2.0.0"), kind="revert")
    default(settings, settled, "9.0.0" if what == "never there" else "2.0.0")
    with capture_logs() as lines:
        found = packs.active(pack=settled, actor=system)
    assert (found.release.version, found.origin) == ("1.1.0", "last_active")
    assert "names no release" in found.warning
    [line] = [one for one in lines if one["event"] == "pack.default_unknown"]
    assert (line["log_level"], line["instead"]) == ("error", "1.1.0")


def test_an_unknown_default_of_a_pack_that_never_ran_is_told_as_that(settled, settings, system):
    default(settings, settled, "9.0.0")
    with capture_logs() as lines, pytest.raises(NotFound) as found:
        packs.active(pack=settled, actor=system)
    assert found.value.code == "404.channel_not_found"
    assert [one["log_level"] for one in lines if one["event"] == "pack.default_unknown"] == ["error"]


def test_what_stands_in_is_no_reverted_release(settled, settings, at, system):
    packs.activate(pack=settled, to="1.0.0", environment="lab", by=system, at=at)
    packs.activate(pack=settled, to="1.1.0", environment="staging", by=system, at=at + timedelta(hours=1))
    make_release_mark(release=settled.releases.get(version="1.1.0"), kind="revert")
    default(settings, settled, "9.0.0")
    assert packs.active(pack=settled, actor=system).release.version == "1.0.0"


def test_what_stands_in_was_active_in_an_environment(settled, settings, at, system):
    packs.activate(pack=settled, to="1.0.0", environment="staging", by=system, at=at)
    experiment = channels.create(bundle=settled, name="active-experiment", by=system, at=at)
    channels.activate(channel=experiment, to="1.1.0", by=system, at=at + timedelta(hours=1))
    default(settings, settled, "9.0.0")
    assert packs.active(pack=settled, actor=system).release.version == "1.0.0"


def test_it_is_told_where_there_is_something_to_go_back_to(settled, at, system):
    def back():
        return packs.going_back(packs=[settled])[settled.pk]

    packs.activate(pack=settled, to="1.0.0", by=system, at=at)
    lab = packs.activate(pack=settled, to="1.0.0", environment="lab", by=system, at=at).channel
    assert back() == set()
    packs.activate(pack=settled, to="2.0.0", by=system, at=at)
    rollouts.split(channel=lab, to="1.1.0", percent=10, by=system, at=at)
    assert back() == {"", "lab"}
    packs.rollback(pack=settled, by=system, at=at)
    rollouts.finish(channel=lab, by=system, at=at)
    assert back() == {"lab"}
    make_release_mark(release=settled.releases.get(version="1.0.0"), kind="yank")
    assert back() == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{pack}@1.1.0", None),
        ("{pack}@1.1.0+any", None),
        ("{pack}@9.0.0", "It has 2.0.0, 1.1.0, 1.0.0."),
        ("{pack}@2026.02.0", "cannot be read"),
        ("{pack}@1.x", "must name one version"),
        ("@nobody/nothing@1.0.0", "There is no such pack"),
    ],
)
def test_a_default_is_checked_before_the_start(settled, settings, text, told):
    settings.PACKS = {"environment": "", "defaults": [text.format(pack=settled.address)]}
    found = packs.unknown_defaults()
    if told is None:
        assert found == []
    else:
        assert told in found[0]
        assert "PROMPTHUB_PACK_DEFAULTS" in found[0]


@pytest.mark.parametrize("second", ["1.0.0", "1.1.0"])
def test_two_defaults_of_one_pack_are_told_before_the_start(settled, settings, second):
    settings.PACKS = {"environment": "", "defaults": [f"{settled.address}@1.1.0", f"{settled.address}@{second}"]}
    assert packs.unknown_defaults() == [
        f"PROMPTHUB_PACK_DEFAULTS names {settled.address} more than once. A pack has one default."
    ]


def test_a_rollout_of_a_pack_leaves_the_active_release_what_it_is(settled, at, system):
    channel = packs.activate(pack=settled, to="1.0.0", by=system, at=at).channel
    rollouts.split(channel=channel, to="2.0.0", percent=10, by=system, at=at)
    assert packs.active(pack=settled, actor=system).release.version == "1.0.0"


# --- the shape of a pack ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["system"], ["system", "styles/calm", "styles/firm-2"]])
def test_a_pack_has_a_system_prompt_and_styles(names):
    packs.check_shape(names=names)


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        ([], [("/prompts/system", "required")]),
        (["styles/calm"], [("/prompts/system", "required")]),
        (["system", "welcome"], [("/prompts/welcome", "pattern")]),
        (["system", "styles/calm/deep", "system/two"], 2),
    ],
)
def test_what_is_no_pack_is_told_prompt_by_prompt(names, problems):
    with pytest.raises(Invalid) as found:
        packs.check_shape(names=names)
    told = [(one.pointer, one.code) for one in found.value.problems]
    assert told == problems or len(told) == problems


def test_a_style_that_a_pack_does_not_have_is_answered_with_those_it_has():
    assert packs.style_member(style="calm", names=TEXTS) == "styles/calm"
    for names, known in ((TEXTS, ["calm", "firm"]), (["system"], [])):
        error = refused("422.style_unsupported", packs.style_member, style="wild", names=names)
        assert error.context == {"styles": known}
        assert error.problems[0].pointer == "/style"
        assert all(style in error.detail for style in known)
