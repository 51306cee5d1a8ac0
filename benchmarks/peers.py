"""The peers: other prompt registries, installed into environments of their own, served on the same PostgreSQL.

    python -m benchmarks.peers            # install them into .bench/ (about a minute, 3 GB)

The product never depends on them. Each runs as its vendor documents for one machine, with telemetry switched off, and
either knows its callers by a key or answers whoever asks (docs/adr/0032).
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.installation import ROOT, create_database, until_ready
from benchmarks.load import Connection
from tests.services import Postgres, free_port

FOLDER = ROOT / ".bench"


@dataclass(frozen=True, slots=True)
class Peer:
    """How a peer is installed, started and asked to create a version of a prompt."""

    name: str
    requirements: tuple[str, ...]
    scheme: str
    command: tuple[str, ...]
    environment: dict[str, str]
    ready: str
    prepare: Callable[[Connection, str], Any]
    create: Callable[[Connection, str, str], Any]
    write_alone: Callable[[Connection, str, str], Any] | None = None  # of a create that is more than one request
    guarded: Mapping[str, str] = field(default_factory=dict)  # the environment in which it wants to know who calls
    key: Callable[[int], str] | None = None  # what a caller then shows, made at the server of this port

    @property
    def environment_folder(self) -> Path:
        """Where it is installed."""
        return FOLDER / self.name


def _phoenix_version(text: str) -> dict[str, Any]:
    return {
        "description": "",
        "model_provider": "OPENAI",
        "model_name": "gpt-4",
        "template_type": "CHAT",
        "template_format": "MUSTACHE",
        "template": {"type": "chat", "messages": [{"role": "system", "content": text}]},
        "invocation_parameters": {"type": "openai", "openai": {}},
    }


def _prepare_phoenix(connection: Connection, name: str) -> Any:
    body = {"prompt": {"name": name}, "version": _phoenix_version("first")}
    return connection.must("POST", "/v1/prompts", body)


def _create_phoenix(connection: Connection, name: str, text: str) -> Any:
    return connection.must("POST", f"/v1/prompts/{name}/versions", {"version": _phoenix_version(text)})


def _phoenix_key(port: int) -> str:
    """A system key, as is recommended for services (arize.com/docs/phoenix/settings/api-keys)."""
    admin = Connection(port, headers=_bearer(_PHOENIX_GUARDED["PHOENIX_ADMIN_SECRET"]))
    return str(admin.must("POST", "/v1/system/api_keys", {"data": {"name": "bench"}})["data"]["key"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _prepare_mlflow(connection: Connection, name: str) -> Any:
    body = {"name": name, "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}
    return connection.must("POST", "/api/2.0/mlflow/registered-models/create", body)


def _create_mlflow(connection: Connection, name: str, text: str) -> Any:
    """What ``MlflowClient.register_prompt`` sends for a prompt that is there (mlflow 3.17, ``tracking/client.py``).

    It asks whether the name is a prompt, makes the version, and asks again for the tags of the prompt: the server
    itself looks at nothing but the name.
    """
    asked = f"/api/2.0/mlflow/registered-models/get?name={name}"
    connection.must("GET", asked)
    made = _create_mlflow_unasked(connection, name, text)
    connection.must("GET", asked)
    return made


def _create_mlflow_unasked(connection: Connection, name: str, text: str) -> Any:
    tags = {"mlflow.prompt.is_prompt": "true", "mlflow.prompt.text": text, "_mlflow_prompt_type": "text"}
    body = {
        "name": name,
        "source": "prompt-template",
        "tags": [{"key": key, "value": word} for key, word in tags.items()],
    }
    return connection.must("POST", "/api/2.0/mlflow/model-versions/create", body)


_PHOENIX_GUARDED = {
    "PHOENIX_ENABLE_AUTH": "true",
    "PHOENIX_SECRET": secrets.token_hex(32) + "a1",
    "PHOENIX_ADMIN_SECRET": secrets.token_hex(32) + "a1",
}
PHOENIX = Peer(
    "phoenix",
    ("arize-phoenix==20.26.1", "asyncpg==0.32.0", "psycopg[binary]==3.3.9"),
    "postgresql",
    ("phoenix", "serve"),
    {
        "PHOENIX_SQL_DATABASE_URL": "{database}",
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": "{port}",
        "PHOENIX_GRPC_PORT": "{other_port}",
        "PHOENIX_WORKING_DIR": "{folder}",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    },
    "/healthz",
    _prepare_phoenix,
    _create_phoenix,
    guarded=_PHOENIX_GUARDED,
    key=_phoenix_key,
)
MLFLOW = Peer(
    "mlflow",
    ("mlflow==3.17.2", "psycopg2-binary==2.9.13"),
    "postgresql+psycopg2",
    (
        *("mlflow", "server", "--host", "127.0.0.1", "--port", "{port}"),
        *("--backend-store-uri", "{database}", "--default-artifact-root", "{folder}"),
    ),
    {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
    "/health",
    _prepare_mlflow,
    _create_mlflow,
    _create_mlflow_unasked,
)
PEERS = (PHOENIX, MLFLOW)


@dataclass(frozen=True, slots=True)
class Running:
    """A peer's server."""

    peer: Peer
    port: int
    pid: int
    key: str = ""

    def connect(self) -> Connection:
        """A connection to it."""
        return Connection(self.port, headers=_bearer(self.key) if self.key else {})


def install(peer: Peer) -> None:
    """Install a peer, unless it is there."""
    environment(peer.name, peer.requirements)


def environment(name: str, requirements: tuple[str, ...]) -> Path:
    """The Python of an environment with exactly these, made unless it is there; with uv if there is one, else pip."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == "\n".join(requirements):
        return python
    print(f"installing {requirements[0]} into {folder.relative_to(ROOT)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    uv = Path(sys.executable).parent / "uv"
    ways = [[str(uv), "pip", "install", "--quiet", "--python", str(python)]] if uv.exists() else []
    ways.append([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
    if all(subprocess.run([*way, *requirements], check=False).returncode for way in ways):
        raise SystemExit(f"{name} could not be installed; the lines above say why")
    stamp.write_text("\n".join(requirements), encoding="utf-8")
    return python


@contextmanager
def running(peer: Peer, server: Postgres, *, guarded: bool = False) -> Iterator[Running]:
    """A peer's server on a database of its own, ready; it and what it started are gone afterwards.

    :param guarded: whether it answers only those who show a key.
    """
    database = create_database(server, f"{peer.name}_guarded" if guarded else peer.name)
    database = urlsplit(database)._replace(scheme=peer.scheme).geturl()
    with tempfile.TemporaryDirectory(prefix=f"prompthub-bench-{peer.name}-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        words = {"database": database, "port": port, "other_port": free_port(), "folder": folder}
        binaries = peer.environment_folder / "bin"
        log = Path(folder) / "server.log"
        process = subprocess.Popen(
            [str(binaries / peer.command[0]), *(word.format(**words) for word in peer.command[1:])],
            cwd=folder,
            env={
                "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "HOME": folder,
                **{name: text.format(**words) for name, text in peer.environment.items()},
                **(peer.guarded if guarded else {}),
            },
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            until_ready(process, port, peer.ready)
            yield Running(peer, port, process.pid, peer.key(port) if guarded and peer.key else "")
        except RuntimeError:
            print(log.read_text(errors="replace")[-3000:])
            raise
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    for one in PEERS:
        install(one)
