"""Where a prompt lives in an n8n workflow, and how a literal text is stored there.

n8n evaluates a parameter whose value starts with ``=``. A prompt that starts so is stored as the expression
``={{ "<JSON string>" }}``, whose value is the prompt; everything else n8n takes literally, braces included.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prompthub_kernel.errors import Problem

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

# n8n cuts at the first }} without looking for quotes, and refuses every expression that contains `.constructor`.
# U+2028 and U+2029 end a line in older JavaScript, also inside a string.
_AVOIDED = re.compile(r"((?<=\{)\{|(?<=\})\}|c(?=onstructor)|[\u2028\u2029])")


def as_stored(text: str) -> str:
    """The value that makes n8n use exactly ``text``."""
    if not text.startswith("="):
        return text
    plain_and_avoided = enumerate(_AVOIDED.split(text))
    literal = "".join(
        f"\\u{ord(piece):04x}" if position % 2 else json.dumps(piece, ensure_ascii=False)[1:-1]
        for position, piece in plain_and_avoided
    )
    return f'={{{{ "{literal}" }}}}'


def as_text(stored: str) -> str:
    """The text a stored value stands for: ours is read back; somebody's expression is returned as it is stored."""
    if stored.startswith("={{ ") and stored.endswith(" }}"):
        try:
            text = json.loads(stored[4:-3])
        except (ValueError, RecursionError):
            return stored
        if isinstance(text, str) and as_stored(text) == stored:
            return text
    return stored


def is_expression(stored: str | None) -> bool:
    """Whether the value is somebody's expression: replacing it would silently drop what it computes."""
    return stored is not None and stored.startswith("=") and as_text(stored) == stored


class PlaceRefused(Exception):
    """The prompt cannot be written at that place; ``problem`` says why."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(pointer, code, detail)


@dataclass(frozen=True, slots=True)
class Place:
    """One string parameter of one node, found by the node's id (names may be changed by anybody)."""

    node_id: str
    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, location: Mapping[str, Any]) -> Place:
        """The place an adapter's location names, e.g. ``assignments.assignments[2].value``."""
        found = _STEP.findall(str(location["parameter_path"]))
        return cls(str(location["node_id"]), tuple(int(index) if index else name for name, index in found))

    def stored(self, nodes: Any) -> str | None:
        """The value stored there, None when the parameter has its default. Raises :class:`PlaceRefused`."""
        current: Any = self._node(nodes).get("parameters", {})
        for position, step in enumerate(self.steps):
            if isinstance(step, str) and isinstance(current, dict):
                if step not in current and all(isinstance(later, str) for later in self.steps[position:]):
                    return None
                current = current.get(step)
            elif isinstance(step, int) and isinstance(current, list) and step < len(current):
                current = current[step]
            else:
                raise PlaceRefused("/location/parameter_path", "not_found", "the node has no such parameter")
        if not isinstance(current, str):
            raise PlaceRefused("/location/parameter_path", "not_text", "the parameter there is not text")
        return current

    def filled(self, nodes: Any, value: str) -> list[Any]:
        """A copy of ``nodes`` with ``value`` stored there and nothing else changed. Raises :class:`PlaceRefused`."""
        self.stored(nodes)
        changed: list[Any] = copy.deepcopy(nodes)
        current: Any = self._node(changed).setdefault("parameters", {})
        for step in self.steps[:-1]:
            current = current.setdefault(step, {}) if isinstance(step, str) else current[step]
        current[self.steps[-1]] = value
        return changed

    def _node(self, nodes: Any) -> dict[str, Any]:
        for node in nodes if isinstance(nodes, list) else ():
            if isinstance(node, dict) and node.get("id") == self.node_id:
                return node
        raise PlaceRefused("/location/node_id", "not_found", "the workflow has no node with this id")
