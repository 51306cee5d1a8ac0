"""Why no releases fit together, in the language of the page.

The kernel composes its sentences of clauses (``prompthub_kernel.solving_words``); they are taken apart by the same
grammar and put together again. Each clause stays a main clause, so that languages with another order of words in
*because* can say it. What does not fit the grammar is left to :mod:`portal.sentences`, and stays English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.utils.translation import gettext_noop

N = gettext_noop

LONGEST = 2_000
"""Characters; the kernel keeps its sentences far below."""
_NAME = r"@[a-z0-9-]+/[a-z0-9-]+"
_TOKEN = r"(?:(?:[\^~=]|[<>]=?)?\d[\w.+*-]*|\*)"  # noqa: S105 - a version or a range, no secret
_MORE = r"… \(\d+ more\)"
_ONE = rf"(?:{_TOKEN}(?: (?:\|\| )?{_TOKEN})*|{_MORE})"
_SPAN = rf"(?:\(\d+ of them\) )?from {_TOKEN} to {_TOKEN}"
_SHORT = rf"{_NAME}(?: (?:{_SPAN}|{_ONE}(?:, {_ONE})*(?: (?:or|and) {_ONE})?))?"
_SEVERAL = rf"(?:{_SHORT}|{_MORE})(?:(?:, | or | and )(?:{_SHORT}|{_MORE}))*"
_VERSIONS = rf"{_ONE}(?:(?:, | and ){_ONE})*"
_WHO = rf"(?:your (?:bundle|project)|every version of {_NAME}(?: that fits {_ONE}| {_SPAN})?|{_SHORT})"
PLACES = {"who": _WHO, "it": r"your (?:bundle|project)", "what": _SEVERAL, "versions": _VERSIONS, "name": _NAME}
PLACES |= {"range": _ONE, "span": _SPAN, "first": _TOKEN, "last": _TOKEN, "count": r"\d+"}
PLACES |= {"early": _ONE, "numbers": r"\d+\.\d+\.\d+"}
PLACES |= {"way": rf"{_SHORT}(?:, which needs (?:{_SHORT}|{_MORE}))*"}

CLAUSES = (
    N("the requirements of your bundle cannot all be met"),
    N("the requirements of your project cannot all be met"),
    N("%(what)s together need %(what_else)s"),
    N("%(what)s cannot be used together"),
    N("no version of %(name)s can be used"),
    N("no version of %(name)s that fits %(range)s can be used"),
    N("no version of %(name)s %(span)s can be used"),
    N("%(what)s cannot be used"),
    N("%(what)s is needed"),
    N("%(who)s needs itself"),
    N("%(who)s needs %(it)s itself"),
    N("%(who)s needs %(way)s, which needs %(name)s again"),
    N("%(who)s needs %(what)s, of which there is no release"),
    N("%(who)s needs %(what)s, of which %(versions)s would fit, but was yanked"),
    N("%(who)s needs %(what)s, which its only version, %(first)s, does not fit"),
    N("%(who)s needs %(what)s, which none of its versions, %(first)s to %(last)s, fits"),
    N("%(who)s needs %(what)s, but %(early)s takes no pre-release of %(numbers)s, since it names none"),
    N("%(who)s needs %(what)s"),
)
WHO = (
    N("your bundle"),
    N("your project"),
    N("every version of %(name)s"),
    N("every version of %(name)s that fits %(range)s"),
    N("every version of %(name)s %(span)s"),
)
WORDS = (
    (re.compile(r"\((\d+) of them\)"), N("(%s of them)")),
    (re.compile(r"\((\d+) more\)"), N("(%s more)")),
)
OR, AND, WHICH = N("or"), N("and"), N("which needs")
WHOLE = (
    N("These and %(count)s further requirements cannot all be met."),
    N("These requirements cannot all be met."),
    N("(%(count)s further steps are left out here.)"),
    N("No release of %(name)s fits both %(range)s and %(range_else)s."),
    N("No release of %(name)s fits both %(range)s and %(range_else)s: %(first)s would, but was yanked."),
    N("No release of %(name)s fits both %(range)s and %(range_else)s: a range takes the builds of one variant."),
    N(
        "No release of %(name)s fits both %(range)s and %(range_else)s: "
        "%(early)s takes no pre-release of %(numbers)s, since it names none."
    ),
)
_NUMBER = re.compile(r"(?P<rest>.*) (?P<number>\(\d+\))", re.DOTALL)
CYCLE = N("Bundles cannot need themselves: %(way)s")
PROOF = N("This holds: %(one)s; and %(other)s. So %(then)s.")
NEXT = N("And this holds: %(one)s. So %(then)s.")
SPAN = N("from %s to %s")


def said(sentence: str, *, say: Callable[[str], str]) -> str | None:
    """A sentence of the explanation, translated by ``say``; None for what is none of them."""
    return _Telling(say).told(sentence)


class _Telling:
    """Takes a sentence apart and says its clauses."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self.say = say

    def told(self, sentence: str) -> str | None:
        """The sentence; None for what is none of the kernel's."""
        for known in WHOLE:
            if fits := re.fullmatch(_pattern(known), sentence):
                return self.say(known) % fits.groupdict()
        if sentence.startswith("Bundles cannot need themselves: "):
            return self.say(CYCLE) % {"way": self._words(sentence.partition(": ")[2])}
        if not sentence.endswith(".") or len(sentence) > LONGEST:
            return None
        text = sentence[:-1]
        if text.startswith("And because "):
            return self._followed(text.removeprefix("And because "))
        if text.startswith("Because "):
            return self._concluded(text.removeprefix("Because "))
        alone = self._clause(text) or self._clause(f"{text[:1].lower()}{text[1:]}")
        return None if alone is None else f"{alone[:1].upper()}{alone[1:]}."

    def _concluded(self, text: str) -> str | None:
        for pair, outcome in self._splits(text, ", "):
            if (then := self._clause(outcome)) is None:
                continue
            for first, second in self._splits(pair, " and "):
                one, other = self._clause(first), self._clause(second)
                if one is not None and other is not None:
                    told = {"one": one, "other": other, "then": then}
                    return self.say(PROOF) % told
        return None

    def _followed(self, text: str) -> str | None:
        for cause, outcome in self._splits(text, ", "):
            one, then = self._clause(cause), self._clause(outcome)
            if one is not None and then is not None:
                return self.say(NEXT) % {"one": one, "then": then}
        return None

    @staticmethod
    def _splits(text: str, between: str) -> Iterator[tuple[str, str]]:
        """Both sides of every place where a text may be cut, the last place first."""
        at = text.rfind(between)
        while at >= 0:
            yield text[:at], text[at + len(between) :]
            at = text.rfind(between, 0, at)

    def _clause(self, text: str) -> str | None:
        numbered = _NUMBER.fullmatch(text)
        if numbered is not None and (found := self._clause(numbered["rest"])) is not None:
            return f"{found} {numbered['number']}"
        for known in CLAUSES:
            if (fits := re.fullmatch(_pattern(known), text)) is not None:
                return self.say(known) % {name: self._part(name, value) for name, value in fits.groupdict().items()}
        return None

    def _part(self, name: str, text: str) -> str:
        if name in ("who", "it"):
            for known in WHO:
                if (fits := re.fullmatch(_pattern(known), text)) is not None:
                    return self.say(known) % {place: self._words(value) for place, value in fits.groupdict().items()}
        if name == "way":
            return f", {self.say(WHICH)} ".join(self._words(part) for part in text.split(", which needs "))
        return self._words(text)

    def _words(self, text: str) -> str:
        """Names and versions in a list."""
        for pattern, known in WORDS:
            text = pattern.sub(lambda fits, known=known: self.say(known) % fits[1], text)  # type: ignore[misc]
        text = re.sub(rf"from ({_TOKEN}) to ({_TOKEN})", lambda fits: self.say(SPAN) % fits.groups(), text)
        return text.replace(" or ", f" {self.say(OR)} ").replace(" and ", f" {self.say(AND)} ")


def _pattern(known: str) -> str:
    pieces = re.split(r"%\((\w+)\)s", known)
    return "".join(
        f"(?P<{piece}>{PLACES[piece.removesuffix('_else')]})" if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )
