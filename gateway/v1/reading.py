"""Reading: the one way text is had, why it is this one, and what is there to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foundation.clock import rfc3339
from gateway import pagination, query, resolved
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from prompthub_kernel.address import Address
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.place import Place
from prompthub_kernel.resolution import ResolveRequest
from registry import search
from resolver import resolve, usage
from resolver.models import UsageDaily
from resolver.resolve import Explanation
from tenancy.policy import Permission

MISSES = (
    "400.address_invalid",
    "404.bundle_not_found",
    "404.channel_not_found",
    "404.not_found",
    "404.prompt_not_found",
    "404.release_not_found",
    "410.gone",
    "502.seal_broken",
)
RENDERING = ("400.template_schema_invalid", "422.variables_invalid")
PLUS = "In a query a plus sign is written %2B: as it stands it is read as a space."
ADDRESS = query.Parameter(
    "address",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": resolved.LONGEST_ADDRESS,
        "pattern": "^@[!-~][ -~]*$",
        "examples": ["@local/onboarding@stable/first_login"],
    },
    str,
    f"A prompt, @repository/bundle@selector/prompt, or a whole bundle without the prompt. {PLUS}",
)
ASKED = (
    ADDRESS,
    query.slug("client", "Slug of a client whose prompt is meant, instead of an address."),
    query.text("name", "The name of the client's prompt."),
    query.slug("category", "Which default text a client without such a prompt gets."),
    resolved.KEY,
    resolved.SEGMENTS,
)


class Resolve(Endpoint):
    """``/resolve``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.VIEW}

    @operation(
        "resolve",
        "A prompt, or a whole release, as it was written",
        {200: "Resolved|ResolvedBundle", 304: None},
        query=ASKED,
        problems=MISSES,
        etag=True,
    )
    def get(self) -> Answer:
        """An exact version can be kept for ever; a name is asked for again each time, with ``If-None-Match``."""
        seen = self.request.headers.get("If-None-Match")
        text = self.query["address"]
        if text is None:
            found = resolve.resolve(request=_request(self._given()), actor=self.actor, at=self.at)
            return resolved.answer(found, asked=None, seen=seen)
        asked = _address(text)
        given = self._given()
        if isinstance(asked, Address):
            found = resolve.resolve(request=_request(given), actor=self.actor, at=self.at)
            return resolved.answer(found, asked=asked, seen=seen)
        release = resolve.opened(address=asked, key=given["key"], segments=given["segments"], actor=self.actor)
        whole = resolve.whole(release=release, actor=self.actor, at=self.at)
        return resolved.answer(whole, asked=asked, seen=seen)

    @operation(
        "render",
        "A prompt with the variables put in",
        {200: "Resolved"},
        body="resolve-request",
        problems=(*MISSES, *RENDERING),
        again=Again.RUNS,
    )
    def post(self) -> Answer:
        """``content_materialized`` has the text; a secret is a place in it, never a value."""
        found = resolve.resolve(request=_request(self.body), actor=self.actor, at=self.at)
        return Answer(resolved.prompt(found), headers={"Cache-Control": "no-store"})

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if value is not None}


class Explain(Endpoint):
    """``/explain``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "explain",
        "Why this text: the steps that were tried",
        {200: "Explanation"},
        body="explain-request",
        problems=("400.address_invalid", "404.not_found"),
        again=Again.RUNS,
    )
    def post(self) -> Answer:
        """Nothing is rendered, and nothing counted. Where no step has a text, ``error`` is what a reader is told."""
        return Answer(_explained(resolve.explain(request=_request(self.body), actor=self.actor)))


class Search(Endpoint):
    """``/search``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "search",
        "Bundles and prompts by words of their names",
        {200: "Findings"},
        query=(
            query.text("q", "Words, or an address, whole or begun.", required=True),
            query.whole("limit", "How many at most.", least=1, most=search.MAX_LIMIT, default=search.LIMIT),
        ),
    )
    def get(self) -> Answer:
        """In your projects and in public ones."""
        with query.told_at("q"):
            found = search.find(text=self.query["q"], actor=self.actor, limit=self.query["limit"])
        results = [
            {
                "address": one.address,
                "project": one.project.slug,
                "bundle": one.bundle,
                "prompt": one.prompt or None,
                "title": one.title,
                "kind": one.kind,
            }
            for one in found
        ]
        return Answer({"results": results})


class Usage(Endpoint):
    """``/usage``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_usage",
        "How often prompts of your projects were fetched, by day and token",
        {200: "[Usage]"},
        query=(
            query.slug("project", "Only of this project."),
            query.text("prompt", "Only of this prompt, @repository/bundle/prompt."),
            *pagination.PARAMETERS,
        ),
    )
    def get(self) -> Answer:
        """The newest first; of a public project without a role in it, only of your own token.

        What was fetched in the last seconds may not be counted yet.
        """
        rows = usage.listing(actor=self.actor)
        if self.query["project"]:
            rows = rows.filter(project__slug=self.query["project"])
        if self.query["prompt"]:
            rows = rows.filter(prompt=self.query["prompt"])
        return self.page(rows, pagination.BY_NUMBER, _usage)


def _address(text: str) -> Any:
    """An address from the query. Raises ``400.address_invalid`` that thinks of what a query does to a plus sign."""
    try:
        with query.told_at("address"):
            return resolved.read_address(text)
    except Invalid as error:
        if " " not in text:
            raise
        problems = [Problem(one.pointer, one.code, f"{one.detail} {PLUS}") for one in error.problems]
        raise Invalid(error.code, f"{error.detail} {PLUS}", problems=problems, context=error.context) from error


def _request(given: Mapping[str, Any]) -> ResolveRequest:
    address = given.get("address")
    return ResolveRequest(
        address=None if address is None else Address.parse(address, where=Place("/address")),
        client=given.get("client", ""),
        name=given.get("name", ""),
        category=given.get("category", ""),
        key=given.get("key", ""),
        segments=tuple(given.get("segments", ())),
        values=given.get("variables"),
    )


def _explained(found: Explanation) -> dict[str, Any]:
    hit, error = found.found, found.error
    return {
        "trail": [{"step": one.step, "hit": one.hit, "reason": one.reason} for one in found.trail],
        "found": None
        if hit is None
        else {
            "address": hit.address,
            "version": hit.version,
            "digest": hit.digest,
            "release": hit.release,
            "ordinal": hit.ordinal,
            "origin": str(hit.origin),
            "warnings": [{"code": one.code, "reason": one.reason, "message": one.message} for one in hit.warnings],
        },
        "error": None if error is None or hit is not None else {"code": error.code, "detail": error.detail},
    }


def _usage(row: UsageDaily) -> dict[str, Any]:
    return {
        "day": row.day.isoformat(),
        "token": {"id": str(row.token.id), "prefix": row.token.prefix, "name": row.token.name},
        "project": row.project.slug if row.project is not None else "",
        "prompt": row.prompt,
        "version": row.version,
        "fetches": row.fetches,
        "last_at": rfc3339(row.last_at),
    }
