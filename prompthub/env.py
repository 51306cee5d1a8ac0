"""The environment, typed; a wrong value fails at once and says what to do.

Every secret also accepts ``<NAME>_FILE``, the path of a file that holds it (Docker and Kubernetes secrets).
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
reader = environ.Env()


def text(name: str, default: str = "") -> str:
    """The value of ``name``, else the content of the file that ``<name>_FILE`` names, else ``default``."""
    path = os.environ.get(f"{name}_FILE")
    if path and name not in os.environ:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error
    return os.environ.get(name, default)


def whole(name: str, default: int) -> int:
    """A whole number."""
    try:
        return int(os.environ.get(name) or default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number") from error


def seconds(name: str, default: float) -> float:
    """A duration in seconds, greater than zero."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number of seconds") from error
    if not value > 0:
        raise ImproperlyConfigured(f"{name} must be greater than 0 seconds")
    return value


def flag(name: str, *, default: bool) -> bool:
    """``1/true/yes/on`` or ``0/false/no/off``."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, on, 0, false, no, off")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def state_dir() -> Path:
    """Where the embedded edition keeps its database and keys."""
    return Path(os.environ.get("PROMPTHUB_STATE_DIR") or BASE_DIR / ".state")


def kept(name: str, filename: str, *, fresh: str, embedded: bool) -> str:
    """A key from the environment or, in the embedded edition, from the state directory.

    The embedded edition makes its keys once, together with its database. A state directory that has a
    database but has lost a key is refused: a new key would make everything encrypted with the old one
    unreadable (decisions: "a server with lost keys refuses to start").
    """
    value = text(name)
    if value:
        return value
    if not embedded:
        raise ImproperlyConfigured(f"{name} is not set. Set it, or {name}_FILE; see .env.example.")
    folder = state_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "keys.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / filename
        if path.exists():
            return path.read_text(encoding="utf-8").strip()
        if (folder / "prompthub.sqlite3").exists():
            raise ImproperlyConfigured(
                f"{path} is missing although {folder} holds a database. Restore the file from a backup, or set "
                f"{name}. PromptHub does not make a new key: what the lost one encrypted would be unreadable."
            )
        path.touch(mode=0o600)
        path.write_text(fresh + "\n", encoding="utf-8")
        return fresh


def fresh_secret() -> str:
    """A new signing key for sessions and tokens of Django."""
    return secrets.token_urlsafe(50)


def fresh_fernet() -> str:
    """A new encryption key (Fernet, 256 bit, base64)."""
    return Fernet.generate_key().decode()
