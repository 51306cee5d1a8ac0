"""Two releases, or a release and the draft, side by side."""

from __future__ import annotations

import pytest

from prompthub_kernel.bump import Bump
from prompthub_kernel.errors import NotFound
from registry import bundles, comparing, releases
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench():
    bench = Workbench(slug="support")
    for name, text in (("kept", "Same."), ("gone", "Old."), ("told", "One.\nTwo.\n")):
        bench.write(name, text)
    bench.cut("1.0.0")
    return bench


def _changed(bench, at):
    base = Workbench(slug="base")
    base.write("a", "Base.")
    base.cut("1.0.0")
    bench.drop("gone")
    bench.write("come", "New.")
    bench.write("told", "One.\nThree.\n")
    bench.need(base.name, "^1")
    revision = bench.bundle.revision + 1
    bundles.set_compatibility(bundle=bench.bundle, revision=revision, compatibility={"engine": "x"}, by=bench.by, at=at)
    return base.name


def test_what_came_went_and_changed_is_told_and_how_large_the_step_is(bench, at, system):
    needed = _changed(bench, at)
    draft = bundles.find(key=bench.bundle.pk, actor=system)
    drafted = comparing.compare_draft(plan=releases.plan(bundle=draft, version="2.0.0", actor=system))
    second = bench.cut("2.0.0")
    first = releases.get(bundle=bench.bundle, version="1.0.0", actor=system)
    found = comparing.compare(old=first, new=second)
    assert (found.added, found.removed, found.changed) == (["come"], ["gone"], ["told"])
    assert found.requirements == {needed: (None, "^1")}
    assert found.compatibility == ({}, {"engine": "x"})
    assert found.needed is Bump.MAJOR
    assert drafted == found
    same = comparing.compare(old=second, new=second)
    parts = (same.added, same.removed, same.changed, same.requirements, same.compatibility, same.changes)
    assert not any(parts)


def test_the_texts_of_a_prompt_are_compared_by_name(bench, at, system):
    _changed(bench, at)
    second = bench.cut("2.0.0")
    first = releases.get(bundle=bench.bundle, version="1.0.0", actor=system)
    told = comparing.difference(old=first, new=second, name="told")
    assert told.changed[0]["old"].strip() == "Two."
    assert comparing.difference(old=first, new=second, name="come").added[0]["text"].strip() == "New."
    assert comparing.difference(old=first, new=second, name="gone").removed[0]["text"].strip() == "Old."
    assert comparing.difference(old=None, new=second, name="come").added
    with pytest.raises(NotFound) as missing:
        comparing.difference(old=first, new=second, name="never")
    assert missing.value.code == "404.prompt_not_found"


def test_documents_are_compared_by_their_places(bench):
    bench.write("talk", document=[{"role": "user", "content": "Hi."}])
    second = bench.cut("1.1.0")
    bench.write("talk", document=[{"role": "user", "content": "Bye."}])
    third = bench.cut("1.1.1")
    assert "/0/content" in str(comparing.difference(old=second, new=third, name="talk").changed)


def test_a_first_release_is_all_new(system):
    bench = Workbench()
    bench.write("a", "One.")
    found = comparing.compare_draft(plan=releases.plan(bundle=bench.bundle, version="1.0.0", actor=system))
    assert (found.added, found.changes, found.compatibility) == (["a"], [], None)


def test_releases_of_two_bundles_are_not_compared(bench, system):
    other = Workbench()
    other.write("a", "One.")
    with pytest.raises(NotFound):
        comparing.compare(old=releases.latest(bundle=bench.bundle), new=other.cut("1.0.0"))
