"""Bundles' drafts: who may change them, on which revision, and what is refused."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Refused
from registry import bundles
from registry.models import Bundle, Member, Requirement, SearchWord
from tenancy.policy import Role
from tests.factories import make_actor, make_bundle, make_project, make_template_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make_project(slug="acme")


@pytest.fixture
def bundle(project, at, system):
    return bundles.create(project=project, slug="support", title="Customer support", by=system, at=at)


def _member(bundle, at, system, name="welcome"):
    template = make_template_version(project=bundle.project).template
    return bundles.set_member(bundle=bundle, revision=bundle.revision, name=name, template=template, by=system, at=at)


def test_a_bundle_is_found_by_its_address_and_recorded(bundle, system):
    assert str(bundle.address) == "@acme/support"
    assert bundles.get(repository="acme", slug="support", actor=system).pk == bundle.pk
    assert bundles.find(key=bundle.pk, actor=system).pk == bundle.pk
    event = AuditEvent.objects.get(action="bundle.create")
    assert (event.subject_label, event.project_id) == ("@acme/support", bundle.project_id)


def test_an_address_is_given_once_per_project(bundle, at, system):
    with pytest.raises(Conflict) as refused:
        bundles.create(project=bundle.project, slug="support", by=system, at=at)
    assert refused.value.code == "409.version_conflict"
    other = bundles.create(project=make_project(), slug="support", by=system, at=at)
    assert other.title == "support"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": "Up"}, "/slug"),
        ({"kind": "box"}, "/kind"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "a\0"}, "/title"),
        ({"description": "x" * 10_001}, "/description"),
    ],
)
def test_what_cannot_be_a_bundle_is_refused(project, at, system, change, pointer):
    with pytest.raises(Invalid) as refused:
        bundles.create(**{"project": project, "slug": "support", "by": system, "at": at} | change)
    assert refused.value.problems[0].pointer == pointer


def test_of_foreign_bundles_nothing_is_seen_and_viewers_change_nothing(bundle, at):
    stranger = make_actor()
    for ask in (
        lambda: bundles.get(repository="acme", slug="support", actor=stranger),
        lambda: bundles.find(key=bundle.pk, actor=stranger),
    ):
        with pytest.raises(NotFound) as missing:
            ask()
        assert missing.value.code == "404.bundle_not_found"
    assert list(bundles.listing(actor=stranger)) == []
    viewer = make_actor(roles={bundle.project: Role.VIEWER})
    assert list(bundles.listing(actor=viewer)) == [bundle]
    with pytest.raises(Refused):
        bundles.rename(bundle=bundle, revision=1, title="Mine", description="", by=viewer, at=at)


def test_every_change_of_the_draft_counts_and_one_on_an_older_state_is_refused(bundle, at, system):
    named = bundles.rename(bundle=bundle, revision=1, title="Support", description="All of it.", by=system, at=at)
    assert (named.revision, named.title) == (2, "Support")
    with pytest.raises(Conflict) as stale:
        bundles.rename(bundle=bundle, revision=1, title="Late", description="", by=system, at=at)
    assert (stale.value.code, stale.value.context) == ("409.draft_stale", {"revision": 2})
    assert Bundle.objects.get(pk=bundle.pk).title == "Support"
    assert Bundle.history.filter(id=bundle.pk).count() == 2


def test_members_are_set_replaced_and_removed(bundle, at, system):
    changed = _member(bundle, at, system)
    changed = _member(changed, at, system)
    member = bundles.members(bundle=bundle).get()
    assert (changed.revision, member.name) == (3, "welcome")
    changed = bundles.remove_member(bundle=bundle, revision=3, name="welcome", by=system, at=at)
    assert (changed.revision, Member.objects.count()) == (4, 0)
    with pytest.raises(NotFound) as missing:
        bundles.remove_member(bundle=bundle, revision=4, name="welcome", by=system, at=at)
    assert missing.value.code == "404.prompt_not_found"
    assert Bundle.objects.get(pk=bundle.pk).revision == 4


def test_a_prompt_comes_from_the_bundles_own_project_under_a_name_that_can_be_read(bundle, at, system):
    foreign = make_template_version().template
    with pytest.raises(Invalid) as refused:
        bundles.set_member(bundle=bundle, revision=1, name="welcome", template=foreign, by=system, at=at)
    assert refused.value.problems[0].pointer == "/template"
    with pytest.raises(Invalid) as refused:
        _member(bundle, at, system, name="Not A Name")
    assert (refused.value.code, refused.value.problems[0].pointer) == ("400.address_invalid", "/name")


def test_a_bundle_has_so_many_prompts_and_no_more(bundle, at, system, monkeypatch):
    monkeypatch.setattr("prompthub_kernel.shapes.MAX_PROMPTS", 1)
    changed = _member(bundle, at, system)
    with pytest.raises(Invalid) as refused:
        _member(changed, at, system, name="second")
    assert refused.value.problems[0].code == "maxProperties"
    assert _member(changed, at, system).revision == 3


def test_requirements_are_versions_or_ranges_of_bundles_that_can_be_seen(bundle, at, system):
    base = make_bundle(project=bundle.project, slug="base")
    given = {"bundle": bundle, "required": "@acme/base", "by": system, "at": at}
    changed = bundles.set_requirement(revision=1, selector="^1.2", **given)
    changed = bundles.set_requirement(revision=changed.revision, selector=" >=1.2, <2 ", **given)
    assert {name: str(found) for name, found in bundles.requirements(bundle=bundle).items()} == {
        "@acme/base": ">=1.2 <2"
    }
    changed = bundles.remove_requirement(bundle=bundle, revision=3, required="@acme/base", by=system, at=at)
    assert Requirement.objects.filter(required=base).count() == 0
    with pytest.raises(NotFound):
        bundles.remove_requirement(bundle=bundle, revision=4, required="@acme/base", by=system, at=at)


@pytest.mark.parametrize(
    ("required", "selector", "code"),
    [
        ("@acme/support", "^1", "cycle"),
        ("@acme/nowhere", "^1", "unknown"),
        ("@acme/base@^1", "^1", "propertyNames"),
        ("base", "^1", "repository"),
        ("@acme/base", "stable", "pattern"),
        ("@acme/base", "1.2", "version"),
    ],
)
def test_what_cannot_be_needed_is_refused(bundle, at, system, required, selector, code):
    make_bundle(project=bundle.project, slug="base")
    with pytest.raises(Invalid) as refused:
        bundles.set_requirement(bundle=bundle, revision=1, required=required, selector=selector, by=system, at=at)
    assert refused.value.problems[0].code == code
    assert Bundle.objects.get(pk=bundle.pk).revision == 1


def test_a_private_bundle_of_others_cannot_be_needed_and_looks_as_if_it_were_not_there(bundle, at):
    make_bundle(project=make_project(slug="secret"), slug="base")
    editor = make_actor(roles={bundle.project: Role.EDITOR})
    with pytest.raises(Invalid) as refused:
        bundles.set_requirement(bundle=bundle, revision=1, required="@secret/base", selector="^1", by=editor, at=at)
    assert refused.value.problems[0].code == "unknown"


def test_a_bundle_needs_so_many_others_and_no_more(bundle, at, system, monkeypatch):
    monkeypatch.setattr("prompthub_kernel.shapes.MAX_REQUIREMENTS", 1)
    for slug in ("base", "more"):
        make_bundle(project=bundle.project, slug=slug)
    given = {"bundle": bundle, "selector": "^1", "by": system, "at": at}
    bundles.set_requirement(revision=1, required="@acme/base", **given)
    with pytest.raises(Invalid) as refused:
        bundles.set_requirement(revision=2, required="@acme/more", **given)
    assert refused.value.problems[0].code == "maxProperties"


def test_compatibility_is_any_small_object(bundle, at, system):
    changed = bundles.set_compatibility(
        bundle=bundle, revision=1, compatibility={"models": ["gpt-4o"]}, by=system, at=at
    )
    assert (changed.revision, changed.compatibility) == (2, {"models": ["gpt-4o"]})
    for wrong in ({"x": "y" * 20_000}, {"x": "\0"}, {str(number): 1 for number in range(101)}):
        with pytest.raises(Invalid):
            bundles.set_compatibility(bundle=bundle, revision=2, compatibility=wrong, by=system, at=at)


def test_the_words_of_a_bundle_follow_its_names(bundle, at, system):
    changed = _member(bundle, at, system, name="styles/calm_voice")
    bundles.rename(bundle=bundle, revision=changed.revision, title="Überholt", description="", by=system, at=at)
    found = {(row.prompt, bytes(row.word).decode()) for row in SearchWord.objects.filter(bundle=bundle)}
    assert found == {
        *(("", word) for word in ("support", "acme", "uberholt")),
        *(("styles/calm_voice", word) for word in ("styles", "calm", "voice", "support", "acme")),
    }
    bundles.remove_member(bundle=bundle, revision=3, name="styles/calm_voice", by=system, at=at)
    assert not SearchWord.objects.filter(bundle=bundle).exclude(prompt="").exists()
