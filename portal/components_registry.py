"""Examples for the gallery: bundles, releases, channels, proposals, packs, and the way to a text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.utils.translation import gettext as _

from portal.access import Control
from portal.forms.channels import MoveForm
from portal.parts import Part
from portal.presenters import release_changes
from portal.presenters.channels import Aimed
from portal.presenters.proposals import Approved
from portal.presenters.registry_words import BUMP, KIND, LATEST, MARK, MOVE
from portal.presenters.release_changes import Reason, Text
from portal.presenters.releases import Signature
from portal.presenters.why import STEPS, StepLine
from prompthub_kernel.body import PromptBody
from prompthub_kernel.bump import Bump
from prompthub_kernel.errors import Problem
from prompthub_kernel.variables import VariablesSchema

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
KEY = "01890000-0000-7000-8000-000000000003"
PROJECT: Any = SimpleNamespace(slug="voice", name="Voice")
BUNDLE: Any = SimpleNamespace(
    pk=KEY,
    slug="front-desk",
    title="Front desk",
    kind="set",
    project=PROJECT,
    address="@voice/front-desk",
    revision=4,
    prompt_count=3,
    newest_version="1.3.0",
    newest_at=AT,
    waiting_count=1,
)
NEW: Any = SimpleNamespace(**{**vars(BUNDLE), "kind": "pack", "newest_version": None, "waiting_count": 0})
MAY = {word: Control(allowed=True) for word in ("view", "edit", "publish", "review", "admin")}
LESS = {word: Control(allowed=False, reason="Needs the permission “edit” in this project.") for word in MAY}
OF: dict[str, Any] = {"project": PROJECT, "bundle": BUNDLE}
ROWS = '<div class="ph-table-scroll"><table class="ph-table ph-table-cards"><tbody>%s</tbody></table></div>'


def _release(version: str, **more: Any) -> Any:
    digest = "sha256:10ce89b4cee664c239a6a7903d571d6091d384958cd0950ba107bbfe73237b92"
    known = {"version": version, "digest": digest, "notes": "", "created_at": AT, "created_by_label": "ana"}
    return SimpleNamespace(pk=version, bundle=BUNDLE, **{**known, **more})


def _channel(name: str, release: Any, second: Any = None) -> Any:
    return SimpleNamespace(
        name=name,
        release=release,
        release_id=getattr(release, "pk", None),
        split_release=second,
        split_percent=25 if second else None,
        policy="live",
        bundle=BUNDLE,
    )


OLD_ONE, NEWER, NEWEST = _release("1.2.0"), _release("1.3.0"), _release("2.0.0")
STABLE = _channel("stable", NEWER)
SPLIT = Aimed(NEWER, NEWEST, 25, ("beta", "staff"))


def aims() -> Part:
    """Channels in a few words."""
    states = {_("two"): [STABLE, _channel("preview", NEWER, NEWEST)], _("none"): []}
    return Part("aims", _("Where channels point"), {name: {**OF, "channels": rows} for name, rows in states.items()})


def aim() -> Part:
    """Where one channel points."""
    states = {_("nowhere"): Aimed(None), _("one release"): Aimed(NEWER), _("a rollout"): SPLIT}
    return Part("aim", _("What a channel gives"), {name: {**OF, "aim": one} for name, one in states.items()})


def bundle_rows() -> Part:
    """A list of bundles."""
    lines = [
        SimpleNamespace(bundle=BUNDLE, kind=KIND["set"], channels=[STABLE]),
        SimpleNamespace(bundle=NEW, kind=KIND["pack"], channels=[]),
    ]
    return Part("bundle_rows", _("Bundles"), {_("two"): {"rows": lines}})


def members() -> Part:
    """The prompts of a draft."""
    sealed, draft = SimpleNamespace(label="3"), SimpleNamespace(revision=2)
    template = SimpleNamespace(name="desk-greeting")
    kinds = [("greeting", sealed, None), ("closing", sealed, draft), ("holidays", None, None)]
    lines = [
        SimpleNamespace(
            member=SimpleNamespace(name=name, template=template, template_id=KEY),
            template=SimpleNamespace(newest=newest, draft=open_one),
            dirty=open_one is not None,
        )
        for name, newest, open_one in kinds
    ]
    given = {**OF, "members": lines}
    states = {_("allowed"): MAY, _("not allowed"): LESS}
    return Part("members", _("Prompts of a draft"), {name: {**given, "may": may} for name, may in states.items()})


def _text(text: str, **variables: Any) -> Text:
    body = PromptBody.parse(content_md=text, content_json=None)
    schema = VariablesSchema.parse({"type": "object", "properties": variables})
    return Text(f"{body.digest()}{sorted(variables)}", body, schema, "3", AT, "ana")


def _changes() -> release_changes.ReleaseChanges:
    tone = {"type": "string"}
    old = {"greeting": _text("Be kind.\n", tone=tone), "closing": _text("Bye.\n"), "same": _text("Same.\n")}
    new = {"greeting": _text("Be very kind.\n"), "holidays": _text("We are closed.\n"), "same": _text("Same.\n")}
    return release_changes.between(old=old, new=new)


def changes() -> Part:
    """What one release changes against another."""
    one = _changes()
    hidden = release_changes.ReleaseChanges(one.members[-1:], hidden=("styles/calm", "styles/brisk"))
    states: dict[str, dict[str, Any]] = {
        _("some"): {"changes": one},
        _("more than are shown"): {"changes": hidden, "first": True},
        _("none"): {"changes": release_changes.ReleaseChanges(same=3)},
    }
    return Part("release_changes", _("What a release changes"), states)


def bump() -> Part:
    """Why a step has its size."""
    reasons = [
        Reason(BUMP[Bump.MAJOR], "greeting → tone", "This variable was removed."),
        Reason(BUMP[Bump.MINOR], "holidays", "This prompt is new."),
        Reason(BUMP[Bump.PATCH], "greeting", "The text of this prompt changed."),
    ]
    return Part("bump", _("Size of a step"), {_("three reasons"): {"reasons": reasons}, _("none"): {"reasons": []}})


def conflict_explained() -> Part:
    """Why there can be no release."""
    sentences = [
        "Because @voice/billing ^1.0 needs @voice/safety ^1.0, @voice/safety ^1.0 is needed.",
        "And because your bundle needs @voice/safety ^2.0, the requirements of your bundle cannot all be met.",
    ]
    problem = Problem(
        "/members/greeting", "empty", "This prompt has no text yet: neither a draft nor a sealed version."
    )
    return Part(
        "conflict_explained",
        _("Why there can be no release"),
        {
            _("bundles that do not fit"): {"explanation": sentences, "title": "", "problems": []},
            _("something else"): {"explanation": [], "title": problem.detail, "problems": [problem]},
        },
    )


def release_states() -> Part:
    """What is to be known of a release."""
    every = [LATEST, *MARK.values()]
    return Part("release_states", _("States of a release"), {_("all"): {"states": every}, _("none"): {"states": []}})


def release_row() -> Part:
    """A line of the releases."""
    lines = {
        _("latest, given by a channel"): SimpleNamespace(
            release=_release("1.3.0", notes="Booking works."), states=[LATEST], channels=[STABLE], gone=False
        ),
        _("yanked"): SimpleNamespace(release=NEWEST, states=[MARK["yank"]], channels=[], gone=False),
        _("gone"): SimpleNamespace(release=OLD_ONE, states=[MARK["revert"]], channels=[], gone=True),
    }
    states = {name: {**OF, "line": line} for name, line in lines.items()}
    return Part("release_row", _("Line of the releases"), states, around=ROWS)


def signatures() -> Part:
    """What vouches for a release."""
    good, bad = Signature("ed25519:dc7ee58ba1e6c97a", good=True), Signature("ed25519:0000000000000000", good=False)
    return Part(
        "signatures",
        _("Signatures"),
        {
            _("good"): {"signatures": [good], "intact": True},
            _("bad"): {"signatures": [good, bad], "intact": False},
            _("none"): {"signatures": [], "intact": True},
        },
    )


def mark() -> Part:
    """What was said of a release."""
    said = SimpleNamespace(reason="deprecated", message="Use 1.3.0: it books.", by_label="ana", at=AT)
    why = SimpleNamespace(reason="security", message="", by_label="ana", at=AT)
    states: dict[str, dict[str, Any]] = {
        _("retired"): {"mark": said, "state": MARK["retire"]},
        _("yanked"): {"mark": why, "state": MARK["yank"], "version": "2.0.0"},
    }
    return Part("mark", _("What was said of a release"), states)


def dependants() -> Part:
    """Who uses a bundle."""
    needs = [SimpleNamespace(selector="^1.0", resolved=OLD_ONE)]
    includes = [SimpleNamespace(name="greeting", included=OLD_ONE, prompt="tone")]
    rows = [_release("1.4.0", needs=needs, includes=[]), _release("1.3.0", needs=[], includes=includes)]
    return Part("dependants", _("Who uses this"), {_("two"): {"rows": rows}})


def _move(state: str, aim: Aimed, *, previous: Any = None, ordinal: int | None = None, **more: Any) -> Any:
    known = {
        "pk": KEY,
        "state": state,
        "ordinal": ordinal,
        "previous": previous,
        "active_at": AT if ordinal else None,
        "at": AT,
        "by_label": "ben",
        "decided_by_label": "",
        "reason": "",
        "comment": "",
        "due_at": None,
        "error_code": "",
        "error_detail": "",
        "revision": 1,
        "channel": STABLE,
    }
    row = SimpleNamespace(**{**known, **more})
    line = {"row": row, "state": MOVE[state], "aim": aim, "present": False, "back": False, "ended": False}
    line["withdraw"] = MAY["publish"]
    return SimpleNamespace(**line)


def _with(line: Any, **more: Any) -> Any:
    return SimpleNamespace(**{**vars(line), **more})


def move() -> Part:
    """A move of a channel."""
    one, there = Aimed(NEWER), Aimed(OLD_ONE)
    lines = {
        _("now"): _with(_move("active", one, previous=OLD_ONE, ordinal=7, reason="Booking works"), present=True),
        _("approved"): _move(
            "active", there, previous=NEWER, ordinal=6, decided_by_label="rita", comment="Reads well."
        ),
        _("back"): _with(_move("active", there, previous=NEWEST, ordinal=5), back=True),
        _("a rollout"): _move("active", SPLIT, previous=NEWER, ordinal=4),
        _("a rollout that ended"): _with(_move("active", one, previous=NEWER, ordinal=3), ended=True),
        _("the first"): _move("active", there, ordinal=1),
        _("proposed"): _move("proposed", Aimed(NEWEST), previous=NEWER, reason="Shorter"),
        _("scheduled"): _move("scheduled", Aimed(NEWEST), previous=NEWER, due_at=AT),
        _("failed"): _move("failed", Aimed(NEWEST), previous=NEWER, error_code="410.gone", error_detail="It is gone."),
    }
    given = {**OF, "channel": STABLE, "may": MAY}
    states = {name: {**given, "line": line} for name, line in lines.items()}
    return Part("move", _("Move of a channel"), states, around='<ol class="ph-moves ph-panel">%s</ol>')


def move_fields() -> Part:
    """What somebody says about a move."""
    plain = MoveForm(at=AT, auto_id="plain_%s")
    part = MoveForm({"to": "2.0.0", "percent": "200"}, at=AT, auto_id="part_%s")
    states = {_("folded"): {"form": plain}, _("with an error"): {"form": part}}
    return Part("move_fields", _("Fields of a move"), states)


def review_row() -> Part:
    """A line of the reviews."""
    own = _move("proposed", SPLIT, previous=NEWER, revision=2, due_at=AT)
    states = {
        _("of somebody else"): {
            "line": _move("proposed", Aimed(NEWEST), previous=NEWER, reason="Shorter"),
            "own": False,
        },
        _("own, and changed"): {"line": own, "own": True},
    }
    return Part("review_row", _("Line of the reviews"), states, around=ROWS)


def proposal_standing() -> Part:
    """How a proposal stands."""

    def page(line: Any, **more: Any) -> dict[str, Any]:
        known = {
            "line": line,
            "open": line.row.state == "proposed",
            "moved": False,
            "lost": None,
            "now": Aimed(OLD_ONE),
        }
        return {"found": SimpleNamespace(**{**known, **more})}

    aim = Aimed(NEWEST)
    by: dict[str, Any] = {"decided_by_label": "rita"}
    proposed = _move("proposed", aim, revision=2)
    return Part(
        "proposal_standing",
        _("How a proposal stands"),
        {
            _("changed"): page(proposed),
            _("changed while looking"): {**page(_move("proposed", aim)), "changed": True},
            _("an approval is gone"): page(proposed, lost=Approved("rita", 1)),
            _("the channel moved"): page(_move("proposed", aim), moved=True),
            _("approved"): page(_move("active", aim, ordinal=8, comment="Reads well.", **by)),
            _("approved for later"): page(_move("scheduled", aim, **by)),
            _("rejected"): page(_move("rejected", aim, comment="Keep the booking.", **by)),
            _("withdrawn"): page(_move("withdrawn", aim)),
            _("failed"): page(_move("failed", aim, error_detail="It is gone.")),
        },
    )


def pack() -> Part:
    """A pack with its environments."""
    bundle = SimpleNamespace(**{**vars(BUNDLE), "title": "Coach", "kind": "pack"})
    version = SimpleNamespace(version="1.0.1", created_at=AT, styles=("brisk", "calm"))
    one = {"name": "", "channel": "active", "version": "1.0.1", "default": False, "warning": ""}
    runs = SimpleNamespace(**one, styles=("brisk", "calm"))
    default = SimpleNamespace(**{**one, "default": True, "warning": "It names no release."}, styles=())

    def row(key: str, environments: list[Any], versions: list[Any], may: dict[str, Control]) -> dict[str, Any]:
        named = SimpleNamespace(**{**vars(bundle), "pk": key, "title": f"Coach {key}"})
        found = SimpleNamespace(bundle=named)
        return {"row": SimpleNamespace(pack=found, environments=environments, versions=versions, may=may)}

    return Part(
        "pack",
        _("Pack"),
        {
            _("active"): row("a", [runs], [(version, [LATEST])], MAY),
            _("a default stands in"): row("b", [default], [(version, [])], LESS),
            _("nothing yet"): row("c", [], [], MAY),
        },
    )


def trail() -> Part:
    """The way to a text."""
    steps = [
        StepLine(STEPS["client_instance"], hit=False, code="404.prompt_not_found", reason="No name was asked for."),
        StepLine(STEPS["builtin"], hit=True, code="", reason=""),
    ]
    return Part("trail", _("The way to a text"), {_("two steps"): {"steps": steps}})


PARTS: list[Callable[[], Part]] = [
    *(aims, aim, bundle_rows, members, changes, bump, conflict_explained, release_states, release_row),
    *(signatures, mark, dependants, move, move_fields, review_row, proposal_standing, pack, trail),
]
