"""The environment, typed; a wrong value fails at once and says what to do.

Every secret also accepts ``<NAME>_FILE``, the path of a file that holds it (Docker and Kubernetes secrets).
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
reader = environ.Env()
DATABASE = "prompthub.sqlite3"


def text(name: str, default: str = "", *, form: str = "", says: str = "") -> str:
    """The value of ``name``, else the content of the file that ``<name>_FILE`` names, else ``default``.

    An empty value is none, as in the lines of .env.example.
    What is set must match the regular expression ``form``, if there is one; ``says`` is the form in words.
    """
    path = os.environ.get(f"{name}_FILE")
    value = os.environ.get(name) or default
    if path and not os.environ.get(name):
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {why}") from error
    if value and form and not re.fullmatch(form, value):
        raise ImproperlyConfigured(f"{name} must be {says}")
    return value


def whole(name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """A whole number in the digits of ASCII, from ``least`` to ``most``."""
    written = (os.environ.get(name) or str(default)).strip()
    # Python reads digits of every script; an address or another program that is given the same word may not.
    value = int(written) if re.fullmatch("[0-9]{1,18}", written) else None
    if value is None or value < least or (most is not None and value > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise ImproperlyConfigured(f"{name} must be a whole number in the digits 0-9, {bounds}")
    return value


def seconds(name: str, default: float) -> float:
    """A duration in seconds in the digits of ASCII, greater than zero."""
    written = (os.environ.get(name) or str(default)).strip()
    value = float(written) if re.fullmatch(r"[0-9]{1,18}(\.[0-9]*)?|\.[0-9]+", written) else 0.0
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be a number of seconds in the digits 0-9, greater than 0, such as 2.5")
    return value


def flag(name: str, *, default: bool) -> bool:
    """``1/true/yes/on`` or ``0/false/no/off``."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, on, 0, false, no, off")


def words(name: str, default: str = "", *, form: str = "", says: str = "") -> list[str]:
    """A comma-separated list without empty entries; each entry matches ``form``, if there is one."""
    found = [word.strip() for word in text(name, default).split(",") if word.strip()]
    if form and not all(re.fullmatch(form, word) for word in found):
        raise ImproperlyConfigured(f"{name} must be {says}, separated by commas")
    return found


def networks(name: str, default: str = "") -> list[str]:
    """A comma-separated list of IP addresses and networks, or ``*`` for all."""
    found = words(name, default)
    try:
        for word in found:
            if word != "*":
                ipaddress.ip_network(word)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be IP addresses or networks, separated by commas, or *") from error
    return found


def state_dir() -> Path:
    """Where the embedded edition keeps its database and keys."""
    return Path(os.environ.get("PROMPTHUB_STATE_DIR") or BASE_DIR / ".state")


def writable_state_dir() -> Path:
    """The state directory, made if it is not there."""
    folder = state_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "keys.lock").open("a"):
            return folder
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise ImproperlyConfigured(
            f"{folder} cannot be written to ({why}). Set PROMPTHUB_STATE_DIR to a directory that PromptHub may write to"
        ) from error


def database_file() -> Path:
    """The database of the embedded edition, made empty if it is not there: closed to others, as the keys are.

    SQLite gives its journals the rights of the database, so this comes before anything connects.
    """
    path = writable_state_dir() / DATABASE
    with suppress(OSError):  # what cannot be opened is told by who connects
        if not path.exists():
            path.touch(mode=0o600)
        elif rights := path.stat().st_mode & 0o007:
            path.chmod(path.stat().st_mode & ~rights & 0o777)
    return path


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
    folder = writable_state_dir()
    with (folder / "keys.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / filename
        if path.exists():
            return _read(path, name)
        database = folder / DATABASE
        if database.exists() and database.stat().st_size:
            raise ImproperlyConfigured(
                f"{path} is missing although {folder} holds a database. Restore the file from a backup, or set "
                f"{name}. PromptHub does not make a new key: what the lost one encrypted would be unreadable."
            )
        path.touch(mode=0o600)
        path.write_text(fresh + "\n", encoding="utf-8")
        return fresh


def _read(path: Path, name: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ImproperlyConfigured(f"{path} cannot be read: {why}. Mend it, or set {name}") from error
    if not value:
        raise ImproperlyConfigured(f"{path} is empty. Restore it from a backup, or set {name}")
    return value


def fresh_secret() -> str:
    """A new signing key for sessions and tokens of Django."""
    return secrets.token_urlsafe(50)


def fresh_fernet() -> str:
    """A new encryption key (Fernet, 256 bit, base64)."""
    return Fernet.generate_key().decode()
