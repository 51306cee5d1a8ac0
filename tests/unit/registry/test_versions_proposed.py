"""The version that a plan proposes: high enough, and free to be cut."""

from __future__ import annotations

import pytest

from prompthub_kernel.errors import Conflict, Invalid
from registry import releases
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench():
    """A bundle whose 1.0.1 was taken back, and a draft that is different."""
    found = Workbench(slug="support")
    found.write("a", "One.")
    found.cut("1.0.0")
    found.write("a", "Two.")
    reverted(found, "1.0.1")
    found.write("a", "Three.")
    return found


def reverted(bench, version):
    releases.revert(release=bench.cut(version), by=bench.by, at=bench.at)


def plan(bench, version):
    return releases.plan(bundle=bench.bundle, version=version, actor=bench.by)


@pytest.mark.parametrize("version", ["1.0.1", "1.0.1+later", "1.0.2", "9.0.0", "1.1.0-rc.1"])
def test_a_number_that_was_taken_back_is_not_proposed(bench, version):
    told = plan(bench, version)
    assert (str(told.lowest), told.enough) == ("1.0.2", not version.startswith("1.0.1"))
    assert plan(bench, "1.0.2").enough
    with pytest.raises(Conflict):
        bench.cut("1.0.1")
    assert bench.cut("1.0.2").version == "1.0.2"


def test_several_numbers_that_were_taken_back_are_passed_over(bench):
    reverted(bench, "1.0.2")
    bench.write("a", "Four.")
    reverted(bench, "1.1.0")
    bench.write("b", "New.")
    assert str(plan(bench, "1.0.1").lowest) == "1.1.1"
    with pytest.raises(Invalid) as refused:
        bench.cut("1.0.3")
    assert refused.value.context["lowest"] == "1.1.1"
    assert "1.1.1 or higher" in refused.value.detail
    assert bench.cut("1.1.1").version == "1.1.1"


def test_a_version_that_has_another_content_is_not_enough_and_the_same_is(bench):
    bench.cut("1.0.2")
    assert plan(bench, "1.0.2").enough
    bench.write("b", "New.")
    told = plan(bench, "1.0.2")
    assert (told.enough, str(told.lowest)) == (False, "1.1.0")
    assert bench.cut("1.1.0").version == "1.1.0"


def test_beyond_the_highest_version_there_is_none(bench):
    top = "999999999.999999999.999999999"
    bench.cut(top)
    bench.write("b", "New.")
    told = plan(bench, "1.0.2")
    assert (told.enough, str(told.lowest), told.highest) == (False, "1.1.0", None)
    again = plan(bench, top)
    assert (again.enough, again.lowest) == (False, None)
    assert bench.cut("1.1.0").version == "1.1.0"


def test_the_first_version_that_was_taken_back_is_followed_by_another(at):
    bench = Workbench(slug="first")
    bench.write("a", "One.")
    reverted(bench, "1.0.0")
    told = plan(bench, "1.0.0")
    assert (told.enough, str(told.lowest), told.previous) == (False, "1.0.1", None)
    assert plan(bench, "2.0.0").lowest is None
    assert bench.cut("1.0.1").version == "1.0.1"


def test_between_two_releases_the_free_number_has_to_fit_below_the_next(bench):
    """1.0.1 was taken back and 1.0.2 is there: what is measured against 1.0.0 goes above them all."""
    bench.cut("1.0.2")
    bench.write("a", "Four.")
    told = plan(bench, "1.0.1")
    assert (told.enough, str(told.lowest)) == (False, "1.0.3")
    reverted(bench, "1.0.3")
    bench.write("a", "Five.")
    assert str(plan(bench, "1.0.1").lowest) == "1.0.4"
    assert bench.cut("1.0.4").version == "1.0.4"


def test_a_number_of_another_variant_is_free(bench):
    bench.cut("1.0.0-gpt4")
    bench.write("a", "Four.")
    assert str(plan(bench, "1.0.1-gpt4").lowest) == "1.0.1-gpt4"
    reverted(bench, "1.0.1-gpt4")
    bench.write("a", "Five.")
    assert str(plan(bench, "1.0.1-gpt4").lowest) == "1.0.2-gpt4"
