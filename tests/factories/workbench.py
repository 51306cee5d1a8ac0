"""A bundle to work on: prompts are written and releases cut as authors do it, by the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from registry import bundles, releases
from registry.models import Bundle, Release
from registry.releases import Cut
from templates_app import drafts
from templates_app.models import Template, TemplateDraft
from tenancy.models import Project
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.project import make_project


class Workbench:
    """A bundle with an author, who acts at one moment."""

    def __init__(
        self, project: Project | None = None, slug: str | None = None, *, kind: str = "set", by: Actor = SYSTEM
    ) -> None:
        self.by, self.at = by, AT
        self.project = project or make_project()
        self.bundle = bundles.create(project=self.project, slug=slug or unique("set"), kind=kind, by=SYSTEM, at=AT)

    @property
    def name(self) -> str:
        """The bundle's address."""
        return str(self.bundle.address)

    @property
    def _now(self) -> dict[str, Any]:
        self.bundle = Bundle.objects.select_related("project").get(pk=self.bundle.pk)
        return {"bundle": self.bundle, "revision": self.bundle.revision, "by": SYSTEM, "at": self.at}

    def write(
        self, name: str, text: str | None = None, *, variables: Mapping[str, Any] | None = None, **more: Any
    ) -> Template:
        """The text of a prompt: a new one, or a new draft of one that is there. ``document`` and ``engine`` may be
        given, ``template`` is the name of the template.
        """
        document, engine = more.get("document"), more.get("engine", "jinja2")
        body = PromptBody.parse(content_md=text, content_json=document, engine=engine)
        schema = VariablesSchema.parse({"type": "object", "properties": dict(variables or {})})
        known = bundles.members(bundle=self.bundle).filter(name=name).first()
        called = known.template.name if known else more.get("template", unique("text"))
        present = TemplateDraft.objects.filter(template__project=self.project, template__name=called).first()
        given = {"body": body, "variables": schema, "by": SYSTEM, "at": self.at}
        if present is None:
            draft = drafts.create(project=self.project, name=called, **given)
        else:
            draft = drafts.edit(template=present.template, revision=present.revision, **given)
        if known is None:
            bundles.set_member(name=name, template=draft.template, **self._now)
        return draft.template

    def drop(self, name: str) -> None:
        """Leave a prompt out of the next release."""
        bundles.remove_member(name=name, **self._now)

    def need(self, required: str, selector: str) -> None:
        """Need another bundle."""
        bundles.set_requirement(required=required, selector=selector, **self._now)

    def unneed(self, required: str) -> None:
        """No longer need it."""
        bundles.remove_requirement(required=required, **self._now)

    def cut(self, version: str, *, by: Actor | None = None, at: datetime | None = None) -> Release:
        """The draft, released."""
        return self.try_cut(version, by=by, at=at).release

    def try_cut(self, version: str, *, by: Actor | None = None, at: datetime | None = None) -> Cut:
        """What cutting it comes to."""
        return releases.cut(bundle=self.bundle, version=version, by=by or self.by, at=at or self.at)
