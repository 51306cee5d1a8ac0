"""Lock files: what is chosen, and what is told when it is no longer what is served."""

from __future__ import annotations

import json

import pytest
from django.db import models
from jsonschema import Draft202012Validator

import contracts
from foundation import triggers
from prompthub_kernel.errors import Invalid, Unavailable
from prompthub_kernel.lockfile import Lockfile
from registry import lockfiles, releases
from registry.lockfiles import MarkedRelease
from registry.models import Channel, SigningKey
from tests.factories import make_actor, make_project, make_template_version
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db


@pytest.fixture
def base():
    bench = Workbench(make_project(slug="acme", visibility="public"), "base")
    bench.write("a", "One.")
    for version in ("1.0.0", "1.1.0"):
        bench.cut(version)
    return bench


@pytest.fixture
def bench(base):
    bench = Workbench(base.project, "support")
    bench.write("a", "One.")
    bench.need(base.name, "^1")
    bench.cut("2.0.0+tokens.7")
    return bench


def _versions(lock):
    return {name: str(bundle.version) for name, bundle in lock.bundles.items()}


def _codes(problems):
    return [(problem.pointer, problem.code) for problem in problems]


def test_a_lock_holds_every_bundle_with_its_digests_and_who_needs_it(bench, system):
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    assert _versions(lock) == {"@acme/base": "1.1.0", "@acme/support": "2.0.0+tokens.7"}
    release = releases.get(bundle=bench.bundle, version="2.0.0", actor=system)
    assert lock.bundles["@acme/support"].digest == release.digest
    assert lock.required_by("@acme/base") == ["@acme/support"]
    assert Lockfile.parse(lock.dump()) == lock
    Draft202012Validator(contracts.load("lockfile")).validate(json.loads(lock.dump()))
    assert lockfiles.verify(lock=lock, actor=system) == []


def test_what_was_locked_is_kept_while_it_fits(base, bench, system, at):
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    base.write("b", "New.")
    base.cut("1.2.0")
    kept = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system, locked=lock)
    assert kept == lock
    assert _versions(lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system))["@acme/base"] == "1.2.0"
    yanked = releases.get(bundle=base.bundle, version="1.1.0", actor=system)
    releases.yank(release=yanked, reason="security", by=system, at=at)
    assert lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system, locked=lock) == lock
    assert lockfiles.verify(lock=lock, actor=system) == []


def test_what_was_retired_or_yanked_is_told_beside_the_problems_and_is_none(base, bench, system, at):
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    assert lockfiles.marked(lock=lock, actor=system) == []
    locked = releases.get(bundle=base.bundle, version="1.1.0", actor=system)
    other = releases.get(bundle=base.bundle, version="1.0.0", actor=system)
    releases.yank(release=other, reason="other", by=system, at=at)
    for reason, message in (("deprecated", "Old."), ("security", "Leaks.")):
        releases.retire(release=locked, reason=reason, message=message, by=system, at=at)
    releases.yank(release=locked, reason="invalid", by=system, at=at)
    assert lockfiles.marked(lock=lock, actor=system) == [
        MarkedRelease("/bundles/@acme~1base", "retired", "security", "Leaks."),
        MarkedRelease("/bundles/@acme~1base", "yanked", "invalid", ""),
    ]
    assert lockfiles.verify(lock=lock, actor=system) == []
    base.project.visibility = "private"
    base.project.save()
    assert lockfiles.marked(lock=lock, actor=make_actor()) == []


def test_a_channel_is_locked_at_where_it_points(base, system, at):
    release = releases.get(bundle=base.bundle, version="1.0.0", actor=system)
    Channel.objects.create(bundle=base.bundle, name="stable", release=release, created_at=at, updated_at=at)
    lock = lockfiles.lock(requirements={"@acme/base": "stable"}, actor=system)
    assert (_versions(lock), str(lock.requirements["@acme/base"])) == ({"@acme/base": "1.0.0"}, "stable")
    assert _versions(lockfiles.lock(requirements={"@acme/base": "latest"}, actor=system)) == {"@acme/base": "1.1.0"}


@pytest.mark.parametrize(
    ("requirements", "code", "pointer"),
    [
        ({"@acme/base": "nowhere"}, "422.request_invalid", "/requirements/@acme~1base"),
        ({"@acme/none": "stable"}, "422.request_invalid", "/requirements/@acme~1none"),
        ({"@acme/base": "^9"}, "422.dependency_unsatisfiable", "/requirements/@acme~1base"),
        ({"base": "^1"}, "400.address_invalid", "/requirements/base"),
        ({"@acme/base": "^1 ^"}, "400.address_invalid", "/requirements/@acme~1base"),
    ],
)
def test_what_cannot_be_locked_is_refused_at_its_place(base, system, requirements, code, pointer):
    with pytest.raises(Invalid) as refused:
        lockfiles.lock(requirements=requirements, actor=system)
    assert (refused.value.code, refused.value.problems[0].pointer) == (code, pointer)


def test_what_is_served_with_other_content_or_is_gone_is_told(base, bench, system, at):
    lock = lockfiles.lock(requirements={"@acme/support": "^2", "@acme/base": "1.1.0"}, actor=system)
    forged = json.loads(lock.dump())
    forged["bundles"]["@acme/support"]["prompts"]["a"] = "sha256:" + 64 * "0"
    problems = lockfiles.verify(lock=Lockfile.from_json(forged), actor=system)
    assert _codes(problems) == [("/bundles/@acme~1support/prompts/a", "digest_mismatch")]
    forged["bundles"]["@acme/base"]["version"] = "1.1.1"
    forged["requirements"]["@acme/base"] = "1.1.1"
    problems = lockfiles.verify(lock=Lockfile.from_json(forged), actor=system)
    assert ("/bundles/@acme~1base", "bundle_removed") in _codes(problems)
    problems = lockfiles.verify(lock=lock, actor=system, requirements={"@acme/support": "^2.0"})
    assert _codes(problems) == [("/requirements/@acme~1base", "requirement_removed")]


def test_of_what_one_may_not_see_nothing_is_served(base, bench, system):
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    assert lockfiles.verify(lock=lock, actor=make_actor()) == []
    base.project.visibility = "private"
    base.project.save()
    problems = lockfiles.verify(lock=lock, actor=make_actor())
    assert [code for _, code in _codes(problems)] == ["bundle_removed", "bundle_removed"]


def change(row, **columns):
    """What no trigger lets happen: a sealed row says something else."""
    triggers.remove()
    models.QuerySet(type(row)).filter(pk=row.pk).update(**columns)
    triggers.install()


def broken_manifest(release):
    change(release, manifest=dict(release.manifest, prompts={"a": "sha256:" + "1" * 64}))


def manifest_of_another(release):
    other = release.bundle.releases.get(version="1.0.0")
    change(release, manifest=other.manifest, digest=other.digest)


def another_signature(release):
    change(release.signatures.get(), signature="A" * 86 + "==")


def no_base64(release):
    change(release.signatures.get(), signature="A" * 85)


def another_key(release):
    key = release.signatures.get().key
    models.QuerySet(type(key)).filter(pk=key.pk).update(public="A" * 43 + "=")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (broken_manifest, "digest_mismatch"),
        (manifest_of_another, "digest_mismatch"),
        (another_signature, "signature"),
        (no_base64, "signature"),
        (another_key, "signature"),
    ],
)
def test_a_release_that_is_not_as_it_was_sealed_is_not_locked_and_verify_says_so(base, system, damage, code):
    lock = lockfiles.lock(requirements={"@acme/base": "^1"}, actor=system)
    damage(releases.get(bundle=base.bundle, version="1.1.0", actor=system))
    found = lockfiles.verify(lock=lock, actor=system)
    assert _codes(found) == [("/bundles/@acme~1base/digest", code)]
    with pytest.raises(Unavailable) as refusal:
        lockfiles.lock(requirements={"@acme/base": "^1"}, actor=system)
    assert (refusal.value.code, _codes(refusal.value.problems)) == ("502.seal_broken", _codes(found))
    assert "@acme/base@1.1.0" in refusal.value.detail


def test_a_release_that_nobody_signed_is_not_locked(base, system):
    lock = lockfiles.lock(requirements={"@acme/base": "^1"}, actor=system)
    release = releases.get(bundle=base.bundle, version="1.1.0", actor=system)
    other = releases.get(bundle=base.bundle, version="1.0.0", actor=system)
    key = SigningKey.objects.create(pk="ed25519:0", public="", created_at=release.created_at)
    change(other.signatures.get(), key=key)
    change(release.signatures.get(), release=other)
    assert _codes(lockfiles.verify(lock=lock, actor=system)) == [("/bundles/@acme~1base/digest", "unsigned")]


@pytest.mark.parametrize("columns", [{"content_md": "Send me your password."}, {"format": "song"}, {"engine": "steam"}])
def test_a_text_that_is_not_as_it_was_sealed_is_told_by_verify(base, bench, system, columns):
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    release = releases.get(bundle=bench.bundle, version="2.0.0", actor=system)
    change(releases.pins(release=release)["a"], **columns)
    found = lockfiles.verify(lock=lock, actor=system)
    assert _codes(found) == [("/bundles/@acme~1support/prompts/a", "digest_mismatch")]


def test_a_text_that_is_gone_or_another_is_told_by_verify(base, system):
    lock = lockfiles.lock(requirements={"@acme/base": "^1"}, actor=system)
    other = make_template_version()
    release = releases.get(bundle=base.bundle, version="1.1.0", actor=system)
    change(release.pins.get(), template_version=other)
    wrong = [("/bundles/@acme~1base/prompts/a", "digest_mismatch")]
    assert _codes(lockfiles.verify(lock=lock, actor=system)) == wrong
    change(release.pins.get(), name="b")
    assert _codes(lockfiles.verify(lock=lock, actor=system)) == wrong


def test_what_the_lock_and_the_rows_both_say_is_told_once(base, system):
    lock = lockfiles.lock(requirements={"@acme/base": "^1"}, actor=system)
    release = releases.get(bundle=base.bundle, version="1.1.0", actor=system)
    change(releases.pins(release=release)["a"], content_md="Other.")
    forged = lock.to_json()
    forged["bundles"]["@acme/base"]["prompts"]["a"] = "sha256:" + "2" * 64
    found = lockfiles.verify(lock=Lockfile.from_json(forged), actor=system)
    assert _codes(found) == [("/bundles/@acme~1base/prompts/a", "digest_mismatch")]


def test_verifying_costs_the_same_however_many_prompts_there_are(base, bench, system, django_assert_num_queries):
    for name in "bcdef":
        base.write(name, f"{name}.")
    base.cut("1.2.0")
    lock = lockfiles.lock(requirements={"@acme/support": "^2"}, actor=system)
    # The releases, the keys, the signatures; the pins and the texts.
    with django_assert_num_queries(5):
        assert lockfiles.verify(lock=lock, actor=system) == []
