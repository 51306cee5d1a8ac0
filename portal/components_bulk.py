"""The gallery's examples of what is done to several prompts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from django.utils.translation import gettext as _

from portal.parts import Part
from portal.presenters.bulk import Outcome
from portal.sentences import said
from prompthub_kernel.errors import Conflict

KEY = UUID(int=7)


def _outcomes() -> dict[str, Outcome | None]:
    live = _("Version %(number)d is active.") % {"number": 4}
    moved = Conflict(
        "409.version_conflict",
        "Another version became active meanwhile. Look at what it changed, then publish with confirm to go on.",
    )
    way = Outcome("done", "note", _("on its way"), (live,), "#", _("Publication %(number)d") % {"number": 9})
    return {
        _("waiting"): None,
        _("under way"): way,
        _("done"): replace(way, tone="good", label=_("delivered")),
        _("given up"): replace(way, tone="bad", label=_("given up"), reasons=(live, "Shop: answered 404")),
        _("refused"): Outcome("refused", "bad", _("refused"), (said(moved.detail),), "#", _("Look at it")),
    }


def bulk_outcome() -> Part:
    """What became of one prompt of several."""
    states = {name: {"outcome": one, "key": KEY} for name, one in _outcomes().items()}
    return Part("bulk_outcome", _("Result of one of many"), states)


def bulk_tally() -> Part:
    """What became of several prompts, counted."""
    none = {"verb": "publish", "done": 0, "same": 0, "refused": 0, "left": 0}
    return Part(
        "bulk_tally",
        _("What became of many"),
        {
            _("done"): {**none, "done": 3, "same": 1},
            _("in part"): {**none, "done": 2, "refused": 1},
            _("refused"): {**none, "verb": "archive", "refused": 2},
            _("not reached"): {**none, "verb": "archive", "done": 1, "left": 2},
            _("nothing to do"): {**none, "same": 2},
        },
    )


PARTS: list[Callable[[], Part]] = [bulk_outcome, bulk_tally]
