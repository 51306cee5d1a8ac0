"""How many examples a property is tried with: in the suite what it says, in ``make soak`` fifty times that."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

SOAK = 50
TIMES = SOAK if os.environ.get("PROMPTHUB_TEST_FULL") == "soak" else 1


def examples(count: int = 100, **more: Any) -> Callable[[Any], Any]:
    """The decorator ``hypothesis.settings`` with ``max_examples``; nothing is timed when it runs for long."""
    if TIMES > 1:
        more["deadline"] = None
    return settings(max_examples=count * TIMES, **more)
