"""The gallery's examples of publishing and refining: targets, progress, who was faster, a model's suggestion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from assist import texts
from portal.access import Control
from portal.forms.refine import AskForm
from portal.parts import Part, barred
from portal.presenters import comparing, suggestion
from portal.presenters.comparing import Stretch
from portal.presenters.previewing import Preview
from portal.presenters.progress import Progress, Step
from portal.presenters.reviewing import Diverged, Goal, Review, View
from portal.presenters.showing import Shape, Shown
from portal.presenters.suggestion import QUICK, STATES, Change, SuggestionPage
from portal.presenters.words import DELIVERY
from prompthub_kernel.errors import Problem
from publishing.ports import NOT_ASKED
from tenancy.policy import Permission

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
OLD = "You answer the phone for {{ company }}.\n\n- Ask for the caller's name.\n- Be quick.\n"
NEW = "You are the friendly first voice of {{ company }}.\n\n- Ask for the caller's name.\n- Be quick, but kind.\n"
CLIENT = SimpleNamespace(slug="acme", name="Acme Dental")
INSTANCE = SimpleNamespace(pk=UUID(int=7), name="front-desk", body=SimpleNamespace(source=lambda: OLD))
WHERE = {"client": CLIENT, "instance": INSTANCE}
MAY = {"edit": Control(allowed=True), "publish": Control(allowed=True)}
MAY_NOT = {"publish": barred(Permission.PUBLISH)}
UNASKED = Problem("", NOT_ASKED, "Not asked: a webhook cannot be tested without a message.")
OBJECTION = Problem("/text", "maxLength", "is longer than this place can hold")


def _version(number: int) -> Any:
    return SimpleNamespace(pk=UUID(int=number), ordinal=number, created_at=AT, created_by_label="ana")


def _publication(number: int, version: int) -> Any:
    return SimpleNamespace(
        ordinal=number, version=_version(version), at=AT, by_label="ana", reason="Opening hours", correlation_id="c-1"
    )


def _goal(
    key: int, name: str, *, problems: list[Problem] | None = None, version: int = 0, newest: str = "", **more: Any
) -> Goal:
    delivery = SimpleNamespace(publication=_publication(version, version), ended_at=AT) if version else None
    last = SimpleNamespace(state=newest, error_detail="The workflow was not found.")
    place: Any = SimpleNamespace(delivery=delivery, drift=more.get("drift"), newest=last if newest else None)
    target: Any = SimpleNamespace(pk=UUID(int=key), name=name, enabled=more.get("enabled", True))
    return Goal(target, [place], chosen=not problems, problems=problems, unanswered=more.get("unanswered", ()))


def goal() -> Part:
    """A target to choose."""
    states = {
        _("has the last version"): _goal(1, "voice agent", problems=[], version=3),
        _("nothing arrived yet"): _goal(2, "n8n"),
        _("does not take the text"): _goal(3, "sms", problems=[OBJECTION], version=2),
        _("last one given up"): _goal(4, "chat", version=2, newest="buried"),
        _("changed there"): _goal(5, "mail", version=2, drift=SimpleNamespace()),
        _("switched off"): _goal(9, "fax", version=2, enabled=False),
    }
    return Part(
        "goal",
        _("Target to choose"),
        {name: {"goal": one, "box": True} for name, one in states.items()},
        around='<ul class="ph-goals">%s</ul>',
    )


def goal_check() -> Part:
    """What a contract says."""
    return Part(
        "goal_check",
        _("Contract of a target"),
        {
            _("takes it"): {"goal": _goal(6, "voice agent", problems=[])},
            _("objects"): {"goal": _goal(7, "sms", problems=[OBJECTION])},
            _("not asked"): {"goal": _goal(8, "webhook", problems=[], unanswered=[UNASKED])},
        },
    )


def publish_checks() -> Part:
    """What the page says once the targets were asked."""
    return Part(
        "publish_checks",
        _("Targets were asked"),
        {_("asked"): {"goals": [], "checked": True}, _("no text"): {"goals": [], "checked": False}},
    )


def problem_list() -> Part:
    """Why something cannot be done."""
    given = {"text": "A target's contract does not allow this text there.", "problems": [OBJECTION]}
    return Part(
        "problems", _("Problems"), {_("bad"): {"tone": "bad", **given}, _("warning"): {"tone": "warn", **given}}
    )


DIVERGED: Any = Diverged(_publication(9, 9), _version(9), _version(8))


def diverged() -> Part:
    """Somebody published first."""
    first: Any = Diverged(_publication(1, 1), _version(1), None)
    return Part(
        "diverged",
        _("Somebody published first"),
        {
            name: {**WHERE, "diverged": one, "revision": 4, "may": MAY, "csrf_token": "none"}
            for name, one in {_("another version"): DIVERGED, _("the first version"): first}.items()
        },
    )


def _shown() -> Shown:
    return Shown(Shape.UNIFIED, text=comparing.texts(old=OLD, new=NEW, anchors=False))


def review_changes() -> Part:
    """What publishing changes."""
    preview = Preview(segments=("You answer the phone for Acme.",))
    states = {
        _("a change"): (Review(None, View.SOURCE, shown=_shown()), None),
        _("what they changed"): (Review(None, View.THEIRS, shown=_shown()), DIVERGED),
        _("the first version"): (Review(None, View.SOURCE, whole=preview), None),
        _("no difference"): (Review(None, View.SOURCE, shown=_shown(), same=True), None),
        _("cannot be rendered"): (Review(None, View.SOURCE, problems=[OBJECTION]), None),
    }
    return Part(
        "review_changes",
        _("Review"),
        {name: {"review": review, "diverged": other, "version": None} for name, (review, other) in states.items()},
    )


def _step(key: int, name: str, state: str, *, replayable: bool = False, **more: Any) -> Step:
    ended = None if state in {"pending", "sending", "retrying", "unknown"} else AT
    given = {"tries": 1, "error_detail": "", "error_code": "", "remote_version": "", "due_at": AT, "ended_at": ended}
    placement = SimpleNamespace(target=SimpleNamespace(name=name))
    row: Any = SimpleNamespace(pk=UUID(int=key), state=state, placement=placement, **{**given, **more})
    return Step(row, DELIVERY[state], repeats=int(replayable), replayable=replayable)


FAILED: dict[str, Any] = {
    "tries": 8,
    "error_detail": "The workflow was not found.",
    "error_code": "502.adapter_publish_error_n8n",
}


def progress_step() -> Part:
    """One place of a publication."""
    shown: dict[str, dict[str, Any]] = {
        "pending": {},
        "retrying": {**FAILED, "tries": 3},
        "delivered": {"remote_version": "17"},
    }
    states: dict[str, dict[str, Any]] = {
        str(DELIVERY[state].label): {"step": _step(20 + number, "voice agent", state, **more)}
        for number, (state, more) in enumerate(shown.items())
    }
    states[_("given up")] = {"step": _step(30, "n8n", "buried", replayable=True, **FAILED)}
    states[_("given up, may not replay")] = {
        "step": _step(31, "n8n", "buried", replayable=True, **FAILED),
        "may": MAY_NOT,
    }
    common = {"may": MAY, "here": "#main", "csrf_token": "none"}
    return Part(
        "progress_step",
        _("Place of a publication"),
        {name: {**common, **given} for name, given in states.items()},
        around='<ul class="ph-goals">%s</ul>',
    )


def _progress(*steps: Step) -> Progress:
    published: Any = _publication(4, 3)
    return Progress(published, steps)


def progress() -> Part:
    """How far a publication has come; here it is settled, as others look again by themselves."""
    partly = _progress(_step(40, "voice agent", "delivered"), _step(41, "n8n", "buried", replayable=True, **FAILED))
    given = {**WHERE, "progress": partly, "may": MAY, "csrf_token": "none"}
    return Part("progress", _("Progress"), {_("in part"): given})


def progress_told() -> Part:
    """The outcome in a sentence."""
    done, lost, passed, way = (
        _step(50, "one", "delivered"),
        _step(51, "two", "buried"),
        _step(52, "three", "superseded"),
        _step(53, "four", "pending"),
    )
    states = {
        _("on its way"): (done, way),
        _("everywhere"): (done,),
        _("in part"): (done, lost),
        _("nowhere"): (lost,),
        _("something newer came first"): (done, passed),
        _("no target"): (),
    }
    return Part(
        "progress_told", _("Outcome"), {name: {"progress": _progress(*steps)} for name, steps in states.items()}
    )


def _page(state: str, *, text: str = "", **more: Any) -> SuggestionPage:
    given = {"notes": "", "progress": "", "error_detail": "", "error_code": "", "problems": [], "retryable": False}
    row: Any = SimpleNamespace(
        pk=UUID(int=60),
        instruction="Make it friendlier.",
        created_by_label="ana",
        created_at=AT,
        provider="scripted",
        model="scripted-1",
        correlation_id="01890000-0000-7000",
        base=OLD,
        text=text,
        standing=state,
        tries=1,
        **{**given, **more},
    )
    changes = [
        Change(texts.change_id(hunk), number, Stretch(stretch.rows), chosen=number == 1)
        for number, (hunk, stretch) in enumerate(
            zip(
                texts.changes(old=OLD, new=text).hunks,
                (one for one in comparing.texts(old=OLD, new=text, anchors=False).stretches if one.rows),
                strict=False,
            ),
            1,
        )
        if text
    ]
    return SuggestionPage(row, suggestion.S(state), STATES[state], changes)


NOTES = "- A friendlier first sentence.\n- “Be quick” says that it is kind, too."


def _shelf() -> dict[str, SuggestionPage]:
    return {
        _("ready"): _page("ready", text=NEW, notes=NOTES),
        _("outdated"): _page("stale", text=NEW),
        _("accepted"): _page("accepted", text=NEW),
        _("rejected"): _page("rejected", text=NEW),
    }


def suggestion_part() -> Part:
    """A suggestion with its changes."""
    common = {**WHERE, "text": None, "csrf_token": "none"}
    return Part("suggestion", _("Suggestion"), {name: {**common, "suggestion": one} for name, one in _shelf().items()})


def suggestion_open() -> Part:
    """While the model writes."""
    states = {_("nothing yet"): _page("asked"), _("on the way"): _page("running", progress=NEW[:60])}
    return Part(
        "suggestion_open",
        _("Suggestion being written"),
        {name: {**WHERE, "suggestion": one} for name, one in states.items()},
    )


def suggestion_failed() -> Part:
    """No suggestion came of it."""
    lost = _page(
        "failed",
        error_detail="The model's text does not keep to the prompt's variables.",
        error_code="502.llm_answer_unusable",
        problems=[{"detail": "`company` is used no more"}],
        notes=NOTES,
        retryable=True,
    )
    barred = _page(
        "failed",
        error_detail="Anthropic answered 401: invalid x-api-key.",
        error_code="502.llm_unavailable",
        problems=[],
        retryable=False,
    )
    return Part(
        "suggestion_failed",
        _("Suggestion that failed"),
        {_("failed"): {**WHERE, "suggestion": lost}, _("not set up well"): {**WHERE, "suggestion": barred}},
    )


def suggestion_told() -> Part:
    """The sentence for the live region."""
    states = {_("written"): _page("running"), _("ready"): _page("ready", text=NEW), _("failed"): _page("failed")}
    states |= {_("outdated"): _page("stale", text=NEW)}
    return Part("suggestion_told", _("Suggestion, told"), {name: {"suggestion": one} for name, one in states.items()})


def _ask() -> dict[str, Any]:
    quick = [(key, label) for key, (label, _told) in QUICK.items()]
    return {**WHERE, "form": AskForm(initial={"revision": 4}, auto_id="ask_%s"), "quick": quick, "csrf_token": "none"}


def refine_ask() -> Part:
    """What a person wants."""
    wrong = AskForm({"revision": "4", "instruction": ""}, auto_id="wrong_%s")
    return Part(
        "refine_ask",
        _("Wish"),
        {
            _("nothing said"): {**_ask(), "form": wrong},
            _("while it is written"): {**_ask(), "suggestion": _page("running")},
        },
    )


def refine_desk() -> Part:
    """The wish and what came of it."""
    desk = {**_ask(), "suggestion": _page("ready", text=NEW, notes=NOTES), "text": None, "earlier": []}
    return Part("refine_desk", _("Refining"), {_("ready"): desk})


def refine_answer() -> Part:
    """The same as an answer of htmx."""
    desk = {**_ask(), "suggestion": _page("rejected", text=NEW), "text": None, "earlier": []}
    desk["form"] = AskForm(initial={"revision": 4}, auto_id="answer_%s")
    return Part("refine_answer", _("Refining, answered"), {_("put aside"): desk})


PARTS: list[Callable[[], Part]] = [
    *(goal, goal_check, publish_checks, problem_list, diverged, review_changes, progress_step, progress, progress_told),
    *(refine_ask, refine_desk, refine_answer, suggestion_part, suggestion_open, suggestion_failed, suggestion_told),
]
