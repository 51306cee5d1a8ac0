"""Cutting, yanking, taking back and needing, in any order, against a model that tries everything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from prompthub_kernel.errors import PromptHubError
from prompthub_kernel.selector import Range
from prompthub_kernel.semver import SemVer
from registry import lockfiles, releases, signing
from tests.factories import make_project
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.property.effort import examples

NAMES = ("a", "b", "c")
BUNDLES = st.sampled_from(NAMES)
PROMPTS = st.sampled_from(("hello", "bye"))
TEXTS = st.sampled_from(("One.", "Two."))
SELECTORS = st.sampled_from(("*", "^1", "^2", "~1.1"))
VERSIONS = st.sampled_from([f"{major}.{minor}.{patch}" for major in (1, 2) for minor in (0, 1) for patch in (0, 1)])
PICKS = st.integers(0, 9)
CONFLICT = {"422.dependency_unsatisfiable", "422.dependency_cycle"}


class Shelf:
    """The model of a bundle: the draft, and by version what was cut, and ``yanked`` or ``reverted`` of it."""

    def __init__(self) -> None:
        self.prompts: dict[str, str] = {}
        self.needs: dict[str, str] = {}
        self.cut: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {}
        self.marks: dict[str, set[str]] = {}

    def there(self, *, ranges: bool) -> list[str]:
        """The versions that are not gone; those that ranges take."""
        hidden = {"yanked", "reverted"} if ranges else {"reverted"}
        return [version for version in self.cut if not self.marks[version] & hidden]


def outcome(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call gave, or the code it was refused with; what it wrote before that is undone."""
    try:
        with transaction.atomic():
            return call(), ""
    except PromptHubError as refused:
        return None, refused.code


@examples(15, again=4, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
class Releases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        project = make_project(slug="acme")
        self.benches = {name: Workbench(project, name) for name in NAMES}
        self.shelves = {name: Shelf() for name in NAMES}
        self.digests: dict[tuple[str, str], str] = {}
        for name in NAMES:
            for prompt in ("hello", "bye"):
                self.write(name, prompt, "One.")
            self.cut(name, "1.0.0")

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def write(self, name: str, prompt: str, text: str) -> None:
        self.benches[name].write(prompt, text)
        self.shelves[name].prompts[prompt] = text

    @rule(name=BUNDLES, prompt=PROMPTS)
    def drop(self, name: str, prompt: str) -> None:
        if self.shelves[name].prompts.pop(prompt, None) is not None:
            self.benches[name].drop(prompt)

    @rule(name=BUNDLES, other=BUNDLES, selector=SELECTORS)
    def need(self, name: str, other: str, selector: str) -> None:
        if name != other:
            self.benches[name].need(f"@acme/{other}", selector)
            self.shelves[name].needs[other] = selector

    @rule(name=BUNDLES, other=BUNDLES)
    def unneed(self, name: str, other: str) -> None:
        if self.shelves[name].needs.pop(other, None) is not None:
            self.benches[name].unneed(f"@acme/{other}")

    @rule(name=BUNDLES, version=VERSIONS, prompt=PROMPTS, text=TEXTS)
    def write_and_cut(self, name: str, version: str, prompt: str, text: str) -> None:
        self.write(name, prompt, text)
        self.cut(name, version)

    @rule(name=BUNDLES, version=VERSIONS)
    def cut(self, name: str, version: str) -> None:
        shelf = self.shelves[name]
        expected = self._cut_comes_to(name, version)
        got, code = outcome(lambda: self.benches[name].try_cut(version))
        assert (code or ("cut" if got.created else "again")) in expected
        if code:
            return
        if got.created:
            chosen = {
                row.required.slug: row.resolved.version
                for row in got.release.requirements.select_related("required", "resolved")
            }
            shelf.cut[version] = dict(shelf.prompts), dict(shelf.needs), chosen
            shelf.marks[version] = set()
            self.digests[name, version] = got.release.digest

    @rule(name=BUNDLES, pick=PICKS)
    def yank(self, name: str, pick: int) -> None:
        version = self._one_of(name, pick)
        marks = self.shelves[name].marks.get(version)
        expected = "404" if marks is None else "410" if "reverted" in marks else "409" if marks else ""
        self._say(releases.yank, name, version, expected, "yanked")

    @rule(name=BUNDLES, pick=PICKS)
    def revert(self, name: str, pick: int) -> None:
        version = self._one_of(name, pick)
        marks = self.shelves[name].marks.get(version)
        needed = any(
            chosen.get(name) == version and "reverted" not in shelf.marks[one]
            for shelf in self.shelves.values()
            for one, (_, _, chosen) in shelf.cut.items()
        )
        expected = "404" if marks is None else "410" if "reverted" in marks else "409" if needed else ""
        self._say(releases.revert, name, version, expected, "reverted")

    def _one_of(self, name: str, pick: int) -> str:
        """A version that was cut, now and then one that was not."""
        there = sorted(self.shelves[name].cut)
        return [*there, "9.9.9"][pick % (len(there) + 1)]

    def _say(self, verb: Any, name: str, version: str, expected: str, word: str) -> None:
        def say() -> None:
            release = releases.get(bundle=self.benches[name].bundle, version=version, actor=SYSTEM)
            verb(release=release, reason="invalid", by=SYSTEM, at=AT)

        _, code = outcome(say)
        assert code[:3] == expected
        if not code:
            self.shelves[name].marks[version].add(word)

    @invariant()
    def what_is_there_is_what_the_model_says(self) -> None:
        for name, shelf in self.shelves.items():
            rows = list(releases.listing(bundle=self.benches[name].bundle))
            assert [row.version for row in rows] == sorted(shelf.cut, key=SemVer.parse, reverse=True)
            for row in rows:
                said = {word for word in ("yanked", "reverted") if getattr(row, word)}
                assert said == shelf.marks[row.version]
                assert row.digest == self.digests[name, row.version] == row.paper.digest()
            latest = releases.latest(bundle=self.benches[name].bundle)
            assert (latest and latest.version) == max(shelf.there(ranges=True), key=SemVer.parse, default=None)

    @invariant()
    def what_can_be_locked_is_whole_and_served(self) -> None:
        for name in NAMES:
            possible = self._fits({name: "*"}, root="")
            asked = {f"@acme/{name}": "*"}
            lock, code = outcome(lambda asked=asked: lockfiles.lock(requirements=asked, actor=SYSTEM))
            assert (code in CONFLICT) is not possible
            if code:
                continue
            assert lock.contradictions() == []
            assert lockfiles.verify(lock=lock, actor=SYSTEM) == []

    @invariant()
    def the_index_tells_all_of_it(self) -> None:
        project = self.benches["a"].project
        told = signing.index(project=project, actor=SYSTEM, at=AT).document["bundles"]
        for name, shelf in self.shelves.items():
            for version, marks in shelf.marks.items():
                digest = None if "reverted" in marks else self.digests[name, version]
                assert told[name][version] == {"digest": digest, "yanked": "yanked" in marks}

    def _cut_comes_to(self, name: str, version: str) -> set[str]:
        """``cut``, ``again``, or the codes with which it may be refused."""
        shelf = self.shelves[name]
        refusals = set()
        if not shelf.prompts and not shelf.needs:
            return {"422.request_invalid"}
        if not self._fits(shelf.needs, root=name):
            return CONFLICT
        if version in shelf.cut:
            same = shelf.cut[version][:2] == (shelf.prompts, shelf.needs)
            return {"again"} if same and "reverted" not in shelf.marks[version] else {"409.version_conflict"}
        before = [one for one in shelf.there(ranges=False) if SemVer.parse(one) < SemVer.parse(version)]
        if before:
            previous = max(before, key=SemVer.parse)
            was = shelf.cut[previous][0]
            step = [new != old for new, old in zip(version.split("."), previous.split("."), strict=True)].index(True)
            asked = 0 if was.keys() - shelf.prompts.keys() else 1 if shelf.prompts.keys() - was.keys() else 2
            if step > asked:
                refusals.add("422.bump_too_small")
        return refusals or {"cut"}

    def _fits(self, needs: dict[str, str], *, root: str) -> bool:
        """Whether some choice of releases meets all needs without a circle: by trying every one."""
        others = [name for name in NAMES if name != root]
        stock = [[None, *self.shelves[name].there(ranges=True)] for name in others]
        return any(self._whole(needs, dict(zip(others, chosen, strict=True)), root) for chosen in product(*stock))

    def _whole(self, needs: dict[str, str], chosen: dict[str, str | None], root: str) -> bool:
        def met(wanted: dict[str, str], above: tuple[str, ...]) -> bool:
            for name, selector in wanted.items():
                version = chosen.get(name)
                if name in above or version is None or not Range.parse(selector).matches(SemVer.parse(version)):
                    return False
                if not met(self.shelves[name].cut[version][1], (*above, name)):
                    return False
            return True

        return met(needs, (root,))


@pytest.mark.slow
@pytest.mark.django_db
def test_releases_are_what_a_simple_model_says():
    run_state_machine_as_test(Releases)
