"""What one release changes against another: prompt by prompt, with the variables that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from instances.comparing import Kind, Level, Side
from portal.presenters import showing
from portal.presenters.documents import DocumentComparison, documents
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

OPEN_AT_MOST = 4
"""Changed prompts that are shown unfolded; more are a list to open one by one."""


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
    """One prompt that is not the same on both sides; ``variables`` where what it asks for changed too."""

    name: str
    change: Kept
    shown: Shown
    variables: DocumentComparison | None = None
    unfolded: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseChanges:
    """Everything between two releases; ``same`` counts the prompts that are equal, ``needed`` the step it asks for."""

    members: Sequence[MemberChange] = ()
    same: int = 0
    needed: Bump = Bump.PATCH
    reasons: Sequence[Reason] = field(default_factory=tuple)

    @property
    def state(self) -> State:
        """The size of the step as a badge."""
        return BUMP[self.needed]


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
    differing = [name for name in sorted(old.keys() | new.keys()) if not _same(old.get(name), new.get(name))]
    members = [
        _member(name, old.get(name), new.get(name), shape, unfolded=place < OPEN_AT_MOST)
        for place, name in enumerate(differing)
    ]
    found = bump.changes(_members(old), _members(new))
    return ReleaseChanges(members, len(old.keys() | new.keys()) - len(differing), bump.needed(found), reasons(found))


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
    asked = documents(old=before, new=after) if before != after else None
    return MemberChange(name, kept, shown, asked if asked and asked.changes else None, unfolded)


def _same(old: Text | None, new: Text | None) -> bool:
    return old is not None and new is not None and old.digest == new.digest


def _members(texts: Mapping[str, Text]) -> dict[str, bump.Member]:
    return {name: one.noticed for name, one in texts.items()}
