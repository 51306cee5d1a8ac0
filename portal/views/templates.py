"""A project's templates with their versions, to be read."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop

from portal.presenters import templates as shown
from portal.presenters import writing
from portal.project_access import ProjectView
from prompthub_kernel.errors import NotFound
from templates_app import composing, versions
from tenancy.policy import Permission

VERSIONS_AT_MOST = 200


class Templates(ProjectView):
    """``/projects/<project>/templates/``."""

    permissions = {"GET": Permission.VIEW}
    section = "templates"

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name, with the newest version of each."""
        rows = shown.lines(project=self.project, actor=self.actor)
        return self.page("portal/pages/templates.html", {"rows": rows})


class OneTemplate(ProjectView):
    """``/projects/<project>/templates/<template>/?version=3``: the newest without, ``draft`` what is not sealed yet."""

    permissions = {"GET": Permission.VIEW}
    section = "templates"

    def get(self, request: HttpRequest, template: uuid.UUID) -> HttpResponse:
        """One version: its text, what it asks for, and what it changed."""
        line = shown.line_of(project=self.project, key=template, actor=self.actor)
        if line is None:
            raise NotFound("404.template_or_instance_not_found", gettext_noop("There is no such template."))
        timeline = list(versions.history(template=line.template)[:VERSIONS_AT_MOST])
        asked = request.GET.get("version", "")
        chosen = next((row for row in timeline if str(row.ordinal) == asked), timeline[0] if timeline else None)
        draft = line.draft if asked == "draft" or chosen is None else None
        before = next((row for row in timeline if chosen is not None and row.ordinal < chosen.ordinal), None)
        text = draft or chosen
        context = {
            "line": line,
            "timeline": timeline,
            "chosen": None if draft else chosen,
            "draft": draft,
            "changes": shown.changes(old=before, new=chosen) if before and chosen and not draft else None,
            "before": before,
            "source": composing.source(version=chosen).source if chosen and chosen.included and not draft else "",
            "declared": writing.declared(text.variables) if text is not None else [],
        }
        return self.page("portal/pages/template.html", context)
