"""What the gallery knows of a part: its template and its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import lazy

from portal.access import Control, needed
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class Part:
    """One template of ``parts/`` with its states: what each is called, and the arguments that make it.

    ``around`` is HTML that the part needs about it, with ``%s`` in its place (a row needs a table).
    """

    template: str
    title: str
    states: Mapping[str, Mapping[str, Any]]
    around: str = "%s"


def barred(permission: Permission) -> Control:
    """A control for somebody without that permission, in the language of the page that shows it."""
    return Control(allowed=False, reason=lazy(needed, str)(permission))
