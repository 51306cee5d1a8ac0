"""A new prompt of a client: first its template, then its variables."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation import ids
from instances import drafts
from portal import problems
from portal.access import OperatorView
from portal.forms.new_prompt import NameForm
from portal.forms.variables import VariablesForm
from portal.presenters.prompts import clean
from prompthub_kernel.errors import NotFound, PromptHubError
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy.policy import Permission

OFFERED = 100


class NewPrompt(OperatorView):
    """``/clients/<client>/prompts/new/``; ``?template=`` is the template's version."""

    permissions = {"GET": Permission.EDIT, "POST": Permission.EDIT}
    section = "prompts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The templates to choose from, or the form of the chosen one."""
        if "template" in request.GET:
            template = self._template(request.GET["template"])
            return self._form(template, NameForm(), self._variables(template, None))
        words = clean(request.GET.get("q", ""))
        rows = template_versions.newest(actor=self.actor)
        if words:
            rows = rows.filter(template__name__mentions=words)
        rows = rows.defer("content_md", "content_json", "variables_schema").order_by("template__name", "id")
        offered = list(rows[: OFFERED + 1])
        context = {"rows": offered[:OFFERED], "more": len(offered) > OFFERED, "words": words}
        return self.page("portal/pages/new_prompt.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, and go on to its page."""
        template = self._template(request.POST.get("template", ""))
        name, variables = NameForm(request.POST), self._variables(template, request.POST)
        if name.is_valid() and variables.is_valid():
            try:
                made = drafts.create(
                    client=self.client,
                    template_version=template,
                    variables=variables.variables,
                    name=name.cleaned_data["name"] or None,
                    by=self.actor,
                    at=self.at,
                )
            except PromptHubError as error:
                if any(problem.pointer == "/name" for problem in error.problems):
                    problems.into_form(name, error, fields={"/name": "name"})
                else:
                    variables.tell(error)
            else:
                messages.success(request, _("“%(name)s” is a draft: it runs nowhere yet.") % {"name": made.name})
                return redirect("portal:prompt", client=self.client.slug, instance=made.pk)
        return self._form(template, name, variables, status=422)

    def _template(self, key: str) -> TemplateVersion:
        try:
            wanted = ids.read(text=key)
        except ValueError:
            raise NotFound("404.template_or_instance_not_found", gettext_noop("There is no such template.")) from None
        return template_versions.get(key=wanted, actor=self.actor)

    def _variables(self, template: TemplateVersion, given: Any) -> VariablesForm:
        return VariablesForm(given, schema=template.variables, values={})

    def _form(
        self, template: TemplateVersion, name: NameForm, variables: VariablesForm, *, status: int = 200
    ) -> HttpResponse:
        context = {"template": template, "name_form": name, "form": variables}
        return self.page("portal/pages/new_prompt_form.html", context, status=status)
