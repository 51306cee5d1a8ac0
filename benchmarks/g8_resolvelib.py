"""resolvelib on a registry of G8, run by ``benchmarks.g8_solve`` with the Python that has resolvelib installed.

    python -m benchmarks.g8_resolvelib COUNT SEED LAGGARDS

Prints the CPU seconds of one resolution and how many bundles it chose, without reading the registry. Versions and
ranges are those of the product, matched once each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import resolvelib

from benchmarks.g8_world import grow
from prompthub_kernel.selector import Exact, Range, parse_selector
from prompthub_kernel.semver import SemVer


class Candidate(NamedTuple):
    """A release."""

    bundle: str
    version: SemVer


class Need(NamedTuple):
    """A requirement."""

    bundle: str
    selector: Exact | Range


class Provider(resolvelib.AbstractProvider):
    """What resolvelib asks; few candidates first, as pip does."""

    def __init__(self, releases: Mapping[str, Mapping[SemVer, list[Need]]]) -> None:
        self.releases = releases
        self.matches = cache(lambda selector, version: selector.matches(version))

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        """The bundle."""
        return requirement_or_candidate.bundle

    def get_preference(self, identifier: str, candidates: Mapping[str, Iterator[Candidate]], **_: Any) -> int:
        """How many there are to choose from."""
        return sum(1 for _ in candidates[identifier])

    def find_matches(
        self, identifier: str, requirements: Mapping[str, Iterator[Need]], incompatibilities: Mapping[str, Any]
    ) -> Iterable[Candidate]:
        """The releases that fit, highest first."""
        selectors = [need.selector for need in requirements[identifier]]
        bad = {candidate.version for candidate in incompatibilities[identifier]}
        return [
            Candidate(identifier, version)
            for version in reversed(self.releases[identifier])
            if version not in bad and all(self.matches(selector, version) for selector in selectors)
        ]

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        """Whether a release fits."""
        return self.matches(requirement.selector, candidate.version)

    def get_dependencies(self, candidate: Candidate) -> list[Need]:
        """What a release needs."""
        return self.releases[candidate.bundle][candidate.version]


def main(count: str, seed: str, laggards: str) -> None:
    """Resolve once."""
    world = grow(int(count), seed=int(seed), laggards=float(laggards))
    select = cache(parse_selector)
    releases = {
        bundle: {
            SemVer.parse(version): [Need(name, select(text)) for name, text in needed.items()]
            for version, needed in versions.items()
        }
        for bundle, versions in world.releases.items()
    }
    root = [Need(name, select(text)) for name, text in world.root.items()]
    resolver = resolvelib.Resolver(Provider(releases), resolvelib.BaseReporter())
    begun = time.process_time()
    found = resolver.resolve(root, max_rounds=10**9)
    print(time.process_time() - begun, len(found.mapping))


if __name__ == "__main__":
    main(*sys.argv[1:])
