"""Which release of each bundle: the highest that fit together, or the reason why none do.

Bundles need bundles in ranges of versions. :func:`solve` chooses one release of each bundle that is needed, from
whoever asks down, so that every range is met and no bundle needs itself by way of others. It never tries combinations
one by one (see :mod:`~prompthub_kernel.solving_search`) and ends within a fixed number of steps.

What it prefers: the release that a lock holds, else the highest, first for the bundles that are needed first. The
answer depends on nothing but what is given: not on the order of mappings, not on bundles that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.semver import SemVer
from prompthub_kernel.solving_explaining import explain
from prompthub_kernel.solving_search import Exhausted
from prompthub_kernel.solving_universe import Catalogue, Requirements, Universe

__all__ = ["MAX_STEPS", "Catalogue", "Requirements", "Solution", "solve"]

MAX_STEPS = 1_000_000
"""Some seconds of work. 10,000 bundles that fit together take some 10,000 steps."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The release of each bundle that is needed, by address in order; ``steps`` tells how much work it was."""

    versions: Mapping[str, SemVer]
    steps: int


def solve(
    root: Requirements,
    catalogue: Catalogue,
    *,
    bundle: str = "",
    locked: Mapping[str, SemVer] | None = None,
    limit: int = MAX_STEPS,
) -> Solution:
    """Choose a release of every bundle that ``root`` needs, directly or by way of others.

    ``bundle`` is the address of the bundle whose requirements ``root`` are, so that a dependency on itself is seen;
    empty for requirements that are no bundle's. ``locked`` are the releases that a lock file holds: kept where they
    still fit. A yanked release is chosen only when it is locked, or when ``root`` or a chosen release names exactly it.

    Raises ``422.dependency_cycle`` when bundles would need themselves in every combination, and
    ``422.dependency_unsatisfiable`` when none fits otherwise, or none was found in ``limit`` steps. The detail explains
    it in sentences, ``context["explanation"]`` has them one by one, ``context["cycle"]`` the bundles of the cycle, and
    the problems point at the requirements of ``root`` that take part (``/requirements/@acme~1base``).
    """
    universe = Universe(root, catalogue, bundle=bundle, locked=locked or {}, limit=limit)
    try:
        failure = universe.search.run(universe.root_facts())
    except Exhausted:
        raise _too_many_steps(limit) from None
    if failure is not None:
        raise explain(failure, universe)
    return Solution(universe.solution(), universe.search.steps)


def _too_many_steps(limit: int) -> Invalid:
    detail = (
        f"No combination of releases was found in {limit:,} steps, which does not say that there is none. "
        "Narrower ranges, or exact versions, leave less to try."
    )
    return Invalid("422.dependency_unsatisfiable", detail, problems=[Problem("/requirements", "steps", detail)])
