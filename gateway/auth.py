"""Who calls: a service with its token, or a person with a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from foundation.actors import Actor, Door
from prompthub_kernel.errors import Refused
from tenancy import policy, tokens

if TYPE_CHECKING:
    from rest_framework.views import APIView

CHALLENGE = 'Bearer realm="PromptHub"'


class ServiceTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer phub_…``: ``request.auth`` is the actor, ``request.user`` its service account."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        """The account and the actor, or None without the header. Raises ``401.not_authenticated``."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, presented = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Refused("401.not_authenticated", "The only scheme is Bearer, with a service token.")
        actor = tokens.authenticate(presented=presented.strip(), at=timezone.now(), door=Door.API)
        return actor.account, actor

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return CHALLENGE


class PersonAuthentication(SessionAuthentication):
    """A signed-in person; every request that changes something carries Django's CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        """The account and the actor, or None without a session. Raises PermissionDenied without the CSRF token."""
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            return None  # an escape in the cookie; PostgreSQL takes no NUL
        found = super().authenticate(request)
        if found is None:
            return None
        account = found[0]
        return account, tokens.actor_for(account, door=Door.API)


class IsActor(BasePermission):
    """Somebody is known, and a token's scopes cover what the view declares in ``permissions``.

    The rights at the client or project are asked by the verb; this refuses early what no place could allow.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """False when nobody is known (401). Raises ``403.permission_denied`` naming the missing permission."""
        method = "GET" if request.method == "HEAD" else request.method
        permissions = view.permissions  # type: ignore[attr-defined]
        if method not in permissions:
            return True  # answered with 405
        wanted = permissions[method]
        if not isinstance(request.auth, Actor):
            return False
        if not policy.scopes_allow(actor=request.auth, permission=wanted):
            raise Refused("403.permission_denied", f"The token's scopes do not give the permission '{wanted}'.")
        return True
