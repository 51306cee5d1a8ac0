"""What happened to one prompt, beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop

from portal.presenters import activity, exporting, ledger, showing
from portal.presenters import prompt as shown
from portal.presenters.comparing import texts
from portal.views.prompt import PromptView
from prompthub_kernel.errors import NotFound
from publishing import story
from tenancy.policy import Permission


class Activity(PromptView):
    """``/clients/<client>/prompts/<instance>/activity/?actor=&action=&correlation_id=&since=&until=``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of entries, newest first."""
        filters = ledger.Filters.read(request.GET)
        found = activity.page(instance=self.instance, actor=self.actor, filters=filters, given=request.GET, at=self.at)
        context = {
            "prompt": shown.prompt(instance=self.instance, actor=self.actor),
            "tab": "activity",
            "found": found,
            "filters": filters,
            "actions": ledger.actions(),
            "largest": exporting.LARGEST,
        }
        return self.page("portal/pages/activity.html", context)


class ActivityChange(PromptView):
    """``…/activity/<event>/``: what one event changed."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, event: int) -> HttpResponse:
        """A fragment for htmx, a page without."""
        row = story.of_prompt(instance=self.instance, actor=self.actor).filter(pk=event).first()
        if row is None:
            raise NotFound("404.not_found", gettext_noop("Nothing of that number happened to this prompt."))
        sides = activity.sides(event=row, instance=self.instance, actor=self.actor)
        found = None
        if sides is not None:
            base, target = sides
            found = showing.show(base=base, target=target, format=self.instance.template_version.format)
        if request.headers.get("HX-Request"):
            if found is not None and found.text is not None and sides is not None:
                # several of them may stand on one page, where each anchor would be there twice
                found = replace(found, text=texts(old=sides[0].text, new=sides[1].text, anchors=False))
            return self.page("portal/parts/event_change.html", {"shown": found})
        context = {
            "prompt": shown.prompt(instance=self.instance, actor=self.actor),
            "tab": "activity",
            "shown": found,
            "line": ledger.line(row),
        }
        return self.page("portal/pages/activity_change.html", context)


class ActivityFile(PromptView):
    """The events as a file, every one by itself."""

    permissions = {"GET": Permission.VIEW}
    kind: ClassVar[str] = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        """What the filters let through, newest first."""
        rows = ledger.Filters.read(request.GET).narrow(story.of_prompt(instance=self.instance, actor=self.actor))
        return exporting.answer(rows=rows, kind=self.kind, name=f"activity-{self.instance.pk}")


class ActivityCsv(ActivityFile):
    """``…/activity.csv``."""

    kind = "csv"


class ActivityJson(ActivityFile):
    """``…/activity.json``."""

    kind = "json"
