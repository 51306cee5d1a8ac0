"""What an address promises for one method: said once, obeyed by the request's path and told by the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.query import Parameter


class Again(StrEnum):
    """What a POST with an ``Idempotency-Key`` that was used already does."""

    ANSWERS = "answers"  # gives the stored answer
    RUNS = "runs"  # changes nothing, so it is simply done again; its answer is not stored
    REFUSES = "refuses"  # its answer may be shown only once: 409.token_already_shown


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method answers: the body (None for an empty one, bytes for JSON as it is), status and further headers."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """The promise. ``answers`` names the shape of each good status in ``contracts/answers.schema.json``.

    ``body`` names the contract of the request's body (None: it has none), ``may_be_empty`` says that it can be
    left out; ``problems`` are codes besides those that every address knows.
    """

    name: str
    summary: str
    answers: Mapping[int, str | None]
    body: str | None = None
    may_be_empty: bool = False
    query: Mapping[str, Parameter] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    again: Again = Again.ANSWERS
    if_match: bool = False
    etag: bool = False


def operation(
    name: str,
    summary: str,
    answers: Mapping[int, str | None],
    *,
    body: str | None = None,
    may_be_empty: bool = False,
    query: tuple[Parameter, ...] = (),
    problems: tuple[str, ...] = (),
    again: Again = Again.ANSWERS,
    if_match: bool = False,
    etag: bool = False,
) -> Callable[[Callable[..., Answer]], Callable[..., Response]]:
    """Make a method of an ``Endpoint`` keep a promise: it is called with the ids of the path, and answers."""
    promise = Operation(
        name,
        summary,
        answers,
        body=body,
        may_be_empty=may_be_empty,
        query={parameter.name: parameter for parameter in query},
        problems=problems,
        again=again,
        if_match=if_match,
        etag=etag,
    )

    def keep(method: Callable[..., Answer]) -> Callable[..., Response]:
        @wraps(method)
        def kept(view: Any, request: Request, **path: Any) -> Response:
            response: Response = view.keep(promise, method, path)
            return response

        kept.operation = promise  # type: ignore[attr-defined]
        return kept

    return keep
