"""What happened to one prompt: edits by sitting, publications with their deliveries, suggestions, drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from audit import events
from audit.actions import Action
from audit.models import AuditEvent
from foundation.actors import Actor
from instances import comparing, revisions, versions
from instances.comparing import Level, Side
from instances.models import PromptInstance
from portal.presenters import deliveries as sent
from portal.presenters import keyset, ledger
from publishing import deliveries, story

PART_OF_A_PUBLICATION = (Action.INSTANCE_VERSION_SEAL, Action.INSTANCE_VERSION_ACTIVATE)


@dataclass(frozen=True, slots=True)
class Child:
    """One delivery of a publication, with what was decided about it."""

    delivery: sent.Line
    decided: list[ledger.Line]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``saves`` counts the edits of one sitting; ``changed`` tells that there is a before
    and after to look at; ``version`` and ``before`` are numbers of a publication's versions.
    """

    line: ledger.Line
    saves: int = 1
    changed: bool = False
    drift: str = ""
    version: int | None = None
    before: int | None = None
    reason: str = ""
    children: list[Child] = field(default_factory=list)

    @property
    def event(self) -> AuditEvent:
        """The event itself; of several edits the newest."""
        return self.line.event

    @property
    def back(self) -> bool:
        """Whether an older version was made active again."""
        return self.version is not None and self.before is not None and self.version < self.before

    @property
    def told(self) -> str:
        """What happened, in a few words."""
        if self.version is None:
            return str(self.line.word)
        if self.event.metadata.get("again"):
            words = _("sent version %(number)d to places that lacked it")
        else:
            words = _("rolled back to version %(number)d") if self.back else _("published version %(number)d")
        return words % {"number": self.version}


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of entries, newest first."""

    entries: list[Entry]
    page: keyset.KeyPage


def page(
    *, instance: PromptInstance, actor: Actor, filters: ledger.Filters, given: Mapping[str, str], at: datetime
) -> ActivityPage:
    """A page of what happened; with a filter by actor or action every event by itself, else deliveries below theirs.

    Ten queries, however much there is.
    """
    rows = filters.narrow(story.of_prompt(instance=instance, actor=actor))
    nested = not (filters.actor or filters.action)
    if nested:
        rows = rows.exclude(subject_kind="delivery").exclude(action__in=PART_OF_A_PUBLICATION)
    found = keyset.page(rows, given=given, read=keyset.number)
    return ActivityPage(_entries(found.rows, instance, actor, at, nested=nested), found)


def sides(*, event: AuditEvent, instance: PromptInstance, actor: Actor) -> tuple[Side, Side] | None:
    """Before and after of one event; None where there is no such thing, or it was not kept."""
    if event.action == Action.INSTANCE_DRAFT_EDIT:
        sitting = events.for_subject(kind="instance", id=str(instance.pk)).filter(
            action=event.action, correlation_id=event.correlation_id
        )
        numbers = [one.metadata["revision"] for one in sitting]
        return revisions.change(instance=instance, first=min(numbers), last=max(numbers), actor=actor)
    if event.action == Action.INSTANCE_PUBLISH:
        number = event.metadata["publication"]
        numbered = _publications(instance, [number])[number]
        words = (f"version:{numbered.before}" if numbered.before else "template", f"version:{numbered.number}")
        base, target = (comparing.side(instance=instance, word=word, level=Level.SOURCE, actor=actor) for word in words)
        return base, target
    return None


def _entries(
    rows: list[AuditEvent], instance: PromptInstance, actor: Actor, at: datetime, *, nested: bool
) -> list[Entry]:
    ordinals = [event.metadata["publication"] for event in rows if event.action == Action.INSTANCE_PUBLISH]
    publications = _publications(instance, ordinals) if ordinals else {}
    children = _children(rows, instance, actor, ordinals, at) if nested and ordinals else {}
    found = []
    for (_who, _session), together in groupby(rows, key=_sitting):
        listed = list(together)
        found.append(_entry(listed[0], len(listed), publications, children.get(listed[0].id, [])))
    return found


def _sitting(event: AuditEvent) -> tuple[str, str]:
    """The same for edits that one person made without leaving the editor; another for everything else."""
    if event.action != Action.INSTANCE_DRAFT_EDIT:
        return ("", str(event.id))
    return (event.actor_id, event.correlation_id)


def _entry(event: AuditEvent, saves: int, publications: Mapping[int, Any], children: list[Child]) -> Entry:
    line = ledger.line(event)
    if event.action == Action.INSTANCE_DRAFT_EDIT:
        return Entry(line, saves=saves, changed=True)
    if event.action == Action.INSTANCE_PUBLISH:
        row = publications.get(event.metadata["publication"])
        if row is None or event.metadata.get("again"):
            return Entry(line, version=row.number if row else None, children=children)
        return Entry(line, changed=True, version=row.number, before=row.before, reason=row.reason, children=children)
    return Entry(line, drift=event.subject_id if event.subject_kind == "drift" else "")


def _publications(instance: PromptInstance, ordinals: Iterable[int]) -> dict[int, Any]:
    rows = versions.publications(instance=instance).select_related(None).filter(ordinal__in=set(ordinals))
    return {row.ordinal: row for row in rows.annotate(number=F("version__ordinal"), before=F("previous__ordinal"))}


def _children(
    rows: list[AuditEvent], instance: PromptInstance, actor: Actor, ordinals: list[int], at: datetime
) -> dict[int, list[Child]]:
    """The deliveries of each publication on the page, by the event they belong to."""
    listed = deliveries.listing(actor=actor).select_related(None)
    carried = sent.lines(
        rows=sent.described(listed.filter(placement__instance=instance, ordinal__in=ordinals)).order_by("pk"),
        actor=actor,
        at=at,
    )
    keys = [str(one.row.pk) for one in carried]
    decided: dict[str, list[ledger.Line]] = {}
    for event in events.for_client(client_id=instance.client_id).filter(subject_kind="delivery", subject_id__in=keys):
        decided.setdefault(event.subject_id, []).append(ledger.line(event))
    parents = {key: event.id for event in rows for key in event.metadata.get("deliveries", ())}
    first = {event.metadata["publication"]: event.id for event in rows if "publication" in event.metadata}
    found: dict[int, list[Child]] = {}
    for one in carried:
        parent = parents.get(str(one.row.pk)) or parents.get(str(one.row.replay_of_id)) or first[one.row.ordinal]
        parents[str(one.row.pk)] = parent
        found.setdefault(parent, []).append(Child(one, decided.get(str(one.row.pk), [])))
    return found
