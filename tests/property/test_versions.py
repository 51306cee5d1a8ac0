from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.selector import Exact, Range, parse_selector
from prompthub_kernel.semver import MAX_LENGTH, SemVer
from tests.property.effort import examples
from tests.property.versions import (
    CLOSE_VERSIONS,
    NAMED,
    NOISE,
    RANGE_TEXTS,
    ROWS,
    VARIANTS,
    VERSIONS,
    outcome,
    possible,
    spelled,
)


@examples(200)
@given(VERSIONS)
def test_a_version_is_read_as_it_is_spelled(version):
    again = SemVer.parse(str(version))
    assert again == version
    assert again.build == version.build
    assert str(again) == str(version)
    assert len(str(version)) <= MAX_LENGTH


@examples(200)
@given(st.lists(CLOSE_VERSIONS, max_size=6))
def test_versions_have_one_total_order(versions):
    for some in versions:
        for other in versions:
            assert (some < other) + (some == other) + (some > other) == 1
            assert (some == other) == (str(some) == str(other))
    rising = sorted(versions)
    assert all(low <= high for place, low in enumerate(rising) for high in rising[place:])


def by_semver(version):
    """Rule 11 of SemVer 2.0, told another way: identifiers compared one by one, a missing pre-release last."""
    identifiers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in map(str, version.pre)]
    return version.numbers, not version.pre, identifiers


@examples(200)
@given(CLOSE_VERSIONS, CLOSE_VERSIONS)
def test_without_variants_the_order_is_that_of_semver(some, other):
    some, other = some.with_variant(""), other.with_variant("")
    assert (some < other) == (by_semver(some) < by_semver(other))


def takes(comparator, version):
    """What a comparator says of a version, told another way: by operators on tuples, pre-releases left out."""
    operator, numbers, whole = spelled(comparator)
    begins = version.numbers[: len(numbers)]
    lower = by_semver(version) < (by_semver(whole) if whole else ((*numbers, 0, 0)[:3], True, []))
    same = by_semver(version) == by_semver(whole) if whole else begins == numbers
    if operator in {"<", ">="}:
        return lower == (operator == "<")
    if operator in {"<=", ">"}:
        return (lower or same) == (operator == "<=")
    fixed = min(len(numbers), 2) if operator == "~" else len(numbers)
    if operator == "^":
        fixed = next((place + 1 for place, number in enumerate(numbers) if number), len(numbers))
    return not lower and version.numbers[:fixed] == numbers[:fixed]


@examples(200)
@given(ROWS, st.lists(CLOSE_VERSIONS, max_size=8))
def test_a_range_takes_what_all_its_comparators_take(row, versions):
    found = possible(row)
    asked = [whole.numbers for _, _, whole in map(spelled, row.split()) if whole and whole.pre]
    for version in versions:
        expected = all(takes(comparator, version) for comparator in row.split()) and not version.variant
        expected = expected and (not version.pre or version.numbers in asked)
        assert (found is not None and found.matches(version)) == expected


@pytest.mark.parametrize("operator", ["^", "~", ">=", "<=", ">", "<"])
def test_every_small_comparator_takes_what_it_says(operator):
    small = [".".join(map(str, numbers)) for length in (1, 2, 3) for numbers in product(range(2), repeat=length)]
    small += [f"{core}-{pre}" for core in small if core.count(".") == 2 for pre in ("rc.1", "beta")]
    pres = [(), ("rc",), ("rc", 1), ("rc", 2), ("alpha", "beta", 1), ("dev", 0)]
    versions = [SemVer(*numbers, pre=pre) for numbers in product(range(3), repeat=3) for pre in pres]
    for comparator in (operator + partial for partial in small):
        found, whole = possible(comparator), spelled(comparator)[2]
        asked = whole.numbers if whole and whole.pre else None
        for version in versions:
            expected = takes(comparator, version) and (not version.pre or version.numbers == asked)
            assert (found is not None and found.matches(version)) == expected, f"{comparator} {version}"


@examples()
@given(ROWS, ROWS, st.lists(CLOSE_VERSIONS, max_size=8))
def test_alternatives_take_what_either_takes(some, other, versions):
    if (first := possible(some)) is not None and (second := possible(other)) is not None:
        both = Range.parse(f"{some} || {other}")
        for version in versions:
            assert both.matches(version) == (first.matches(version) or second.matches(version))


@examples(200)
@given(RANGE_TEXTS, VARIANTS)
def test_a_range_is_read_as_it_is_spelled(text, variant):
    found = possible(text)
    if found is not None:
        built = Range.parse(text, variant=variant)
        assert parse_selector(str(built)) == built
        assert str(parse_selector(str(built))) == str(built)
        assert built.variant == variant


@examples(200)
@given(RANGE_TEXTS, VARIANTS, st.lists(CLOSE_VERSIONS, max_size=8))
def test_the_best_is_the_highest_that_matches(text, variant, versions):
    if possible(text) is not None:
        built = Range.parse(text, variant=variant)
        assert built.best(versions) == max(filter(built.matches, versions), default=None)


@examples()
@given(VERSIONS.map(Exact) | NAMED)
def test_an_exact_or_named_selector_is_read_as_it_is_spelled(selector):
    assert parse_selector(str(selector)) == selector


@examples(200)
@given(NOISE)
def test_any_text_is_read_or_refused_with_a_reason(text):
    for read in (SemVer.parse, parse_selector):
        found, refused = outcome(read, text)
        if refused is None:
            assert read(str(found)) == found
            assert str(found).isascii()
        else:
            assert refused.code == "400.address_invalid"
            assert 1 <= refused.context["character"] <= len(text) + 1
