"""Who may enter a page of the portal, and what they may do on it.

Every view says ``permissions = {"GET": Permission.VIEW, …}``, one entry per method; what it says is what is asked.
An address with a client asks at that client; one without shows what the person may see, so nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views import View

from foundation import database_errors
from foundation.actors import Actor, Door
from instances import drafts
from instances.models import PromptInstance
from portal import coming_in, problems, site
from portal.presenters.words import PERMISSION
from prompthub_kernel.errors import Invalid, NotFound, PromptHubError, Refused, Unavailable
from tenancy import clients, policy, tokens
from tenancy.models import Client
from tenancy.policy import Permission

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Control:
    """Whether something may be done here. ``reason`` is what the disabled control says."""

    allowed: bool
    reason: str = ""


def needed(permission: Permission) -> str:
    """Why something is disabled for somebody without that permission."""
    return _("Needs the permission “%(name)s” at this client.") % {"name": PERMISSION[permission]}


def controls(*, permissions: frozenset[Permission], client: Client) -> dict[str, Control]:
    """For templates, as ``may``: one control per permission, by its word (``may.publish.allowed``)."""
    found = {}
    for permission in Permission:
        writes = permission is not Permission.VIEW
        if permission not in permissions:
            found[str(permission)] = Control(allowed=False, reason=needed(permission))
        elif writes and client.archived_at is not None:
            found[str(permission)] = Control(allowed=False, reason=_("This client is archived."))
        else:
            found[str(permission)] = Control(allowed=True)
    return found


class OperatorView(View):
    """A page for a signed-in person.

    Gives ``actor``, ``at`` (the time of the request), and where the address names them ``client`` and ``instance``
    (both 404 for whoever may not see them) with ``may``, what may be done there. ``page`` answers with a template.
    ``section`` is the entry of the navigation that is shown as the current one. ``resumes`` is the route to which what
    somebody wrote here is sent again when they had to sign in first; it must change nothing that they did not see.
    """

    permissions: ClassVar[Mapping[str, Permission]] = {}
    section: ClassVar[str] = ""
    resumes: ClassVar[str] = ""

    request: HttpRequest
    actor: Actor
    client: Client
    instance: PromptInstance
    permitted: frozenset[Permission]  # at the client of the address

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in first; then the rights the view declares; then the view. Coded errors become calm pages."""
        try:
            if not isinstance(request.user, AbstractBaseUser):
                if request.headers.get("HX-Request"):
                    return HttpResponse(status=401)  # a page to sign in does not belong into a part of this one
                return coming_in.first(request)
            self.at = timezone.now()
            self.actor = tokens.actor_for(request.user, door=Door.PORTAL)
            request.actor = self.actor  # type: ignore[attr-defined]
            self._enter(str(request.method), kwargs)
            return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]
        except PromptHubError as error:
            return problems.page(request, error, frame=self.shell())
        except (DatabaseError, InterfaceError) as failure:
            why = database_errors.unavailable(failure)
            if why is None:
                raise
            log.warning("database.unavailable", error=type(failure).__name__, why=why)
            return problems.page(request, Unavailable("503.database_unavailable", why))

    @cached_property
    def may(self) -> dict[str, Control]:
        """What this person may do at the client of the address."""
        return controls(permissions=self.permitted, client=self.client)

    def page(
        self, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        """A page, or a fragment of one, with the portal's frame around it."""
        return render(self.request, template, {**self.shell(), **(context or {}), **more}, status=status)

    def shell(self) -> dict[str, Any]:
        """What every template of the portal knows: navigation, and the client and rights of the address."""
        client = getattr(self, "client", None)
        found: dict[str, Any] = {"navigation": site.navigation(self.request, self.section, client), "now": self.at}
        if client is not None:
            found |= {"client": client, "may": self.may}
        if (instance := getattr(self, "instance", None)) is not None:
            found["instance"] = instance
        return found

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A coded page that leads to where such a request comes from."""
        allowed = super().http_method_not_allowed(request, *args, **kwargs).headers["Allow"]
        words = gettext_noop("This address takes what a form sends; it is no page of its own.")
        answer = problems.page(request, Invalid("405.method_not_allowed", words), frame=self.shell())
        answer.headers["Allow"] = allowed
        return answer

    def _enter(self, method: str, kwargs: dict[str, Any]) -> None:
        slug, key = kwargs.pop("client", None), kwargs.pop("instance", None)
        if slug is None:
            return
        row = None
        if key is not None:  # the prompt brings its client along
            row = drafts.listing(actor=self.actor).filter(client__slug=slug, pk=key).first()
        found = row.client if row is not None else clients.listing(actor=self.actor).filter(slug=slug).first()
        if found is None:
            raise NotFound("404.not_found", gettext_noop("There is no such client, or it is not yours to see."))
        self.client = found
        self.permitted = policy.permissions(self.actor, found)
        wanted = self.permissions.get(method)
        if wanted is not None and wanted not in self.permitted:
            self.__dict__.pop("client", None)
            raise Refused("403.permission_denied", f"This needs the permission “{wanted}” at this client.")
        if key is not None:
            if row is None:
                raise NotFound("404.template_or_instance_not_found", gettext_noop("This client has no such prompt."))
            self.instance = row
