"""What is wrong, in words that repeat nothing of the value: it may be a secret."""

from __future__ import annotations

import json
from typing import Any

_SENTENCES = {
    "required": "This is needed.",
    "dependentRequired": "This is needed together with what was given.",
    "additionalProperties": "There is no such name here.",
    "falseSchema": "Nothing is allowed here.",
    "const": "This is not the one value allowed.",
    "pattern": "This does not have the form that is asked for.",
    "format": "This is not a valid {}.",
    "minLength": "This is shorter than {} characters.",
    "maxLength": "This is longer than {} characters.",
    "minimum": "This is less than {}.",
    "maximum": "This is more than {}.",
    "exclusiveMinimum": "This is not more than {}.",
    "exclusiveMaximum": "This is not less than {}.",
    "multipleOf": "This is not a multiple of {}.",
    "minItems": "There are fewer than {} entries.",
    "maxItems": "There are more than {} entries.",
    "minProperties": "There are fewer than {} entries.",
    "maxProperties": "There are more than {} entries.",
    "uniqueItems": "An entry appears more than once.",
    "propertyNames": "A name in here is not allowed.",
    "contains": "An entry that must be in here is missing.",
    "minContains": "There are too few entries of the kind that must be in here.",
    "maxContains": "There are too many entries of the kind that must be in here.",
    "anyOf": "This fits none of the allowed forms.",
    "oneOf": "This does not fit exactly one of the allowed forms.",
    "not": "This is a form that is not allowed.",
}
_LONGEST_LIST = 200


def sentence(keyword: str, expected: Any = None) -> str:
    """One sentence about a JSON Schema keyword that is not satisfied; ``expected`` is the keyword's value."""
    if keyword == "type":
        words = [expected] if isinstance(expected, str) else list(expected or ())
        return f"Expected {' or '.join(words)}."
    if keyword == "enum":
        listed = ", ".join(map(_spelled, expected or ()))
        return (
            f"Allowed are: {listed}." if 0 < len(listed) <= _LONGEST_LIST else "This is not one of the values allowed."
        )
    return _SENTENCES.get(keyword, "This does not fit the schema.").format(expected)


def _spelled(value: Any) -> str:
    """A value as whoever writes JSON writes it; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
