"""Bundles and their releases as the search sees them: variables, values, and the facts that bind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from prompthub_kernel.selector import Exact, Range
from prompthub_kernel.semver import SemVer
from prompthub_kernel.solving_search import ABSENT, Nogood, Search, Term
from prompthub_kernel.solving_versions import Versions

Requirements: TypeAlias = Mapping[str, Exact | Range]
"""Bundles by address (``@acme/base``) and which of their releases will do."""

ROOT = -1
"""Whoever asks; it has no choice and so is no variable."""


class Catalogue(Protocol):
    """What there is. Each question is asked at most once, and only about bundles that somebody needs."""

    def versions(self, bundle: str) -> Iterable[SemVer]:
        """The versions of a bundle's releases in any order, yanked ones too; none for a bundle that is not there."""

    def yanked(self, bundle: str) -> Iterable[SemVer]:
        """Those of them that ranges skip."""

    def requirements(self, bundle: str, version: SemVer) -> Requirements:
        """What a release needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Needs(Nogood):
    """Versions of ``source`` need ``needed``: they do not go with its absence, nor with others of its versions."""

    source: int = ROOT
    needed: int = ROOT


@dataclass(frozen=True, slots=True, eq=False)
class Cycle(Nogood):
    """These bundles, in versions of which each needs the next and the last one the first, or ``ROOT``."""

    path: tuple[int, ...] = ()


class Universe:
    """The rules of one search."""

    def __init__(
        self,
        root: Requirements,
        catalogue: Catalogue,
        *,
        bundle: str,
        locked: Mapping[str, SemVer],
        limit: int,
    ) -> None:
        self.root = root
        self.bundle = bundle
        self.names: list[str] = []
        self.versions: list[Versions] = []
        self.search = Search(self, limit=limit)
        self._catalogue = catalogue
        self._locked = locked
        self._variables: dict[str, int] = {}
        self._needed_by: dict[int, dict[int, list[Term]]] = {}
        self._facts: dict[tuple[int, int, int], Nogood] = {}

    def root_facts(self) -> list[Nogood]:
        """What is asked for."""
        facts: list[Nogood] = []
        for name in sorted(self.root):
            variable = self._variable(name)
            if name == self.bundle:
                facts.append(Cycle((), path=(ROOT,)))
                continue
            values = self.versions[variable].taken(self.root[name])
            facts.append(Needs(self._unmet(variable, values), source=ROOT, needed=variable))
        return facts

    def solution(self) -> dict[str, SemVer]:
        """What was chosen, by address in order."""
        chosen = {self.names[variable]: variable for variable in self._chosen()}
        return {name: self.versions[chosen[name]][self.search.domains[chosen[name]]] for name in sorted(chosen)}

    def selectors(self, source: int, needed: int, values: int) -> list[Exact | Range]:
        """With which selectors these versions of ``source`` need ``needed``, the lowest version's first."""
        if source == ROOT:
            return [self.root[self.names[needed]]]
        found: dict[str, Exact | Range] = {}
        for version in self.versions[source].among(values):
            selector = self._catalogue.requirements(self.names[source], version)[self.names[needed]]
            found.setdefault(str(selector), selector)
        return list(found.values())

    # The rules of the search

    def needs(self, variable: int, value: int) -> Sequence[Term]:
        """What a version needs, by address in order."""
        name = self.names[variable]
        requirements = self._catalogue.requirements(name, self.versions[variable][value])
        terms = []
        for needed in sorted(requirements):
            other = self._variables.get(needed)
            if other is None:
                other = self._variable(needed)
            terms.append((other, 0 if needed == name else self.versions[other].taken(requirements[needed])))
        return terms

    def why(self, variable: int, needed: int, refused: int) -> Nogood:
        """All versions of ``variable`` that leave none of ``refused`` to ``needed``."""
        causing = taken = 0
        for value, values in self._needing(variable).get(needed, ()):
            if not values & refused:
                causing |= value
                taken |= values
        fact = self._facts.get((variable, needed, causing))
        if fact is None:
            terms = ((variable, causing),)
            if needed == variable or self.names[needed] == self.bundle:
                fact = Cycle(terms, path=(variable,) if needed == variable else (variable, ROOT))
            else:
                fact = Needs(terms + self._unmet(needed, taken), source=variable, needed=needed)
            self._facts[variable, needed, causing] = fact
        return fact

    def objection(self, domains: Sequence[int]) -> Nogood | None:
        """The first cycle that is met."""
        done: set[int] = set()
        for start in self._chosen():
            if start in done:
                continue
            path: dict[int, None] = {start: None}
            open_ends = [iter(self.search.needs(start, domains[start]))]
            while open_ends:
                following = next(open_ends[-1], None)
                if following is None:
                    open_ends.pop()
                    done.add(path.popitem()[0])
                elif following[0] in path:
                    return self._cycle([*path][[*path].index(following[0]) :])
                elif following[0] not in done:
                    path[following[0]] = None
                    open_ends.append(iter(self.search.needs(following[0], domains[following[0]])))
        return None

    def _chosen(self) -> list[int]:
        return [variable for variable, domain in enumerate(self.search.domains) if not domain & ABSENT]

    def _cycle(self, path: list[int]) -> Cycle:
        terms = []
        for variable, needed in zip(path, [*path[1:], path[0]], strict=True):
            terms.append((variable, sum(value for value, _ in self._needing(variable)[needed])))
        return Cycle(tuple(terms), path=tuple(path))

    def _variable(self, name: str) -> int:
        variable = self._variables.get(name)
        if variable is not None:
            return variable
        versions = Versions(() if name == self.bundle else self._catalogue.versions(name))
        if versions.ordered:
            versions.yank(self._catalogue.yanked(name), spare=self._spared(name))
        preferred = versions.bit(self._locked[name]) if name in self._locked else 0
        variable = self._variables[name] = self.search.add(ABSENT | versions.all, preferred=preferred)
        self.names.append(name)
        self.versions.append(versions)
        return variable

    def _spared(self, name: str) -> Iterator[SemVer]:
        """What may be chosen although it was yanked: what the lock holds, what is asked for by its very version."""
        if name in self._locked:
            yield self._locked[name]
        asked = self.root.get(name)
        if isinstance(asked, Exact):
            yield asked.version

    def _needing(self, variable: int) -> dict[int, list[Term]]:
        """By what is needed: each version of a bundle with the versions that it takes."""
        known = self._needed_by.get(variable)
        if known is None:
            known = self._needed_by[variable] = {}
            for place in range(len(self.versions[variable].ordered)):
                for needed, values in self.search.needs(variable, 2 << place):
                    known.setdefault(needed, []).append((2 << place, values))
        return known

    def _unmet(self, variable: int, values: int) -> tuple[Term, ...]:
        """The term that none of these values is there; no term when it holds anyway."""
        return ((variable, self.search.everything[variable] & ~values),) if values else ()
