"""A client's prompts: the list, and what is done to many of them at once."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from foundation.metrics import count_error
from instances import drafts
from portal import sentences
from portal.access import OperatorView
from portal.presenters import prompts as shown
from portal.presenters.words import PROMPT
from prompthub_kernel.errors import PromptHubError
from publishing import publish
from tenancy.policy import Permission

# A page that does many in one request answers before a proxy gives up; the rest is offered again.
SECONDS_AT_ONCE = 20.0
MOST_AT_ONCE = 100


class Prompts(OperatorView):
    """``/clients/<client>/prompts/``."""

    permissions = {"GET": Permission.VIEW}
    section = "prompts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of the list; filters, order and page are in the address."""
        filters = shown.Filters.read(request.GET)
        page = shown.page(client=self.client, actor=self.actor, filters=filters, number=request.GET.get("page", "1"))
        return self.page("portal/pages/prompts.html", {"page": page, "filters": filters, "statuses": PROMPT})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one prompt of many."""

    tone: str
    label: str
    detail: str = ""


class Bulk(OperatorView, ABC):
    """Something that is done to several prompts: shown first, then done row by row, each with its own result.

    With htmx every row is a request of its own; without, one request does as many as fit into its time.
    """

    section = "prompts"
    words: ClassVar[dict[str, Any]] = {}

    def get(self, request: HttpRequest) -> HttpResponse:
        """What would be done to which prompts."""
        return self._page(request.GET.getlist("prompt"), {})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do it: to one row for htmx, else to all that were chosen."""
        keys = request.POST.getlist("prompt")
        done: dict[uuid.UUID, Outcome] = {}
        until = time.monotonic() + SECONDS_AT_ONCE
        for line in self._lines(keys):
            if time.monotonic() < until:
                done[line.instance.pk] = self._one(line)
        if request.headers.get("HX-Request") and len(keys) == 1:
            row = {"line": next(iter(self._lines(keys)), None), "outcome": next(iter(done.values()), None)}
            return self.page("portal/parts/bulk_row.html", row)
        return self._page(keys, done)

    @abstractmethod
    def act(self, line: shown.PromptLine) -> Outcome:
        """Do it to one prompt; a refusal is raised as a coded error."""

    def _one(self, line: shown.PromptLine) -> Outcome:
        try:
            return self.act(line)
        except PromptHubError as error:
            count_error(error=error)
            said = [error.detail, *(one.detail for one in error.problems)]
            return Outcome("bad", _("refused"), " ".join(map(sentences.said, said)))

    def _lines(self, keys: list[str]) -> list[shown.PromptLine]:
        known = [key for key in keys[:MOST_AT_ONCE] if _is_id(key)]
        return shown.chosen(client=self.client, actor=self.actor, keys=known)

    def _page(self, keys: list[str], done: dict[uuid.UUID, Outcome]) -> HttpResponse:
        rows = [(line, done.get(line.instance.pk)) for line in self._lines(keys)]
        tones = [outcome.tone for outcome in done.values()]
        context = {
            "rows": rows,
            "words": self.words,
            "wanted": str(self.permissions["POST"]),
            "control": self.may[str(self.permissions["POST"])],
            "finished": bool(done),
            "well": tones.count("good"),
            "refused": tones.count("bad"),
            "left": sum(outcome is None for _, outcome in rows),
        }
        return self.page("portal/pages/bulk.html", context)


class BulkPublish(Bulk):
    """``/clients/<client>/prompts/publish/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.PUBLISH}
    words = {"verb": "publish"}

    def act(self, line: shown.PromptLine) -> Outcome:
        """Publish it to all its places, unless its draft is not what was shown, or another version became active."""
        instance = drafts.get(key=line.instance.pk, actor=self.actor)
        seen = self.request.POST.get(f"revision-{instance.pk}", "")
        if seen:
            drafts.require_revision(draft=instance, revision=int(seen) if seen.isdecimal() and len(seen) < 10 else 0)
        reason = self.request.POST.get("reason", "")[:500]
        done = publish.publish(instance=instance, by=self.actor, at=self.at, reason=reason)
        if not done.changed:
            return Outcome("good", _("nothing to do"), _("It runs like that already."))
        sent = len(done.deliveries)
        where = ngettext("On its way to %(count)d place.", "On its way to %(count)d places.", sent) % {"count": sent}
        nowhere = _("It has no target yet.")
        version = _("Version %(number)d is active.") % {"number": done.version.ordinal}
        return Outcome("good", _("published"), f"{version} {where if sent else nowhere}")


class BulkArchive(Bulk):
    """``/clients/<client>/prompts/archive/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}
    words = {"verb": "archive"}

    def act(self, line: shown.PromptLine) -> Outcome:
        """Put it out of use; what providers run stays."""
        instance = drafts.get(key=line.instance.pk, actor=self.actor)
        drafts.archive(instance=instance, by=self.actor, at=self.at)
        return Outcome("good", _("archived"), _("What providers run stays as it is."))


def _is_id(key: str) -> bool:
    try:
        return bool(uuid.UUID(key))
    except ValueError:
        return False
