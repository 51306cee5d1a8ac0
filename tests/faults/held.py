"""A task that runs for as long as a test wants, for a worker that is started with ``--include tests.faults.held``."""

from __future__ import annotations

import time
from pathlib import Path

from celery import shared_task

HOLD = "tests.hold"


@shared_task(name=HOLD)
def hold(folder: str, name: str) -> None:
    """Say that it runs, wait to be released, and say that it is done."""
    place = Path(folder)
    (place / f"{name}.runs").touch()
    while not (place / "released").exists():
        time.sleep(0.02)
    (place / f"{name}.done").touch()
