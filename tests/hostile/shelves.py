"""The registry's part of the two worlds: a bundle with releases and channels of every kind, and requests about it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from registry import bundles, channels, reviews, rollouts
from registry.models import Channel
from tenancy.policy import Permission
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

STARTS = {"live": "1.0.0", "rolling": "1.0.0", "reviewed": "1.0.0"}


def make_shelf(world: SimpleNamespace) -> SimpleNamespace:
    """``@<word>-project/<word>-shelf``: a draft, three releases, and channels: live, rolling out, under review."""
    bundle = factories.make_bundle(project=world.project, slug=f"{world.word}-shelf")
    base = factories.make_bundle(project=world.project, slug=f"{world.word}-base")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        cut_release(bundle, version)
    line = world.template.template
    bundle = bundles.set_member(bundle=bundle, revision=1, name="welcome", template=line, by=SYSTEM, at=AT)
    bundle = bundles.set_requirement(
        bundle=bundle, revision=2, required=str(base.address), selector="*", by=SYSTEM, at=AT
    )
    made = {name: channels.create(bundle=bundle, name=name, by=SYSTEM, at=AT) for name in STARTS}
    for name, channel in made.items():
        channels.activate(channel=channel, to="1.0.0", by=SYSTEM, at=AT)
        made[name] = channels.activate(channel=channel, to="1.1.0", by=SYSTEM, at=AT).channel
    rollouts.split(channel=made["rolling"], to="1.2.0", percent=10, by=SYSTEM, at=AT)
    made["reviewed"] = channels.set_policy(channel=made["reviewed"], rule=Channel.Policy.REVIEW, by=SYSTEM, at=AT)
    proposal = reviews.propose(channel=made["reviewed"], to="1.2.0", by=SYSTEM, at=AT)
    return SimpleNamespace(bundle=bundle, base=base, channels=made, proposal=proposal)


def shelf_ids(world: SimpleNamespace) -> list[str]:
    """What must never be told to a stranger."""
    shelf = world.shelf
    rows = (shelf.bundle, shelf.base, shelf.proposal, *shelf.channels.values())
    return [str(row.pk) for row in rows] + [shelf.bundle.slug, shelf.base.slug]


def _at(world: SimpleNamespace, rest: str = "") -> str:
    return f"projects/{world.project.slug}/bundles/{world.shelf.bundle.slug}{rest}"


def _channel(world: SimpleNamespace, name: str, rest: str = "") -> str:
    return _at(world, f"/channels/{name}{rest}")


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
LISTINGS = frozenset({"list_reviews"})
HEADERS = {"remove_member": {"If_Match": '"3"'}, "remove_requirement": {"If_Match": '"3"'}}
DECIDED_BELOW = {
    **dict.fromkeys(
        ("activate_release", "roll_channel_back", "split_channel", "stop_split", "finish_split"), Permission.PUBLISH
    ),
    **dict.fromkeys(("create_channel", "schedule_release"), Permission.PUBLISH),
    "withdraw_activation": Permission.REVIEW,
}
"""What the channels of these requests ask for; their addresses only ask to be somebody who sees the bundle."""
OF_THE_MAKER = frozenset({"change_proposal"})
"""Nobody else may, whatever their role; whoever made it is not among the callers here."""
