"""Projects, and the bundles that live in them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.access import OperatorView
from portal.forms.bundles import NewBundleForm
from portal.presenters import projects as shown
from portal.presenters.registry_words import VISIBILITY
from portal.project_access import ProjectView
from prompthub_kernel.errors import Conflict, Invalid
from registry import bundles
from tenancy import projects
from tenancy.models import Project
from tenancy.policy import Permission


class Projects(OperatorView):
    """``/projects/``."""

    permissions = {"GET": Permission.VIEW}
    section = "projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name: one's own and the public ones."""
        return self.page("portal/pages/projects.html", {"rows": shown.lines(actor=self.actor)})


class OneProject(ProjectView):
    """``/projects/<project>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its bundles by name, with what they point at."""
        rows = shown.bundle_lines(project=self.project, actor=self.actor)
        context = {"rows": rows, "visibility": VISIBILITY[self.project.visibility]}
        return self.page("portal/pages/project.html", context)


class Visibility(ProjectView):
    """``/projects/<project>/visibility/``: the word ``visibility`` in the form is what it shall be."""

    permissions = {"POST": Permission.ADMIN}

    def post(self, request: HttpRequest) -> HttpResponse:
        """From now on."""
        public = request.POST.get("visibility") == Project.Visibility.PUBLIC
        wanted = Project.Visibility.PUBLIC if public else Project.Visibility.PRIVATE
        projects.set_visibility(project=self.project, visibility=wanted, by=self.actor, at=self.at)
        if public:
            messages.success(request, _("Everybody with an account reads this project now."))
        else:
            messages.success(request, _("Only people and programs with a role here read this project now."))
        return redirect("portal:project", self.project.slug)


class NewBundle(ProjectView):
    """``/projects/<project>/new-bundle/``."""

    permissions = {"GET": Permission.EDIT, "POST": Permission.EDIT}

    def get(self, request: HttpRequest) -> HttpResponse:
        """An empty form."""
        return self.page("portal/pages/bundle_new.html", {"form": NewBundleForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, and go on to its draft."""
        form = NewBundleForm(request.POST)
        if form.is_valid():
            try:
                made = bundles.create(project=self.project, by=self.actor, at=self.at, **form.cleaned_data)
            except (Invalid, Conflict) as error:
                form.tell(error)
            else:
                messages.success(request, _("The bundle is there. Give it prompts, then cut its first release."))
                return redirect("portal:bundle", self.project.slug, made.slug)
        return self.page("portal/pages/bundle_new.html", {"form": form}, status=422)
