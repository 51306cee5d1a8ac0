"""What is typed on the registry's pages about a world's shelf (see ``shelves``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from registry import channels
from tests.factories.acting import AT, SYSTEM


@dataclass(frozen=True, slots=True)
class Given:
    """What is typed: into the address's query, into the form; ``parts`` are those of the address that differ."""

    form: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)


def _draft(w: SimpleNamespace, **more: Any) -> Given:
    return Given({"revision": w.shelf.bundle.revision, **more})


def _fresh(w: SimpleNamespace, **form: Any) -> Given:
    """About the release that was cut just now."""
    return Given(form, parts={"bundle": w.shelf.base.slug, "release": "1.0.0"})


def _pack(w: SimpleNamespace, **typed: Any) -> Given:
    return Given(typed.get("form", {}), typed.get("query", {}), {"bundle": w.shelf.pack.slug})


def _rolling_under_review(w: SimpleNamespace) -> Given:
    channels.set_policy(channel=w.shelf.channels["rolling"], rule="review", by=SYSTEM, at=AT)
    return Given(parts={"channel": "rolling"})


def _reviewed(**form: Any) -> Given:
    return Given(form, parts={"channel": "reviewed"})


TYPED: dict[tuple[str, str], Callable[[SimpleNamespace], Given]] = {
    ("visibility", "POST"): lambda w: Given({"visibility": "public"}),
    ("bundle_new", "POST"): lambda w: Given({"slug": "new", "kind": "set"}),
    ("bundle_about", "POST"): lambda w: _draft(w, title="Other"),
    ("member_set", "POST"): lambda w: _draft(w, name="styles/calm", template=w.template.template_id),
    ("member_remove", "POST"): lambda w: _draft(w, name="welcome"),
    ("requirement_set", "POST"): lambda w: _draft(w, required=str(w.shelf.base.address), selector="^1.0"),
    ("requirement_remove", "POST"): lambda w: _draft(w, name=str(w.shelf.base.address)),
    ("compatibility", "POST"): lambda w: _draft(w, compatibility='{"models": ["a"]}'),
    ("bundle_preview", "GET"): lambda w: Given(query={"prompt": "welcome"}),
    ("bundle_preview", "POST"): lambda w: Given(
        {"prompt": "welcome", "revision": 1, "variable-company": "A", "variable-pin": "1234"}
    ),
    ("cut", "POST"): lambda w: _draft(w, version="2.0.0"),
    ("release_prompt", "GET"): lambda w: Given(query={"name": "welcome"}),
    ("release_retire", "POST"): lambda w: Given({"reason": "other"}),
    ("release_yank", "POST"): lambda w: Given({"reason": "other"}),
    ("release_revert", "GET"): _fresh,
    ("release_revert", "POST"): lambda w: _fresh(w, reason="invalid"),
    ("release_compare_chosen", "GET"): lambda w: Given(query={"old": "1.0.0", "new": "1.1.0"}),
    ("pack_activate", "GET"): lambda w: _pack(w, query={"to": "1.2.0", "environment": "test"}),
    ("pack_activate", "POST"): lambda w: _pack(w, form={"to": "1.2.0", "environment": "test"}),
    ("channels", "POST"): lambda w: Given({"name": "nightly", "rule": "live"}),
    ("channel_policy", "POST"): lambda w: Given({"rule": "review"}),
    ("channel_move", "GET"): lambda w: Given(query={"to": "1.2.0"}),
    ("channel_move", "POST"): lambda w: Given({"to": "1.2.0", "expected": "1.1.0"}),
    ("channel_rollback", "POST"): lambda w: Given({"to": "1.0.0", "expected": "1.1.0"}),
    ("channel_widen", "POST"): lambda w: Given({"percent": 50, "expected": "1.1.0"}, parts={"channel": "rolling"}),
    ("channel_stop", "POST"): lambda w: Given(parts={"channel": "rolling"}),
    ("channel_end", "POST"): _rolling_under_review,
    ("move_withdraw", "POST"): lambda w: _reviewed(),
    ("review_approve", "POST"): lambda w: Given({"revision": w.shelf.proposal.revision}),
    ("review_change", "POST"): lambda w: Given({"to": "1.0.0", "revision": w.shelf.proposal.revision}),
    ("review_reject", "POST"): lambda w: Given({"revision": w.shelf.proposal.revision, "comment": "Not yet."}),
    ("why", "GET"): lambda w: Given(query={"name": w.word}),
}
"""What is typed where nothing would not do."""
