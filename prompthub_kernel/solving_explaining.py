"""Why no releases fit together, in sentences.

The proof that the search ends with is first made small: facts are left out as long as there is no solution without them
either, and versions that nobody asks for are forgotten. What remains is proved again and told from the conflict back to
whoever asks: *Because A and B, C. And because D, …*
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.solving_search import ABSENT, Exhausted, Nogood, Search, Term
from prompthub_kernel.solving_universe import ROOT, Cycle, Needs, Universe
from prompthub_kernel.solving_words import Words, brief

MAX_SENTENCES = 12
MAX_PROOF_STEPS = 20_000
"""For making the proof small: some tenths of a second."""


def explain(failure: Nogood, universe: Universe) -> Invalid:
    """The error that tells why there is no solution. ``failure`` is the nogood without terms that proves it."""
    proof = _Proof(universe, _facts_of(failure))
    proof.shrink()
    sentences = _Narration(proof).sentences()
    asked = [fact.needed for fact in proof.facts if isinstance(fact, Needs) and fact.source == ROOT]
    cycle = _cycle(universe, proof.facts)
    context: dict[str, object] = {"explanation": sentences}
    if cycle:
        sentences.insert(0, f"Bundles cannot need themselves: {' → '.join(brief(cycle))}.")
        context["cycle"] = cycle
    return Invalid(
        "422.dependency_cycle" if cycle else "422.dependency_unsatisfiable",
        " ".join(sentences),
        problems=[
            Problem(
                pointer(["requirements", universe.names[variable]]),
                "cycle" if cycle else "conflict",
                f"{universe.names[variable]} {universe.root[universe.names[variable]]} takes part in the conflict.",
            )
            for variable in asked
        ],
        context=context,
    )


def _facts_of(failure: Nogood) -> list[Nogood]:
    """The facts that a nogood was resolved from, each once, those of the last conflict first."""
    found: dict[Nogood, None] = {}
    open_ends = deque([failure])
    seen = {failure}
    while open_ends:
        nogood = open_ends.popleft()
        if not nogood.cause:
            found[nogood] = None
        for _, part in nogood.cause:
            if part not in seen:
                seen.add(part)
                open_ends.append(part)
    return [*found]


def _cycle(universe: Universe, facts: Sequence[Nogood]) -> list[str]:
    """The bundles of the first cycle among the facts, the first one again at the end; empty without any."""
    for fact in facts:
        if isinstance(fact, Cycle):
            break
    else:
        return []
    path = list(fact.path)
    if path[-1] != ROOT:
        return [universe.names[variable] for variable in [*path, path[0]]]
    needed: dict[int, list[int]] = {}
    for need in facts:
        if isinstance(need, Needs):
            needed.setdefault(need.source, []).append(need.needed)
    ways: dict[int, list[int]] = {ROOT: []}
    waiting = deque([ROOT])
    while waiting and path[0] not in ways:
        here = waiting.popleft()
        for following in needed.get(here, ()):
            if following not in ways:
                ways[following] = [*ways[here], following]
                waiting.append(following)
    way = [universe.names[variable] for variable in ways.get(path[0], [])]
    return [universe.bundle, *way, universe.bundle]


class _NoRules:
    """Of a search in which everything is a fact."""

    def needs(self, variable: int, value: int) -> Sequence[Term]:
        return ()

    def why(self, variable: int, needed: int, refused: int) -> Nogood:
        raise AssertionError("nothing is needed but by facts")

    def objection(self, domains: Sequence[int]) -> Nogood | None:
        return None


class _Proof:
    """Facts that cannot all hold, and the proof of it over nothing but the versions that somebody among them asks for.

    ``failure`` is the nogood without terms; None when proving it again took too long. Its variables are its own, with
    the values in ``everything``: ``variables`` are those of the universe, ``told`` leads to the facts as they were.
    """

    def __init__(self, universe: Universe, facts: Sequence[Nogood]) -> None:
        self.universe = universe
        self.facts = [*facts]
        self.failure: Nogood | None = None
        self.variables: list[int] = []
        self.told: dict[Nogood, Nogood] = {}
        self.everything: list[int] = []
        self.asked = self._asked_by(facts)
        self._steps = MAX_PROOF_STEPS

    def shrink(self) -> None:
        """Leave out facts, many at once and then one by one, while the rest still has no solution."""
        try:
            self._prove(self.facts)
            size = len(self.facts)
            while size > 1:
                size = (size + 1) // 2 if size > 2 else 1
                place = 0
                while place < len(self.facts):
                    if not self._prove(self.facts[:place] + self.facts[place + size :]):
                        place += size
        except Exhausted:
            return

    def _prove(self, facts: Sequence[Nogood]) -> bool:
        """Whether there is no solution; then these are the facts, but for those the proof did without."""
        asked = self._asked_by(facts)
        search = Search(_NoRules(), limit=self._steps)
        own = {variable: search.add(domain) for variable, domain in asked.items()}
        told: dict[Nogood, Nogood] = {}
        for fact in facts:
            terms = [(own[variable], values & asked[variable]) for variable, values in fact.terms if variable in own]
            if len(terms) == len(fact.terms) and all(values for _, values in terms):
                told[Nogood(tuple(term for term in terms if term[1] != search.everything[term[0]]))] = fact
        failure = search.run(told)
        self._steps -= search.steps
        if failure is None:
            return False
        used = {told[small] for small in _facts_of(failure)}
        self.facts = [fact for fact in facts if fact in used]
        self.failure, self.told, self.everything = failure, told, search.everything
        self.variables = [*asked]
        self.asked = self._asked_by(self.facts)
        return True

    def _asked_by(self, facts: Sequence[Nogood]) -> dict[int, int]:
        """Variables with the values that somebody asks for: nobody would choose others."""
        asked: dict[int, int] = {}
        for fact in facts:
            if isinstance(fact, Needs):
                for variable, values in fact.terms:
                    if variable == fact.needed:
                        wanted = self.universe.search.everything[variable] & ~values
                        asked[variable] = asked.get(variable, ABSENT) | wanted
        return asked


class _Narration:
    """A proof as sentences, from the conflict back to whoever asks."""

    def __init__(self, proof: _Proof) -> None:
        self.proof = proof
        self.words = Words(proof.universe, proof.facts, proof.asked)
        self._said: list[str] = []
        self._numbers: dict[Nogood, int] = {}

    def sentences(self) -> list[str]:
        """At most :data:`MAX_SENTENCES`; a longer story is told from both ends. Ranges that overlap in vain end it."""
        failure = self.proof.failure
        if failure is None:
            return self.words.listed(self.proof.facts, MAX_SENTENCES)
        if not failure.cause:
            return [self.words.sentence(self._statement(failure))]
        for nogood in _learned(failure):
            self._tell(nogood)
            if nogood is not failure:
                self._numbers[nogood] = len(self._numbers) + 1
                self._said[-1] = f"{self._said[-1][:-1]} ({self._numbers[nogood]})."
        gaps = self.words.gaps(self.proof.facts)
        most = MAX_SENTENCES - len(gaps)
        if len(self._said) > most:
            left_out = len(self._said) - most + 1
            middle = most // 2
            self._said[middle : middle + left_out] = [f"({left_out} further steps are left out here.)"]
        return self._said + gaps

    def _tell(self, nogood: Nogood) -> None:
        (_, first), *others = nogood.cause
        terms = dict(first.terms)
        begin = f"Because {self._statement(first)} and"
        for variable, part in others:
            values = terms.pop(variable)
            for other, those in part.terms:
                terms[other] = those | values if other == variable else those & terms.get(other, -1)
            terms = {other: those for other, those in terms.items() if those != self.proof.everything[other]}
            self._said.append(f"{begin} {self._statement(part)}, {self._outcome(terms)}.")
            begin = "And because"

    def _statement(self, nogood: Nogood) -> str:
        if nogood in self._numbers:
            return f"{self._outcome(dict(nogood.terms))} ({self._numbers[nogood]})"
        return self.words.fact(self.proof.told[nogood])

    def _outcome(self, terms: Mapping[int, int]) -> str:
        return self.words.outcome([(self.proof.variables[variable], values) for variable, values in terms.items()])


def _learned(failure: Nogood) -> list[Nogood]:
    """All nogoods that were learned on the way to this one, each behind those it was resolved from."""
    ordered: dict[Nogood, None] = {}
    open_ends = [(failure, False)]
    while open_ends:
        nogood, told = open_ends.pop()
        if told:
            ordered[nogood] = None
        elif nogood.cause and nogood not in ordered:
            open_ends.append((nogood, True))
            open_ends += [(part, False) for _, part in reversed(nogood.cause)]
    return [*ordered]
