"""What every address of the API does with a request: who, how often, what is sent, then one call downstairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import contracts
from foundation.actors import Actor
from gateway import idempotency, pagination, throttling
from gateway import query as parameters
from gateway.auth import IsActor, PersonAuthentication, ServiceTokenAuthentication
from gateway.gate import StrictJSONParser
from gateway.openapi import Operations
from gateway.operations import Again, Answer, Operation
from gateway.pagination import Key
from gateway.rendering import JSONRenderer, OneRepresentation
from prompthub_kernel.errors import Invalid, NotFound, Problem
from tenancy.policy import Permission

log = structlog.get_logger(__name__)

_ENTITY_TAG = re.compile(r'"(\d{1,9})"')


class Endpoint(APIView):
    """Base of all views.

    A subclass declares ``permissions`` for exactly its methods, and each method its ``operation``. While a method
    runs, ``query``, ``body`` and ``at`` hold the checked parameters, the checked body and the present moment.

    A POST may define ``before(**path)``, for what must not happen inside a transaction (calls over the network)
    and leaves its result in ``self.prepared``; and ``after(answer, **path)``, for what waits until the rows are safe.
    """

    authentication_classes = (ServiceTokenAuthentication, PersonAuthentication)
    permission_classes = (IsActor,)
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = OneRepresentation
    schema = Operations()
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    permissions: ClassVar[Mapping[str, Permission]] = {}
    before: Callable[..., Any] | None = None
    after: Callable[..., Answer] | None = None

    query: dict[str, Any]
    body: Any
    at: datetime
    prepared: Any

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return cast("Actor", self.request.auth)

    @property
    def path(self) -> str:
        """Where it was sent, with ids as PromptHub writes them: in capitals it is the same address."""
        path: str = self.request.path
        for piece in self.kwargs.values():
            if isinstance(piece, UUID):
                path = re.sub(str(piece), str(piece), path, flags=re.IGNORECASE)
        return path

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: there is one representation, and a 405 names the methods itself."""
        return {}

    def check_throttles(self, request: Request) -> None:
        """Count the call of a known actor."""
        if isinstance(request.auth, Actor):
            throttling.require(request.auth)

    def keep(self, promise: Operation, method: Callable[..., Answer], path: dict[str, Any]) -> Response:
        """Check what was sent against the promise, run the method, and answer."""
        self.at = timezone.now()
        raw = self.request.META["QUERY_STRING"].encode("latin-1")  # PEP 3333: bytes, told as a string of so many
        self.query = parameters.read(self.request.query_params, promise.query, raw=raw)
        self.body = self._checked_body(promise)
        posted = self.request.method == "POST"
        answer = self._posted(promise, method, path) if posted else method(self, **path)
        if self.request.method not in {"GET", "HEAD"}:
            log.info("api.wrote", operation=promise.name, status=answer.status, **_about(path, answer.body))
        return Response(answer.body, status=answer.status, headers=dict(answer.headers))

    def page(
        self,
        rows: QuerySet[Any],
        key: Key,
        present: Callable[[Any], dict[str, Any]],
        *,
        first: pagination.First | None = None,
    ) -> Answer:
        """One page of a listing (see :func:`gateway.pagination.page`)."""
        found = pagination.page(
            rows,
            key,
            present,
            path=self.path,
            given=self.query,
            texts={name: self._told(name) for name in self.request.query_params},
            first=first,
        )
        return Answer(found)

    def revision(self) -> int:
        """The revision the caller saw, from ``If-Match`` or the body. Raises ``422.request_invalid`` without one."""
        header = self.request.headers.get("If-Match")
        given: int | None = (self.body or {}).get("revision")
        if header is None and given is not None:
            return int(given)
        if header is None:
            raise Invalid(
                "422.request_invalid",
                "Say which revision you saw: in If-Match, or as revision.",
                problems=[Problem("/revision", "required", "is missing")],
            )
        match = _ENTITY_TAG.fullmatch(header.strip())
        if match is None or (given is not None and given != int(match[1])):
            raise Invalid(
                "422.request_invalid",
                "If-Match is the ETag of the draft, and no other revision than the body's.",
                problems=[Problem("/headers/If-Match", "pattern", "is not the ETag of a draft")],
            )
        return int(match[1])

    def _told(self, name: str) -> str:
        value = self.query[name]
        return str(value) if isinstance(value, UUID) else self.request.query_params[name]

    def _checked_body(self, promise: Operation) -> Any:
        if self.request.method in {"GET", "HEAD", "DELETE"}:
            return None
        sent = self.request.data
        if promise.body is None:
            if sent != {}:
                raise Invalid(
                    "422.request_invalid",
                    "This address takes no body.",
                    problems=[Problem("", "maxProperties", "is not empty")],
                )
            return {}
        problems = contracts.problems(promise.body, sent)
        if problems:
            raise Invalid("422.request_invalid", problems=problems)
        return sent

    def _posted(self, promise: Operation, method: Callable[..., Answer], path: dict[str, Any]) -> Answer:
        claim = idempotency.claim_of(self.request, self.path, self.actor, self.body, promise.again)
        answer = claim.earlier() if claim is not None and self.before is not None else None
        if answer is None:
            if self.before is not None:
                self.prepared = self.before(**path)
            answer = method(self, **path) if claim is None else claim.once(lambda: method(self, **path), at=self.at)
        return answer if self.after is None else self.after(answer, **path)


class Nowhere(Endpoint):
    """Every address that is none: 404 for whatever is sent there."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before anything is asked."""
        raise NotFound("404.not_found", "There is no such address.")


def _about(path: dict[str, Any], body: Any) -> dict[str, str]:
    """The ids a log line carries."""
    found = {name: str(value) for name, value in path.items()}
    if isinstance(body, dict):
        for shown, name in (("templateId", "template_id"), ("instanceId", "instance_id"), ("versionId", "version_id")):
            if shown in body:
                found[name] = str(body[shown])
    return found


__all__ = ["Again", "Answer", "Endpoint", "Nowhere"]
