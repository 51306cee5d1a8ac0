"""JSON documents and chat messages, compared place by place: what changed where, and what moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from portal.presenters.comparing import SIGNS, TextComparison, spans, texts
from prompthub_kernel.diffing import Word
from prompthub_kernel.diffing_tree import Change, Node, tree

MAX_PLACES = 1_200
_SIGNS: dict[Change, str] = {**SIGNS, "changed": "~"}  # type: ignore[dict-item] # the signs of text are among them


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a document. ``same`` counts neighbours that did not change and are not listed one by one."""

    change: Change
    depth: int
    key: str
    old: str = ""
    new: str = ""
    words: tuple[Word, ...] = ()
    moved: int = 0
    same: int = 0
    number: int = 0

    @property
    def sign(self) -> str:
        """What tells the change without colour."""
        return "↕" if self.moved and self.change == "equal" else _SIGNS[self.change]

    @property
    def steps(self) -> int:
        """How far it moved, whichever way."""
        return abs(self.moved)


@dataclass(frozen=True, slots=True)
class DocumentComparison:
    """Two documents as one outline. ``hidden`` counts places that were too many to show."""

    places: tuple[Place, ...]
    changes: int
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message or a placeholder for a conversation; ``text`` compares the words of a changed one."""

    change: Change
    position: int
    role: str
    old_role: str
    name: str
    content: str
    moved: int
    number: int
    text: TextComparison | None = None

    @property
    def sign(self) -> str:
        """What tells the change without colour."""
        return "↕" if self.moved and self.change == "equal" else _SIGNS[self.change]

    @property
    def steps(self) -> int:
        """How far it moved, whichever way."""
        return abs(self.moved)

    @property
    def opening(self) -> str:
        """What a folded message begins with."""
        return self.content[:90]


@dataclass(frozen=True, slots=True)
class ChatComparison:
    """Two lists of messages as one."""

    messages: tuple[Message, ...]
    changes: int


def documents(*, old: Any, new: Any, whole: bool = False) -> DocumentComparison:
    """The outline of two JSON documents."""
    root = tree(old=old, new=new)
    places = list(_places(root.children or (root,), 0)) if root.change != "equal" else []
    changes, numbered = 0, []
    for place in places:
        counts = place.moved != 0 or (place.change != "equal" and (place.old, place.new) != ("", ""))
        changes += counts
        numbered.append(_numbered(place, changes) if counts else place)
    shown = numbered if whole else numbered[:MAX_PLACES]
    return DocumentComparison(tuple(shown), changes, len(numbered) - len(shown))


def chat(*, old: list[Any], new: list[Any]) -> ChatComparison:
    """Two conversations, message by message."""
    messages: list[Message] = []
    changes = 0
    for node in tree(old=old, new=new).children or [Node("equal", index, one, one) for index, one in enumerate(new)]:
        changes += node.change != "equal" or node.moved != 0
        messages.append(_message(node, changes if node.change != "equal" or node.moved else 0))
    return ChatComparison(tuple(messages), changes)


def is_chat(*, format: str, old: Any, new: Any) -> bool:
    """Whether both documents are lists of messages."""
    return format == "chat" and all(
        isinstance(side, list) and all(isinstance(entry, dict) for entry in side) for side in (old, new)
    )


def written(value: Any) -> str:
    """A value as people read it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _places(nodes: tuple[Node, ...], depth: int) -> Iterator[Place]:
    for same, group in groupby(nodes, key=lambda node: node.change == "equal" and not node.moved):
        block = list(group)
        if same:
            yield Place("equal", depth, "", same=len(block))
            continue
        for node in block:
            key = str(node.key) if node.key is not None else ""
            if node.children:
                yield Place("changed", depth, key, moved=node.moved)
                yield from _places(node.children, depth + 1)
            else:
                yield _leaf(node, key, depth)


def _leaf(node: Node, key: str, depth: int) -> Place:
    old = "" if node.change == "added" else written(node.old)
    new = "" if node.change == "removed" else written(node.new)
    return Place(node.change, depth, key, old, new, spans(node.words), node.moved)


def _numbered(place: Place, number: int) -> Place:
    return Place(
        place.change, place.depth, place.key, place.old, place.new, place.words, place.moved, place.same, number
    )


def _message(node: Node, number: int) -> Message:
    value, before = node.value, node.old if isinstance(node.old, dict) else {}
    content = _content(value)
    # A message has no last line that could lack its end.
    text = texts(old=_content(before) + "\n", new=content + "\n", anchors=False) if node.change == "changed" else None
    return Message(
        change=node.change,
        position=int(node.key or 0) + 1,
        role=str(value.get("role", "placeholder")),
        old_role=str(before.get("role", "placeholder")) if node.change == "changed" else "",
        name=str(value.get("name", "")),
        content=content,
        moved=node.moved,
        number=number,
        text=text,
    )


def _content(message: dict[str, Any]) -> str:
    content = message.get("content", "")
    return content if isinstance(content, str) else written(content)
