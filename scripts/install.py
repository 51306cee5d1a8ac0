"""Makes ``.venv`` and installs pinned requirements into it, with the standard library alone.

In a syntax that an older Python reads too, so that it can look for a newer one.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


class Failed(Exception):
    """The command cannot go on; ``str()`` is the whole message."""


def environment(requirements: str) -> None:
    """Make sure that .venv exists and holds the pinned requirements; at once when nothing changed."""
    wanted = ROOT / "requirements" / f"{requirements}.txt"
    stamp = VENV / f".installed-{requirements}"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return
    if not PYTHON.exists():
        _create()
    print(f"Installing requirements/{wanted.name} into .venv", flush=True)
    if not _with_uv(wanted) and not _with_pip(wanted):
        raise Failed(f"requirements/{wanted.name} could not be installed; the lines above say why.")
    stamp.write_text(digest, encoding="utf-8")


def _create() -> None:
    """A fresh .venv with pip in it, made by the first Python that can."""
    seen = []
    for name in (sys.executable, "python3.13", "python3.12", "python3.11", "python3", "/usr/bin/python3"):
        path = shutil.which(name)
        if not path or path in seen:
            continue
        seen.append(path)
        # Debian splits ensurepip off; without it the environment has no pip, unless virtualenv brings one.
        for needed, module in (("ensurepip, venv", "venv"), ("virtualenv", "virtualenv")):
            probe = f"import sys, {needed}; sys.exit(sys.version_info < {OLDEST})"
            if subprocess.run([path, "-c", probe], capture_output=True, check=False).returncode == 0:
                print(f"Making .venv with {path}", flush=True)
                subprocess.run([path, "-m", module, "--clear", str(VENV)], check=True)
                return
    raise Failed(
        f"No Python {OLDEST[0]}.{OLDEST[1]} or newer that can make an environment was found "
        f"(tried: {', '.join(seen)}).\nOn Debian and Ubuntu: apt-get install python3-venv"
    )


def _with_uv(wanted: Path) -> bool:
    """Install with uv, in seconds; whether that worked."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        _pip("--quiet", "--require-hashes", "-r", str(ROOT / "requirements" / "uv.txt"))
    if not uv.exists():
        return False
    command = [str(uv), "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", "-r", str(wanted)]
    return subprocess.run([*command, "--compile-bytecode"], check=False).returncode == 0


def _with_pip(wanted: Path) -> bool:
    """Install with pip, in a minute; whether that worked. It knows package indexes that uv was not told of."""
    return _pip("--require-hashes", "-r", str(wanted))


def _pip(*arguments: str) -> bool:
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False).returncode == 0
