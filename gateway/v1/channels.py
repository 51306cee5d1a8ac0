"""Channels: names of a bundle that move, when, by whom and to whom.

Who may move one is decided by its policy: on a live channel whoever may publish, under review nobody at once, on a
locked one a token with the scope ``deploy``. So these addresses ask no more of a token than to be one of somebody who
sees the bundle; the rest is asked below, where every door asks it.
"""

from __future__ import annotations

from typing import Any

from gateway import pagination, query
from gateway.operations import Answer, operation
from gateway.v1 import registry_presenters as shown
from gateway.v1 import release_presenters
from gateway.v1.bodies import due_of, moment_of, share_of
from gateway.v1.bundles import CUTTING, MISSING, OfBundle
from registry import channels, live, pending, releases, reviews, rollouts, schedules
from registry.models import Activation, Channel
from tenancy.policy import Permission

NO_CHANNEL = "404.channel_not_found"
MOVES = (
    MISSING,
    NO_CHANNEL,
    "400.address_invalid",
    "400.release_unknown",
    "403.channel_locked",
    "409.review_required",
    "409.state_conflict",
    "409.version_conflict",
    "410.gone",
    "422.release_not_in_bundle",
)


class OfChannel(OfBundle):
    """What addresses below a channel have in common."""

    def row(self, project: str, bundle: str, channel: str) -> Channel:
        """The channel of the address; ``404.channel_not_found`` or ``404.bundle_not_found`` otherwise."""
        return channels.get(bundle=self.bundle(project, bundle), name=channel, actor=self.actor)

    def said(self) -> dict[str, Any]:
        """Who moves it, when and why, and what they believe of it."""
        found = {"by": self.actor, "at": self.at, "reason": self.body.get("reason", "")}
        if "expected" in self.body:
            found["expected"] = self.body["expected"] or ""
        return {**found, "confirm": self.body.get("confirm", False)}

    def share(self) -> dict[str, Any]:
        """To which part of the callers; all, if none is named."""
        return share_of(self.body)


class Channels(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.VIEW}

    @operation(
        "list_channels",
        "A bundle's channels",
        {200: "[Channel]"},
        query=pagination.PARAMETERS,
        problems=(MISSING,),
    )
    def get(self, project: str, bundle: str) -> Answer:
        """By name, with where they point. ``latest`` is none of them: it is computed."""
        rows = channels.listing(bundle=self.bundle(project, bundle))
        return self.page(rows, pagination.BY_NAME, shown.channel)

    @operation(
        "create_channel",
        "Create a channel",
        {201: "Channel"},
        body="channel-creation",
        problems=(MISSING, "400.address_invalid", "409.version_conflict"),
    )
    def post(self, project: str, bundle: str) -> Answer:
        """It points nowhere yet. Whoever may publish makes live ones, administrators all."""
        row = channels.create(
            bundle=self.bundle(project, bundle),
            name=self.body["name"],
            rule=self.body.get("policy", Channel.Policy.LIVE),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.channel(row), 201)


class OneChannel(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}``."""

    permissions = {"GET": Permission.VIEW, "PUT": Permission.VIEW, "PATCH": Permission.ADMIN}

    @operation("read_channel", "A channel", {200: "Channel"}, problems=(MISSING, NO_CHANNEL))
    def get(self, project: str, bundle: str, channel: str) -> Answer:
        """And where it points."""
        return Answer(shown.channel(self.row(project, bundle, channel)))

    @operation(
        "activate_release",
        "Point a channel at a release",
        {200: "Moved"},
        body="channel-activation",
        problems=MOVES,
    )
    def put(self, project: str, bundle: str, channel: str) -> Answer:
        """At once, for all callers. Pointing it where it points already changes nothing."""
        row = self.row(project, bundle, channel)
        return Answer(shown.moved(channels.activate(channel=row, to=self.body["version"], **self.said())))

    @operation(
        "set_channel_policy",
        "Say how a channel moves from now on",
        {200: "Channel"},
        body="channel-policy",
        problems=(MISSING, NO_CHANNEL),
    )
    def patch(self, project: str, bundle: str, channel: str) -> Answer:
        """Where it points stays."""
        row = self.row(project, bundle, channel)
        row = channels.set_policy(channel=row, rule=self.body["policy"], by=self.actor, at=self.at)
        return Answer(shown.channel(row))


class GoLive(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/live``."""

    permissions = {"POST": Permission.PUBLISH}

    @operation(
        "go_live",
        "Cut a release and have all callers get it",
        {200: "WentLive"},
        body="channel-live",
        problems=(*MOVES, *CUTTING),
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """Both or neither."""
        row = self.row(project, bundle, channel)
        told = self.said()
        del told["confirm"]
        done = live.go_live(
            channel=row,
            version=self.body["version"],
            revision=self.body.get("revision"),
            notes=self.body.get("notes", ""),
            **told,
        )
        cut = releases.get(bundle=row.bundle, version=done.cut.release.version, actor=self.actor)
        return Answer({"cut": release_presenters.cut(done.cut, cut), "moved": shown.moved(done.moved)})


class ChannelRollback(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/rollback``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "roll_channel_back",
        "Go back to what all callers got before",
        {200: "Moved"},
        body="channel-rollback",
        may_be_empty=True,
        problems=MOVES,
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """While a rollout goes on, that is to end it."""
        row = self.row(project, bundle, channel)
        return Answer(shown.moved(channels.rollback(channel=row, to=self.body.get("version"), **self.said())))


class ChannelSplit(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/split``."""

    permissions = {"PUT": Permission.VIEW}

    @operation(
        "split_channel",
        "Give a part of the callers another release",
        {200: "Moved"},
        body="channel-split",
        problems=MOVES,
    )
    def put(self, project: str, bundle: str, channel: str) -> Answer:
        """The same key always gets the same; raising the share moves nobody back."""
        row = self.row(project, bundle, channel)
        done = rollouts.split(channel=row, to=self.body["version"], **self.share(), **self.said())
        return Answer(shown.moved(done))


class StopSplit(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/split/stop``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "stop_split",
        "End a rollout: everybody gets the first release again",
        {200: "Moved"},
        body="channel-stop",
        may_be_empty=True,
        problems=MOVES,
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """In one move; under review a reviewer may, without a proposal."""
        row = self.row(project, bundle, channel)
        done = rollouts.stop(channel=row, reason=self.body.get("reason", ""), by=self.actor, at=self.at)
        return Answer(shown.moved(done))


class FinishSplit(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/split/finish``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "finish_split",
        "End a rollout: everybody gets the second release",
        {200: "Moved"},
        body="channel-finish",
        may_be_empty=True,
        problems=MOVES,
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """In one move."""
        return Answer(shown.moved(rollouts.finish(channel=self.row(project, bundle, channel), **self.said())))


class ChannelActivations(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/activations``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_activations",
        "Every move of a channel: made, waiting and refused",
        {200: "[Activation]"},
        query=(query.choice("state", "Only in this state.", Activation.State.values), *pagination.PARAMETERS),
        problems=(MISSING, NO_CHANNEL),
    )
    def get(self, project: str, bundle: str, channel: str) -> Answer:
        """Those asked for last come first. The active ones are its history, and what it can be rolled back to."""
        rows = pending.rows().filter(channel=self.row(project, bundle, channel))
        if self.query["state"]:
            rows = rows.filter(state=self.query["state"])
        return self.page(rows, pagination.NEWEST_FIRST, shown.activation)


class ChannelProposals(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/proposals``."""

    permissions = {"POST": Permission.PUBLISH}

    @operation(
        "propose_release",
        "Propose a move that somebody else approves",
        {201: "Activation"},
        body="proposal-creation",
        problems=MOVES,
        etag=True,
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """Of a channel under review. Nobody approves their own."""
        row = reviews.propose(
            channel=self.row(project, bundle, channel),
            to=self.body["version"],
            **self.share(),
            due_at=due_of(self.body),
            reason=self.body.get("reason", ""),
            confirm=self.body.get("confirm", False),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.activation(row), 201, {"ETag": f'"{row.revision}"'})


class ChannelSchedules(OfChannel):
    """``/projects/{project}/bundles/{bundle}/channels/{channel}/schedules``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "schedule_release",
        "Move a channel at a later time",
        {201: "Activation"},
        body="schedule-creation",
        problems=MOVES,
    )
    def post(self, project: str, bundle: str, channel: str) -> Answer:
        """Whoever may move it now may; what cannot be made then says why in its row."""
        row = schedules.schedule(
            channel=self.row(project, bundle, channel),
            to=self.body["version"],
            due_at=moment_of(self.body["due_at"], "/due_at"),
            **self.share(),
            **self.said(),
        )
        return Answer(shown.activation(row), 201)
