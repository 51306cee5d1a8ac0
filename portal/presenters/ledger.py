"""Events of the ledger as pages and files show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.actions import Action
from audit.models import AuditEvent
from foundation import ids
from foundation.actors import ActorKind, Door
from tenancy.models import Client

A = Action
WORDS: dict[str, str | Promise] = {
    A.CLIENT_CREATE: _("made a client"),
    A.CLIENT_RENAME: _("renamed a client"),
    A.CLIENT_ARCHIVE: _("archived a client"),
    A.CLIENT_REFINE_SET: _("switched refining with AI"),
    A.CLIENT_ERASE: _("erased a client"),
    A.PROJECT_CREATE: _("made a project"),
    A.PROJECT_VISIBILITY_SET: _("changed who sees a project"),
    A.ACCOUNT_CREATE: _("made an account"),
    A.ACCOUNT_PASSWORD_SET: _("set a password"),
    A.ACCOUNT_STANDING_SET: _("changed what an account may do"),
    A.GRANT_ADD: _("gave a role"),
    A.GRANT_REVOKE: _("took a role away"),
    A.TOKEN_ISSUE: _("issued a token"),
    A.TOKEN_REVOKE: _("revoked a token"),
    A.TEMPLATE_DRAFT_CREATE: _("began a template's draft"),
    A.TEMPLATE_DRAFT_EDIT: _("edited a template's draft"),
    A.TEMPLATE_DRAFT_DISCARD: _("discarded a template's draft"),
    A.TEMPLATE_VERSION_SEAL: _("sealed a template's version"),
    A.BUNDLE_CREATE: _("made a bundle"),
    A.BUNDLE_RENAME: _("changed what is said of a bundle"),
    A.BUNDLE_MEMBER_SET: _("put a prompt into a bundle"),
    A.BUNDLE_MEMBER_REMOVE: _("took a prompt out of a bundle"),
    A.BUNDLE_REQUIREMENT_SET: _("had a bundle need another"),
    A.BUNDLE_REQUIREMENT_REMOVE: _("had a bundle no longer need another"),
    A.BUNDLE_COMPATIBILITY_SET: _("changed what a bundle goes with"),
    A.RELEASE_CUT: _("cut a release"),
    A.RELEASE_RETIRE: _("retired a release"),
    A.RELEASE_YANK: _("yanked a release"),
    A.RELEASE_REVERT: _("took a release back"),
    A.SIGNING_KEY_ROTATE: _("changed the signing key"),
    A.CHANNEL_CREATE: _("made a channel"),
    A.CHANNEL_POLICY_SET: _("changed how a channel moves"),
    A.CHANNEL_ACTIVATE: _("moved a channel"),
    A.CHANNEL_SCHEDULE: _("scheduled a move of a channel"),
    A.CHANNEL_SCHEDULE_FAIL: _("could not make a scheduled move"),
    A.CHANNEL_SCHEDULE_WITHDRAW: _("took a scheduled move back"),
    A.CHANNEL_PROPOSAL_MAKE: _("proposed a move of a channel"),
    A.CHANNEL_PROPOSAL_CHANGE: _("changed a proposal"),
    A.CHANNEL_PROPOSAL_APPROVE: _("approved a proposal"),
    A.CHANNEL_PROPOSAL_REJECT: _("rejected a proposal"),
    A.CHANNEL_PROPOSAL_WITHDRAW: _("took a proposal back"),
    A.COACH_SESSION_START: _("began a coach session"),
    A.INSTANCE_DRAFT_CREATE: _("made the prompt"),
    A.INSTANCE_DRAFT_EDIT: _("edited the draft"),
    A.INSTANCE_ARCHIVE: _("archived the prompt"),
    A.INSTANCE_VERSION_SEAL: _("sealed a version"),
    A.INSTANCE_VERSION_ACTIVATE: _("made a version active"),
    A.INSTANCE_VERSION_REVEAL: _("read a version with its secrets"),
    A.INSTANCE_PUBLISH: pgettext_lazy("what somebody did", "published"),
    A.TARGET_CREATE: _("made a target"),
    A.TARGET_CHANGE: _("changed a target's settings"),
    A.TARGET_DISABLE: _("switched a target off"),
    A.TARGET_ENABLE: _("switched a target on"),
    A.TARGET_RESUME: _("ended the pauses of a target"),
    A.TARGET_CREDENTIALS_ROTATE: _("replaced a target's credentials"),
    A.PLACEMENT_CREATE: _("gave the prompt a place"),
    A.PLACEMENT_REMOVE: _("took a place away"),
    A.DELIVERY_DELIVER: pgettext_lazy("what somebody did", "delivered"),
    A.DELIVERY_BURY: _("gave a delivery up"),
    A.DELIVERY_REPLAY: _("replayed a delivery"),
    A.DRIFT_FIND: _("found another text at the provider"),
    A.DRIFT_CLEAR: _("found a drift gone"),
    A.DRIFT_REDELIVER: _("put our text back"),
    A.DRIFT_ADOPT: _("took the provider's text into the draft"),
    A.INSTALLATION_RESTORE: _("put the installation back from a backup"),
    A.SUGGESTION_ASK: _("asked a model for a suggestion"),
    A.SUGGESTION_READY: _("got a suggestion"),
    A.SUGGESTION_FAIL: _("got no suggestion"),
    A.SUGGESTION_ACCEPT: _("accepted a suggestion"),
    A.SUGGESTION_REJECT: _("rejected a suggestion"),
}
DOORS: dict[str, str | Promise] = {
    Door.API: _("API"),
    Door.PORTAL: _("portal"),
    Door.ADMIN: _("administration"),
    Door.COMMAND: _("command line"),
    Door.WORKER: _("worker"),
}
SUBJECTS: dict[str, str | Promise] = {
    "account": _("account"),
    "bundle": _("bundle"),
    "channel": _("channel"),
    "client": _("client"),
    "delivery": _("delivery"),
    "drift": _("drift"),
    "grant": _("role"),
    "installation": _("installation"),
    "instance": _("prompt"),
    "instance_version": _("version"),
    "placement": _("place"),
    "release": _("release"),
    "signing_key": _("signing key"),
    "project": _("project"),
    "suggestion": _("suggestion"),
    "target": _("target"),
    "template": _("template"),
    "template_version": _("version of a template"),
    "token": _("token"),
}
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what it cannot mean is left aside. Days are UTC's, ``until`` belongs to them."""

    actor: str = ""
    action: str = ""
    client: str = ""
    subject: str = ""
    correlation_id: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """From the query of an address."""
        action = given.get("action", "")
        texts = {name: _clean(given.get(name, "")) for name in ("actor", "client", "subject", "correlation_id")}
        texts |= {name: ids.canonical(text=texts[name]) for name in ("actor", "subject")}
        return cls(
            action=action if action in set(Action) else "",
            since=_day(given.get("since", "")),
            until=_day(given.get("until", "")),
            **texts,
        )

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return any(getattr(self, field.name) for field in fields(self))

    def narrow(self, rows: QuerySet[AuditEvent], *, client: Client | None = None) -> QuerySet[AuditEvent]:
        """The events these filters let through; ``client`` is the one of that slug."""
        if self.actor:
            rows = rows.filter(Q(actor_id=self.actor) | Q(actor_label__mentions=self.actor))
        if self.subject:
            rows = rows.filter(Q(subject_id=self.subject) | Q(subject_label__mentions=self.subject))
        if self.client:
            rows = rows.filter(client_id=client.pk) if client is not None else rows.none()
        wanted = {
            "action": self.action,
            "correlation_id": self.correlation_id,
            "at__gte": _begin(self.since) if self.since else None,
            "at__lt": _begin(self.until) + timedelta(days=1) if self.until else None,
        }
        return rows.filter(**{column: value for column, value in wanted.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """One event in words: who, through which door, and what of its metadata says something."""

    event: AuditEvent
    word: str | Promise
    door: str | Promise
    subject: str | Promise
    facts: list[tuple[str, str]]

    @property
    def by_token(self) -> bool:
        """Whether a program did it with its token."""
        return self.event.actor_kind == ActorKind.TOKEN


def lines(events: Iterable[AuditEvent]) -> list[Line]:
    """Each event in words."""
    return [line(event) for event in events]


def line(event: AuditEvent) -> Line:
    """One event in words."""
    return Line(
        event=event,
        word=WORDS.get(event.action, event.action),
        door=DOORS.get(event.door, event.door),
        subject=SUBJECTS.get(event.subject_kind, event.subject_kind),
        facts=[(name, _told(value)) for name, value in sorted(event.metadata.items()) if value not in (None, "", [])],
    )


def actions() -> list[tuple[str, str | Promise]]:
    """Every action with its word, for a choice."""
    return [(str(action), WORDS.get(action, str(action))) for action in Action]


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _clean(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()[:LONGEST]


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and 1 < found.year < 9999 else None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
