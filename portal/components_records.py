"""Examples for the gallery: deliveries, events, and what a target says of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.access import Control
from portal.parts import Part, barred
from portal.presenters import showing
from portal.presenters.activity import Child, Entry
from portal.presenters.comparing import texts
from portal.presenters.deliveries import OUTCOMES, Filters, Line, Tab, Try
from portal.presenters.keyset import KeyPage
from portal.presenters.ledger import Filters as EventFilters
from portal.presenters.ledger import actions, line
from portal.presenters.targets import Answer, Pause, Pauses
from portal.presenters.words import DELIVERY
from tenancy.policy import Permission

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
ALLOWED = Control(allowed=True)
REFUSED = barred(Permission.PUBLISH)
CLIENT = SimpleNamespace(slug="acme", name="Acme Dental")
KEY = "01890000-0000-7000-8000-000000000002"
ROWS = '<div class="ph-table-scroll"><table class="ph-table ph-table-cards"><tbody>%s</tbody></table></div>'


def tabs() -> Part:
    """Lists beside each other."""
    listed = [
        Tab("", "All", current=True),
        Tab("queue", "Queue", current=False, count=0),
        Tab("dead", _("Dead letters"), current=False, count=2),
    ]
    return Part("tabs", _("Lists beside each other"), {_("three"): {"tabs": listed}})


def neighbours() -> Part:
    """The pages before and after."""
    states = {
        _("first"): KeyPage([], older=3),
        _("middle"): KeyPage([], older=3, newer=9),
        _("last"): KeyPage([], newer=9),
    }
    return Part("neighbours", _("Pages by key"), {name: {"page": page, "label": name} for name, page in states.items()})


def send() -> Part:
    """A button that posts elsewhere."""
    given = {"label": "Replay", "action": "#main", "icon": "replay"}
    states = {_("allowed"): {**given, "control": ALLOWED}, _("not allowed"): {**given, "control": REFUSED}}
    return Part("send", _("Button with an address of its own"), states)


def _delivery(state: str, replay: Control = ALLOWED, **columns: Any) -> Line:
    row = {
        "pk": KEY,
        "prompt_name": "front-desk",
        "client_name": "Acme Dental",
        "version_number": 4,
        "target_name": "voice agent",
        "adapter": "retell",
        "times_tried": 1,
        "created_at": AT,
        "error_code": "",
        "error_detail": "",
        "replay_of_id": None,
        **columns,
    }
    waits, dead = state == "retrying", state == "buried"
    words = {
        "retrying": _("Nothing to do yet: it is tried again by itself."),
        "buried": "Mend what the provider objects to.",
    }
    return Line(
        row=SimpleNamespace(**row),
        state=DELIVERY[state],
        advice=words.get(state, ""),
        next_try=AT if waits else None,
        paused=waits,
        replay=replay if dead else None,
        give_up=None,
    )


WHY: dict[str, Any] = {
    "error_code": "502.adapter_publish_error_retell",
    "error_detail": "Retell answered 503.",
    "times_tried": 3,
}


def delivery_row() -> Part:
    """One delivery of a list."""
    states = {
        str(word.label): _delivery(state) for state, word in DELIVERY.items() if state not in {"retrying", "buried"}
    }
    states[_("tried again")] = _delivery("retrying", **WHY)
    states[_("given up")] = _delivery("buried", **WHY)
    states[_("given up, not allowed")] = _delivery("buried", REFUSED, **WHY)
    return Part(
        "delivery_row",
        _("Line of the deliveries"),
        {name: {"line": one, "boxes": True} for name, one in states.items()},
        around=ROWS,
    )


def deliveries() -> Part:
    """The list as a whole."""
    listed = [_delivery("delivered"), _delivery("buried", **WHY)]
    found = SimpleNamespace(
        tabs=[Tab("", "All", current=True)],
        lists_of=_("Lists, with some"),
        lines=listed,
        page=KeyPage([], older=3),
        pages_of=_("Pages, with some"),
        every=4,
        replayable=True,
    )
    dead = [Tab("dead", _("Dead letters"), current=True, count=0)]
    given_up, nothing = (
        SimpleNamespace(tabs=dead, lists_of=name, lines=[], page=KeyPage([]), every=20)
        for name in (_("Lists, with nothing given up"), _("Lists, with nothing"))
    )
    return Part(
        "deliveries",
        _("Deliveries"),
        {
            _("some"): {"found": found, "filters": Filters()},
            _("nothing given up"): {"found": given_up, "filters": Filters(state="dead")},
            _("nothing yet"): {"found": nothing, "filters": Filters()},
        },
    )


def tries() -> Part:
    """Every try of a delivery."""
    listed = [
        Try(
            SimpleNamespace(
                number=number,
                at=AT,
                duration_ms=840,
                provider_status=status,
                code="" if outcome == "delivered" else "502.adapter_publish_error_retell",
                detail="" if outcome == "delivered" else "Retell answered 503.",
            ),  # type: ignore[arg-type]
            OUTCOMES[outcome],
        )
        for number, (outcome, status) in enumerate([("try_again", 503), ("unknown", None), ("delivered", 200)], start=1)
    ]
    return Part("tries", _("Tries"), {_("three"): {"tries": listed}})


def _event(action: str, **more: Any) -> Any:
    known = {
        "id": 7,
        "at": AT,
        "action": action,
        "actor_kind": "user",
        "actor_id": "7",
        "actor_label": "ana",
        "door": "portal",
        "subject_kind": "instance",
        "subject_id": KEY,
        "subject_label": "front-desk",
        "metadata": {},
        "correlation_id": KEY,
    }
    return SimpleNamespace(**{**known, **more})


def event_row() -> Part:
    """One event of the ledger."""
    edited = line(_event("instance.draft.edit", metadata={"revision": 8}))
    token = line(_event("instance.publish", actor_kind="token", actor_label="ci", door="api"))
    return Part(
        "event_row",
        _("Line of the ledger"),
        {_("a person"): {"line": edited}, _("a token"): {"line": token}},
        around=ROWS,
    )


def event_facts() -> Part:
    """What an event's metadata says."""
    return Part(
        "event_facts", _("Details of an event"), {_("two"): {"facts": [("revision", "8"), ("digest", "sha256:…")]}}
    )


def event_filters() -> Part:
    """The filters of a list of events."""
    given = {"actions": actions()[:3], "clients": [CLIENT], "subject": True, "here": "#main"}
    return Part("event_filters", _("Filters of events"), {_("some"): {**given, "filters": EventFilters(actor="ana")}})


def event_change() -> Part:
    """What one event changed."""
    compared = texts(old="Speak kindly.\n", new="Speak very kindly.\n", anchors=False)
    shown = showing.Shown(showing.Shape.UNIFIED, text=compared)
    return Part(
        "event_change", _("What an event changed"), {_("kept"): {"shown": shown}, _("not kept"): {"shown": None}}
    )


def activity() -> Part:
    """What happened to a prompt."""
    decided = [line(_event("delivery.bury", actor_label="PromptHub", door="worker"))]
    children = [Child(_delivery("delivered"), []), Child(_delivery("buried", **WHY), decided)]
    entries = [
        Entry(
            line(_event("instance.publish", id=9)),
            changed=True,
            version=4,
            before=3,
            reason="Kinder",
            children=children,
        ),
        Entry(line(_event("instance.publish", id=8)), changed=True, version=2, before=3),
        Entry(line(_event("instance.draft.edit", id=7)), changed=True, saves=5),
        Entry(line(_event("drift.find", id=6, actor_label="PromptHub", door="worker")), drift=KEY),
        Entry(line(_event("instance.draft.create", id=5, metadata={"template_version": KEY}))),
    ]
    instance = SimpleNamespace(pk=KEY, name="front-desk")
    return Part(
        "activity", _("Activity"), {_("of everything"): {"entries": entries, "client": CLIENT, "instance": instance}}
    )


def target_pauses() -> Part:
    """What holds a target up."""
    given = {"there": "#", "csrf_token": "none"}
    asked = Pause("front-desk", "agent_id: agent_7", AT, asked=True)
    failed = Pause("front-desk", "", AT, asked=False)
    return Part(
        "target_pauses",
        _("Pauses of a target"),
        {
            _("asked for"): {**given, "pauses": Pauses([asked], 2), "control": ALLOWED},
            _("failed too often"): {**given, "pauses": Pauses([failed], 0), "control": REFUSED},
            _("none"): {**given, "pauses": Pauses([], 0), "control": ALLOWED},
        },
    )


UNASKED = gettext_lazy("Not asked: a webhook cannot be tested without a message.")


def target_test() -> Part:
    """What a provider said about its places."""
    place: Any = SimpleNamespace(instance=SimpleNamespace(name="front-desk"))
    return Part(
        "target_test",
        _("Answer of a provider"),
        {
            _("well"): {"answers": [Answer(place, [])]},
            _("not well"): {"answers": [Answer(place, [("/location/node_id", "The workflow has no such node.")])]},
            _("not asked"): {"answers": [Answer(place, [("", UNASKED)], asked=False)]},
            _("nothing to ask"): {"answers": []},
        },
    )


PARTS: list[Callable[[], Part]] = [
    *(tabs, neighbours, send, delivery_row, deliveries, tries),
    *(event_row, event_facts, event_filters, event_change, activity, target_test, target_pauses),
]
