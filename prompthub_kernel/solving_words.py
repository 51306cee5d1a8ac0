"""The words for versions, requirements and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, islice, product

from prompthub_kernel.selector import Exact, Range
from prompthub_kernel.solving_search import ABSENT, Nogood, Term
from prompthub_kernel.solving_universe import ROOT, Cycle, Needs, Universe

ANY = "*"
MAX_LISTED = 3
"""Versions, or ranges, that are named one by one."""
MAX_COMPARED = 20
"""Needs of one bundle that are held against each other."""
MAX_NAMED = 6
"""Bundles that one sentence names."""


class Words:
    """Speaks of bundles in terms of the ranges with which the facts ask for them.

    ``asked`` are the versions that anybody asks for, by variable; others are never spoken of.
    """

    def __init__(self, universe: Universe, facts: Sequence[Nogood], asked: Mapping[int, int]) -> None:
        self.universe = universe
        self.asked = asked
        self.who = "your bundle" if universe.bundle else "your project"
        self._spelled: dict[Term, str] = {}
        for fact in facts:
            if isinstance(fact, Needs):
                for selector in self._selectors(fact):
                    taken = universe.versions[fact.needed].taken(selector)
                    self._spelled.setdefault((fact.needed, taken), str(selector))

    def sentence(self, words: str) -> str:
        """With a capital and a full stop."""
        return f"{words[0].upper()}{words[1:]}."

    def listed(self, facts: Sequence[Nogood], most: int) -> list[str]:
        """Facts without what follows from them."""
        said = [self.sentence(self.fact(fact)) for fact in facts[: most - 1]]
        if len(facts) > len(said):
            said.append(f"These and {len(facts) - len(said)} further requirements cannot all be met.")
        else:
            said.append("These requirements cannot all be met.")
        return said

    def fact(self, fact: Nogood) -> str:
        """What is so: ``every version of @acme/base that fits ^2 needs @acme/tone ^1``."""
        if isinstance(fact, Cycle):
            return self._cycle(fact)
        if not isinstance(fact, Needs):
            raise TypeError("a fact is a need or a cycle")
        source = self.who if fact.source == ROOT else self._subject(*fact.terms[0])
        selectors = self._selectors(fact)
        if not selectors[MAX_LISTED:]:
            wanted = self._named(fact.needed, _listed([str(one) for one in selectors], "or"))
        else:
            wanted = self._short(*self._met(fact.terms[-1]))
        if fact.terms and fact.terms[-1][0] == fact.needed:
            return f"{source} needs {wanted}"
        return f"{source} needs {wanted}, {self._missing(fact.needed, selectors)}"

    def gaps(self, facts: Sequence[Nogood]) -> list[str]:
        """Of bundles that are needed in two ranges which overlap, why no release is in both; a few of them."""
        asked: dict[int, dict[str, list[Exact | Range]]] = {}
        for fact in facts:
            if isinstance(fact, Needs) and len(selectors := self._selectors(fact)) <= MAX_LISTED:
                asked.setdefault(fact.needed, {})[" or ".join(map(str, selectors))] = selectors
        found = (
            self._gap(variable, one, two)
            for variable, rows in asked.items()
            for first, second in combinations([*rows.values()][:MAX_COMPARED], 2)
            for one, two in product(first, second)
        )
        return [*islice(dict.fromkeys(filter(None, found)), MAX_LISTED)]

    def outcome(self, terms: Sequence[Term]) -> str:
        """What follows from a nogood with these terms."""
        used = [term for term in terms if not term[1] & ABSENT]
        needed = _listed([self._short(*self._met(term)) for term in terms if term[1] & ABSENT], "or")
        if not terms:
            return f"the requirements of {self.who} cannot all be met"
        if not used:
            return f"{needed} is needed"
        if len(used) == 1:
            return f"{self._subject(*used[0])} needs {needed}" if needed else self._unusable(*used[0])
        together = _listed([self._short(*term) for term in used], "and")
        return f"{together} together need {needed}" if needed else f"{together} cannot be used together"

    def _subject(self, variable: int, values: int) -> str:
        """Versions as the subject of a sentence."""
        values &= self.asked[variable]
        versions, name = self.universe.versions[variable], self.universe.names[variable]
        text = self._spelled.get((variable, values))
        if values.bit_count() > 1 and (text == ANY or values == versions.all):
            return f"every version of {name}"
        if values.bit_count() > 1 and text:
            return f"every version of {name} that fits {text}"
        if values.bit_count() > MAX_LISTED:
            return f"every version of {name} {self._span(variable, values)}"
        return self._short(variable, values)

    def _unusable(self, variable: int, values: int) -> str:
        subject = self._subject(variable, values)
        if subject.startswith("every "):
            return f"no {subject.removeprefix('every ')} can be used"
        return f"{subject} cannot be used"

    def _short(self, variable: int, values: int) -> str:
        """Versions as briefly as they can be named."""
        values &= self.asked[variable]
        name = self.universe.names[variable]
        if text := self._spelled.get((variable, values)):
            return self._named(variable, text)
        if values.bit_count() > MAX_LISTED:
            return f"{name} {self._span(variable, values)}"
        return f"{name} {_listed([str(one) for one in self.universe.versions[variable].among(values)], 'or')}"

    def _named(self, variable: int, text: str) -> str:
        name = self.universe.names[variable]
        return name if text == ANY else f"{name} {text}"

    def _span(self, variable: int, values: int) -> str:
        """Many versions: ``from 1.0.0 to 1.9.0`` when they are all of those."""
        versions = self.universe.versions[variable]
        lowest, *_, highest = versions.among(values)
        between = versions.all & ((1 << values.bit_length()) - (values & -values))
        among = "" if between == values else f"({values.bit_count()} of them) "
        return f"{among}from {lowest} to {highest}"

    def _met(self, term: Term) -> Term:
        """The versions with which a term that says what is missing does not hold."""
        return term[0], self.asked[term[0]] & ~term[1]

    def _selectors(self, fact: Needs) -> list[Exact | Range]:
        values = 0 if fact.source == ROOT else fact.terms[0][1] & self.asked[fact.source]
        return self.universe.selectors(fact.source, fact.needed, values)

    def _missing(self, variable: int, selectors: Sequence[Exact | Range]) -> str:
        """Why a requirement that takes no version takes none."""
        versions = self.universe.versions[variable]
        if not versions.ordered:
            return "of which there is no release"
        fitting = 0
        for selector in selectors:
            fitting |= versions.fitting(selector)
        if fitting:
            yanked = versions.among(fitting)
            return f"of which {_listed([str(one) for one in yanked[-MAX_LISTED:]], 'and')} would fit, but was yanked"
        if early := self._early(variable, selectors, -1):
            return f"but {early}"
        if len(versions.ordered) == 1:
            return f"which its only version, {versions.ordered[0]}, does not fit"
        return f"which none of its versions, {versions.ordered[0]} to {versions.ordered[-1]}, fits"

    def _gap(self, variable: int, one: Exact | Range, two: Exact | Range) -> str:
        """That no release fits both, and what would but for a rule; empty where one does, or where that is plain."""
        versions = self.universe.versions[variable]
        if versions.taken(one) & versions.taken(two) or not _overlap(one, two):
            return ""
        told = f"No release of {self.universe.names[variable]} fits both {one} and {two}"
        if yanked := versions.fitting(one) & versions.fitting(two):
            return f"{told}: {versions[yanked]} would, but was yanked."
        if _variant(one) != _variant(two):
            return f"{told}: a range takes the builds of one variant."
        early = self._early(variable, [one, two], self._reached(variable, one) & self._reached(variable, two))
        return f"{told}: {early}." if early else f"{told}."

    def _reached(self, variable: int, selector: Exact | Range) -> int:
        """What a selector takes, and the pre-releases that a range passes over."""
        versions = self.universe.versions[variable]
        return versions.fitting(selector) | (versions.refused(selector) if isinstance(selector, Range) else 0)

    def _early(self, variable: int, selectors: Sequence[Exact | Range], values: int) -> str:
        """Which range passes over the highest pre-release among these; empty where none does."""
        versions = self.universe.versions[variable]
        for selector in selectors:
            if isinstance(selector, Range) and (refused := versions.refused(selector) & values):
                numbers = ".".join(map(str, versions[refused].numbers))
                return f"{selector} takes no pre-release of {numbers}, since it names none"
        return ""

    def _cycle(self, cycle: Cycle) -> str:
        if not cycle.terms:
            return f"{self.who} needs itself"
        subject = self._subject(*cycle.terms[0])
        if cycle.path[-1] == ROOT:
            return f"{subject} needs {self.who} itself"
        if len(cycle.path) == 1:
            return f"{subject} needs itself"
        others = [self._short(*term) for term in cycle.terms[1:]]
        way = ", which needs ".join(brief(others))
        return f"{subject} needs {way}, which needs {self.universe.names[cycle.path[0]]} again"


def _overlap(one: Exact | Range, two: Exact | Range) -> bool:
    return one.overlaps(two) if isinstance(one, Range) else isinstance(two, Range) and two.overlaps(one)


def _variant(selector: Exact | Range) -> str:
    return selector.version.variant if isinstance(selector, Exact) else selector.variant


def brief(words: Sequence[str]) -> list[str]:
    """Those at both ends, with the number of those between them, where there are too many."""
    if len(words) <= MAX_NAMED:
        return [*words]
    return [*words[: MAX_NAMED - 2], f"… ({len(words) - MAX_NAMED + 1} more)", words[-1]]


def _listed(words: Sequence[str], last: str) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    words = brief(words)
    if not words:
        return ""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
