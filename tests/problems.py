"""The one error shape, asserted everywhere."""

from __future__ import annotations

from typing import Any

import contracts
from prompthub_kernel.errors import CODES

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "correlation_id", "retryable"}


def assert_problem(response: Any, code: str, pointer: str | None = None) -> dict[str, Any]:
    """The response is the problem ``code`` (naming the place ``pointer``, if given); returns its body."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content[:500]
    body = response.json()
    assert body["code"] == code, body
    assert response.status_code == body["status"] == int(code[:3])
    assert set(body) - {"context"} == MEMBERS
    assert body["type"] == f"/docs/errors/{code}"
    assert body["title"] == CODES[code].title
    assert body["correlation_id"] == response.headers["X-Correlation-ID"]
    if pointer is not None:
        assert pointer in [problem["pointer"] for problem in body["errors"]], body["errors"]
    assert_shape(body, "Problem")
    return body


def assert_shape(body: Any, name: str) -> None:
    """The body has exactly a shape of ``contracts/answers.schema.json``."""
    import referencing
    from jsonschema import Draft202012Validator

    schema = {"$ref": f"#/$defs/{name}", "$defs": contracts.load("answers")["$defs"]}
    found = [error.message for error in Draft202012Validator(schema, registry=referencing.Registry()).iter_errors(body)]
    assert found == []


def assert_page(response: Any, name: str) -> list[Any]:
    """The response is a page of a shape; returns its results."""
    assert response.status_code == 200, response.content[:500]
    body = response.json()
    assert set(body) == {"results", "next", "previous"}
    for row in body["results"]:
        assert_shape(row, name)
    return body["results"]
