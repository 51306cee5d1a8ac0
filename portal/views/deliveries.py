"""Deliveries: what is on its way, what is tried again, what was given up, and sending that again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from foundation import ids
from portal.access import OperatorView, needed
from portal.presenters import deliveries as shown
from publishing import deliveries, replays
from publishing.models import Delivery
from tenancy.policy import Permission


class Deliveries(OperatorView):
    """``/deliveries/?state=&client=&target=&instance=``."""

    permissions = {"GET": Permission.VIEW}
    section = "deliveries"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of the list; for htmx the list alone, which looks again by itself."""
        filters = shown.Filters.read(request.GET)
        found = shown.page(actor=self.actor, filters=filters, given=request.GET, at=self.at)
        template = "portal/parts/deliveries.html" if request.headers.get("HX-Request") else None
        return self.page(template or "portal/pages/deliveries.html", {"found": found, "filters": filters})


class OneDelivery(OperatorView):
    """``/deliveries/<delivery>/``."""

    permissions = {"GET": Permission.VIEW}
    section = "deliveries"

    def get(self, request: HttpRequest, delivery: uuid.UUID) -> HttpResponse:
        """Where it stands, with every try."""
        row = deliveries.get(key=delivery, actor=self.actor)
        context = {
            "line": shown.one(key=delivery, actor=self.actor, at=self.at),
            "delivery": row,
            "tries": shown.tries(delivery=row),
            "replays": row.replays.order_by("pk"),
        }
        return self.page("portal/pages/delivery.html", context)


class Replay(OperatorView):
    """``/deliveries/<delivery>/replay/``."""

    permissions = {"POST": Permission.PUBLISH}
    section = "deliveries"

    def post(self, request: HttpRequest, delivery: uuid.UUID) -> HttpResponse:
        """Send it again, as a new delivery that names the old one."""
        row = deliveries.get(key=delivery, actor=self.actor)
        new = deliveries.replay(delivery=row, by=self.actor, at=self.at)
        messages.success(request, _("It is on its way again."))
        return redirect("portal:delivery", new.pk)


class Bury(OperatorView):
    """``/deliveries/<delivery>/give-up/``."""

    permissions = {"POST": Permission.PUBLISH}
    section = "deliveries"

    def post(self, request: HttpRequest, delivery: uuid.UUID) -> HttpResponse:
        """Try it no more; it can be replayed later."""
        deliveries.bury(delivery=deliveries.get(key=delivery, actor=self.actor), by=self.actor, at=self.at)
        messages.success(request, _("It is not tried any more. It can be replayed."))
        return redirect("portal:delivery", delivery)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one of many: the new delivery, or why there is none."""

    old: Delivery
    new: Delivery | None
    reason: str = ""


class ReplayMany(OperatorView):
    """``/deliveries/replay/``: each on its own; what cannot be replayed says why."""

    permissions = {"POST": Permission.PUBLISH}
    section = "deliveries"

    def post(self, request: HttpRequest) -> HttpResponse:
        """Replay those that were chosen, as far as this person may."""
        keys = [key for text in request.POST.getlist("delivery") if (key := _identifier(text)) is not None]
        wanted = list(dict.fromkeys(keys))[: replays.AT_ONCE]
        found = deliveries.listing(actor=self.actor).in_bulk(wanted)
        may = shown.may_publish(actor=self.actor)
        chosen = [found[key] for key in wanted if key in found]
        allowed = [row for row in chosen if row.placement.instance.client_id in may]
        done = replays.replay_many(deliveries=allowed, by=self.actor, at=self.at)
        answers = {old.pk: Answer(old, new, reason) for old, new, reason in done}
        refused = needed(Permission.PUBLISH)
        rows = [answers.get(row.pk, Answer(row, None, refused)) for row in chosen]
        return self.page(
            "portal/pages/replayed.html",
            {"rows": rows, "well": sum(row.new is not None for row in rows), "many": len(keys) > len(wanted)},
        )


def _identifier(text: str) -> uuid.UUID | None:
    try:
        return ids.read(text=text)
    except ValueError:
        return None
