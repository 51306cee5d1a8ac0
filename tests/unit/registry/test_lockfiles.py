"""Lock files: what is chosen, and what is told when it is no longer what is served."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

import contracts
from prompthub_kernel.errors import Invalid
from prompthub_kernel.lockfile import Lockfile
from registry import lockfiles, releases
from registry.models import Channel
from tests.factories import make_actor, make_project
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
