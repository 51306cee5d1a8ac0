"""Checks what an operator entered against ``contracts/adapters/<name>.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import referencing
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

import contracts
from prompthub_kernel.errors import Problem
from publishing.ports import Remote

_FOLDER = Path(contracts.__path__[0]) / "adapters"

# Words of our own: a validator's messages repeat the offending value, and these values are credentials.
_SENTENCES = {
    "required": "something the contract requires is missing",
    "additionalProperties": "there is a member the contract does not know",
    "maxProperties": "there is a member the contract does not know",
    "type": "this is not of the type the contract asks for",
    "pattern": "this does not have the form the contract asks for",
    "enum": "this is not one of the values the contract allows",
    "oneOf": "this is none of the alternatives the contract allows",
    "minLength": "this is too short",
    "maxLength": "this is too long",
    "minimum": "this is too small",
    "maximum": "this is too large",
    "maxItems": "there are too many",
}


@cache
def schema(adapter: str) -> Mapping[str, Any]:
    """The adapter's contract, a JSON Schema (draft 2020-12)."""
    document: Mapping[str, Any] = json.loads((_FOLDER / f"{adapter}.schema.json").read_text("utf-8"))
    return document


@cache
def _validator(adapter: str) -> Draft202012Validator:
    return Draft202012Validator(schema(adapter), registry=referencing.Registry())


def problems(adapter: str, remote: Remote, *, format: str, text: str) -> list[Problem]:
    """Everything in the remote and its text that the adapter's contract forbids; empty when nothing is."""
    document = {
        "settings": dict(remote.settings),
        "credentials": dict(remote.credentials),
        "location": dict(remote.location),
        "format": format,
        "text": text,
    }
    return [_problem(error) for error in _validator(adapter).iter_errors(document)]


def _problem(error: ValidationError) -> Problem:
    keyword = str(error.validator)
    sentence = _SENTENCES.get(keyword, "the contract forbids this")
    steps = [str(step) for step in error.absolute_path]
    if keyword == "required":
        sentence = error.message.replace("'", "")  # names the member, which is the contract's word
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return Problem(pointer, keyword, sentence)


def host(url: str) -> str:
    """``host`` or ``host:port`` of an http(s) address, spelled one way: lower case, no default port, no final dot."""
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    name = f"[{name}]" if ":" in name else name
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return name if parts.port in {None, default} else f"{name}:{parts.port}"
