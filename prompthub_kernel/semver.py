"""Versions of releases: SemVer 2.0 in which a suffix can name a variant.

``2.1.0-gpt4+tokens.1500`` is version 2.1.0, built for ``gpt4``, with the build metadata ``tokens.1500``.

- **The suffix** (after ``-``) is a row of identifiers between dots. From the first of ``alpha beta dev pre rc`` on
  it is the pre-release, each such word with or without numbers (``rc``, ``rc.1``, ``beta.2.1``; ``rc1`` is read as
  ``rc.1``); what stands before that word is the variant. So ``gpt4.rc.1`` is the first candidate of the build for
  ``gpt4``, and ``rc.1.gpt4`` is refused: the variant comes first.
- **The variant** makes another build of the same version: ``2.1.0`` and ``2.1.0-gpt4`` stand beside each other.
- **Build metadata** (after ``+``) is shown and never compared: ``2.1.0+a`` and ``2.1.0+b`` are the same version.
- **Order**: the three numbers; then pre-releases before the version they lead to, among themselves as SemVer 2.0
  rule 11 has them (words by the alphabet, numbers by value, numbers before words, the shorter first); then the plain
  build before its variants, variants by the alphabet. Without variants this is exactly SemVer's order.

Suffixes are lower case, so that no two versions differ by case alone where names of files do not tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from prompthub_kernel.place import NOWHERE, Place

MAX_DIGITS = 9
"""Of each number: what a 32-bit integer of a database holds, and room for a date (``20261121``)."""
MAX_VARIANT_LENGTH = 63
MAX_PRE_RELEASE_PARTS = 4
MAX_BUILD_LENGTH = 63
MAX_LENGTH = 200
"""Longer than any version that keeps the bounds of its parts."""
PRE_RELEASES = ("alpha", "beta", "dev", "pre", "rc")

PreRelease: TypeAlias = tuple[str | int, ...]
Precedence: TypeAlias = tuple[int, int, int, tuple[tuple[int, int, str], ...]]
"""What SemVer compares: three numbers and the identifiers of the pre-release, :data:`RELEASED` without any."""

RELEASED: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)
"""Stands where a pre-release would, behind every one of them."""

_NUMBER = re.compile(r"[0-9]+")
_IDENTIFIER = re.compile(r"[0-9a-z](?:[0-9a-z-]*[0-9a-z])?")
_BUILD = re.compile(r"[0-9A-Za-z-]+")
_PRE_RELEASE = re.compile(rf"({'|'.join(PRE_RELEASES)})([0-9]*)")
_ALMOST_PRE_RELEASE = re.compile(rf"(?:{'|'.join(PRE_RELEASES)})-?[0-9].*")


@dataclass(frozen=True, slots=True, order=True)
class SemVer:
    """A version, totally ordered by ``key``; equal versions differ at most in ``build``.

    ``pre`` is the pre-release as words and numbers (``("rc", 1)``), empty for a finished version; ``variant`` is empty
    for the plain build. Made by :meth:`parse`, or of parts that were read by it: the constructor checks nothing.
    """

    key: tuple[Precedence, str] = field(init=False, repr=False)
    major: int = field(compare=False)
    minor: int = field(compare=False)
    patch: int = field(compare=False)
    variant: str = field(default="", compare=False)
    pre: PreRelease = field(default=(), compare=False)
    build: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        precedence = (self.major, self.minor, self.patch, pre_release_key(self.pre))
        object.__setattr__(self, "key", (precedence, self.variant))

    def __str__(self) -> str:
        suffix = spelled_suffix(self.variant, self.pre)
        return f"{self.major}.{self.minor}.{self.patch}{suffix}" + (f"+{self.build}" if self.build else "")

    @classmethod
    def parse(cls, text: str, *, where: Place = NOWHERE) -> SemVer:
        """The version a text spells. Raises ``400.address_invalid`` with the character and the reason.

        Reasons: ``type``, ``empty``, ``length``, ``version`` (not three numbers), ``number``, ``variant``,
        ``pre_release``, ``build``.
        """
        where.require_length(text, MAX_LENGTH)
        front, plus, build = text.partition("+")
        core, dash, suffix = front.partition("-")
        numbers = read_numbers(core, where=where)
        if len(numbers) != 3:
            raise where.unreadable("version", "A version has three numbers, as 2.1.0 has.")
        variant, pre = read_suffix(suffix, where=where.after(len(core) + 1)) if dash else ("", ())
        if plus:
            _check_build(build, where=where.after(len(front) + 1))
        return cls(*numbers, variant=variant, pre=pre, build=build)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    @property
    def precedence(self) -> Precedence:
        """What orders it among the builds of its own variant."""
        return self.key[0]

    def with_variant(self, variant: str) -> SemVer:
        """The build of the same version for another variant, ``""`` for the plain one; without build metadata."""
        return replace(self, variant=read_variant(variant) if variant else "", build="")


def pre_release_key(pre: PreRelease) -> tuple[tuple[int, int, str], ...]:
    """What SemVer compares of a pre-release: numbers before words; a finished version after all of them."""
    if not pre:
        return RELEASED
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in pre)


def spelled_suffix(variant: str, pre: PreRelease) -> str:
    """How the variant and the pre-release are written behind the numbers, with the dash."""
    parts = [*([variant] if variant else []), *map(str, pre)]
    return "-" + ".".join(parts) if parts else ""


def read_numbers(text: str, *, where: Place) -> tuple[int, ...]:
    """Numbers between dots. Raises ``400.address_invalid`` for anything else, leading zeros and long numbers."""
    numbers: list[int] = []
    position = 0
    for part in text.split("."):
        numbers.append(_number(part, where, position))
        position += len(part) + 1
    return tuple(numbers)


def read_suffix(text: str, *, where: Place) -> tuple[str, PreRelease]:
    """The variant and the pre-release that a suffix spells. Raises ``400.address_invalid`` for anything else."""
    variant: list[str] = []
    pre: list[str | int] = []
    position = 0
    for part in text.split("."):
        found = _PRE_RELEASE.fullmatch(part)
        if found:
            pre.append(found[1])
            if found[2]:
                pre.append(_number(found[2], where, position + len(found[1])))
        elif pre:
            if not _NUMBER.fullmatch(part):
                detail = "Behind rc, beta … come only numbers; a variant comes first."
                raise where.after(position).unreadable("pre_release", detail)
            pre.append(_number(part, where, position))
        else:
            _check_identifier(part, where, position)
            variant.append(part)
        position += len(part) + 1
    joined = ".".join(variant)
    if len(joined) > MAX_VARIANT_LENGTH:
        raise where.unreadable("variant", f"A variant has at most {MAX_VARIANT_LENGTH} characters.")
    if len(pre) > MAX_PRE_RELEASE_PARTS:
        raise where.unreadable("pre_release", f"A pre-release has at most {MAX_PRE_RELEASE_PARTS} parts.")
    return joined, tuple(pre)


def read_variant(text: str, *, where: Place = NOWHERE) -> str:
    """A variant given apart. Raises ``400.address_invalid`` for what is none."""
    where.require_length(text, MAX_VARIANT_LENGTH)
    variant, pre = read_suffix(text, where=where)
    if pre:
        raise where.unreadable("variant", "alpha, beta, dev, pre and rc name pre-releases, not variants.")
    return variant


def _number(text: str, where: Place, position: int) -> int:
    if _NUMBER.fullmatch(text) and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0"):
        return int(text)
    here = where.after(position)
    if not _NUMBER.fullmatch(text):
        raise here.unreadable("number", "A number is expected here, as in 2.1.0.")
    if text[0] == "0":
        raise here.unreadable("number", "Numbers are written without leading zeros: 2, not 02.")
    raise here.unreadable("number", f"A number has at most {MAX_DIGITS} digits.")


def _check_identifier(part: str, where: Place, position: int) -> None:
    if not _IDENTIFIER.fullmatch(part):
        detail = "A variant is made of a-z, 0-9 and dots, with dashes inside; upper case is not used."
        raise where.after(position).unreadable("variant", detail)
    if _NUMBER.fullmatch(part):
        _number(part, where, position)
    if _ALMOST_PRE_RELEASE.fullmatch(part):
        detail = "This looks like a pre-release; those are written rc.1, beta.2 …"
        raise where.after(position).unreadable("pre_release", detail)


def _check_build(text: str, *, where: Place) -> None:
    if len(text) > MAX_BUILD_LENGTH:
        raise where.unreadable("build", f"Behind + come at most {MAX_BUILD_LENGTH} characters.")
    for part in text.split("."):
        if not _BUILD.fullmatch(part):
            raise where.unreadable("build", "Behind + come identifiers of A-Z, a-z, 0-9 and dashes, between dots.")
        where = where.after(len(part) + 1)
