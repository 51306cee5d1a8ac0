"""The API's document (OpenAPI 3.1): told from the operations, their contracts and the error tree, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from drf_spectacular.openapi import AutoSchema

import contracts
from gateway import converters
from gateway.operations import Again, Operation
from gateway.query import Parameter
from prompthub_kernel.errors import CODES

SEED_PATHS = frozenset(
    {
        "/prompt/templates",
        "/prompt/instances",
        "/prompt/instances/{instance_id}/publish",
        "/prompt/instances/{instance_id}/diff",
    }
)
EVERYWHERE = (
    "401.not_authenticated",
    "403.permission_denied",
    "405.method_not_allowed",
    "406.not_acceptable",
    "422.request_invalid",
    "429.rate_limited",
    "503.database_unavailable",
    "503.server_stopping",
)
WITH_A_BODY = ("400.json_invalid", "413.body_too_large", "415.media_type_unsupported")
SLUG = {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"}
UUID = {"type": "string", "format": "uuid"}


class Operations(AutoSchema):
    """Tells each method's operation. The seed's paths are told, their many twins below ``/prompt/`` are not."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        """One operation object, None for a method or path that is not told."""
        promise = getattr(getattr(self.view, method.lower(), None), "operation", None)
        seed = path.startswith("/prompt/")
        if promise is None or (seed and path not in SEED_PATHS):
            return None
        codes = _codes(promise, path, method)
        found: dict[str, Any] = {
            "operationId": f"prompt_{promise.name}" if seed else promise.name,
            "summary": promise.summary,
            "tags": [path.split("/")[2 if seed else 3]],
            "security": [{"token": []}, {"session": []}],
            "x-problem-codes": codes,
            "responses": {
                **_answers(promise, method),
                **{code[:3]: {"$ref": f"#/components/responses/Problem{code[:3]}"} for code in codes},
            },
        }
        if parameters := [*_of_path(path), *_of_query(promise.query), *_headers(promise, method)]:
            found["parameters"] = parameters
        if promise.body is not None:
            schema = {"$ref": f"#/components/schemas/{_component(promise.body)}"}
            found["requestBody"] = {
                "description": "JSON in UTF-8, without a Content-Encoding, of at most 1 MiB.",
                "required": not promise.may_be_empty,
                "content": {"application/json": {"schema": schema}},
            }
        return found


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """drf-spectacular's last step: the parts that the operations refer to."""
    used = str(result["paths"])
    names = [path.name.removesuffix(".schema.json") for path in contracts.FOLDER.glob("*.schema.json")]
    schemas = {
        _component(name): _moved(contracts.load(name), f"#/components/schemas/{_component(name)}/$defs/")
        for name in names
        if f"#/components/schemas/{_component(name)}'" in used
    }
    statuses = sorted(set(re.findall(r"#/components/responses/Problem([0-9]{3})", used)))
    shapes = contracts.load("answers")["$defs"]
    if clash := schemas.keys() & shapes.keys():
        raise ValueError(f"a body and an answer share the name {', '.join(sorted(clash))}")
    schemas |= {name: _moved(shape, "#/components/schemas/") for name, shape in shapes.items()}
    result["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "responses": {f"Problem{status}": _problem(status) for status in statuses},
        "headers": {
            "CorrelationId": {
                "description": "Joins the request, its log lines, its audit and its deliveries.",
                "required": True,
                "schema": {"type": "string", "minLength": 8, "maxLength": 64},
            },
            "EntityTag": {"description": "For If-Match.", "required": True, "schema": {"type": "string"}},
            "Replayed": {"description": "The answer of an earlier request with this key.", "schema": {"const": "true"}},
            "RetryAfter": {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}},
            "Challenge": {"description": "How to say who you are.", "required": True, "schema": {"type": "string"}},
            "Allow": {"description": "The methods of this address.", "required": True, "schema": {"type": "string"}},
        },
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "A service token, phub_…"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "A signed-in person."},
        },
    }
    return result


def _answers(promise: Operation, method: str) -> dict[str, Any]:
    headers = {"X-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
    if promise.etag:
        headers["ETag"] = {"$ref": "#/components/headers/EntityTag"}
    if method == "POST" and promise.again is Again.ANSWERS:
        headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Replayed"}
    return {
        str(status): {
            "description": promise.summary,
            "headers": headers,
            **({"content": {"application/json": {"schema": _shape(name)}}} if name else {}),
        }
        for status, name in promise.answers.items()
    }


def _shape(name: str) -> dict[str, Any]:
    """``Template`` is one; ``[Template]`` is a page of them; ``Template|Instance`` is either."""
    if "|" in name:
        return {"oneOf": [_shape(one) for one in name.split("|")]}
    if not name.startswith("["):
        return {"$ref": f"#/components/schemas/{name}"}
    link = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "additionalProperties": False,
        "properties": {
            "results": {"type": "array", "maxItems": 100, "items": _shape(name.strip("[]"))},
            "next": link,
            "previous": link,
        },
    }


def _codes(promise: Operation, path: str, method: str) -> list[str]:
    codes = {*EVERYWHERE, *promise.problems}
    if "{" in path:
        codes.add("404.not_found")
    if method in {"POST", "PUT", "PATCH"}:
        codes |= set(WITH_A_BODY)
    if method == "POST" and promise.again is not Again.RUNS:
        codes.add("422.idempotency_key_reused")
    return sorted(codes)


def _problem(status: str) -> dict[str, Any]:
    titles = [f"`{code}` {meaning.title}." for code, meaning in sorted(CODES.items()) if code.startswith(status)]
    return {
        "description": " ".join(titles),
        "headers": _problem_headers(status),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _problem_headers(status: str) -> dict[str, Any]:
    more = {"401": ("WWW-Authenticate", "Challenge"), "405": ("Allow", "Allow")}
    more |= {"429": ("Retry-After", "RetryAfter"), "503": ("Retry-After", "RetryAfter")}
    headers = {"X-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
    if status in more:
        name, part = more[status]
        headers[name] = {"$ref": f"#/components/headers/{part}"}
    return headers


def _of_path(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        schema = converters.schema(name) or (UUID if name.endswith("_id") else SLUG)
        yield {"in": "path", "name": name, "required": True, "schema": schema}


def _of_query(declared: Mapping[str, Parameter]) -> Iterable[dict[str, Any]]:
    for parameter in declared.values():
        yield {
            "in": "query",
            "name": parameter.name,
            "description": parameter.description,
            "required": parameter.required,
            "schema": dict(parameter.schema),
        }


def _headers(promise: Operation, method: str) -> Iterable[dict[str, Any]]:
    if method == "POST":
        yield {
            "in": "header",
            "name": "Idempotency-Key",
            "description": "The same key and request again: one effect, one answer. Kept for 24 hours.",
            "required": False,
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "maxLength": 255},
        }
    if promise.if_match:
        yield {
            "in": "header",
            "name": "If-Match",
            "description": "The ETag of what was read. Needed unless the body says its revision.",
            "required": method == "DELETE",  # it has no body
            "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
        }


def _component(contract: str) -> str:
    """``prompt-template`` is called ``PromptTemplate``."""
    return "".join(word.capitalize() for word in contract.split("-"))


def _moved(schema: Any, place: str) -> Any:
    """A copy whose local references fit where it is put."""
    if isinstance(schema, Mapping):
        return {
            key: inner.replace("#/$defs/", place) if key == "$ref" and isinstance(inner, str) else _moved(inner, place)
            for key, inner in schema.items()
            if key not in {"$schema", "x-sentences"}
        }
    return [_moved(inner, place) for inner in schema] if isinstance(schema, list) else deepcopy(schema)
