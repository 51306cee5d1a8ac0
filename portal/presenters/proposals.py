"""Proposals as a reviewer sees them: what they change, whose they are, and what may be done about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from portal.access import Control
from portal.presenters import channels
from portal.presenters.channels import Aimed, MoveLine
from portal.presenters.registry_words import RULE
from portal.presenters.release_changes import ReleaseChanges
from portal.presenters.words import State
from portal.project_access import controls
from registry import pending
from registry.models import Activation, Release, ReleaseMark
from tenancy import policy

S = Activation.State


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval that counts no more: who gave it, to which revision."""

    who: str
    revision: int


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """A proposal. ``moved`` when the channel points elsewhere than when it was made; ``lost`` is an approval that a
    later change took away. ``own`` tells that the person's hands are in it.
    """

    line: MoveLine
    rule: State
    now: Aimed
    changes: ReleaseChanges | None
    marks: Sequence[tuple[Release, ReleaseMark, State]]
    own: bool
    moved: bool
    lost: Approved | None
    approve: Control
    reject: Control
    change: Control
    withdraw: Control

    @property
    def open(self) -> bool:
        """Whether something is left to decide."""
        return self.line.row.state == S.PROPOSED


def proposal_page(*, proposal: Activation, actor: Actor) -> ProposalPage:
    """Everything about a proposal; what may not be done says why."""
    channel = proposal.channel
    may = controls(permissions=policy.permissions(actor, channel.bundle.project))
    hands = bool(pending.hands(actor=actor) & set(proposal.makers))
    own = proposal.pk in pending.own(rows=[proposal], actor=actor)
    line = channels.move_line(proposal)
    target = line.aim.second or line.aim.first
    waits = proposal.state in {S.PROPOSED, S.SCHEDULED}
    mine = Control(allowed=False, reason=_("Nobody approves their own proposal: somebody else has to."))
    theirs = Control(allowed=False, reason=_("Whoever proposed it may change it; others propose something else."))
    return ProposalPage(
        line=line,
        rule=RULE[channel.policy],
        now=channels.aimed(channel),
        changes=channels.changes(old=proposal.previous, new=target) if target is not None else None,
        marks=channels.marks(line.aim) if waits else (),
        own=hands,
        moved=waits and not pending.unmoved(activation=proposal),
        lost=_lost(proposal),
        approve=mine if hands else may["review"],
        reject=may["review"],
        change=may["publish"] if own else theirs,
        withdraw=channels.withdrawing(proposal, may, own=own),
    )


def listed(rows: Sequence[Activation], *, actor: Actor) -> list[tuple[MoveLine, bool]]:
    """Proposals of a list, each with whether it is one's own."""
    mine = pending.hands(actor=actor)
    return [(channels.move_line(row), bool(mine & set(row.makers))) for row in rows]


def _lost(proposal: Activation) -> Approved | None:
    """The last approval, if the proposal was changed after it."""
    if proposal.state != S.PROPOSED or proposal.revision == 1:
        return None
    rows = events.for_subject(kind="channel", id=str(proposal.channel_id))
    rows = rows.filter(action=Action.CHANNEL_PROPOSAL_APPROVE, metadata__activation=str(proposal.pk))
    last = rows.order_by("-id").first()
    return None if last is None else Approved(last.actor_label, int(last.metadata["revision"]))
