"""What a call costs by itself: the CPU of its own thread, without a tracer that counts every line.

What the suite made before it is set aside for the garbage collector: it would walk all of that, a million objects,
whenever the call makes some ten thousand of its own, and the call would pay for its neighbours.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any


def untraced(call: Callable[[], Any]) -> tuple[Any, float]:
    """The call's result and its CPU seconds; coverage's tracer and the suite's objects are put back afterwards."""
    tracer = sys.gettrace()
    sys.settrace(None)
    gc.freeze()
    try:
        begun = time.thread_time()
        result = call()
        return result, time.thread_time() - begun
    finally:
        gc.unfreeze()
        sys.settrace(tracer)
