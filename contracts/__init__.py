"""The papers: what may be sent to PromptHub and what it may send, as JSON Schema 2020-12 files.

Nothing is ever fetched: a reference to anything but the file itself is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs
import referencing
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from prompthub_kernel.errors import Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.schema_words import sentence

FOLDER = Path(__file__).parent
MAX_PROBLEMS = 50
"""More would help nobody and let a request choose the size of its answer."""


@cache
def load(name: str) -> dict[str, Any]:
    """The schema of ``<name>.schema.json`` (``prompt-template``, ``adapters/n8n`` …). Read it, do not change it."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
    return schema


@cache
def validator(name: str) -> Draft202012Validator:
    """The prebuilt validator of a schema."""
    return _Validator(load(name), registry=referencing.Registry())


def problems(name: str, value: Any, prefix: str = "") -> list[Problem]:
    """What is wrong with a value, at most :data:`MAX_PROBLEMS`.

    ``prefix`` is the pointer of the value in the request. What is missing or unexpected is named by the pointer it
    has or would have. Codes are schema keywords; details never repeat a value, and a subschema's ``x-sentences``
    says them better than :mod:`prompthub_kernel.schema_words` can.
    """
    if _fits(name, value):
        return []
    found = (problem for error in validator(name).iter_errors(value) for problem in _translated(error, prefix))
    return list(dict.fromkeys(islice(found, MAX_PROBLEMS)))


@cache
def _quick(name: str) -> jsonschema_rs.Validator:
    """Says at once that a value fits; what does not fit, and why, jsonschema says."""
    return jsonschema_rs.Draft202012Validator(load(name), validate_formats=False, offline=True)


def _fits(name: str, value: Any) -> bool:
    try:
        return _quick(name).is_valid(value)
    except ValueError:  # half of a surrogate pair, say, is no text to it
        return False


def _unique_items(validator: Any, unique: bool, value: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: FBT001
    """``uniqueItems`` in linear time: jsonschema compares every two entries when they are of several types."""
    if unique and validator.is_type(value, "array"):
        spellings = {json.dumps(entry, sort_keys=True) for entry in value}
        if len(spellings) < len(value):
            yield ValidationError("an entry appears more than once")


_Validator = validators.extend(Draft202012Validator, {"uniqueItems": _unique_items})


def _translated(error: ValidationError, prefix: str) -> Iterator[Problem]:
    schema: Any = error.schema
    keyword, expected = "falseSchema" if schema is False else str(error.validator), error.validator_value
    own = schema.get("x-sentences", {}) if isinstance(schema, Mapping) else {}
    for name in _names(keyword, expected, error):
        where = prefix + pointer((*error.absolute_path, *name))
        yield Problem(where, keyword, own.get(keyword) or sentence(keyword, expected))


def _names(keyword: str, expected: Any, error: ValidationError) -> Iterator[tuple[str, ...]]:
    """The members an error is about, below its own path; one empty path when it is about the whole."""
    value: Any = error.instance
    schema: Any = error.schema
    if keyword == "required":
        yield from ((name,) for name in expected if name not in value)
    elif keyword == "dependentRequired":
        yield from ((name,) for given in expected if given in value for name in expected[given] if name not in value)
    elif keyword == "additionalProperties" and isinstance(schema, Mapping):
        yield from ((name,) for name in value if name not in schema.get("properties", {}))
    else:
        yield ()
