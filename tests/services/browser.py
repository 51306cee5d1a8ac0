"""Chromium: ``$CHROMIUM``, else a browser on PATH, else Debian's package (as root), else the driver's own download."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
APT_SECONDS = 600
DOWNLOAD_SECONDS = 300


def chromium() -> str:
    """The browser's program, installed if need be. Raises RuntimeError with what to do when there is none."""
    found = present() or _from_debian() or _from_the_driver()
    if found is None:
        raise RuntimeError(
            "The browser tests need Chromium, and it could not be installed. Install it (on Debian: apt-get install "
            "chromium), or name a Chromium or Chrome by CHROMIUM=/path/to/it."
        )
    return found


def present() -> str | None:
    """A browser that is there already. Raises RuntimeError when ``$CHROMIUM`` names none."""
    if chosen := os.environ.get("CHROMIUM"):
        if path := shutil.which(chosen):
            return path
        raise RuntimeError(f"CHROMIUM names no program: {chosen}")
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_debian() -> str | None:
    if os.geteuid() or not shutil.which("apt-get"):
        return None
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        if not _done(command, APT_SECONDS, variables):
            return None
    return present()


def _from_the_driver() -> str | None:
    if not _done([sys.executable, "-m", "playwright", "install", "chromium"], DOWNLOAD_SECONDS, dict(os.environ)):
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return str(path) if path.exists() else None


def _done(command: list[str], seconds: int, variables: dict[str, str]) -> bool:
    """Whether the command ended well; what it says goes to stderr."""
    try:
        return subprocess.run(command, env=variables, stdout=sys.stderr, timeout=seconds, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
