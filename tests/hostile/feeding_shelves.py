"""Feeds schemathesis about the registry: bundles to cut, channels to move, proposals to decide, all of them fresh."""

from __future__ import annotations

import uuid
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar

from django.utils import timezone

from foundation.actors import Actor
from prompthub_kernel.hidden_characters import shows_something
from registry import bundles, channels, lockfiles, packs, releases, reviews, rollouts
from registry.models import Activation, Bundle, Channel
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

_numbers = count(1)
ADDRESS = "@fed-project/fed-shelf@1.0.0/welcome"
LATER = "2999-01-01T00:00:00Z"


def unique(word: str) -> str:
    """A word that was never used."""
    return f"{word}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


def _without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        body.pop(name, None)
    return body


class Shelves:
    """The registry's part of the feed."""

    world: SimpleNamespace
    actor: Actor
    IF_MATCH: ClassVar[dict[str, str]] = {"remove_member": '"2"', "remove_requirement": '"2"'}
    SHELF_QUERY: ClassVar[dict[str, dict[str, Any]]] = {
        "compare_releases": {"base": "1.0.0"},
        "diff_prompt": {"base": "1.0.0", "prompt": "welcome"},
        "resolve": {"address": ADDRESS},
        "search": {"q": "fed"},
        "read_active_pack": {},
        "get_system_prompt": {},
        "get_style_prompt": {},
        "read_index": {},
    }

    ASKED_FOR_SOMETHING: ClassVar[frozenset[str]] = frozenset({"resolve"})
    """One parameter of several is needed, which the document cannot say."""

    def shelf_path(self) -> dict[str, Any]:
        """Real names for the addresses of the registry, by parameter."""
        shelf = self.world.shelf
        return {
            "bundle": shelf.bundle.slug,
            "version": "1.1.0",
            "channel": "live",
            "prompt": "welcome",
            "repository": self.world.project.slug,
            "required": shelf.base.slug,
            "pack": str(shelf.pack.address),
            "style": "calm",
            "activation_id": shelf.proposal.id,
            "session_id": shelf.session.id,
        }

    # ── Fresh rows ───────────────────────────────────────────────────────────────────────────────────────

    def bundle(self, kind: str = "set") -> Bundle:
        """A bundle without prompts, at revision 1."""
        return bundles.create(project=self.world.project, slug=unique("b"), kind=kind, by=SYSTEM, at=AT)

    def filled(self) -> Bundle:
        """A bundle with the prompt ``welcome``, at revision 2."""
        return bundles.set_member(
            bundle=self.bundle(),
            revision=1,
            name="welcome",
            template=self.world.template.template,
            by=SYSTEM,
            at=AT,
        )

    def channel(self, *versions: str) -> Channel:
        """A channel of the shelf that was moved so."""
        made = channels.create(bundle=self.world.shelf.bundle, name=unique("c"), by=SYSTEM, at=AT)
        for version in versions or ("1.0.0", "1.1.0"):
            made = channels.activate(channel=made, to=version, by=SYSTEM, at=AT).channel
        return made

    def proposal(self, by: Actor = SYSTEM) -> Activation:
        """A proposal for a channel of its own."""
        made = channels.set_policy(channel=self.channel("1.0.0"), rule="review", by=SYSTEM, at=AT)
        return reviews.propose(channel=made, to="1.2.0", by=by, at=AT)

    # ── Paths ────────────────────────────────────────────────────────────────────────────────────────────

    def _rename_bundle(self) -> dict[str, Any]:
        return {"bundle": self.bundle().slug}

    _set_bundle_compatibility = _set_member = _set_requirement = _rename_bundle

    def _remove_member(self) -> dict[str, Any]:
        return {"bundle": self.filled().slug}

    _cut_release = _remove_member

    def _remove_requirement(self) -> dict[str, Any]:
        required = str(self.world.shelf.base.address)
        made = bundles.set_requirement(
            bundle=self.bundle(), revision=1, required=required, selector="*", by=SYSTEM, at=AT
        )
        return {"bundle": made.slug}

    def _yank_release(self) -> dict[str, Any]:
        made = self.bundle()
        cut_release(made, "1.1.0")
        return {"bundle": made.slug}

    def _revert_release(self) -> dict[str, Any]:
        made = self.filled()
        releases.cut(bundle=made, version="1.1.0", by=SYSTEM, at=timezone.now())
        return {"bundle": made.slug}

    def _roll_channel_back(self) -> dict[str, Any]:
        return {"channel": self.channel().name}

    _set_channel_policy = _split_channel = _schedule_release = _roll_channel_back

    def _propose_release(self) -> dict[str, Any]:
        return {"channel": "reviewed"}

    def _stop_split(self) -> dict[str, Any]:
        made = self.channel()
        rollouts.split(channel=made, to="1.2.0", percent=5, by=SYSTEM, at=AT)
        return {"channel": made.name}

    _finish_split = _stop_split

    def _go_live(self) -> dict[str, Any]:
        made = self.filled()
        return {"bundle": made.slug, "channel": channels.create(bundle=made, name="live", by=SYSTEM, at=AT).name}

    def _approve_proposal(self) -> dict[str, Any]:
        return {"activation_id": self.proposal().id}

    _reject_proposal = _withdraw_activation = _approve_proposal

    def _body_of_reject_proposal(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        comment = body.get("comment")
        invisible = isinstance(comment, str) and comment.strip() != "" and not shows_something(comment)
        return {"comment": "Not yet."} if invisible else {}

    def _change_proposal(self) -> dict[str, Any]:
        return {"activation_id": self.proposal(by=self.actor).id}

    def _roll_pack_back(self) -> dict[str, Any]:
        made = self.bundle("pack")
        for version in ("1.0.0", "1.1.0"):
            cut_release(made, version, {"system": version})
            packs.activate(pack=made, to=version, by=SYSTEM, at=AT)
        return {"pack": str(made.address)}

    # ── Bodies ───────────────────────────────────────────────────────────────────────────────────────────

    def _body_of_create_bundle(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"slug": unique("b")}

    def _body_of_rename_bundle(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1}

    def _body_of_set_bundle_compatibility(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1, "compatibility": {"models": ["a"]}}

    def _body_of_set_member(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1, "template": self.world.template.template.name}

    def _body_of_set_requirement(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1, "selector": "^1.0"}

    def _body_of_cut_release(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"version": "1.0.0", **({"revision": 2} if "revision" in body else {})}

    def _body_of_go_live(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        _without(body, "expected")
        return self._body_of_cut_release(body, path)

    def _body_of_plan_release(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"version": "9.0.0"}

    def _body_of_preview_member(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"prompt": "welcome", "variables": {"company": "A", "pin": "4711"}}

    def _body_of_create_channel(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"name": unique("c")}

    def _body_of_activate_release(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        _without(body, "expected")
        return {"version": "1.2.0"}

    _body_of_activate_pack = _body_of_split_channel = _body_of_activate_release

    def _body_of_roll_channel_back(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        _without(body, "expected", "version", "environment")
        return {}

    _body_of_finish_split = _body_of_roll_pack_back = _body_of_roll_channel_back

    def _body_of_propose_release(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        _without(body, "expected")
        return {"version": "1.2.0", **({"due_at": LATER} if body.get("due_at") else {})}

    def _body_of_change_proposal(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1, **self._body_of_propose_release(body, path)}

    def _body_of_schedule_release(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {**self._body_of_propose_release(body, path), "due_at": LATER}

    def _body_of_approve_proposal(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1}

    def _body_of_start_coach_session(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        fixed: dict[str, Any] = {"pack": str(self.world.shelf.pack.address)}
        fixed |= {"style": "calm"} if "style" in body else {}
        return {**fixed, **({"variables": {}} if "variables" in body else {})}

    def _body_of_render(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        body.clear()
        return {"address": ADDRESS, "variables": {}}

    def _body_of_explain(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        body.clear()
        return {"address": ADDRESS}

    def _body_of_lock(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"requirements": {"@fed-project/fed-shelf": "^1.0"}, **({"locked": None} if "locked" in body else {})}

    def _body_of_verify_lock(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        wanted = {"@fed-project/fed-shelf": "^1.0"}
        locked = lockfiles.lock(requirements=wanted, actor=SYSTEM).to_json()
        return {"locked": locked, "requirements": wanted} if "locked" in body else locked
