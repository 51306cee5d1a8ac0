"""What one release changes against another: prompt by prompt, with the variables that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from instances.comparing import Kind, Level, Side
from portal.presenters import showing
from portal.presenters.comparing import Row
from portal.presenters.documents import DocumentComparison, Message, Place, documents
from portal.presenters.registry_words import BUMP
from portal.presenters.showing import Shape, Shown
from portal.presenters.words import State
from prompthub_kernel import bump
from prompthub_kernel.body import PromptBody
from prompthub_kernel.bump import Bump, Change
from prompthub_kernel.diffing_tree import Change as Kept
from prompthub_kernel.variables import VariablesSchema
from registry.composing import Whole
from templates_app.models import TemplateVersion

NumberedT = TypeVar("NumberedT", Row, Place, Message)
OPEN_AT_MOST = 4
"""Changed prompts that are shown unfolded; more are a list to open one by one."""
SHOWN_AT_MOST = 50
"""Changed prompts that are compared on one page; of more only the names are told."""


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt's whole text as one side of a comparison, sealed or not."""

    digest: str
    body: PromptBody
    variables: VariablesSchema
    label: str = ""
    at: datetime | None = None
    by: str = ""

    @property
    def noticed(self) -> bump.Member:
        """What callers notice of it."""
        return bump.Member(self.digest, self.body.format, self.variables)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for the size of a step, as a page tells it."""

    state: State
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One prompt that is not the same on both sides; ``variables`` where what it asks for changed too.

    Its changes are numbered on from those of the prompts before, so that one goes through all of them.
    """

    name: str
    change: Kept
    shown: Shown
    variables: DocumentComparison | None = None
    unfolded: bool = True

    @property
    def changes(self) -> int:
        """How many changes of text and variables there are."""
        return self.shown.changes + (self.variables.changes if self.variables is not None else 0)


@dataclass(frozen=True, slots=True)
class ReleaseChanges:
    """Everything between two releases; ``same`` counts the prompts that are equal, ``needed`` the step it asks for.

    ``hidden`` are the names of changed prompts that were too many to show.
    """

    members: Sequence[MemberChange] = ()
    same: int = 0
    needed: Bump = Bump.PATCH
    reasons: Sequence[Reason] = ()
    hidden: Sequence[str] = ()

    @property
    def state(self) -> State:
        """The size of the step as a badge."""
        return BUMP[self.needed]

    @property
    def count(self) -> int:
        """How many changes are shown."""
        return sum(member.changes for member in self.members)


def sealed(pins: Mapping[str, TemplateVersion]) -> dict[str, Text]:
    """The prompts of a release."""
    return {name: of_version(one) for name, one in pins.items()}


def planned(wholes: Mapping[str, Whole]) -> dict[str, Text]:
    """The prompts of a draft as a cut would seal them."""
    return {name: Text(one.digest, one.body, one.variables) for name, one in wholes.items()}


def of_version(version: TemplateVersion) -> Text:
    """A sealed text."""
    label, at, by = version.label, version.created_at, version.created_by_label
    return Text(version.digest, version.body, version.variables, label, at, by)


def between(*, old: Mapping[str, Text], new: Mapping[str, Text], shape: Shape = Shape.STRUCTURE) -> ReleaseChanges:
    """The changes from one release's prompts to another's, by name."""
    every = sorted(old.keys() | new.keys())
    differing = [name for name in every if not _same(old.get(name), new.get(name))]
    members: list[MemberChange] = []
    numbered = 0
    for place, name in enumerate(differing[:SHOWN_AT_MOST]):
        made = _member(name, old.get(name), new.get(name), shape, unfolded=place < OPEN_AT_MOST)
        members.append(_numbered(made, numbered))
        numbered += made.changes
    found = bump.changes(_members(old), _members(new))
    hidden = differing[SHOWN_AT_MOST:]
    return ReleaseChanges(members, len(every) - len(differing), bump.needed(found), reasons(found), hidden)


def reasons(found: Sequence[Change]) -> list[Reason]:
    """Changes in words, the weightiest first."""
    return [Reason(BUMP[change.bump], where(change.reason.pointer), change.reason.detail) for change in found]


def where(pointer: str) -> str:
    """``/members/styles~1calm/variables_schema/properties/tone`` as ``styles/calm → tone``."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    member = parts[1] if parts[:1] == ["members"] and len(parts) > 1 else "/".join(parts)
    named = parts[4] if parts[2:4] == ["variables_schema", "properties"] and len(parts) > 4 else ""
    return f"{member} → {named}" if named else member


def side_of(text: Text | None) -> Side:
    """A text as one side of a comparison; none is an empty text."""
    if text is None:
        return Side(word="", kind=Kind.TEMPLATE, name="", level=Level.SOURCE, text="")
    return Side(
        word=text.label,
        kind=Kind.TEMPLATE,
        name=text.label,
        level=Level.SOURCE,
        text=text.body.source(),
        document=text.body.document,
        at=text.at,
        by=text.by,
        digest=text.digest,
    )


def _member(name: str, old: Text | None, new: Text | None, shape: Shape, *, unfolded: bool) -> MemberChange:
    kept: Kept = "added" if old is None else "removed" if new is None else "changed"
    there = new or old
    assert there is not None  # noqa: S101 - a name comes from one of the sides
    shown = showing.show(base=side_of(old), target=side_of(new), format=there.body.format, shape=shape)
    before, after = (side.variables.schema if side is not None else {} for side in (old, new))
    asked = documents(old=before, new=after) if kept == "changed" and before != after else None
    return MemberChange(name, kept, shown, asked if asked and asked.changes else None, unfolded)


def _numbered(member: MemberChange, before: int) -> MemberChange:
    """The same with its changes numbered on from those before."""
    shown, variables = member.shown, member.variables
    chat = shown.chat
    if chat is not None:
        chat = replace(chat, messages=tuple(_moved(one, "number", before) for one in chat.messages))
    text = shown.text
    if text is not None:
        stretches = (
            replace(stretch, rows=tuple(_moved(row, "change", before) for row in stretch.rows))
            for stretch in text.stretches
        )
        text = replace(text, stretches=tuple(stretches))
    shown = replace(shown, text=text, chat=chat, document=outline(shown.document, before))
    return replace(member, shown=shown, variables=outline(variables, before + shown.changes))


def outline(document: DocumentComparison | None, before: int) -> DocumentComparison | None:
    """An outline with its changes numbered on from those before."""
    if document is None:
        return None
    return replace(document, places=tuple(_moved(place, "number", before) for place in document.places))


def _moved(one: NumberedT, column: str, before: int) -> NumberedT:
    """A row with the number of its change raised; one that begins none as it is."""
    number = getattr(one, column)
    return replace(one, **{column: number + before}) if number else one


def _same(old: Text | None, new: Text | None) -> bool:
    return old is not None and new is not None and old.digest == new.digest


def _members(texts: Mapping[str, Text]) -> dict[str, bump.Member]:
    return {name: one.noticed for name, one in texts.items()}
