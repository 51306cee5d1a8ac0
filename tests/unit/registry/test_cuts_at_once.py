"""Several who cut, change and take back at once."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from registry import bundles, releases, signing
from registry.models import Release
from templates_app.models import TemplateVersion
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.unit.registry.test_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bench():
    bench = Workbench()
    bench.write("a", "One.")
    return bench


def test_of_those_who_cut_the_same_version_one_makes_it_and_the_others_are_given_it(bench):
    results = at_once(*(lambda: bench.try_cut("1.0.0").created for _ in range(4)))
    assert sorted(results) == [False, False, False, True]
    assert (Release.objects.count(), TemplateVersion.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action="release.cut").count() == 1


def test_of_two_who_cut_other_contents_under_one_version_one_is_told(bench):
    def cut_with(name):
        def cut():
            bundle = bundles.find(key=bench.bundle.pk, actor=SYSTEM)
            templates = {row.name: row.template for row in bundles.members(bundle=bundle)}
            bundles.set_member(
                bundle=bundle, revision=bundle.revision, name=name, template=templates["a"], by=SYSTEM, at=AT
            )
            return releases.cut(bundle=bundle, version="1.0.0", by=SYSTEM, at=AT).created

        return cut

    results = at_once(cut_with("b"), cut_with("c"))
    refused = [result for result in results if result not in {True, False}]
    assert set(refused) <= {"409.version_conflict", "409.draft_stale"}
    assert results.count(True) == 1
    assert Release.objects.count() == 1


def test_versions_cut_at_once_are_all_there(bench):
    wanted = ["1.0.0", "1.0.1", "1.1.0", "2.0.0"]
    results = at_once(*(lambda version=version: bench.cut(version).version for version in wanted))
    assert sorted(results) == wanted
    assert sorted(Release.objects.values_list("version", flat=True)) == wanted


def test_a_change_of_the_draft_is_made_by_one_of_those_who_saw_the_same_state(bench):
    def rename(title):
        return lambda: (
            bundles.rename(bundle=bench.bundle, revision=2, title=title, description="", by=SYSTEM, at=AT).revision
        )

    results = at_once(*(rename(f"Title {number}") for number in range(4)))
    assert sorted(results, key=str) == [3, *3 * ["409.draft_stale"]]


def test_an_index_that_several_ask_for_is_made_once(bench):
    bench.cut("1.0.0")
    asked = [lambda: signing.index(project=bench.project, actor=SYSTEM, at=AT).counter for _ in range(4)]
    assert at_once(*asked) == [1, 1, 1, 1]
    bench.cut("1.0.1")
    assert at_once(*asked) == [2, 2, 2, 2]
