"""What helps to write a prompt: its size, its variables, and those that are unknown or unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prompthub_kernel import rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.variables import VariablesSchema

CHARACTERS_PER_TOKEN = 4
"""What English text takes in the common tokenisers, roughly."""


@dataclass(frozen=True, slots=True)
class Notes:
    """``problems`` are why a text cannot be used; ``unused`` are names that are declared and not asked for."""

    characters: int
    lines: int
    tokens: int
    used: tuple[str, ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]
    problems: Sequence[Problem]


def notes(*, body: PromptBody, schema: VariablesSchema) -> Notes:
    """What there is to say about a text before anybody renders it."""
    source = body.source()
    try:
        names = rendering.names_used(body=body)
    except Invalid:
        names = frozenset()
    try:
        rendering.check(body=body, variables=schema)
        found: Sequence[Problem] = ()
    except Invalid as error:
        found = error.problems
    return Notes(
        characters=len(source),
        lines=source.count("\n") + 1,
        tokens=-(-len(source) // CHARACTERS_PER_TOKEN),
        used=tuple(sorted(names & schema.names)),
        unused=tuple(sorted(schema.names - names)) if names or not found else (),
        unknown=tuple(sorted(names - schema.names)),
        problems=found,
    )
