"""Which release of a bundle is meant: one version, a range of versions, or a name that points at one.

- **Exact**: three numbers, ``2.1.0``, ``2.1.0-gpt4``, ``2.1.0-rc.1+tokens.1500`` (what is behind + is not compared).
- **Range**: ``^2.1`` (compatible: below the next change of the leftmost number that is not 0), ``~2.1`` (2.1 and its
  patches), ``>=1.2 <2`` (space or comma: both), ``1.x``, ``*``, ``^1.4 || ^2`` (either). Numbers that are left out mean
  what they mean to npm: ``>1`` begins at 2.0.0, ``<=1.2`` ends before 1.3.0.
- **Named**: a channel, ``stable``, ``active@staging``, or ``latest``, which is computed: the best of ``*``.

A range takes the builds of one variant: the one it names (``^2.1-gpt4``), or the plain ones. It takes a pre-release
only when it names one of the same three numbers: ``^2.1.0-rc.1`` takes ``2.1.0-rc.2`` and ``2.3.0``, not
``2.3.0-rc.1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from prompthub_kernel.place import NOWHERE, Place
from prompthub_kernel.semver import (
    MAX_DIGITS,
    RELEASED,
    Precedence,
    PreRelease,
    SemVer,
    pre_release_key,
    read_numbers,
    read_suffix,
    read_variant,
    spelled_suffix,
)

MAX_LENGTH = 200
LATEST = "latest"

Numbers: TypeAlias = tuple[int, ...]

_END = 10**MAX_DIGITS
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENVIRONMENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ONE_VERSION = re.compile(r"[0-9][^ ,|]*")
_COMPARATOR = re.compile(r"(\^|~|>=|<=|>|<|=|) *([^ ,|<>=^~]+)")
_BETWEEN = re.compile(r" *, *| +|(?=[\^~<>=])")
_WILDCARDS = ("x", "X", "*")


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from ``low`` to before ``high``, and of which three numbers pre-releases are taken too."""

    low: Precedence
    high: Precedence
    pre_releases_of: frozenset[Numbers]

    def holds(self, precedence: Precedence) -> bool:
        """Whether a version of this precedence is inside."""
        if not self.low <= precedence < self.high:
            return False
        return precedence[3] == RELEASED or precedence[:3] in self.pre_releases_of


@dataclass(frozen=True, slots=True)
class Exact:
    """One version."""

    version: SemVer

    def __str__(self) -> str:
        return str(self.version)

    def matches(self, version: SemVer) -> bool:
        """Whether it is this version, whatever its build metadata."""
        return version.key == self.version.key

    def best(self, versions: Iterable[SemVer]) -> SemVer | None:
        """This version, if it is among them."""
        return next(filter(self.matches, versions), None)


@dataclass(frozen=True, slots=True)
class Range:
    """The builds of one variant in any of the intervals. Equal ranges hold the same intervals; ``text`` may differ.

    The intervals are as many as alternatives were written, in that order, and may overlap.
    """

    variant: str
    intervals: tuple[Interval, ...]
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str, *, variant: str = "", where: Place = NOWHERE) -> Range:
        """The range a text spells; ``variant`` is one given apart.

        Raises ``400.address_invalid`` with the character and the reason: ``type``, ``empty``, ``length``, ``range``,
        ``number``, ``variant`` (also: two of them), ``pre_release``, ``nothing`` (no version can be in it).
        """
        where.require_length(text, MAX_LENGTH)
        alternatives: list[list[_Comparator]] = []
        here = where
        for part in text.split("||"):
            alternatives.append(_comparators(part, here))
            here = here.after(len(part) + 2)
        named = [{comparator.variant for comparator in row} - {""} or {variant} for row in alternatives]
        variants = set().union(*named, {read_variant(variant, where=where)} if variant else ())
        if len(variants) > 1:
            raise where.unreadable("variant", "A range names one variant, in each of its alternatives the same.")
        (one,) = variants
        spelling = " || ".join(_spelled(row, one) for row in alternatives)
        if len(spelling) > MAX_LENGTH:
            raise where.unreadable("length", f"Written out, the range has more than {MAX_LENGTH} characters.")
        return cls(one, tuple(_interval(row, where) for row in alternatives), spelling)

    def overlaps(self, other: Exact | Range) -> bool:
        """Whether both reach over some of the same versions, whatever their variants and whether there are any."""
        if isinstance(other, Exact):
            return any(one.low <= other.version.precedence < one.high for one in self.intervals)
        return any(one.low < two.high and two.low < one.high for one in self.intervals for two in other.intervals)

    def matches(self, version: SemVer) -> bool:
        """Whether the version is one of the range's."""
        if version.variant != self.variant:
            return False
        return any(interval.holds(version.precedence) for interval in self.intervals)

    def best(self, versions: Iterable[SemVer]) -> SemVer | None:
        """The highest version in the range; None without any."""
        found: SemVer | None = None
        for version in versions:
            if (found is None or version.key > found.key) and self.matches(version):
                found = version
        return found


@dataclass(frozen=True, slots=True)
class Named:
    """A channel of the bundle, in an environment of its own or (``""``) the one without a name; or ``latest``."""

    name: str
    environment: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.environment}" if self.environment else self.name

    @classmethod
    def parse(cls, text: str, *, where: Place = NOWHERE) -> Named:
        """The name a text spells. Raises ``400.address_invalid`` with the reason ``name`` or ``environment``."""
        where.require_length(text, MAX_LENGTH)
        name, sign, environment = text.partition("@")
        if not _NAME.fullmatch(name):
            raise where.unreadable(
                "name", "A channel is 1 to 63 of a-z, 0-9 and -, from a letter on; versions have no v."
            )
        if sign and not _ENVIRONMENT.fullmatch(environment):
            detail = "An environment is 1 to 63 of a-z, 0-9 and -."
            raise where.after(len(name) + 1).unreadable("environment", detail)
        if sign and name == LATEST:
            raise where.unreadable("environment", "latest is computed and the same in every environment.")
        return cls(name, environment)


Selector: TypeAlias = Exact | Range | Named


def parse_selector(text: str, *, variant: str = "", where: Place = NOWHERE) -> Selector:
    """The selector a text spells; ``variant`` is one given apart, which the text may repeat but not contradict.

    ``latest`` with a variant is the range ``*`` of that variant. Raises ``400.address_invalid`` with the reasons of
    :meth:`SemVer.parse`, :meth:`Range.parse` and :meth:`Named.parse`; ``variant`` for one beside a channel, which
    points at one build already.
    """
    where.require_length(text, MAX_LENGTH)
    if text[0].isalpha():
        named = Named.parse(text, where=where)
        if not variant:
            return named
        if named.name == LATEST:
            return Range.parse("*", variant=variant, where=where)
        raise where.unreadable("variant", "A channel points at one build; a variant goes with a version or a range.")
    if not _ONE_VERSION.fullmatch(text) or _is_wildcard(text):
        return Range.parse(text, variant=variant, where=where)
    if _core(text).count(".") < 2:
        raise where.unreadable("version", "Write all three numbers, or a range: ^2.1, ~2.1, 2.1.x.")
    version = SemVer.parse(text, where=where)
    if variant and not version.variant:
        version = version.with_variant(read_variant(variant, where=where))
    if variant and version.variant != variant:
        raise where.unreadable("variant", "The version names another variant.")
    return Exact(version)


@dataclass(frozen=True, slots=True)
class _Comparator:
    """An operator (``""`` for one version, ``x`` for a wildcard) and up to three numbers."""

    operator: str
    numbers: Numbers
    variant: str
    pre: PreRelease

    def bounds(self) -> tuple[Precedence, Precedence]:
        """What it takes: from the first to before the second."""
        lowest = _first(self.numbers)
        here: Precedence = (*_padded(self.numbers), pre_release_key(self.pre))
        partial = len(self.numbers) < 3
        match self.operator:
            case "^":
                leading = next((place for place, number in enumerate(self.numbers) if number), len(self.numbers) - 1)
                return here, _first(_raised(self.numbers[: leading + 1]))
            case "~":
                return here, _first(_raised(self.numbers[:2]))
            case "x":
                return here, _first(_raised(self.numbers))
            case ">=":
                return here, _first(())
            case "<":
                return _first((0,)), lowest if partial else here
            case ">":
                return (_first(_raised(self.numbers)) if partial else _after(here)), _first(())
            case "<=":
                return _first((0,)), (_first(_raised(self.numbers)) if partial else _after(here))
            case _:
                return here, _after(here)

    def spelled(self, variant: str) -> str:
        """How it is written with a variant, ``""`` for none."""
        core = ".".join(map(str, self.numbers))
        if self.operator == "x":
            return (f"{core}.x" if core else "*") + spelled_suffix(variant, ())
        return self.operator + core + spelled_suffix(variant, self.pre)


def _comparators(text: str, where: Place) -> list[_Comparator]:
    found: list[_Comparator] = []
    position = len(text) - len(text.lstrip(" "))
    end = len(text.rstrip(" "))
    while True:
        match = _COMPARATOR.match(text, position, end)
        if not match:
            raise where.after(position).unreadable("range", "A range is expected here: ^2.1, ~2.1, >=1.2 <2, 1.x or *.")
        found.append(_comparator(match[1], match[2], where.after(position), where.after(match.start(2))))
        if match.end() == end:
            return found
        between = _BETWEEN.match(text, match.end(), end)
        if not between:
            raise where.after(match.end()).unreadable("range", "A space, a comma or || is expected here.")
        position = between.end()


def _comparator(operator: str, text: str, here: Place, where: Place) -> _Comparator:
    core, dash, suffix = text.partition("-")
    if "+" in text:
        raise where.unreadable("build", "A range cannot ask for what is behind +; it is never compared.")
    wildcard = _is_wildcard(text)
    if wildcard:
        if operator:
            raise here.unreadable("range", "A wildcard stands alone: 1.x, not ^1.x.")
        operator, core_read = "x", core[:-2]
    else:
        core_read = core
    numbers = read_numbers(core_read, where=where) if core_read else ()
    if len(numbers) > (2 if wildcard else 3):
        raise where.unreadable("version", "A version has three numbers, as 2.1.0 has.")
    variant, pre = read_suffix(suffix, where=where.after(len(core) + 1)) if dash else ("", ())
    if not wildcard and not numbers:
        raise where.unreadable("number", "A number is expected here, as in ^2.1.")
    if len(numbers) < 3:
        if operator in {"", "="}:
            raise where.unreadable("version", "Write all three numbers, or a range: ^2.1, ~2.1, 2.1.x.")
        if pre:
            raise where.unreadable("pre_release", "A pre-release needs all three numbers: ^2.1.0-rc.1.")
    return _Comparator("" if operator == "=" else operator, numbers, variant, pre)


def _interval(row: list[_Comparator], where: Place) -> Interval:
    bounds = [comparator.bounds() for comparator in row]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if low >= high:
        raise where.unreadable("nothing", "No version can be in this range.")
    return Interval(low, high, frozenset(comparator.numbers for comparator in row if comparator.pre))


def _spelled(row: list[_Comparator], variant: str) -> str:
    """The comparators; the first names the variant for all."""
    return " ".join(comparator.spelled("" if place else variant) for place, comparator in enumerate(row))


def _core(text: str) -> str:
    return text.partition("+")[0].partition("-")[0]


def _is_wildcard(text: str) -> bool:
    core = _core(text)
    return core == "*" or core.endswith(tuple(f".{sign}" for sign in _WILDCARDS))


def _padded(numbers: Numbers) -> tuple[int, int, int]:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _raised(numbers: Numbers) -> Numbers:
    """The last number one higher; of no numbers the end of all."""
    return (*numbers[:-1], numbers[-1] + 1) if numbers else (_END,)


def _first(numbers: Numbers) -> Precedence:
    """Before every version, pre-releases too, that begins with these numbers; of no numbers the end of all."""
    return (*_padded(numbers or (_END,)), ())


def _after(precedence: Precedence) -> Precedence:
    """Behind this version and before every other."""
    return (*precedence[:3], (*precedence[3], (-1, 0, "")))
