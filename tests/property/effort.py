"""How many examples a property is tried with: in the suite what it says, in ``make soak`` fifty times that.

What random steps find, they find in the verbs; whether both databases bear the verbs out, fewer of them tell. So on
the second database as many are tried as ``again`` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

SOAK = 50
TIMES = SOAK if os.environ.get("PROMPTHUB_TEST_FULL") == "soak" else 1
SECOND = os.environ.get("PROMPTHUB_TEST_SIDE") == "postgres"


def examples(count: int = 100, *, again: int | None = None, **more: Any) -> Callable[[Any], Any]:
    """The decorator ``hypothesis.settings`` with ``max_examples``; nothing is timed when it runs for long."""
    if TIMES > 1:
        more["deadline"] = None
    tried = again if SECOND and again is not None else count
    return settings(max_examples=tried * TIMES, **more)
