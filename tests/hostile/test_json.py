"""No body, however built, costs more than its size or gets past the gate as something else."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prompthub_kernel.errors import Invalid
from prompthub_kernel.strict_json import MAX_BYTES, strict_json
from tests.hostile.timing import untraced

SIZE = 500_000

BODIES = {
    "open arrays": b"[" * SIZE,
    "open objects": b'{"a":' * (SIZE // 5),
    "empty arrays": b"[" + b"[]," * (SIZE // 3) + b"[]]",
    "small integers": b"[" + b"1," * (SIZE // 2) + b"1]",
    "one long integer": b"9" * SIZE,
    "one long fraction": b"0." + b"9" * SIZE,
    "one long exponent": b"1e" + b"9" * SIZE,
    "minus signs": b"-" * SIZE,
    "white space": b" " * SIZE,
    "quotes": b"[" * 40 + b'"' * SIZE,
    "escaped quotes in an open string": b"[" * 40 + b'"\\' * (SIZE // 2),
    "escaped quotes outside of strings": b"[" * 40 + b'\\"' * (SIZE // 2),
    "a string of escaped quotes": b'"' + b'\\"' * (SIZE // 2) + b'"',
    "backslashes": b"[" * 40 + b"\\" * SIZE,
    "surrogate pairs": b"[" + b'"\\ud83d\\ude00",' * (SIZE // 16) + b"1]",
    "one key again and again": b"{" + b'"a":1,' * (SIZE // 6) + b'"a":1}',
    "many objects with repeated keys": b"[" + b'{"a":1,"a":1},' * (SIZE // 14) + b"1]",
    "many keys": b"{" + b",".join(b'"%d":1' % number for number in range(SIZE // 10)) + b"}",
    "many keys with one fault at the end": b"{" + b",".join(b'"%d":1' % n for n in range(SIZE // 10)) + b',"x":1e999}',
    "a huge key above a fault": b'{"' + b"k" * SIZE + b'":"\\ud800"}',
    "not text": bytes(range(256)) * (SIZE // 256),
}


def seconds(raw: bytes) -> float:
    def read() -> None:
        with contextlib.suppress(Invalid):
            strict_json(raw)

    return untraced(read)[1]


@pytest.mark.parametrize("name", BODIES)
def test_half_a_megabyte_costs_less_than_a_second(name):
    assert len(BODIES[name]) < MAX_BYTES
    assert seconds(BODIES[name]) < 1.0


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
@example(b"[" * 100)
def test_bytes_pass_or_are_refused(raw):
    try:
        strict_json(raw)
    except Invalid as refusal:
        refused_as = refusal.code
    else:
        refused_as = None
    assert refused_as in {None, "400.json_invalid"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_whatever_python_writes_comes_back_whole_or_is_refused(value):
    raw = json.dumps(value).encode()
    try:
        read = strict_json(raw)
    except Invalid:
        assert not _storable(value)
    else:
        assert read == value
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
        assert "\0" not in json.dumps(read, ensure_ascii=False)


def _storable(value) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, int):
        return abs(value) < 10**20
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_storable, value))
    if isinstance(value, dict):
        return all(_storable(key) and _storable(inner) for key, inner in value.items())
    return True
