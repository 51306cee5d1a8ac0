"""What bundles need of each other, as the database tells the solver."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prompthub_kernel.errors import Invalid
from prompthub_kernel.selector import Range
from registry import dependencies, releases
from tenancy.policy import Role
from tests.factories import make_actor, make_project
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return make_project(slug="acme")


def _shelf(project, slug, *versions, needs=()):
    bench = Workbench(project, slug)
    bench.write("text", f"This is {slug}.")
    for name, selector in needs:
        bench.need(name, selector)
    for version in versions:
        bench.cut(version)
    return bench


def _solved(requirements, actor):
    found = dependencies.solve(
        requirements={name: Range.parse(text) for name, text in requirements.items()}, actor=actor
    )
    return {name: release.version for name, release in found.releases.items()}


def test_the_highest_releases_that_fit_are_chosen_also_by_way_of_others(project, system):
    _shelf(project, "base", "1.0.0", "1.4.0", "2.0.0")
    _shelf(project, "middle", "1.0.0", needs=[("@acme/base", "^1")])
    assert _solved({"@acme/middle": "*"}, system) == {"@acme/base": "1.4.0", "@acme/middle": "1.0.0"}
    assert _solved({}, system) == {}


def test_yanked_releases_are_skipped_and_reverted_ones_are_not_there(project, system, at):
    base = _shelf(project, "base", "1.0.0", "1.1.0", "1.2.0")
    releases.yank(release=_release(base, "1.2.0", system), reason="security", by=system, at=at)
    releases.revert(release=_release(base, "1.1.0", system), by=system, at=at)
    assert _solved({"@acme/base": "^1"}, system) == {"@acme/base": "1.0.0"}
    with pytest.raises(Invalid) as refused:
        _solved({"@acme/base": ">=1.1"}, system)
    assert "1.2.0 would fit, but was yanked" in refused.value.detail


def _release(bench, version, actor):
    return releases.get(bundle=bench.bundle, version=version, actor=actor)


def test_a_conflict_is_told_in_sentences_that_name_who_needs_what(project):
    _shelf(project, "base", "1.0.0", "2.0.0")
    _shelf(project, "old", "1.0.0", needs=[("@acme/base", "^1")])
    _shelf(project, "new", "1.0.0", needs=[("@acme/base", "^2")])
    both = _shelf(project, "both")
    both.need("@acme/old", "^1")
    both.need("@acme/new", "^1")
    with pytest.raises(Invalid) as refused:
        both.cut("1.0.0")
    assert refused.value.code == "422.dependency_unsatisfiable"
    told = " ".join(refused.value.context["explanation"])
    assert all(word in told for word in ("@acme/old", "@acme/new", "@acme/base ^1", "@acme/base ^2"))
    assert {problem.pointer for problem in refused.value.problems} <= {
        "/requirements/@acme~1old",
        "/requirements/@acme~1new",
    }


def test_a_circle_is_named(project):
    first = _shelf(project, "first", "1.0.0")
    second = _shelf(project, "second", "1.0.0", needs=[("@acme/first", "^1")])
    first.need(second.name, "^1")
    with pytest.raises(Invalid) as refused:
        first.cut("1.1.0")
    assert refused.value.code == "422.dependency_cycle"
    assert "@acme/second" in refused.value.detail


def test_what_the_author_may_not_see_is_as_if_it_were_missing(project, system):
    secret = Workbench(make_project(slug="secret"), "base")
    secret.write("text", "Secret.")
    secret.cut("1.0.0")
    bench = _shelf(project, "open")
    bench.need("@secret/base", "^1")
    publisher = make_actor(roles={project: Role.PUBLISHER})
    with pytest.raises(Invalid) as refused:
        bench.cut("1.0.0", by=publisher)
    assert refused.value.code == "422.dependency_unsatisfiable"
    assert "of which there is no release" in refused.value.detail
    assert bench.cut("1.0.0", by=system).version == "1.0.0"
    with pytest.raises(Invalid):
        _solved({"@acme/open": "*"}, publisher)


def test_as_many_questions_as_the_way_is_long_however_many_bundles_and_releases_there_are(project, system):
    def ask(width):
        for number in range(width):
            _shelf(project, f"leaf-{width}-{number}", "1.0.0", "1.1.0", "1.2.0")
        top = _shelf(project, f"top-{width}")
        for number in range(width):
            top.need(f"@acme/leaf-{width}-{number}", "^1")
        top.cut("1.0.0")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(_solved({top.name: "*"}, system)) == width + 1
        return len(asked)

    assert ask(2) == ask(12) == 9


def test_more_releases_than_can_be_looked_at_are_refused(project, system, monkeypatch):
    _shelf(project, "base", "1.0.0", "1.1.0", "1.2.0")
    monkeypatch.setattr(dependencies, "MAX_RELEASES", 2)
    with pytest.raises(Invalid) as refused:
        _solved({"@acme/base": "^1"}, system)
    assert refused.value.code == "422.dependency_unsatisfiable"


def test_who_needs_a_bundle_is_known_as_far_as_one_may_see(project, system, at):
    base = _shelf(project, "base", "1.0.0")
    other = make_project(slug="other")
    _shelf(other, "user", "1.0.0", needs=[("@acme/base", "^1")])
    gone = _shelf(project, "gone", "1.0.0", needs=[("@acme/base", "~1.0")])
    releases.revert(release=_release(gone, "1.0.0", system), by=system, at=at)
    rows = dependencies.dependants(bundle=base.bundle, actor=system)
    assert [(str(row.bundle.address), row.version, [one.selector for one in row.needs]) for row in rows] == [
        ("@other/user", "1.0.0", ["^1"])
    ]
    viewer = make_actor(roles={project: Role.VIEWER})
    assert list(dependencies.dependants(bundle=base.bundle, actor=viewer)) == []


@pytest.mark.parametrize(("visibility", "fine"), [("public", False), ("private", True)])
def test_a_public_bundle_neither_needs_nor_puts_in_a_private_one(visibility, fine):
    """Its manifest would name what outsiders cannot find, its sealed text show what they may not read."""
    secret = Workbench(make_project(visibility="private"), "secret")
    secret.write("tone", "Never say no.")
    secret.cut("1.0.0")
    for use, place in (
        (lambda bench: bench.need(secret.name, "^1"), f"/requirements/{secret.name.replace('/', '~1')}"),
        (lambda bench: bench.write("all", '{% include "' + secret.name + '@1.0.0/tone" %}'), "/members/all"),
    ):
        bench = Workbench(make_project(visibility=visibility), "open")
        bench.write("own", "Hello.")
        use(bench)
        if fine:
            assert bench.cut("1.0.0").version == "1.0.0"
            continue
        for call, given in (
            (bench.cut, ("1.0.0",)),
            (partial(releases.plan, bundle=bench.bundle, version="1.0.0", actor=bench.by), ()),
        ):
            with pytest.raises(Invalid) as refused:
                call(*given)
            assert refused.value.code == "422.dependency_private"
            assert [(one.pointer, one.code) for one in refused.value.problems] == [(place, "private")]
