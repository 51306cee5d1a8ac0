"""How n8n turns a stored parameter into what a node gets: enough of it to see a prompt evaluated by accident."""

from __future__ import annotations

import json
import re
from typing import Any

_STRING = r'"(?:[^"\\]|\\.)*"'
_STRINGS = re.compile(rf"{_STRING}(?:\s*\+\s*{_STRING})*", re.DOTALL)
_SUM = re.compile(r"\d+(?:\s*\+\s*\d+)*")


def evaluate(stored: Any) -> Any:
    """``={{ 1+1 }}`` is 2, ``=plain`` is plain, broken or undefined is None; without a leading = all is literal."""
    if not isinstance(stored, str) or not stored.startswith("="):
        return stored
    template = stored[1:]
    if re.search(r"\.\s*constructor", template):
        return None  # "Expression contains invalid constructor function call", wherever it stands
    pieces = re.split(r"\{\{", template)
    values: list[Any] = [pieces[0]]
    for piece in pieces[1:]:
        code, closed, after = piece.partition("}}")
        if not closed:
            return None
        values += [_value(code.strip()), after]
    if len(values) == 3 and values[0] == values[2] == "":
        return values[1]
    return "".join("" if value is None else str(value) for value in values)


def _value(code: str) -> Any:
    if _STRINGS.fullmatch(code):
        try:
            return "".join(json.loads(literal) for literal in re.findall(_STRING, code, re.DOTALL))
        except ValueError:
            return None
    if _SUM.fullmatch(code):
        return sum(int(number) for number in code.split("+"))
    return None
