"""How a filter or test of the lists is called from a template, in either language."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from prompthub_kernel.operations import Unrenderable
from prompthub_kernel.program import Expression, Rendering

Function = Callable[..., Any]
_UNUSABLE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def takes(function: Function, arguments: int, keywords: Sequence[str]) -> str:
    """What does not fit when a filter or test is given so many arguments and these keywords; ``""`` if all does."""
    try:
        _signature(function).bind(None, None, *[None] * arguments, **dict.fromkeys(keywords))
    except TypeError as error:
        return f"was given wrong arguments ({error})"
    return ""


@cache
def _signature(function: Function) -> inspect.Signature:
    return inspect.signature(function)


def application(
    what: str,
    function: Function,
    value: Expression,
    arguments: Sequence[Expression],
    keywords: Sequence[tuple[str, Expression]],
) -> Expression:
    """A function of the lists applied to a value; what it cannot do with the value is told without the value."""

    def apply_alone(run: Rendering) -> Any:
        given = value(run)
        try:
            return function(run.budget, given)
        except _UNUSABLE:
            raise Unrenderable(f"{what} cannot be used on this value") from None

    def apply(run: Rendering) -> Any:
        given = [value(run), *[argument(run) for argument in arguments]]
        named = {key: expression(run) for key, expression in keywords}
        try:
            return function(run.budget, *given, **named)
        except _UNUSABLE:
            raise Unrenderable(f"{what} cannot be used on this value") from None

    return apply if arguments or keywords else apply_alone
