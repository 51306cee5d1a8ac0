"""A search for one value of each variable that learns from every conflict: PubGrub on sets of bits.

A variable is a bundle; its values are one bit each: the lowest is *absent*, the others are versions, lowest first. Its
*domain*, an int, holds the values that are still possible. A :class:`Nogood` is a set of terms ``(variable, values)``
that cannot hold together (PubGrub's incompatibility); a term holds when the domain is within its values.

The search propagates (when all terms of a nogood but one hold, the last one's values are excluded), decides (the next
bundle that somebody needs gets the highest version left) and, when all terms of a nogood hold, resolves it with the
nogoods that led there until one is found that would have said so at an earlier decision; it goes back to that decision
and never walks into the same wall again. A nogood without terms left proves that there is no solution; what it was
resolved from is the explanation.

Requirements enter the search when a version is decided, as plain cuts of domains. They become nogoods only when a
conflict asks why, and then in their most general form: for all versions of the bundle that would have done the same.

Sources: N. Weizenbaum, "PubGrub"; dart-lang/pub, doc/solver.md; Gebser et al., Answer Set Solving in Practice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

ABSENT = 1
"""The value of a bundle that nobody needs."""

DECIDED = -1
"""Why a domain was cut: nothing demanded it."""

Term: TypeAlias = tuple[int, int]
Pair: TypeAlias = tuple[int, int, int, "Nogood"]
"""A nogood of two terms as the variable of one sees it: what is left where that term does not hold, the other term."""

Watched: TypeAlias = tuple[list[Term], "Nogood"]
"""The terms of a longer nogood, the two that are watched in front."""

FAR = 16
"""Levels. Going back further would undo decisions that would all be taken again."""


@dataclass(frozen=True, slots=True, eq=False)
class Nogood:
    """Terms that cannot hold together, at most one of a variable.

    ``cause`` is what it was resolved from, the first nogood and then a variable with the nogood that cut its domain,
    again and again; empty for a fact.
    """

    terms: tuple[Term, ...]
    cause: tuple[tuple[int, Nogood], ...] = ()


class Rules(Protocol):
    """What decides about the variables; asked when a variable is reached, and when something went wrong."""

    def needs(self, variable: int, value: int) -> Sequence[Term]:
        """What a value needs: variables with the values that will do, each once. May add variables to the search.

        Asked once of each value.
        """

    def why(self, variable: int, needed: int, refused: int) -> Nogood:
        """Why the values of ``variable`` that leave none of ``refused`` to ``needed`` do so, as a fact.

        Its terms are all values of ``variable`` of which that is true, and the values of ``needed`` that none of them
        takes.
        """

    def objection(self, domains: Sequence[int]) -> Nogood | None:
        """A nogood against a complete choice, all of whose terms hold; None when there is nothing against it."""


class Exhausted(Exception):
    """The search used up its steps."""


class Search:
    """One search. By variable, ``everything`` are its values, ``domains`` those that are left.

    ``steps`` counts cuts of domains and resolved nogoods, ``conflicts`` what had to be learned from.
    """

    def __init__(self, rules: Rules, *, limit: int) -> None:
        self.rules = rules
        self.limit = limit
        self.steps = 0
        self.conflicts = 0
        self.domains: list[int] = []
        self.everything: list[int] = []
        self._trail: list[tuple[int, int, Nogood | int]] = []  # variable, domain before, why it was cut
        self._cuts: list[list[int]] = []  # places in the trail, by variable
        self._levels: list[tuple[int, int]] = []  # how long the trail and the settled ones were at each decision
        self._settled: list[int] = []  # variables whose needs are in the domains
        self._is_settled: list[bool] = []
        self._preferred: list[int] = []
        self._needs: list[dict[int, Sequence[Term]]] = []
        self._pairs: list[list[Pair]] = []
        self._watched: list[list[Watched]] = []
        self._kept: set[Nogood] = set()
        self._activity: list[int] = []
        self._waiting: list[tuple[int, int]] = []
        self._changed: list[int] = []

    def add(self, domain: int, *, preferred: int = 0) -> int:
        """A new variable with these values; ``preferred`` is one of them to be tried first, 0 for the highest."""
        self.domains.append(domain)
        self.everything.append(domain)
        self._cuts.append([])
        self._is_settled.append(False)
        self._preferred.append(preferred)
        self._needs.append({})
        self._pairs.append([])
        self._watched.append([])
        self._activity.append(0)
        return len(self.domains) - 1

    def needs(self, variable: int, value: int) -> Sequence[Term]:
        """What a value needs, as the rules say."""
        known = self._needs[variable].get(value)
        if known is None:
            known = self._needs[variable][value] = self.rules.needs(variable, value)
        return known

    def run(self, facts: Iterable[Nogood] = ()) -> Nogood | None:
        """Search; None when the domains are a solution, else the nogood without terms that there is none.

        Raises :class:`Exhausted`.
        """
        for fact in facts:
            conflict = self._post(fact)
            if conflict is not None:
                return self._learn(conflict)[0]
        conflict = None
        while True:
            if conflict is None and self._changed:
                conflict = self._propagate()
            if conflict is not None:
                learned, level = self._learn(conflict)
                if not learned.terms:
                    return learned
                self._return_to(level)
                conflict = self._post(learned)
            elif self._waiting:
                conflict = self._decide()
            else:
                objection = self.rules.objection(self.domains)
                if objection is None:
                    return None
                conflict = self._post(objection)

    def _wait(self, variable: int) -> None:
        """Whoever was in conflicts comes first, then whoever was needed first: it keeps the highest version."""
        heappush(self._waiting, (-self._activity[variable], variable))

    def _decide(self) -> Nogood | None:
        """Settle who waits, until that has consequences: give a value, cut what it needs; exclude what cannot be."""
        domains, waiting, is_settled = self.domains, self._waiting, self._is_settled
        while waiting and not self._changed:
            variable = heappop(waiting)[1]
            domain = domains[variable]
            if domain & ABSENT or is_settled[variable]:
                continue
            value = domain & self._preferred[variable] or 1 << (domain.bit_length() - 1)
            needs = self._needs[variable].get(value) or self.needs(variable, value)
            for needed, values in needs:
                if not domains[needed] & values:
                    self._wait(variable)
                    self.conflicts += 1
                    return self._post(self.rules.why(variable, needed, domains[needed]))
            if domain != value:
                self._levels.append((len(self._trail), len(self._settled)))
                self._cut(variable, value, DECIDED)
            is_settled[variable] = True
            self._settled.append(variable)
            for needed, values in needs:
                domain = domains[needed]
                if domain & ~values:
                    self._cut(needed, domain & values, variable)
        return None

    def _cut(self, variable: int, domain: int, why: Nogood | int) -> None:
        self.steps += 1
        if self.steps > self.limit:
            raise Exhausted
        before = self.domains[variable]
        self.domains[variable] = domain
        self._cuts[variable].append(len(self._trail))
        self._trail.append((variable, before, why))
        if before & ABSENT and not domain & ABSENT:
            self._wait(variable)
        if self._pairs[variable] or self._watched[variable]:
            self._changed.append(variable)

    def _post(self, nogood: Nogood) -> Nogood | None:
        """Keep a nogood and act on it; the nogood itself when all its terms hold already."""
        domains = self.domains
        # Watched are the terms that hold last: the others cannot change before them on the way back.
        terms = sorted(nogood.terms, key=lambda term: self._held_since(term, still_open=True), reverse=True)
        if not terms:
            return nogood
        if nogood not in self._kept:
            self._kept.add(nogood)
            self._watch(terms, nogood)
        if len(terms) > 1 and domains[terms[1][0]] & ~terms[1][1]:
            return None
        variable, values = terms[0]
        domain = domains[variable]
        if not domain & ~values:
            return nogood
        if domain & values:
            self._cut(variable, domain & ~values, nogood)
        return None

    def _watch(self, terms: list[Term], nogood: Nogood) -> None:
        if len(terms) == 2:
            (variable, values), (other, those) = terms
            self._pairs[variable].append((self.everything[variable] & ~values, other, those, nogood))
            self._pairs[other].append((self.everything[other] & ~those, variable, values, nogood))
        elif len(terms) > 2:
            self._watched[terms[0][0]].append((terms, nogood))
            self._watched[terms[1][0]].append((terms, nogood))

    def _propagate(self) -> Nogood | None:
        """Exclude what the changes leave no room for; a nogood all of whose terms hold, if there is one."""
        domains, changed = self.domains, self._changed
        conflict = None
        while changed and conflict is None:
            variable = changed.pop()
            domain = domains[variable]
            for open_values, other, values, nogood in self._pairs[variable]:
                if not domain & open_values and domains[other] & values:
                    left = domains[other] & ~values
                    if not left:
                        conflict = nogood
                        break
                    self._cut(other, left, nogood)
            else:
                if self._watched[variable]:
                    conflict = self._propagate_longer(variable)
        changed.clear()
        return conflict

    def _propagate_longer(self, variable: int) -> Nogood | None:
        domains = self.domains
        watching = self._watched[variable]
        kept = self._watched[variable] = []
        for place, watched in enumerate(watching):
            terms, nogood = watched
            if terms[0][0] == variable:
                terms[0], terms[1] = terms[1], terms[0]
            if not domains[variable] & ~terms[1][1] and self._hand_on(watched):
                continue
            kept.append(watched)
            other, values = terms[0]
            if domains[variable] & ~terms[1][1] or not domains[other] & values:
                continue
            left = domains[other] & ~values
            if not left:
                kept += watching[place + 1 :]
                return nogood
            self._cut(other, left, nogood)
        return None

    def _hand_on(self, watched: Watched) -> bool:
        """Watch another term that does not hold in place of the second, which does; whether there is one."""
        terms = watched[0]
        for place in range(2, len(terms)):
            variable, values = terms[place]
            if self.domains[variable] & ~values:
                terms[1], terms[place] = terms[place], terms[1]
                self._watched[variable].append(watched)
                return True
        return False

    def _held_since(self, term: Term, *, still_open: bool = False) -> int:
        """The place in the trail since which a term holds; -1 for one that always did."""
        variable, values = term
        if still_open and self.domains[variable] & ~values:
            return len(self._trail)
        trail = self._trail
        for place in reversed(self._cuts[variable]):
            if trail[place][1] & ~values:
                return place
        return -1

    def _level_of(self, place: int) -> int:
        return bisect_right(self._levels, (place, len(self._settled)))

    def _learn(self, conflict: Nogood) -> tuple[Nogood, int]:
        """What a conflict teaches, and the level at which that excludes something."""
        self.conflicts += 1
        terms = dict(conflict.terms)
        since = {variable: self._held_since((variable, values)) for variable, values in terms.items()}
        cause: list[tuple[int, Nogood]] = [(-1, conflict)]
        level = 0
        while terms:
            variable = max(since, key=since.__getitem__)
            level = self._level_of(since[variable])
            if level:
                before = max((place for other, place in since.items() if other != variable), default=-1)
                if before < self._levels[level - 1][0]:
                    level = self._level_of(before) if level - self._level_of(before) <= FAR else level - 1
                    break
            self.steps += 1
            if self.steps > self.limit:
                raise Exhausted
            _, domain, why = self._trail[since.pop(variable)]
            values = terms.pop(variable)
            if isinstance(why, int):  # never DECIDED: a decision is the first cut of its level
                why = self.rules.why(why, variable, domain & ~values)
            cause.append((variable, why))
            for other, those in why.terms:
                held = those | values if other == variable else those & terms.get(other, -1)
                if held & self.everything[other] != self.everything[other]:
                    terms[other] = held
                    since[other] = self._held_since((other, held))
        for variable in terms:
            self._activity[variable] += 1
            self._wait(variable)
        if len(cause) == 1:
            return conflict, level
        return Nogood(tuple(terms.items()), tuple(cause)), level

    def _return_to(self, level: int) -> None:
        if level >= len(self._levels):
            return
        cuts, settled = self._levels[level]
        del self._levels[level:]
        for variable, before, _ in reversed(self._trail[cuts:]):
            self.domains[variable] = before
            self._cuts[variable].pop()
        del self._trail[cuts:]
        for variable in self._settled[settled:]:
            self._is_settled[variable] = False
            if not self.domains[variable] & ABSENT:
                self._wait(variable)
        del self._settled[settled:]
