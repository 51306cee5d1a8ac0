"""The order of versions as bytes is the order of versions."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prompthub_kernel.semver import MAX_DIGITS, SemVer
from registry import precedence
from registry.models import Release

NUMBERS = st.integers(0, 10**MAX_DIGITS - 1) | st.integers(0, 3)
PRE = st.lists(st.sampled_from(["alpha", "beta", "dev", "pre", "rc"]) | NUMBERS, max_size=4).map(
    lambda parts: tuple(parts) if parts and isinstance(parts[0], str) else ()
)
VARIANTS = st.sampled_from(["", "gpt4", "gpt4.mini", "gpt-4", "a", "claude", "0", "10", "2"])


@st.composite
def versions(draw):
    parts = [str(part) for part in draw(PRE)]
    variant = draw(VARIANTS)
    suffix = ".".join(([variant] if variant else []) + parts)
    core = ".".join(str(draw(NUMBERS)) for _ in range(3))
    return SemVer.parse(core + (f"-{suffix}" if suffix else "") + draw(st.sampled_from(["", "+a", "+tokens.7"])))


@settings(max_examples=200)
@given(versions(), versions())
def test_bytes_compare_as_versions_do(one, other):
    first, second = precedence.of(one), precedence.of(other)
    assert (first < second, first == second) == (one.key < other.key, one.key == other.key)


def test_the_longest_version_fits_its_column():

    longest = SemVer.parse(f"{'9' * 9}.{'9' * 9}.{'9' * 9}-{'a' * 63}.alpha.{'9' * 9}.{'9' * 9}.{'9' * 9}")
    assert len(precedence.of(longest)) <= Release._meta.get_field("precedence").max_length
