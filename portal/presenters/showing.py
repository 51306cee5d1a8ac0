"""One comparison of a prompt as a page or a dialog shows it: in the shape that suits the text, with its variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from instances.comparing import Side
from portal.presenters.comparing import TextComparison, texts
from portal.presenters.documents import ChatComparison, DocumentComparison, chat, documents, is_chat
from portal.presenters.values import ValuesComparison, compare_values


class Shape(StrEnum):
    """How a comparison is drawn. ``STRUCTURE`` is for documents alone; a text is then drawn unified."""

    STRUCTURE = "structure"
    UNIFIED = "unified"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Shown:
    """Exactly one of ``text``, ``document`` and ``chat``; ``values`` where the variables of both sides are known."""

    shape: Shape
    text: TextComparison | None = None
    document: DocumentComparison | None = None
    chat: ChatComparison | None = None
    values: ValuesComparison | None = None

    @property
    def split(self) -> bool:
        """Whether the two sides stand beside each other."""
        return self.shape is Shape.SPLIT

    @property
    def changes(self) -> int:
        """How many changes of the text there are."""
        found = self.text or self.document or self.chat
        return found.changes if found is not None else 0

    @property
    def warnings(self) -> Sequence[dict[str, Any]]:
        """Characters nobody sees that the new text brings in."""
        return self.text.warnings if self.text is not None else ()

    @property
    def with_values(self) -> bool:
        """Whether there is anything to say of variables."""
        found = self.values
        return found is not None and bool(found.changes or found.secrets_changed or found.same)

    @property
    def nothing(self) -> bool:
        """Whether both sides are the same in everything."""
        values = self.values
        return not self.changes and (values is None or not (values.changes or values.secrets_changed))


def show(
    *,
    base: Side,
    target: Side,
    format: str,
    shape: Shape = Shape.STRUCTURE,
    ignore_space: bool = False,
    whole: bool = False,
) -> Shown:
    """Compare two sides of a prompt of that format."""
    values = compare_values(base=base, target=target)
    old, new = base.document, target.document
    if shape is Shape.STRUCTURE and old is not None and new is not None:
        if is_chat(format=format, old=old, new=new):
            return Shown(shape, chat=chat(old=old, new=new), values=values)
        return Shown(shape, document=documents(old=old, new=new, whole=whole), values=values)
    shape = Shape.UNIFIED if shape is Shape.STRUCTURE else shape
    text = texts(old=base.text, new=target.text, ignore_space=ignore_space, whole=whole)
    return Shown(shape, text=text, values=values)
