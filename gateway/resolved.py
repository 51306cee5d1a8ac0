"""A resolved prompt on the wire: the same bytes from memory and from the application.

The ETag is the digest of the answer. An exact version can be kept for ever; a name is asked for again each time, which
costs nothing as long as the answer is the same.
"""

from __future__ import annotations

from typing import Any

from gateway import query
from gateway.operations import Answer
from gateway.rendering import dumps
from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.canonical import sha256_digest
from prompthub_kernel.resolution import ResolvedPrompt, Tried, Warned
from prompthub_kernel.rollout import MAX_SEGMENT_LENGTH, MOST_SEGMENTS
from prompthub_kernel.selector import Exact
from resolver.resolve import ResolvedBundle

FOR_EVER = "private, max-age=31536000, immutable"
AGAIN = "private, no-cache"
VARY = "Authorization"
LONGEST_ADDRESS = 512
KEY = query.key("key", "For whom it is asked: while a rollout goes on, the same key always gets the same release.")
SEGMENTS = query.words(
    "segments",
    "Groups that whoever it is asked for is in, with commas between.",
    pattern=rf"[a-z0-9][a-z0-9_.-]{{0,{MAX_SEGMENT_LENGTH - 1}}}",
    longest=MAX_SEGMENT_LENGTH,
    most=MOST_SEGMENTS,
)


def read_address(text: str) -> Address | BundleAddress:
    """The address of a prompt or, without one, of a whole bundle. Raises ``400.address_invalid``."""
    slashes = text.count("/")
    return BundleAddress.parse(text) if slashes == 1 else Address.parse(text)


def answer(
    found: ResolvedPrompt | ResolvedBundle, *, asked: Address | BundleAddress | None, seen: str | None
) -> Answer:
    """What is answered to a GET: 200, or 304 without a body if ``seen``, the header ``If-None-Match``, has its ETag."""
    body = prompt(found) if isinstance(found, ResolvedPrompt) else bundle(found)
    headers = headers_of(dumps(body), asked=asked)
    if seen is not None and unchanged(seen, headers["ETag"]):
        return Answer(None, 304, headers)
    return Answer(body, 200, headers)


def headers_of(content: bytes, *, asked: Address | BundleAddress | None) -> dict[str, str]:
    """The headers that tell how long an answer may be kept; ``asked`` is None for what was not asked by an address."""
    return {
        "ETag": f'"{sha256_digest(content)}"',
        "Cache-Control": FOR_EVER if asked is not None and isinstance(asked.selector, Exact) else AGAIN,
        "Vary": VARY,
    }


def unchanged(seen: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag, compared weakly (RFC 9110 13.1.2)."""
    if seen.strip() == "*":
        return True
    return tag in {one.strip().removeprefix("W/") for one in seen.split(",")}


def prompt(found: ResolvedPrompt) -> dict[str, Any]:
    """One text with its passport. ``content_materialized`` are the segments of a rendered one."""
    body = found.body
    return {
        "address": found.address,
        "version": found.version,
        "digest": found.digest,
        "release": found.release,
        "ordinal": found.ordinal,
        "origin": str(found.origin),
        "freshness": str(found.freshness),
        "format": None if body is None else str(body.format),
        "engine": None if body is None else str(body.engine),
        "content_md": None if body is None else body.text,
        "content_json": None if body is None else body.document,
        "content_materialized": None if found.rendered is None else found.rendered.to_json(),
        "variables_schema": dict(found.variables),
        "compatibility": dict(found.compatibility),
        "warnings": _warnings(found.warnings),
        "trail": _trail(found.trail),
    }


def bundle(found: ResolvedBundle) -> dict[str, Any]:
    """All texts of one release."""
    return {
        "address": found.address,
        "version": found.version,
        "release": found.release,
        "ordinal": found.ordinal,
        "warnings": _warnings(found.warnings),
        "prompts": {
            name: {
                "digest": one.digest,
                "format": str(one.body.format),
                "engine": str(one.body.engine),
                "content_md": one.body.text,
                "content_json": one.body.document,
                "variables_schema": dict(one.variables),
            }
            for name, one in found.prompts.items()
            if one.body is not None
        },
    }


def _warnings(warned: tuple[Warned, ...]) -> list[dict[str, str]]:
    return [{"code": one.code, "reason": one.reason, "message": one.message} for one in warned]


def _trail(tried: tuple[Tried, ...]) -> list[dict[str, Any]]:
    return [{"step": one.step, "hit": one.hit, "reason": one.reason} for one in tried]
