"""The words and tones of states, the same on every page."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from publishing.states import DeliveryState
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class State:
    """A state as a badge shows it: its word, its tone (good, note, warn, bad, calm), what it means."""

    label: str | Promise
    tone: str
    meaning: str | Promise = ""


S = DeliveryState
DELIVERY: dict[str, State] = {
    S.PENDING: State(_("waiting"), "note", _("Waits for its turn.")),
    S.SENDING: State(_("being sent"), "note", _("A worker has begun.")),
    S.RETRYING: State(_("tried again"), "warn", _("Was not taken; it is sent again later.")),
    S.UNKNOWN: State(_("unknown"), "warn", _("Perhaps taken; it is repeated with the same key.")),
    S.DELIVERED: State(_("delivered"), "good", _("The provider runs it.")),
    S.SUPERSEDED: State(
        _("superseded"), "calm", _("Not sent any more: a newer publication took its place, or nothing goes there.")
    ),
    S.BURIED: State(_("given up"), "bad", _("Given up after the last try; a person has to look.")),
}
NOT_SENT = State(_("never sent"), "calm", _("Nothing was published there yet."))

PROMPT: dict[str, State] = {
    "draft": State(_("draft"), "note", _("Never published.")),
    "active": State(_("active"), "good", _("The draft is what runs.")),
    "unpublished": State(_("unpublished changes"), "warn", _("Active; the draft says something else than what runs.")),
    "archived": State(_("archived"), "calm", _("Out of use; nothing is published any more.")),
}

P = Permission
PERMISSION: dict[str, str | Promise] = {
    P.VIEW: _("view"),
    P.EDIT: _("edit"),
    P.PUBLISH: _("publish"),
    P.REVIEW: _("review"),
    P.DEPLOY: _("deploy"),
    P.REVEAL: _("reveal"),
    P.ADMIN: _("admin"),
}

OUTCOME: dict[str, State] = {
    "delivered": State(_("delivered"), "good"),
    "under_way": State(_("on the way"), "note"),
    "given_up": State(_("given up"), "bad"),
    "superseded": State(_("superseded"), "calm"),
    "nowhere": State(_("no target"), "warn"),
}
