"""After a backup was restored: numbers that were given out since it was made are never given out again.

Providers, receivers and readers have seen them. A receiver that takes nothing older than what it has would refuse
what is published from now on, and a version's number would name two texts.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from instances import numbering as prompts
from prompthub_kernel.errors import Invalid, Problem
from publishing import lanes
from registry import numbering as registry
from templates_app import numbering as templates
from tenancy import policy
from tenancy.policy import Permission

AHEAD = 1_000
MOST = 1_000_000
"""Numbers left out at once; a counter goes to 2,147,483,647."""


def skip_numbers(*, by: Actor, at: datetime, ahead: int = AHEAD) -> int:
    """Leave out the next ``ahead`` numbers of every template, prompt, lease, channel and signed index; returns of how
    many.

    ``ahead`` must be more than any one prompt was published since the backup was made. Needs ``admin`` of the
    installation. Raises ``422.request_invalid`` for a number outside 1 to 1,000,000.
    """
    policy.require(by, Permission.ADMIN, None)
    if not 0 < ahead <= MOST:
        problem = Problem("/ahead", "range", f"must be 1 to {MOST}")
        raise Invalid("422.request_invalid", "So many numbers cannot be left out.", problems=[problem])
    with transaction.atomic():
        moved = templates.skip(ahead=ahead) + prompts.skip(ahead=ahead) + lanes.skip(ahead=ahead)
        moved += registry.skip(ahead=ahead, at=at)
        events.record(
            action=Action.INSTALLATION_RESTORE,
            subject=events.Subject(kind="installation", id="", label=""),
            by=by,
            at=at,
            metadata={"ahead": ahead, "counters": moved},
        )
    return moved
