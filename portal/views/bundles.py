"""A bundle's draft: which prompts the next release has, what it needs and what it goes with."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.forms.bundles import (
    STALE,
    AboutForm,
    CompatibilityForm,
    DraftForm,
    MemberForm,
    RemoveForm,
    RequirementForm,
)
from portal.presenters import bundles as shown
from portal.presenters import templates
from portal.project_access import ProjectView
from prompthub_kernel.errors import Conflict, Invalid, NotFound, PromptHubError
from registry import bundles
from tenancy.policy import Permission


class BundleView(ProjectView):
    """What the pages of a bundle share: the tab that is open."""

    def tab(self, template: str, tab: str, *, status: int = 200, **more: Any) -> HttpResponse:
        """A page of the bundle."""
        return self.page(f"portal/pages/{template}.html", {"tab": tab, **more}, status=status)


class DraftView(BundleView):
    """The draft's page, with whichever form was sent."""

    def draft(self, *, status: int = 200, **sent: DraftForm) -> HttpResponse:
        """The page; ``sent`` forms take the place of empty ones."""
        found = shown.draft_page(bundle=self.bundle, actor=self.actor)
        forms: dict[str, DraftForm] = {
            "member_form": MemberForm(bundle=self.bundle, templates=templates.choices(found.templates)),
            "requirement_form": RequirementForm(bundle=self.bundle),
            "compatibility_form": CompatibilityForm(bundle=self.bundle),
            "about_form": AboutForm(bundle=self.bundle),
        }
        known = shown.addresses(bundle=self.bundle, actor=self.actor)
        return self.tab("bundle_draft", "draft", status=status, draft=found, known=known, **{**forms, **sent})

    def refused(self, name: str, form: DraftForm, error: PromptHubError) -> HttpResponse:
        """The form again with what is wrong; on the draft as it is now, when that was changed meanwhile."""
        form.tell(error)
        if error.code == STALE:
            self.bundle = bundles.get(repository=self.project.slug, slug=self.bundle.slug, actor=self.actor)
            form.renew(bundle=self.bundle)
        return self.draft(status=error.status, **{name: form})

    def done(self, told: str) -> HttpResponse:
        """Back to the draft."""
        messages.success(self.request, told)
        return redirect("portal:bundle", self.project.slug, self.bundle.slug)


class OneBundle(DraftView):
    """``/projects/<project>/bundles/<bundle>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The draft of the next release."""
        return self.draft()


class About(DraftView):
    """``…/about/``: title and description."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change what people read."""
        form = AboutForm(request.POST, bundle=self.bundle)
        if not form.is_valid():
            return self.draft(status=422, about_form=form)
        try:
            bundles.rename(bundle=self.bundle, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            return self.refused("about_form", form, error)
        return self.done(_("Title and description are saved."))


class SetMember(DraftView):
    """``…/prompts/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Have a template as a prompt of the bundle."""
        known = templates.lines(project=self.project, actor=self.actor)
        form = MemberForm(request.POST, bundle=self.bundle, templates=templates.choices(known))
        if not form.is_valid():
            return self.draft(status=422, member_form=form)
        given = form.cleaned_data
        template = templates.one_of(known, given["template"])
        assert template is not None  # noqa: S101 - the form takes no other
        try:
            bundles.set_member(
                bundle=self.bundle,
                revision=given["revision"],
                name=given["name"],
                template=template,
                by=self.actor,
                at=self.at,
            )
        except (Invalid, Conflict) as error:
            return self.refused("member_form", form, error)
        return self.done(_("“%(name)s” is in the next release.") % {"name": given["name"]})


class RemoveMember(DraftView):
    """``…/prompts/remove/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Leave a prompt out of the next release."""
        form = RemoveForm(request.POST, bundle=self.bundle)
        if not form.is_valid():
            return self.draft(status=422, remove_form=form)
        try:
            bundles.remove_member(bundle=self.bundle, by=self.actor, at=self.at, **form.cleaned_data)
        except (Conflict, NotFound) as error:
            return self.refused("remove_form", form, error)
        return self.done(_("“%(name)s” is left out of the next release.") % {"name": form.cleaned_data["name"]})


class SetRequirement(DraftView):
    """``…/needs/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Need another bundle."""
        form = RequirementForm(request.POST, bundle=self.bundle)
        if not form.is_valid():
            return self.draft(status=422, requirement_form=form)
        try:
            bundles.set_requirement(bundle=self.bundle, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict, NotFound) as error:
            return self.refused("requirement_form", form, error)
        return self.done(_("The next release needs %(bundle)s.") % {"bundle": form.cleaned_data["required"]})


class RemoveRequirement(DraftView):
    """``…/needs/remove/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """No longer need another bundle."""
        form = RemoveForm(request.POST, bundle=self.bundle)
        if not form.is_valid():
            return self.draft(status=422, remove_form=form)
        name, revision = form.cleaned_data["name"], form.cleaned_data["revision"]
        try:
            bundles.remove_requirement(bundle=self.bundle, revision=revision, required=name, by=self.actor, at=self.at)
        except (Invalid, Conflict, NotFound) as error:
            return self.refused("remove_form", form, error)
        return self.done(_("The next release does not need %(bundle)s.") % {"bundle": name})


class Compatibility(DraftView):
    """``…/goes-with/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest) -> HttpResponse:
        """Say what the next release goes with."""
        form = CompatibilityForm(request.POST, bundle=self.bundle)
        if not form.is_valid():
            return self.draft(status=422, compatibility_form=form)
        try:
            bundles.set_compatibility(bundle=self.bundle, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            return self.refused("compatibility_form", form, error)
        return self.done(_("What the next release goes with is saved."))
