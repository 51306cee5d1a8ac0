import json

import pytest

from prompthub_kernel.canonical import MAX_DEPTH, canonical_json, sha256_digest
from prompthub_kernel.errors import Invalid


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ({"é": "ü", "€": "\n"}, '{"é":"ü","€":"\\n"}'),
        ((1, 2), "[1,2]"),
        (1.0, "1"),
        (-0.0, "0"),
        (1e22, "10000000000000000000000"),
        (10**22, "10000000000000000000000"),
        (0.1, "0.1"),
        (2**64 + 1, "18446744073709551617"),
    ],
)
def test_a_value_has_one_spelling(value, spelling):
    assert canonical_json(value).decode() == spelling


def test_keys_are_sorted_by_utf16_code_units_as_rfc_8785_asks():
    # U+1F600 is D83D DE00 in UTF-16 and so comes before U+FB33, though its code point is higher.
    assert list(json.loads(canonical_json({"\ufb33": 1, "\U0001f600": 2, "€": 3, "1": 4, "\r": 5}))) == [
        "\r", "1", "€", "\U0001f600", "\ufb33",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "\ud800", {"\udfff": 1}, {1: 2}, {"a": object()}, b"bytes", {1, 2}, 10**5000],
    ids=["nan", "infinity", "surrogate", "surrogate key", "number key", "object", "bytes", "set", "5000 digits"],
)
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(Invalid) as refused:
        canonical_json(value)
    assert refused.value.code == "400.json_invalid"


def test_nesting_is_limited():
    value = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert canonical_json(value) == b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH
    with pytest.raises(Invalid):
        canonical_json([value])


def test_a_digest_names_its_algorithm():
    assert sha256_digest() == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_byte_moved_from_one_part_to_the_next_changes_the_digest():
    assert (
        len({sha256_digest(b"ab", b"c"), sha256_digest(b"a", b"bc"), sha256_digest(b"abc"), sha256_digest(b"abc", b"")})
        == 4
    )
