"""One spelling for each JSON value, and digests over it.

RFC 8785 (JSON Canonicalization Scheme) with one difference: every whole number is written as an exact
integer, however large and however it was spelled (``1.0``, ``1e22``). So a digest survives storage in
PostgreSQL's jsonb, which turns ``1e22`` into an integer.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from prompthub_kernel.errors import Invalid

MAX_DEPTH = 64
"""Containers inside containers; deeper values are refused instead of exhausting the stack."""


def canonical_json(value: Any) -> bytes:
    """The one UTF-8 spelling of a JSON value: keys sorted by UTF-16 code unit, no white space.

    Tuples count as arrays. Raises :class:`Invalid` ``400.json_invalid`` for what JSON cannot say: NaN,
    infinities, lone surrogates, keys that are not strings, foreign types, and nesting over
    :data:`MAX_DEPTH`.
    """
    try:
        text = json.dumps(_ordered(value, 0), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()
    except UnicodeEncodeError:
        raise Invalid("400.json_invalid", "A string holds half of a surrogate pair.") from None
    except ValueError:  # more digits than Python writes (sys.set_int_max_str_digits)
        raise Invalid("400.json_invalid", "A number has too many digits.") from None


def sha256_digest(*parts: bytes) -> str:
    """``sha256:`` and 64 hex digits over the parts.

    Each part is preceded by its length, so that moving a byte from one part to the next changes the digest.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _ordered(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(value)
    if depth == MAX_DEPTH:
        raise Invalid("400.json_invalid", f"The value is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, Mapping):
        if not all(map(_is_text, value)):
            raise Invalid("400.json_invalid", "An object has a key that is not a string.")
        in_order = sorted(value) if "".join(value).isascii() else sorted(value, key=_utf16)
        return {key: _ordered(value[key], depth + 1) for key in in_order}
    if isinstance(value, list | tuple):
        return [_ordered(element, depth + 1) for element in value]
    raise Invalid("400.json_invalid", "The value is not JSON.")


def _is_text(key: Any) -> bool:
    return isinstance(key, str)


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise Invalid("400.json_invalid", "NaN and infinity are not JSON.")
    return int(value) if value.is_integer() else value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")
