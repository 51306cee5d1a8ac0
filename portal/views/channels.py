"""A bundle's channels: where they point, and moving them, at once, for a part of the callers, or later."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation.metrics import count_error
from portal.forms.channels import ChannelForm, MoveForm, ShareForm, rules
from portal.presenters import channels as shown
from portal.presenters.registry_words import RULE
from portal.views.bundles import BundleView
from prompthub_kernel.errors import Conflict, Invalid, NotFound, PromptHubError
from registry import channels, pending, releases, reviews, rollouts, schedules
from registry.models import Activation, Channel, Release
from tenancy.policy import Permission

MOVED = "409.version_conflict"
OFFERED = 200


class ChannelView(BundleView):
    """What the pages of one channel share."""

    def channel(self, name: str) -> Channel:
        """The channel of the address. Raises ``404.channel_not_found``."""
        return channels.get(bundle=self.bundle, name=name, actor=self.actor)

    def to(self, channel: Channel) -> HttpResponse:
        """To the channel's page."""
        return redirect("portal:channel", self.project.slug, self.bundle.slug, channel.name)

    def shown(self, channel: Channel, *, status: int = 200, **more: Any) -> HttpResponse:
        """The channel's page."""
        found = shown.channel_page(
            channel=channel, actor=self.actor, may=self.may, number=self.request.GET.get("page", "")
        )
        aim = found.aim
        share = {"percent": aim.percent or None, "segments": ", ".join(aim.segments)}
        more.setdefault("share_form", ShareForm(initial={**share, "expected": _there(channel)}, auto_id="share_%s"))
        offered = [row for row in releases.listing(bundle=self.bundle)[:OFFERED] if not row.reverted]
        context = {"found": found, "channel": channel, "offered": offered, "rules": RULE}
        return self.tab("channel", "channels", status=status, **{**context, **more})


class Channels(BundleView):
    """``…/channels/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.PUBLISH}

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name, with where each points."""
        return self._page(self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """A new one, which points nowhere yet."""
        form = self._form(request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            made = channels.create(bundle=self.bundle, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(form, status=error.status)
        messages.success(request, _("The channel %(name)s is there. It points nowhere yet.") % {"name": made.name})
        return redirect("portal:channel", self.project.slug, self.bundle.slug, made.name)

    def _form(self, given: Any = None) -> ChannelForm:
        return ChannelForm(given, rules=rules(every=Permission.ADMIN in self.permitted))

    def _page(self, form: ChannelForm, *, status: int = 200) -> HttpResponse:
        return self.tab("channels", "channels", status=status, rows=shown.lines(self.bundle), form=form)


class OneChannel(ChannelView):
    """``…/channels/<channel>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, channel: str) -> HttpResponse:
        """Where it points, what waits, and its history."""
        return self.shown(self.channel(channel))


class SetRule(ChannelView):
    """``…/channels/<channel>/policy/``."""

    permissions = {"POST": Permission.ADMIN}

    def post(self, request: HttpRequest, channel: str) -> HttpResponse:
        """Say how it moves from now on."""
        row = self.channel(channel)
        channels.set_policy(channel=row, rule=request.POST.get("rule", ""), by=self.actor, at=self.at)
        messages.success(request, _("From now on the channel moves like that."))
        return self.to(row)


class Move(ChannelView):
    """``…/channels/<channel>/move/?to=``: what callers get differently, then the move or the proposal of it."""

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}
    back: ClassVar[bool] = False

    def get(self, request: HttpRequest, channel: str) -> HttpResponse:
        """The difference to what is there now; without ``to`` the releases to choose from."""
        row = self.channel(channel)
        target = self.target(row, request.GET.get("to", ""))
        if target is None:
            return self.shown(row, choose=True)
        given = {name: request.GET.get(name, "") for name in ("percent", "segments")}
        return self.review(row, target, MoveForm(at=self.at, initial={**given, **self._now(row, target)}))

    def post(self, request: HttpRequest, channel: str) -> HttpResponse:
        """Move it, propose it, or have it made later."""
        row = self.channel(channel)
        target = self.target(row, request.POST.get("to", ""))
        if target is None:
            return self.shown(row, status=422, choose=True)
        form = MoveForm(request.POST, at=self.at)
        if not form.is_valid():
            return self.review(row, target, form, status=422)
        try:
            done = self.carry_out(row, target, form)
        except (Invalid, Conflict) as error:
            return self.refused(channel, target, form, error)
        return self.done(row, target, done)

    def target(self, row: Channel, version: str) -> Release | None:
        """The release that is meant; None for none. Raises ``404.release_not_found``."""
        del row
        return releases.get(bundle=self.bundle, version=version, actor=self.actor) if version else None

    def carry_out(self, row: Channel, target: Release, form: MoveForm) -> Activation | channels.Moved:
        """The verb that the channel's policy and what was asked for lead to."""
        given, share = form.cleaned_data, form.share
        common: dict[str, Any] = {"channel": row, "to": target, "reason": given["reason"], "by": self.actor}
        common |= {"at": self.at, "confirm": given["confirm"]}
        if row.policy == Channel.Policy.REVIEW:
            channels.require_expected(channel=row, expected=given["expected"])
            return reviews.propose(**common, **share, due_at=given["due_at"])
        common["expected"] = given["expected"]
        if given["due_at"] is not None:
            return schedules.schedule(**common, **share, due_at=given["due_at"])
        if share:
            return rollouts.split(**common, **share)
        verb = channels.rollback if self.back else channels.activate
        return verb(**common)

    def refused(self, name: str, target: Release, form: MoveForm, error: PromptHubError) -> HttpResponse:
        """The page again; when somebody else was faster, with the difference as it is now."""
        row = self.channel(name)
        if error.code == MOVED:
            count_error(error=error)
            form.data = {**dict(form.data.items()), "expected": _there(row)}
            return self.review(row, target, form, status=error.status, overtaken=channels.history(channel=row).first())
        form.tell(error)
        return self.review(row, target, form, status=error.status)

    def done(self, row: Channel, target: Release, made: Activation | channels.Moved) -> HttpResponse:
        """Where to after it, with what was done."""
        named = {"channel": row.name, "version": target.version}
        if isinstance(made, channels.Moved):
            told = (
                _("%(channel)s gives %(version)s now.") if made.changed else _("%(channel)s gave %(version)s already.")
            )
            if made.activation.split_release_id is not None:
                told = _("A part of the callers of %(channel)s gets %(version)s now.")
            messages.success(self.request, told % named)
            return self.to(row)
        if made.state == Activation.State.SCHEDULED:
            messages.success(self.request, _("%(channel)s will give %(version)s when the time has come.") % named)
            return self.to(row)
        messages.success(self.request, _("Proposed. Somebody else has to approve it."))
        return redirect("portal:review", made.pk)

    def review(self, row: Channel, target: Release, form: MoveForm, *, status: int = 200, **more: Any) -> HttpResponse:
        """What the move would change."""
        context = {
            "channel": row,
            "target": target,
            "form": form,
            "aim": shown.aimed(row),
            "changes": shown.changes(old=row.release, new=target),
            "marks": shown.marks(shown.Aimed(target)),
            "back": self.back,
            "same": row.release_id == target.pk and row.split_release_id is None,
            "locked": row.policy == Channel.Policy.LOCKED,
        }
        return self.tab("channel_move", "channels", status=status, **{**context, **more})

    def _now(self, row: Channel, target: Release) -> dict[str, str]:
        return {"to": target.version, "expected": _there(row)}


class Rollback(Move):
    """``…/channels/<channel>/rollback/``: what all callers got before, after a look at the reverse difference."""

    back = True

    def target(self, row: Channel, version: str) -> Release | None:
        """The release before the present one, unless another is named. Raises ``409.state_conflict`` without any."""
        if version:
            return super().target(row, version)
        found = channels.earlier(channel=row)
        if found is None:
            raise Conflict("409.state_conflict", gettext_noop("There is no earlier release to go back to."))
        return found


class Widen(ChannelView):
    """``…/channels/<channel>/rollout/``: another share for the rollout that goes on."""

    permissions = {"POST": Permission.PUBLISH}

    def post(self, request: HttpRequest, channel: str) -> HttpResponse:
        """At once, or as a proposal under review."""
        row = self.channel(channel)
        form = ShareForm(request.POST, auto_id="share_%s")
        if not form.is_valid() or row.split_release is None:
            return self.shown(row, status=422, share_form=form)
        if row.policy == Channel.Policy.REVIEW:
            return self._to_the_proposal(row, form)
        share = form.share or {"percent": 0}
        try:
            rollouts.split(
                channel=row,
                to=row.split_release,
                expected=form.cleaned_data["expected"],
                by=self.actor,
                at=self.at,
                **share,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self.shown(self.channel(channel), status=error.status, share_form=form)
        messages.success(request, _("The rollout has another share now."))
        return self.to(row)

    def _to_the_proposal(self, row: Channel, form: ShareForm) -> HttpResponse:
        """Under review it is proposed, with a reason, on the page for moves."""
        given = form.cleaned_data
        there = redirect("portal:channel_move", self.project.slug, self.bundle.slug, row.name)
        assert row.split_release is not None  # noqa: S101 - asked before
        query = {"to": row.split_release.version, "percent": given["percent"] or 0}
        there["Location"] += f"?{urlencode({**query, 'segments': ', '.join(given['segments'])})}"
        return there


class Stop(ChannelView):
    """``…/channels/<channel>/stop/``: the rollout ends, all callers get the first release again."""

    permissions = {"POST": Permission.PUBLISH}

    def post(self, request: HttpRequest, channel: str) -> HttpResponse:
        """In one move."""
        row = self.channel(channel)
        rollouts.stop(channel=row, by=self.actor, at=self.at, reason=request.POST.get("reason", "")[:500])
        messages.success(request, _("The rollout has ended: all callers get the release they had before."))
        return self.to(row)


class StopUnderReview(Stop):
    """``…/channels/<channel>/end-rollout/``: the same as a reviewer, who needs no proposal for it."""

    permissions = {"POST": Permission.REVIEW}


class Withdraw(ChannelView):
    """``…/channels/<channel>/waiting/<activation>/withdraw/``."""

    permissions = {"POST": Permission.VIEW}

    def post(self, request: HttpRequest, channel: str, activation: uuid.UUID) -> HttpResponse:
        """Take back what waits: whoever asked for it, or may decide about it."""
        row = self.channel(channel)
        found = pending.get(key=activation, actor=self.actor)
        if found.channel_id != row.pk:
            raise NotFound("404.not_found", gettext_noop("This channel has no such move."))
        pending.withdraw(activation=found, by=self.actor, at=self.at)
        messages.success(request, _("It was taken back."))
        return self.to(row)


def _there(channel: Channel) -> str:
    """The version that a channel points at, as ``expected`` of a verb wants it."""
    return "" if channel.release is None else channel.release.number
