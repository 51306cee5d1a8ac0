"""A bundle's releases: cut, read, compared, and what is said of one later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from foundation.metrics import count_error
from portal.forms.bundles import STALE
from portal.forms.releases import CutForm, MarkForm, PromptForm
from portal.forms.variables import VariablesForm
from portal.presenters import previewing, templates, writing
from portal.presenters import releases as shown
from portal.presenters.showing import Shape
from portal.views.bundles import BundleView
from portal.views.compare import REMEMBERED
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.variables import VariablesSchema
from registry import bundles, releases
from registry.models import Release
from tenancy.policy import Permission


class ReleaseView(BundleView):
    """What the pages of one release share."""

    def release(self, version: str) -> Release:
        """The release of the address. Raises ``404.release_not_found`` and ``410.gone``."""
        return releases.get(bundle=self.bundle, version=version, actor=self.actor)

    def to(self, release: Release) -> HttpResponse:
        """To the release's page."""
        return redirect("portal:release", self.project.slug, self.bundle.slug, release.version)


class Releases(BundleView):
    """``…/releases/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The highest first."""
        page, rows = shown.page_of(bundle=self.bundle, number=request.GET.get("page", ""))
        return self.tab("releases", "releases", page=page, rows=rows)


class Cut(BundleView):
    """``…/cut/?version=``: what the next release would be, and cutting it."""

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The changes, the step they need, and the lowest version that fits."""
        return self._page(version=request.GET.get("version", "").strip())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Seal the draft under the version, or only look at what that would be: what was typed stays."""
        form = CutForm(request.POST, bundle=self.bundle)
        version = request.POST.get("version", "").strip()
        if "look" in request.POST:
            form.renew(bundle=self.bundle)
            return self._page(form, version=version)
        if not form.is_valid():
            return self._page(form, version=version, status=422)
        given = dict(form.cleaned_data)  # a form forgets what it shows an error beside
        try:
            done = releases.cut(bundle=self.bundle, by=self.actor, at=self.at, **given)
        except (Invalid, Conflict, NotFound) as error:
            form.tell(error)
            if error.code == STALE:
                self.bundle = bundles.get(repository=self.project.slug, slug=self.bundle.slug, actor=self.actor)
                form.renew(bundle=self.bundle)
            return self._page(form, version=given["version"], status=error.status, stale=error.code == STALE)
        if done.created:
            messages.success(request, _("Release %(version)s is cut.") % {"version": done.release.version})
        else:
            messages.info(request, _("Release %(version)s was there already.") % {"version": done.release.version})
        return redirect("portal:release", self.project.slug, self.bundle.slug, done.release.version)

    def _page(
        self, form: CutForm | None = None, *, version: str, status: int = 200, stale: bool = False
    ) -> HttpResponse:
        found = shown.next_release(bundle=self.bundle, version=version, actor=self.actor)
        if found.refusal is not None and form is None:
            count_error(error=found.refusal)
        form = form or CutForm(bundle=self.bundle, version=found.version)
        return self.tab("cut", "draft", status=status, next=found, form=form, stale=stale)


class Preview(BundleView):
    """``…/preview/?prompt=``: a prompt of the draft as it would be sealed, under variables of one's own."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Under the defaults."""
        return self._page(request.GET.get("prompt", ""), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Under what was typed; nothing is kept."""
        return self._page(request.POST.get("prompt", ""), request.POST)

    def _page(self, name: str, given: Any) -> HttpResponse:
        members = list(bundles.members(bundle=self.bundle))
        member = next((one for one in members if one.name == name), None)
        if member is None:
            raise NotFound("404.prompt_not_found", "The bundle has no prompt of that name.")
        line = templates.line_of(project=self.project, key=member.template_id, actor=self.actor)
        text = line and (line.draft or line.newest)
        schema = text.variables if text else VariablesSchema.parse(None)
        form = VariablesForm(given, schema=schema, values={})
        values = form.variables if given is not None and form.is_valid() else {}
        preview = None
        try:
            made = releases.preview(bundle=self.bundle, name=name, values=values, actor=self.actor)
            preview = previewing.shown(rendered=made.rendered, format=made.whole.body.format)
        except Invalid as error:
            if given is not None:
                form.tell(error)
            preview = previewing.Preview(problems=error.problems or [Problem("", error.code, error.detail)])
        chooser = PromptForm(name, members=members)
        return self.tab("bundle_preview", "draft", name=name, form=form, preview=preview, chooser=chooser)


class OneRelease(ReleaseView):
    """``…/releases/<version>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, release: str) -> HttpResponse:
        """Its papers: manifest, digest, signatures, requirements; its prompts, and what was said of it."""
        found = shown.release_page(release=self.release(release), at=self.at)
        return self.tab("release", "releases", found=found, release=found.line.release)


class ReleasePrompt(ReleaseView):
    """``…/releases/<version>/prompt/?name=``: one sealed text."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, release: str) -> HttpResponse:
        """The text and its variables."""
        row = self.release(release)
        pins = releases.pins(release=row)
        name = request.GET.get("name", "")
        if name not in pins:
            raise NotFound("404.prompt_not_found", "The release has no prompt of that name.")
        declared = writing.declared(pins[name].variables)
        context: dict[str, Any] = {"release": row, "name": name, "sealed": pins[name], "declared": declared}
        return self.tab("release_prompt", "releases", **context)


class Compare(BundleView):
    """``…/compare/<old>..<new>/?view=``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, old: str, new: str) -> HttpResponse:
        """Prompt by prompt, with the reasons for the step between them."""
        one, other = (releases.get(bundle=self.bundle, version=version, actor=self.actor) for version in (old, new))
        asked = request.GET.get("view", request.session.get(REMEMBERED, Shape.STRUCTURE))
        shape = Shape(asked) if asked in list(Shape) else Shape.STRUCTURE
        found = shown.compared(old=one, new=other, shape=shape)
        listed = releases.listing(bundle=self.bundle)
        others = [row.version for row in listed[: shown.PAGE * 4] if not row.reverted]
        context: dict[str, Any] = {"old": one, "new": other, "compared": found, "shape": shape, "versions": others}
        return self.tab("release_compare", "releases", **context)


class CompareChosen(BundleView):
    """``…/compare/?old=&new=``: leads to the address of that comparison."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """A comparison has an address that says everything."""
        old, new = (
            releases.get(bundle=self.bundle, version=request.GET.get(side, ""), actor=self.actor).version
            for side in ("old", "new")
        )
        return redirect("portal:release_compare", self.project.slug, self.bundle.slug, old, new)


class Mark(ReleaseView):
    """``…/releases/<version>/retire/``, ``…/yank/`` and ``…/revert/``: what it does, then the deed."""

    permissions = {"GET": Permission.ADMIN, "POST": Permission.ADMIN}
    kind: ClassVar[str] = "retire"

    def get(self, request: HttpRequest, release: str) -> HttpResponse:
        """What it does to whom."""
        return self._page(self.release(release), MarkForm())

    def post(self, request: HttpRequest, release: str) -> HttpResponse:
        """Say it of the release, for ever."""
        row = self.release(release)
        form = MarkForm(request.POST)
        if not form.is_valid():
            return self._page(row, form, status=422)
        verbs: dict[str, Callable[..., Any]] = {
            "retire": releases.retire,
            "yank": releases.yank,
            "revert": releases.revert,
        }
        try:
            verbs[self.kind](release=row, by=self.actor, at=self.at, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(row, form, status=error.status)
        told = {
            "retire": _("Release %(version)s is retired: whoever reads it is warned."),
            "yank": _("Release %(version)s is yanked: ranges skip it."),
            "revert": _("Release %(version)s was taken back."),
        }[self.kind]
        messages.success(request, told % {"version": row.version})
        if self.kind == "revert":
            return redirect("portal:releases", self.project.slug, self.bundle.slug)
        return self.to(row)

    def _page(self, release: Release, form: MarkForm, *, status: int = 200) -> HttpResponse:
        found = shown.release_page(release=release, at=self.at)
        context = {"release": release, "found": found, "form": form, "kind": self.kind}
        return self.tab("release_mark", "releases", status=status, **context)


class Dependants(BundleView):
    """``…/used-by/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The releases of other bundles that need this one or have its texts in theirs."""
        page = shown.dependants_page(bundle=self.bundle, actor=self.actor, number=request.GET.get("page", ""))
        return self.tab("dependants", "used", page=page)
