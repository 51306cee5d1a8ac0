"""Whether this process was told to stop: what waits for something looks here, and answers while it still can."""

from __future__ import annotations

import threading

begun = threading.Event()
"""Set by the server when the signal comes, never taken back."""
