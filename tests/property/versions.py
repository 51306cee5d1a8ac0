"""Strategies for versions and selectors, and texts that are almost one."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from prompthub_kernel.errors import Invalid
from prompthub_kernel.selector import Named, Range
from prompthub_kernel.semver import SemVer

SMALL = st.integers(0, 3)
NUMBERS = SMALL | st.integers(0, 999_999_999)
VARIANTS = st.sampled_from(["", "", "gpt4", "claude", "gpt-4o.mini", "4o"])
PRE_RELEASES = st.sampled_from([(), (), ("rc",), ("rc", 1), ("rc", 2), ("alpha", "beta", 1), ("dev", 0)])
BUILDS = st.sampled_from(["", "tokens.1500", "01.A-"])

VERSIONS = st.builds(SemVer, NUMBERS, NUMBERS, NUMBERS, variant=VARIANTS, pre=PRE_RELEASES, build=BUILDS)
CLOSE_VERSIONS = st.builds(SemVer, SMALL, SMALL, SMALL, variant=VARIANTS, pre=PRE_RELEASES)

PARTIAL = st.lists(SMALL, min_size=1, max_size=3).map(lambda numbers: ".".join(map(str, numbers)))
WHOLE = st.builds("{}.{}.{}{}".format, SMALL, SMALL, SMALL, st.sampled_from(["", "", "-rc.1", "-beta"]))
COMPARATORS = st.builds("{}{}".format, st.sampled_from(["^", "~", ">=", "<=", ">", "<"]), PARTIAL | WHOLE)
WILDCARDS = st.just("*") | st.lists(SMALL, min_size=1, max_size=2).map(lambda n: ".".join([*map(str, n), "x"]))
ROWS = st.lists(COMPARATORS, min_size=1, max_size=2).map(" ".join) | WILDCARDS
RANGE_TEXTS = st.lists(ROWS, min_size=1, max_size=2).map(" || ".join)
NAMED = st.builds(Named, st.sampled_from(["stable", "active", "v2"]), st.sampled_from(["", "staging", "2"])) | st.just(
    Named("latest")
)

NOISE = st.text(st.sampled_from("0123.xX*^~<>=|, -+@/abcrcgpt4ABé_\n\0\ud800٣"), max_size=24) | st.text(max_size=12)


def spelled(comparator: str) -> tuple[str, tuple[int, ...], SemVer | None]:
    """Operator, numbers and, for three numbers, the version of a comparator without a variant."""
    operator = comparator.rstrip("0123456789.x*-rcbeta")
    rest = comparator.removeprefix(operator)
    core = rest.partition("-")[0].removesuffix(".x").replace("*", "")
    numbers = tuple(int(part) for part in core.split(".")) if core else ()
    return operator, numbers, SemVer.parse(rest) if len(numbers) == 3 else None


def possible(text: str) -> Range | None:
    """The range, unless no version can be in it."""
    try:
        return Range.parse(text)
    except Invalid as refused:
        if refused.problems[0].code == "nothing":
            return None
        raise


def outcome(read: Callable[[str], Any], text: str) -> tuple[Any, Invalid | None]:
    """What is read of a text, or the refusal."""
    try:
        return read(text), None
    except Invalid as refused:
        return None, refused
