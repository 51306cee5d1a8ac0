"""Proposals that wait for somebody else: the queue, one of them, and the decision."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from foundation.metrics import count_error
from portal.access import OperatorView
from portal.forms.channels import LOCAL, DecisionForm, MoveForm
from portal.presenters import channels as moves
from portal.presenters import proposals as shown
from prompthub_kernel.errors import Conflict, Invalid, PromptHubError, Refused
from registry import pending, releases, reviews, standing
from registry.models import Activation
from tenancy.policy import Permission

PAGE = 50
CHANGED, MOVED = "409.proposal_changed", "409.version_conflict"


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the two lists; ``parts/tabs.html`` draws it."""

    word: str
    label: str
    current: bool
    count: int | None = None


class Reviews(OperatorView):
    """``/reviews/``; ``?state=mine`` lists what one asked for oneself."""

    permissions = {"GET": Permission.VIEW}
    section = "reviews"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What waits where this person may review, the oldest first."""
        queue, asked = reviews.queue(actor=self.actor), standing.asked_by(self.actor)
        mine = request.GET.get("state") == "mine"
        page = Paginator(asked if mine else queue, PAGE).get_page(request.GET.get("page", ""))
        tabs = [
            Tab("", _("To be decided"), not mine, queue.count()),
            Tab("mine", _("Asked for by you"), mine, asked.count()),
        ]
        rows = shown.listed(list(page), actor=self.actor)
        return self.page("portal/pages/reviews.html", tabs=tabs, rows=rows, page=page, mine=mine)


class ReviewView(OperatorView):
    """What the pages of one proposal share."""

    section = "reviews"

    def proposal(self, key: uuid.UUID) -> Activation:
        """The proposal of the address. Raises ``404.not_found``."""
        return pending.get(key=key, actor=self.actor)

    def shown(
        self, row: Activation, form: DecisionForm | None = None, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        """Its page, with the form of the decision."""
        found = shown.proposal_page(proposal=row, actor=self.actor)
        form = form or DecisionForm(initial={"revision": row.revision})
        context = {"found": found, "proposal": row, "channel": row.channel, "form": form}
        return self.page("portal/pages/review.html", {**context, **more}, status=status)

    def refused(self, key: uuid.UUID, form: DecisionForm, error: PromptHubError) -> HttpResponse:
        """The page as it is now, with what was typed and why nothing was done."""
        row = self.proposal(key)
        if error.code == CHANGED:
            count_error(error=error)
            form.data = {**dict(form.data.items()), "revision": str(row.revision)}
            return self.shown(row, form, status=error.status, changed=True)
        form.tell(error)
        return self.shown(row, form, status=error.status)


class Review(ReviewView):
    """``/reviews/<activation>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """What it changes, whose it is, and what may be done about it."""
        return self.shown(self.proposal(activation))


class Approve(ReviewView):
    """``/reviews/<activation>/approve/``."""

    permissions = {"POST": Permission.REVIEW}

    def post(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """Make the move, or have it made when it is due."""
        row = self.proposal(activation)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self.shown(row, form, status=422)
        try:
            done = reviews.approve(proposal=row, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            return self.refused(activation, form, error)
        if done.state == Activation.State.SCHEDULED:
            messages.success(request, _("Approved. The channel is moved when the time has come."))
        else:
            messages.success(request, _("Approved: the channel was moved."))
        return redirect("portal:review", activation)


class Reject(ReviewView):
    """``/reviews/<activation>/reject/``."""

    permissions = {"POST": Permission.REVIEW}

    def post(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """Say no, and why."""
        row = self.proposal(activation)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self.shown(row, form, status=422)
        try:
            reviews.reject(proposal=row, comment=form.cleaned_data["comment"], by=self.actor, at=self.at)
        except (Invalid, Conflict) as error:
            return self.refused(activation, form, error)
        messages.success(request, _("Rejected. Whoever proposed it reads why."))
        return redirect("portal:review", activation)


class Withdraw(ReviewView):
    """``/reviews/<activation>/withdraw/``."""

    permissions = {"POST": Permission.VIEW}

    def post(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """Take it back: whoever proposed it, or may decide about it."""
        pending.withdraw(activation=self.proposal(activation), by=self.actor, at=self.at)
        messages.success(request, _("It was taken back."))
        return redirect("portal:review", activation)


class ChangeProposal(ReviewView):
    """``/reviews/<activation>/change/``: something else instead; an approval that it has is lost."""

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}

    def get(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """What it asks for now, to be changed."""
        row = self.proposal(activation)
        return self._page(row, self._form(row))

    def post(self, request: HttpRequest, activation: uuid.UUID) -> HttpResponse:
        """Ask for that instead."""
        row = self.proposal(activation)
        form = self._form(row, request.POST)
        if not form.is_valid():
            return self._page(row, form, status=422)
        given = form.cleaned_data
        try:
            reviews.change(
                proposal=row,
                revision=given["revision"] or row.revision,
                to=given["to"],
                due_at=given["due_at"],
                reason=given["reason"],
                confirm=given["confirm"],
                by=self.actor,
                at=self.at,
                **form.share,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(self.proposal(activation), form, status=error.status)
        messages.success(request, _("The proposal is changed. It has to be approved as it is now."))
        return redirect("portal:review", activation)

    def _form(self, row: Activation, given: Any = None) -> MoveForm:
        due_at = row.due_at.strftime(LOCAL) if row.due_at is not None else ""
        aim = moves.aimed(row)
        named = pending.named(activation=row)
        share = {"percent": aim.percent, "segments": ", ".join(aim.segments)} if aim.second is not None else {}
        now = {"to": named.version, "due_at": due_at, "reason": row.reason, "revision": row.revision}
        return MoveForm(given, at=self.at, initial={**share, **now})

    def _page(self, row: Activation, form: MoveForm, *, status: int = 200) -> HttpResponse:
        found = shown.proposal_page(proposal=row, actor=self.actor)
        if not found.change.allowed:
            raise Refused("403.permission_denied", found.change.reason)
        offered = [one.version for one in releases.listing(bundle=row.channel.bundle)[:200] if not one.reverted]
        context = {"found": found, "proposal": row, "channel": row.channel, "form": form, "offered": offered}
        return self.page("portal/pages/review_change.html", context, status=status)
