"""The versions of a bundle as bits: what a selector takes is one number, found by bisection.

Bit 0 stays free for *absent*; the lowest version is bit 1, the highest the highest bit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from prompthub_kernel.selector import Exact, Range
from prompthub_kernel.semver import SemVer

_KEY = attrgetter("key")


class Versions:
    """The versions of one bundle, lowest first.

    ``all`` are their bits, ``yanked`` those of them that ranges do not take; an exact selector still does.
    """

    __slots__ = ("_finished", "_keys", "_of_variant", "_taken", "all", "ordered", "yanked")

    def __init__(self, versions: Iterable[SemVer]) -> None:
        self.ordered = sorted(versions, key=_KEY)
        self._keys = [version.key for version in self.ordered]
        self._taken: dict[str, int] = {}
        self._finished = 0
        self._of_variant: dict[str, int] = {}
        bit = 1
        for version in self.ordered:
            bit <<= 1
            self._of_variant[version.variant] = self._of_variant.get(version.variant, 0) | bit
            if not version.pre:
                self._finished |= bit
        self.all = (bit << 1) - 2
        self.yanked = 0

    def yank(self, versions: Iterable[SemVer], *, spare: Iterable[SemVer] = ()) -> None:
        """Let ranges skip these versions, but not those to spare. To be called before ``taken``."""
        for version in versions:
            self.yanked |= self.bit(version)
        for version in spare:
            self.yanked &= ~self.bit(version)

    def __getitem__(self, value: int) -> SemVer:
        """The version of one bit."""
        return self.ordered[value.bit_length() - 2]

    def bit(self, version: SemVer) -> int:
        """The bit of a version, 0 for one that is not there."""
        place = bisect_left(self._keys, version.key)
        return 2 << place if place < len(self._keys) and self._keys[place] == version.key else 0

    def among(self, values: int) -> list[SemVer]:
        """The versions of these bits, lowest first."""
        return [version for place, version in enumerate(self.ordered) if values >> place & 2]

    def taken(self, selector: Exact | Range) -> int:
        """The bits of the versions that a selector takes."""
        if isinstance(selector, Exact):
            return self.bit(selector.version)
        values = self._taken.get(selector.text)
        if values is None:
            values = self._taken[selector.text] = self._within(selector) & ~self.yanked
        return values

    def fitting(self, selector: Exact | Range) -> int:
        """As ``taken``, with those that were yanked."""
        return self.bit(selector.version) if isinstance(selector, Exact) else self._within(selector)

    def refused(self, range_: Range) -> int:
        """The bits of the pre-releases inside a range that it does not take, because it names none of their numbers."""
        values = 0
        for interval in range_.intervals:
            first = bisect_left(self._keys, (interval.low, ""))
            behind = bisect_left(self._keys, (interval.high, ""), first)
            values |= (2 << behind) - (2 << first)
        return values & self._of_variant.get(range_.variant, 0) & ~self._finished & ~self._within(range_)

    def _within(self, range_: Range) -> int:
        """As ``Range.matches`` says of each."""
        own = self._of_variant.get(range_.variant, 0)
        values = 0
        for interval in range_.intervals if own else ():
            first = bisect_left(self._keys, (interval.low, ""))
            behind = bisect_left(self._keys, (interval.high, ""), first)
            inside = (2 << behind) - (2 << first)
            values |= inside & self._finished
            if interval.pre_releases_of:
                values |= sum(
                    2 << place
                    for place in range(first, behind)
                    if self.ordered[place].pre and self.ordered[place].numbers in interval.pre_releases_of
                )
        return values & own
