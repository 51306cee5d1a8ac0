"""What is done to several prompts at once: shown first, then done row by row, each with its own result."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_noop

from foundation import ids
from foundation.metrics import count_error
from instances import drafts, versions
from instances.models import Publication
from portal.access import OperatorView
from portal.presenters import bulk, progress
from portal.presenters import prompts as shown
from portal.presenters.bulk import Outcome
from prompthub_kernel.errors import Conflict, NotFound, PromptHubError
from publishing import closing, publish
from publishing.asking import Asking
from tenancy.policy import Permission

# A page that does many in one request answers before a proxy gives up; the rest is offered again.
SECONDS_AT_ONCE = 20.0
MOST_AT_ONCE = 100
UNCHANGED = 204
ROW = "portal/parts/bulk_row.html"


class Bulk(OperatorView, ABC):
    """With htmx every row is a request of its own; without, one request does as many as fit into its time."""

    section = "prompts"
    verb: ClassVar[str]

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
            return self.page(ROW, row)
        return self._page(keys, done)

    @abstractmethod
    def act(self, line: shown.PromptLine) -> Outcome:
        """Do it to one prompt; a refusal is raised as a coded error."""

    def _one(self, line: shown.PromptLine) -> Outcome:
        try:
            return self.act(line)
        except PromptHubError as error:
            count_error(error=error)
            return bulk.refused(error=error, line=line, verb=self.verb)

    def _lines(self, keys: list[str]) -> list[shown.PromptLine]:
        known = [key for key in keys[:MOST_AT_ONCE] if _is_id(key)]
        return shown.chosen(client=self.client, actor=self.actor, keys=known)

    def _page(self, keys: list[str], done: dict[uuid.UUID, Outcome]) -> HttpResponse:
        rows = [(line, done.get(line.instance.pk)) for line in self._lines(keys)]
        kinds = [outcome.kind for outcome in done.values()]
        context: dict[str, Any] = {
            "rows": rows,
            "verb": self.verb,
            "control": self.may[str(self.permissions["POST"])],
            "finished": bool(done),
            "done": kinds.count(bulk.DONE),
            "same": kinds.count(bulk.SAME),
            "refused": kinds.count(bulk.REFUSED),
            "left": sum(outcome is None for _, outcome in rows),
        }
        return self.page("portal/pages/bulk.html", context)


class BulkPublish(Bulk):
    """``/clients/<client>/prompts/publish/``; ``?prompt=&publication=&seen=`` tells htmx how one is coming along."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.PUBLISH}
    verb = "publish"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The review; or one row as it is now, and nothing at all while it is as it was seen."""
        number = request.GET.get("publication", "")
        if not (request.headers.get("HX-Request") and number.isdecimal() and len(number) < 10):
            return super().get(request)
        line = next(iter(self._lines(request.GET.getlist("prompt"))), None)
        row = None if line is None else versions.publications(instance=line.instance).filter(ordinal=number).first()
        if line is None or row is None:
            raise NotFound("404.not_found", gettext_noop("This prompt has no publication of that number."))
        found = self._progress(line, row)
        if request.GET.get("seen") == found.seen:
            return HttpResponse(status=UNCHANGED)
        return self.page(ROW, line=line, outcome=self._published(line, found))

    @cached_property
    def questions(self) -> Asking:
        """To providers, for all prompts together."""
        return Asking.of_request()

    def act(self, line: shown.PromptLine) -> Outcome:
        """Publish it to all its places, unless its draft is not what was shown, or another version became active."""
        instance = drafts.get(key=line.instance.pk, actor=self.actor)
        if instance.archived_at is not None:  # which changed its revision, too
            raise Conflict("409.archived", gettext_noop("This prompt is archived; it is not published any more."))
        seen = self.request.POST.get(f"revision-{instance.pk}", "")
        if seen:
            drafts.require_revision(draft=instance, revision=int(seen) if seen.isdecimal() and len(seen) < 10 else 0)
        reason = self.request.POST.get("reason", "")[:500]
        done = publish.publish(instance=instance, by=self.actor, at=self.at, reason=reason, questions=self.questions)
        if not done.changed:
            return bulk.unchanged(done=done, here=self._here(line, done.publication), reason=reason)
        return self._published(line, self._progress(line, done.publication))

    def _progress(self, line: shown.PromptLine, row: Publication) -> progress.Progress:
        row.instance = line.instance
        return progress.progress(publication=row, actor=self.actor)

    def _published(self, line: shown.PromptLine, found: progress.Progress) -> Outcome:
        asked = urlencode({"prompt": line.instance.pk, "publication": found.publication.ordinal})
        again = f"{reverse('portal:bulk_publish', args=[self.client.slug])}?{asked}"
        return bulk.published(found=found, here=self._here(line, found.publication), again=again)

    def _here(self, line: shown.PromptLine, row: Publication) -> str:
        return reverse("portal:publication", args=[self.client.slug, line.instance.pk, row.ordinal])


class BulkArchive(Bulk):
    """``/clients/<client>/prompts/archive/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}
    verb = "archive"

    def act(self, line: shown.PromptLine) -> Outcome:
        """Put it out of use; what providers run stays."""
        instance = drafts.get(key=line.instance.pk, actor=self.actor)
        closing.archive(instance=instance, by=self.actor, at=self.at)
        return bulk.archived()


def _is_id(key: str) -> bool:
    try:
        return bool(ids.read(text=key))
    except ValueError:
        return False
