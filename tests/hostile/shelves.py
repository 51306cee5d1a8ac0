"""The registry's part of the two worlds: a bundle with releases and channels of every kind, and requests about it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

from assist import coach
from registry import bundles, channels, packs, releases, reviews, rollouts
from registry.models import Bundle, Channel
from resolver import usage
from resolver.usage import Fetched
from tenancy.policy import Permission
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

STARTS = {"live": "1.0.0", "rolling": "1.0.0", "reviewed": "1.0.0"}


def make_shelf(world: SimpleNamespace) -> SimpleNamespace:
    """``@<word>-project/<word>-shelf``: a draft, three releases, and channels: live, rolling out, under review.

    Beside it a bundle that was cut just now, and a pack that runs its second release.
    """
    line, now = world.template.template, timezone.now()

    def make(name: str, kind: str = "set") -> Bundle:
        return bundles.create(project=world.project, slug=f"{world.word}-{name}", kind=kind, by=SYSTEM, at=AT)

    bundle, base, pack = make("shelf"), make("base"), make("pack", "pack")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        cut_release(bundle, version)
        cut_release(pack, version, {"system": f"I am {version}.", "styles/calm": f"Calm {version}."})
    base = bundles.set_member(bundle=base, revision=1, name="welcome", template=line, by=SYSTEM, at=AT)
    releases.cut(bundle=base, version="1.0.0", by=SYSTEM, at=now)
    bundle = bundles.set_member(bundle=bundle, revision=1, name="welcome", template=line, by=SYSTEM, at=AT)
    bundle = bundles.set_requirement(
        bundle=bundle, revision=2, required=str(base.address), selector="*", by=SYSTEM, at=AT
    )
    made = {name: channels.create(bundle=bundle, name=name, by=SYSTEM, at=AT) for name in STARTS}
    for name, channel in made.items():
        channels.activate(channel=channel, to="1.0.0", by=SYSTEM, at=AT)
        made[name] = channels.activate(channel=channel, to="1.1.0", by=SYSTEM, at=AT).channel
    for version in ("1.0.0", "1.1.0"):
        packs.activate(pack=pack, to=version, by=SYSTEM, at=AT)
    rollouts.split(channel=made["rolling"], to="1.2.0", percent=10, by=SYSTEM, at=AT)
    made["reviewed"] = channels.set_policy(channel=made["reviewed"], rule=Channel.Policy.REVIEW, by=SYSTEM, at=AT)
    proposal = reviews.propose(channel=made["reviewed"], to="1.2.0", by=SYSTEM, at=AT)
    prompt = f"{bundle.address}/welcome"
    usage.forget()  # what tokens of earlier tests fetched
    usage.count(what=Fetched(str(world.token.pk), str(world.project.pk), "", prompt, "1.0.0"), at=AT.timestamp())
    usage.flush()
    session = coach.start_session(pack=pack.address, style="calm", by=SYSTEM, at=AT).session
    return SimpleNamespace(bundle=bundle, base=base, pack=pack, channels=made, proposal=proposal, session=session)


def shelf_ids(world: SimpleNamespace) -> list[str]:
    """What must never be told to a stranger."""
    shelf = world.shelf
    rows = (shelf.bundle, shelf.base, shelf.pack, shelf.proposal, shelf.session, *shelf.channels.values())
    return [str(row.pk) for row in rows] + [shelf.bundle.slug, shelf.base.slug, shelf.pack.slug]


def _at(world: SimpleNamespace, rest: str = "") -> str:
    return f"projects/{world.project.slug}/bundles/{world.shelf.bundle.slug}{rest}"


def _channel(world: SimpleNamespace, name: str, rest: str = "") -> str:
    return _at(world, f"/channels/{name}{rest}")


def _release(world: SimpleNamespace, version: str, rest: str = "") -> str:
    return _at(world, f"/releases/{version}{rest}")


def _pack(world: SimpleNamespace, rest: str = "") -> str:
    return f"packs/{world.shelf.pack.address}{rest}"


def _prompt(world: SimpleNamespace, selector: str = "1.0.0") -> str:
    return f"{world.shelf.bundle.address}@{selector}/welcome"


def _needs(world: SimpleNamespace) -> str:
    return _at(world, f"/requirements/@{world.project.slug}/{world.shelf.base.slug}")


LATER = (AT + timedelta(days=40_000)).isoformat().replace("+00:00", "Z")

REQUESTS: dict[str, Any] = {
    "list_bundles": lambda w: (f"projects/{w.project.slug}/bundles", None),
    "create_bundle": lambda w: (f"projects/{w.project.slug}/bundles", {"slug": "new"}),
    "read_bundle": lambda w: (_at(w), None),
    "rename_bundle": lambda w: (_at(w), {"revision": w.shelf.bundle.revision, "title": "Other"}),
    "set_bundle_compatibility": lambda w: (
        _at(w, "/compatibility"),
        {"revision": w.shelf.bundle.revision, "compatibility": {"models": ["a"]}},
    ),
    "set_member": lambda w: (
        _at(w, "/members/styles/calm"),
        {"revision": w.shelf.bundle.revision, "template": w.template.template.name},
    ),
    "remove_member": lambda w: (_at(w, "/members/welcome"), None),
    "set_requirement": lambda w: (_needs(w), {"revision": w.shelf.bundle.revision, "selector": "^1.0"}),
    "remove_requirement": lambda w: (_needs(w), None),
    "list_releases": lambda w: (_at(w, "/releases"), None),
    "cut_release": lambda w: (_at(w, "/releases"), {"version": "2.0.0"}),
    "plan_release": lambda w: (_at(w, "/plan"), {"version": "2.0.0"}),
    "preview_member": lambda w: (
        _at(w, "/preview"),
        {"prompt": "welcome", "variables": {"company": "A", "pin": "1234"}},
    ),
    "read_release": lambda w: (_release(w, "1.0.0"), None),
    "read_manifest": lambda w: (_release(w, "1.0.0", "/manifest"), None),
    "read_signatures": lambda w: (_release(w, "1.0.0", "/signatures"), None),
    "compare_releases": lambda w: (_release(w, "1.1.0", "/compare?base=1.0.0"), None),
    "diff_prompt": lambda w: (_release(w, "1.1.0", "/diff?base=1.0.0&prompt=welcome"), None),
    "retire_release": lambda w: (_release(w, "1.0.0", "/retire"), {"reason": "other"}),
    "yank_release": lambda w: (_release(w, "1.0.0", "/yank"), {"reason": "other"}),
    "revert_release": lambda w: (
        f"projects/{w.project.slug}/bundles/{w.shelf.base.slug}/releases/1.0.0/revert",
        {"message": "Too early."},
    ),
    "list_dependants": lambda w: (_at(w, "/dependants"), None),
    "read_index": lambda w: (f"projects/{w.project.slug}/index", None),
    "list_packs": lambda w: ("packs", None),
    "read_pack": lambda w: (_pack(w), None),
    "read_active_pack": lambda w: (_pack(w, "/active"), None),
    "activate_pack": lambda w: (_pack(w, "/activate"), {"version": "1.2.0"}),
    "roll_pack_back": lambda w: (_pack(w, "/rollback"), {}),
    "get_system_prompt": lambda w: (_pack(w, "/system"), None),
    "get_style_prompt": lambda w: (_pack(w, "/styles/calm"), None),
    "start_coach_session": lambda w: ("coach/sessions", {"pack": str(w.shelf.pack.address), "style": "calm"}),
    "read_coach_session": lambda w: (f"coach/sessions/{w.shelf.session.id}", None),
    "resolve": lambda w: (f"resolve?address={_prompt(w)}", None),
    "render": lambda w: ("resolve", {"address": _prompt(w)}),
    "explain": lambda w: ("explain", {"client": w.client.slug, "name": w.word}),
    "search": lambda w: (f"search?q={w.word}", None),
    "list_usage": lambda w: ("usage", None),
    "lock": lambda w: ("locks", {"requirements": {}}),
    "verify_lock": lambda w: ("locks/verify", {"lockfile": 1, "requirements": {}, "bundles": {}}),
    "list_keys": lambda w: ("keys", None),
    "rotate_key": lambda w: ("keys/rotate", None),
    "go_live": lambda w: (_channel(w, "live", "/live"), {"version": "2.0.0"}),
    "list_channels": lambda w: (_at(w, "/channels"), None),
    "create_channel": lambda w: (_at(w, "/channels"), {"name": "nightly"}),
    "read_channel": lambda w: (_channel(w, "live"), None),
    "activate_release": lambda w: (_channel(w, "live"), {"version": "1.2.0"}),
    "set_channel_policy": lambda w: (_channel(w, "live"), {"policy": "locked"}),
    "roll_channel_back": lambda w: (_channel(w, "live", "/rollback"), {}),
    "split_channel": lambda w: (_channel(w, "live", "/split"), {"version": "1.2.0", "percent": 5}),
    "stop_split": lambda w: (_channel(w, "rolling", "/split/stop"), {}),
    "finish_split": lambda w: (_channel(w, "rolling", "/split/finish"), {}),
    "list_activations": lambda w: (_channel(w, "live", "/activations"), None),
    "propose_release": lambda w: (_channel(w, "reviewed", "/proposals"), {"version": "1.2.0"}),
    "schedule_release": lambda w: (_channel(w, "live", "/schedules"), {"version": "1.2.0", "due_at": LATER}),
    "list_reviews": lambda w: ("reviews", None),
    "read_activation": lambda w: (f"activations/{w.shelf.proposal.id}", None),
    "change_proposal": lambda w: (f"proposals/{w.shelf.proposal.id}", {"revision": 1, "version": "1.0.0"}),
    "withdraw_activation": lambda w: (f"activations/{w.shelf.proposal.id}/withdraw", None),
    "approve_proposal": lambda w: (f"proposals/{w.shelf.proposal.id}/approve", {"revision": 1}),
    "reject_proposal": lambda w: (f"proposals/{w.shelf.proposal.id}/reject", {"comment": "No."}),
}
LISTINGS = frozenset({"list_reviews", "list_packs", "search", "list_usage", "lock", "verify_lock", "list_keys"})
WITHOUT_RESULTS = frozenset({"lock", "verify_lock", "list_keys"})
"""For everybody, and about nothing of anybody's."""
OF_THE_INSTALLATION = frozenset({"rotate_key"})
HEADERS = {"remove_member": {"If_Match": '"3"'}, "remove_requirement": {"If_Match": '"3"'}}
DECIDED_BELOW = {
    **dict.fromkeys(
        ("activate_release", "roll_channel_back", "split_channel", "stop_split", "finish_split"), Permission.PUBLISH
    ),
    **dict.fromkeys(("create_channel", "schedule_release", "activate_pack", "roll_pack_back"), Permission.PUBLISH),
    "withdraw_activation": Permission.REVIEW,
}
"""What the channels of these requests ask for; their addresses only ask to be somebody who sees the bundle."""
OF_THE_MAKER = frozenset({"change_proposal"})
"""Nobody else may, whatever their role; whoever made it is not among the callers here."""
