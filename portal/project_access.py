"""Who may enter a page below a project, and what they may do there; bundles of the address are found too."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from portal import site
from portal.access import Control, OperatorView
from portal.presenters.words import PERMISSION
from prompthub_kernel.errors import Refused
from registry import bundles
from registry.models import Bundle
from tenancy import policy, projects
from tenancy.models import Project
from tenancy.policy import Permission


def needed(permission: Permission) -> str:
    """Why something is disabled for somebody without that permission."""
    return _("Needs the permission “%(name)s” in this project.") % {"name": PERMISSION[permission]}


def controls(*, permissions: frozenset[Permission]) -> dict[str, Control]:
    """For templates, as ``may``: one control per permission, by its word (``may.publish.allowed``)."""
    return {
        str(permission): Control(allowed=there, reason="" if there else needed(permission))
        for permission in Permission
        for there in [permission in permissions]
    }


class ProjectView(OperatorView):
    """A page whose address names a project, and perhaps a bundle of it: both 404 for whoever may not see them."""

    section = "project"

    project: Project
    bundle: Bundle

    @cached_property
    def may(self) -> dict[str, Control]:
        """What this person may do in the project of the address."""
        return controls(permissions=self.permitted)

    def shell(self) -> dict[str, Any]:
        """The frame, with the project and the bundle of the address."""
        found = super().shell()
        project = getattr(self, "project", None)
        if project is not None:
            navigation = site.navigation(self.request, self.section, None, project)
            found |= {"navigation": navigation, "project": project, "may": self.may}
        if (bundle := getattr(self, "bundle", None)) is not None:
            found["bundle"] = bundle
        return found

    def _enter(self, method: str, kwargs: dict[str, Any]) -> None:
        slug, name = kwargs.pop("project"), kwargs.pop("bundle", None)
        project = projects.get(key=slug, actor=self.actor)
        permitted = policy.permissions(self.actor, project)
        wanted = self.permissions.get(method)
        if wanted is not None and wanted not in permitted:
            raise Refused("403.permission_denied", f"This needs the permission “{wanted}” in this project.")
        bundle = None if name is None else bundles.get(repository=slug, slug=name, actor=self.actor)
        self.project, self.permitted = project, permitted
        if bundle is not None:
            self.bundle = bundle
