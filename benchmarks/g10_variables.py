"""G10: checking variables against a prebuilt jsonschema validator.

    python -m benchmarks.g10_variables

A schema of ten variables as templates have them: texts, choices, numbers, a list of objects, a pattern, a reference.
Ours fills in defaults and bounds the work as well; both answer whether the values fit, and, for wrong values, why.
"""

from __future__ import annotations

import sys

import jsonschema
import referencing

from benchmarks.measuring import interleave, report
from prompthub_kernel.variables import VariablesSchema

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["company", "tone", "products"],
    "additionalProperties": False,
    "properties": {
        "company": {"type": "string", "minLength": 1, "maxLength": 200},
        "tone": {"enum": ["calm", "brisk", "formal", "playful"]},
        "language": {"type": "string", "pattern": "^[a-z]{2}(-[A-Z]{2})?$", "default": "en"},
        "greeting": {"type": "string", "maxLength": 2000, "default": "Good day"},
        "max_minutes": {"type": "integer", "minimum": 1, "maximum": 120, "default": 15},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "record": {"type": "boolean", "default": False},
        "phone": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^\\+[0-9]{6,15}$"}]},
        "products": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"$ref": "#/$defs/product"}},
        "hours": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9:-]+$"}},
    },
    "$defs": {
        "product": {
            "type": "object",
            "required": ["name", "price"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "maxLength": 100},
                "price": {"type": "number", "exclusiveMinimum": 0},
                "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
            },
        }
    },
}
VALUES = {
    "company": "Brandt & Söhne",
    "tone": "calm",
    "language": "de-DE",
    "greeting": "Guten Tag. " * 20,
    "max_minutes": 20,
    "temperature": 0.7,
    "record": True,
    "phone": "+4930123456",
    "products": [{"name": f"Model {n}", "price": n + 0.5, "tags": ["new", "oak"]} for n in range(5)],
    "hours": {"mon": "09:00-17:00", "tue": "09:00-17:00", "wed": "09:00-12:00"},
}
WRONG = {**VALUES, "tone": "loud", "products": [{"name": "Model 1", "price": 0}], "extra": 1}


def main() -> int:
    """Measure and judge; 1 when a floor is missed."""
    ours = VariablesSchema.parse(SCHEMA)
    peer = jsonschema.Draft202012Validator(SCHEMA, registry=referencing.Registry())
    if (
        ours.problems(VALUES)
        or not peer.is_valid(VALUES)
        or len(ours.problems(WRONG)) != len([*peer.iter_errors(WRONG)])
    ):
        raise SystemExit("the two sides disagree")
    right = interleave(
        {
            "VariablesSchema.problems": lambda: ours.problems(VALUES),
            "jsonschema, prebuilt": lambda: peer.is_valid(VALUES),
        }
    )
    wrong = interleave(
        {
            "VariablesSchema.problems, wrong values": lambda: ours.problems(WRONG),
            "jsonschema, prebuilt, wrong values": lambda: [*peer.iter_errors(WRONG)],
        }
    )
    ratio = right["jsonschema, prebuilt"].median / right["VariablesSchema.problems"].median
    met = report("G10 variables", 15, ratio, aim=100)
    wrong_ratio = (
        wrong["jsonschema, prebuilt, wrong values"].median / wrong["VariablesSchema.problems, wrong values"].median
    )
    print(f"  for comparison, wrong values with every problem explained: {wrong_ratio:.2g} ×")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
