"""The only way to start something that a committed row asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction


def after_commit(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """Run ``call`` once the surrounding transaction has committed; never when it rolls back.

    A failing call is logged and swallowed: the row is the truth, and the sweep finds what the call did not start.
    """
    transaction.on_commit(lambda: call(*args, **kwargs), robust=True)
