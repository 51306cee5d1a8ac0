"""How large a step from one release to the next has to be, and why.

Whoever uses a bundle relies on the names of its prompts, on the shape of what they give (text, chat messages, JSON), on
the variables they take and on what may be left out of them. Taking something away from that is *major*, adding to it
*minor*, and a changed text is a *patch*. Below 1.0.0 the leftmost number that is not 0 is the major one, as ranges read
it: ``^0.2`` ends before 0.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from prompthub_kernel.body import BodyFormat
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.semver import MAX_DIGITS, SemVer
from prompthub_kernel.variables import VariablesSchema
from prompthub_kernel.widening import Plain, plain, same, types, widens

MAX_PROBLEMS = 50
_HIGHEST = 10**MAX_DIGITS - 1
"""What the numbers of a version end at."""
_DECLARING = frozenset({"type", "properties", "additionalProperties", "required"})
_SHAPES = {BodyFormat.TEXT: "text", BodyFormat.MARKDOWN: "text", BodyFormat.JSON: "json", BodyFormat.CHAT: "chat"}


class Bump(IntEnum):
    """The size of a step; ``str`` gives the word."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Member:
    """What a release says of one prompt. ``digest`` is that of its text, whatever is counted into it."""

    digest: str
    format: BodyFormat
    variables: VariablesSchema


class Change(NamedTuple):
    """One difference that somebody may notice, and the step it asks for.

    ``reason.pointer`` names the prompt and the variable (``/members/styles~1calm/variables_schema/properties/tone``),
    ``reason.code`` is one of: ``prompt_removed``, ``format_changed``, ``variable_removed``, ``variable_renamed``,
    ``variable_required``, ``variable_retyped``, ``variable_narrowed``, ``variable_marked``, ``default_removed``,
    ``rules_changed`` (major),
    ``prompt_added``, ``variable_added``, ``variable_widened``, ``rules_removed`` (minor), ``text_changed``,
    ``default_changed`` (patch).
    """

    bump: Bump
    reason: Problem


def changes(old: Mapping[str, Member], new: Mapping[str, Member]) -> list[Change]:
    """What is different between the prompts of two releases by name, what weighs most first."""
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        at = ("members", name)
        if name not in new:
            found.append(_change(Bump.MAJOR, at, "prompt_removed", "This prompt was removed."))
        elif name not in old:
            found.append(_change(Bump.MINOR, at, "prompt_added", "This prompt is new."))
        else:
            found += _member_changes(old[name], new[name], at)
    return sorted(found, key=lambda change: -change.bump)


def needed(found: Iterable[Change]) -> Bump:
    """The step that all the changes together ask for; a release without any is a patch."""
    return max((change.bump for change in found), default=Bump.PATCH)


def previous(version: SemVer, versions: Iterable[SemVer]) -> SemVer | None:
    """What a version is measured against: the highest finished version before it of its variant. None: against nothing.

    A pre-release promises nothing, so ``2.0.0-rc.2`` and ``2.0.0`` are both measured against 1.9.0.
    """
    before = (
        other
        for other in versions
        if other.variant == version.variant and not other.pre and other.numbers < version.numbers
    )
    return max(before, default=None)


def step(old: SemVer, new: SemVer) -> Bump:
    """The size of the step from one version up to another; PATCH when it does not go up."""
    if new.numbers <= old.numbers:
        return Bump.PATCH
    leading = next((place for place, number in enumerate(old.numbers) if number), 2)
    raised = next(place for place in range(3) if new.numbers[place] != old.numbers[place])
    return Bump(max(Bump.MAJOR - max(raised - leading, 0), Bump.PATCH))


def raised(old: SemVer, bump: Bump) -> SemVer | None:
    """The lowest finished version of the same variant that is a step of this size, or more, up from ``old``; None
    where no number is left.
    """
    leading = next((place for place, number in enumerate(old.numbers) if number), 2)
    place = next((at for at in range(min(leading + Bump.MAJOR - bump, 2), -1, -1) if old.numbers[at] < _HIGHEST), None)
    if place is None:
        return None
    major, minor, patch = [*old.numbers[:place], old.numbers[place] + 1, 0, 0][:3]
    return SemVer(major, minor, patch, variant=old.variant)


def require_bump(*, old: SemVer, new: SemVer, found: list[Change], lowest: SemVer | None = None) -> None:
    """Raises ``422.bump_too_small`` when ``found`` asks for a larger step than from ``old`` to ``new``.

    The problems are the changes that do not fit, at most :data:`MAX_PROBLEMS`; the context has ``needed``, ``given``,
    ``previous`` and, where there is one, ``lowest``, the version that would do: the first after that step unless
    another one is given.
    """
    given, asked = step(old, new), needed(found)
    if asked <= given:
        return
    lowest = lowest or raised(old, asked)
    detail = f"From {old} on, these changes are {asked}: the version must be {lowest} or higher."
    if lowest is None:
        detail = f"From {old} on, these changes are {asked}: no version is high enough."
    raise _too_small(detail, found, given, {"previous": str(old)}, lowest)


def require_room(*, new: SemVer, above: SemVer, found: list[Change], lowest: SemVer | None) -> None:
    """Raises ``422.bump_too_small`` when what is released already as ``above`` differs from ``new``, which is to be put
    below it, by more than the step between them: whoever asks for ``new`` or higher would lose something.

    ``found`` are the changes from ``new`` to ``above``, ``lowest`` is a version that would do, if any. The
    context is that of :func:`require_bump`, with ``next`` for ``previous``.
    """
    given, asked = step(new, above), needed(found)
    if asked <= given:
        return
    detail = f"From {new} to {above}, which is there already, the changes would be {asked}: release it as {lowest}."
    if lowest is None:
        detail = f"From {new} to {above}, the highest version that there can be, the changes would be {asked}."
    raise _too_small(detail, found, given, {"next": str(above)}, lowest)


def _too_small(detail: str, found: list[Change], given: Bump, told: dict[str, str], lowest: SemVer | None) -> Invalid:
    if lowest is not None:
        told["lowest"] = str(lowest)
    return Invalid(
        "422.bump_too_small",
        detail,
        problems=[change.reason for change in found if change.bump > given][:MAX_PROBLEMS],
        context={"needed": str(needed(found)), "given": str(given), **told},
    )


def _member_changes(old: Member, new: Member, at: tuple[str, ...]) -> Iterator[Change]:
    if _SHAPES[old.format] != _SHAPES[new.format]:
        yield _change(Bump.MAJOR, at, "format_changed", "What this prompt gives has another shape.")
    yield from _variables_changes(old.variables, new.variables, (*at, "variables_schema"))
    if old.digest != new.digest:
        yield _change(Bump.PATCH, at, "text_changed", "The text of this prompt changed.")


def _variables_changes(old: VariablesSchema, new: VariablesSchema, at: tuple[str, ...]) -> Iterator[Change]:
    was, now = _Variables(old), _Variables(new)
    if was == now:
        return
    if now.rules:
        detail = "The rules over the variables together, or what they are about, changed."
        yield _change(Bump.MAJOR, at, "rules_changed", detail)
    elif was.rules:
        yield _change(Bump.MINOR, at, "rules_removed", "Nothing is asked of the variables together any more.")
    renamed = _renamed(was, now)
    for name in sorted(was.schemas.keys() | now.schemas.keys()):
        place = (*at, "properties", name)
        if name in renamed:
            yield _change(Bump.MAJOR, place, "variable_renamed", f"This variable is now called {renamed[name]}.")
        elif name not in now.schemas:
            yield _change(Bump.MAJOR, place, "variable_removed", "This variable was removed.")
        elif name in was.schemas:
            yield from _variable_changes(name, was, now, place)
        elif name in now.demanded and name not in renamed.values():
            yield _change(Bump.MAJOR, place, "variable_required", "This variable is new, required and has no default.")
        elif name not in renamed.values():
            yield _change(Bump.MINOR, place, "variable_added", "This variable is new and may be left out.")


def _variable_changes(name: str, was: _Variables, now: _Variables, at: tuple[str, ...]) -> Iterator[Change]:
    old, new = was.schemas[name], now.schemas[name]
    if was.marks[name] != now.marks[name]:
        yield _change(Bump.MAJOR, at, "variable_marked", "What x-secret or x-runtime say of this variable changed.")
    if not types(old) <= types(new):
        yield _change(Bump.MAJOR, at, "variable_retyped", "This variable has another type.")
    elif not widens(old, new):
        yield _change(Bump.MAJOR, at, "variable_narrowed", "Values that this variable took may now be refused.")
    elif not same(old, new):
        yield _change(Bump.MINOR, at, "variable_widened", "This variable takes more values.")
    if name in now.demanded and name not in was.demanded:
        yield _change(Bump.MAJOR, at, "variable_required", "This variable may no longer be left out.")
    elif name in was.demanded and name not in now.demanded:
        yield _change(Bump.MINOR, at, "variable_widened", "This variable may now be left out.")
    elif name in was.defaults and name not in now.defaults:
        detail = "This variable has no default any more: where it is left out there is nothing to put in."
        yield _change(Bump.MAJOR, at, "default_removed", detail)
    elif not same(was.defaults.get(name), now.defaults.get(name)):
        yield _change(Bump.PATCH, at, "default_changed", "The default of this variable changed.")


class _Variables:
    """What callers notice of a variables schema."""

    def __init__(self, variables: VariablesSchema) -> None:
        schema = variables.schema
        definitions = schema.get("$defs", {})
        self.schemas: dict[str, Plain] = {
            name: plain(variable, definitions) for name, variable in schema["properties"].items()
        }
        self.marks = {name: (name in variables.secret_names, name in variables.runtime_names) for name in self.schemas}
        self.defaults = {name: [default] for name, default in variables.defaults.items()}
        self.demanded = variables.required - self.defaults.keys()
        rest = {keyword: value for keyword, value in schema.items() if keyword not in _DECLARING}
        self.rules = plain(rest, definitions)
        """What is asserted of the variables together."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Variables) and same(self._told(), other._told())

    __hash__ = None  # type: ignore[assignment]

    def _told(self) -> list[Any]:
        return [self.schemas, self.marks, self.defaults, sorted(self.demanded), self.rules]


def _renamed(was: _Variables, now: _Variables) -> dict[str, str]:
    """Old and new name where one variable went and one like it came."""
    gone = sorted(was.schemas.keys() - now.schemas.keys())
    come = sorted(now.schemas.keys() - was.schemas.keys())
    pairs: dict[str, str] = {}
    for name in gone:
        alike = [other for other in come if same(was.schemas[name], now.schemas[other])]
        rivals = [other for other in gone if same(was.schemas[name], was.schemas[other])]
        if len(alike) == len(rivals) == 1:
            pairs[name] = alike[0]
    return pairs


def _change(bump: Bump, at: tuple[str, ...], code: str, detail: str) -> Change:
    return Change(bump, Problem(pointer(at), code, detail))
