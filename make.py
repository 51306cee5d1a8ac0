#!/usr/bin/env python3
"""The commands of PromptHub. ``python3 make.py <command>`` and ``make <command>`` are the same.

Needs Python 3.11 or newer and nothing else: each command makes the environment it runs in (``.venv``), from
requirements that are pinned by hash. Only the standard library is used here, in a syntax that an older Python
reads too, so that it can look for a newer one.
"""

# ruff: noqa: S603, T201 - this script starts programs and prints

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterable, NoReturn  # noqa: UP035 - an older Python must read this

from scripts.install import PYTHON, ROOT, VENV, Failed, environment

STOP_SECONDS = 12

RUN, TEST = "run", "test"  # requirements/<name>.txt


# --- the commands ---------------------------------------------------------------------------------------------


def run(arguments: list[str]) -> None:
    """Serve PromptHub with a demo world and a provider that receives its deliveries."""
    environment(RUN)
    host, port = os.environ.get("PROMPTHUB_HOST") or "127.0.0.1", _port("PROMPTHUB_PORT", 8000)
    provider_port = _port("PROMPTHUB_PROVIDER_PORT", 8090)
    if port == provider_port:
        raise Failed(f"PROMPTHUB_PORT and PROMPTHUB_PROVIDER_PORT are both {port}: two servers need two ports.")
    _unserved()
    _free(host, port, "PROMPTHUB_PORT")
    _free("127.0.0.1", provider_port, "PROMPTHUB_PROVIDER_PORT")
    allowed = [os.environ.get("PROMPTHUB_EGRESS_ALLOW"), f"127.0.0.1:{provider_port}"]
    os.environ["PROMPTHUB_EGRESS_ALLOW"] = ",".join(filter(None, allowed))
    os.environ["PROMPTHUB_PROVIDER_PORT"] = str(provider_port)
    os.environ.setdefault("PROMPTHUB_LLM", "scripted")
    children: list[subprocess.Popen[bytes]] = []
    try:
        _manage("migrate", "--no-input", "--verbosity", "0")
        receiver = _start("provider", "--port", str(provider_port))
        children.append(receiver)
        _manage("demo", "--verbosity", "0")
        if receiver.poll() is not None:
            raise Failed("The demo provider ended; the lines above say why.")
        server = _start("serve", *arguments)
        children.append(server)
        status = server.wait()
    except KeyboardInterrupt:
        status = 0
    finally:
        _stop(children)
    if status:
        raise Failed(f"The server ended with status {status}.")


def test(arguments: list[str]) -> None:
    """Run the whole suite, on SQLite, on PostgreSQL + Redis and in a browser; [--only SIDE] [-- PYTEST ARGUMENTS]."""
    environment(TEST)
    _python("-m", "tests.services.sides", *arguments)


def shots(arguments: list[str]) -> None:
    """Write a picture of every page of the portal, light, dark and on a phone, to build/shots."""
    environment(TEST)
    _python("-m", "tests.services.sides", "--only", "browser", "--", "-q", "tests/e2e/shots.py", *arguments)


def check(arguments: list[str]) -> None:
    """Read the code without running it: style, types, storeys, migrations, security, docs."""
    environment(TEST)
    production = {
        "DATABASE_URL": "postgresql://prompthub@db.internal/prompthub",
        "CELERY_BROKER_URL": "redis://redis.internal/0",
        "REDIS_URL": "redis://redis.internal/0",
        "PROMPTHUB_SECRET_KEY": hashlib.sha512(os.urandom(64)).hexdigest(),
        "PROMPTHUB_ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "PROMPTHUB_ALLOWED_HOSTS": "hub.example.com",
    }
    steps = [
        (("ruff", "check", "."), {}),
        (("ruff", "format", "--check", "."), {}),
        (("mypy", "."), {}),
        (("lint-imports",), {}),
        (("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "."), {}),
        (("python", "manage.py", "makemigrations", "--check", "--dry-run"), {}),
        (("python", "manage.py", "messages", "--check"), {}),
        (("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"), production),
    ]
    generated = _generated()
    if generated:
        steps.append((("cog", "-I", ".", "--check", "-P", *generated), {}))
    failed = []
    with tempfile.TemporaryDirectory(prefix="prompthub-check-") as folder:
        for command, variables in steps:
            print("$ " + " ".join(command[:4]), flush=True)
            if _tool(*command, variables={"PROMPTHUB_STATE_DIR": folder, **variables}):
                failed.append(" ".join(command[:4]))
    if failed:
        raise Failed("Failed: " + "; ".join(failed))
    print(f"{len(steps)} checks passed")


def fix(arguments: list[str]) -> None:
    """Put right what a tool can: style, imports, generated tables."""
    environment(TEST)
    _tool("ruff", "check", "--fix", ".")
    _tool("ruff", "format", ".")
    docs([])


def docs(arguments: list[str]) -> None:
    """Write the generated tables of the docs anew."""
    environment(TEST)
    generated = _generated()
    if generated:
        _must("cog", "-I", ".", "-r", "-P", *generated)


def messages(arguments: list[str]) -> None:
    """Gather the portal's texts into the catalogues of its languages, and compile those."""
    environment(TEST)
    _manage("messages", *arguments)


def openapi(arguments: list[str]) -> None:
    """Write contracts/openapi.json anew from the API's code."""
    environment(TEST)
    _manage("spectacular", "--format", "openapi-json", "--file", "contracts/openapi.json", "--validate")


def verdict(arguments: list[str]) -> None:
    """Measure every bar in full and print floor, value, pass or fail; takes long."""
    environment(TEST)
    _python("-m", "benchmarks.verdict", *arguments)


def sabotage(arguments: list[str]) -> None:
    """Take away one safeguard after the other: each must turn its test red."""
    environment(TEST)
    _python("-m", "tests.sabotage", *arguments)


def faults(arguments: list[str]) -> None:
    """Kill, pause and cut off real processes, at full size."""
    environment(TEST)
    _full("faults", ["tests/faults"], arguments)


def fuzz(arguments: list[str]) -> None:
    """Throw bad input at every door, at full size."""
    environment(TEST)
    _full("fuzz", ["tests/hostile"], arguments)


def soak(arguments: list[str]) -> None:
    """Run the property tests, and what goes at random against a model, for long, on one database."""
    environment(TEST)
    models = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/unit/**/test_*_at_random.py"))
    _full("soak", ["tests/property", *models], ["--only", "sqlite", *arguments])


def bench(arguments: list[str]) -> None:
    """Measure speed and memory beside the peers; installs those in an environment of their own."""
    environment(TEST)
    _python("-m", "benchmarks", *arguments)


def clean(arguments: list[str]) -> None:
    """Remove the environment and everything that tools left; the state directory with its keys stays."""
    for pattern in (".venv", ".bench", ".coverage*", "htmlcov", "build", "dist", "static_collected", "*.egg-info"):
        _remove(ROOT.glob(pattern))
    for pattern in (
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".import_linter_cache",
        "__pycache__",
    ):
        _remove(ROOT.rglob(pattern))


def help_(arguments: list[str]) -> None:
    """Say what there is."""
    print("usage: make <command>   or   python3 make.py <command> [arguments]\n")
    for name, command in COMMANDS.items():
        print(f"  {name:9} {(command.__doc__ or '').splitlines()[0]}")


COMMANDS = {
    command.__name__.rstrip("_"): command
    for command in (
        *(run, test, shots, check, fix, docs, openapi, messages),
        *(verdict, sabotage, faults, fuzz, soak, bench),
        *(clean, help_),
    )
}


# --- small parts ----------------------------------------------------------------------------------------------


def _variables(more: dict[str, str] | None = None) -> dict[str, str]:
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV), **(more or {})}


def _tool(name: str, *arguments: str, variables: dict[str, str] | None = None) -> int:
    command = [str(VENV / "bin" / name), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=_variables(variables))
    try:
        return process.wait()
    finally:
        _stop([process])


def _must(name: str, *arguments: str, variables: dict[str, str] | None = None) -> None:
    if status := _tool(name, *arguments, variables=variables):
        raise SystemExit(status)


def _python(*arguments: str, variables: dict[str, str] | None = None) -> None:
    _must("python", *arguments, variables=variables)


def _manage(*arguments: str) -> None:
    _python("manage.py", *arguments)


def _full(kind: str, paths: list[str], arguments: list[str]) -> None:
    """Some of the tests at full size, on both sides unless told otherwise: the tests read PROMPTHUB_TEST_FULL."""
    options, chosen = list(arguments), []
    if "--" in options:
        cut = options.index("--")
        options, chosen = options[:cut], options[cut + 1 :]
    variables = {"PROMPTHUB_TEST_FULL": kind}
    _python("-m", "tests.services.sides", *options, "--", *paths, *chosen, variables=variables)


def _generated() -> list[str]:
    """The pages that hold a table made by cog."""
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    return [str(page.relative_to(ROOT)) for page in pages if "[[[cog" in page.read_text(encoding="utf-8")]


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) < 65536:
        raise Failed(f"{name} must be a port number, 1 to 65535.")
    return int(value)


def _free(host: str, port: int, name: str) -> None:
    """Refuse to start when nobody can listen there, or somebody does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        # as in prompthub/management/commands/serve.py
        if isinstance(error, socket.gaierror) or error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise Failed(
                f"Cannot listen on {host} ({error.strerror}). Set PROMPTHUB_HOST to an address of this machine: "
                "PROMPTHUB_HOST=127.0.0.1 make run"
            ) from error
        other = port + 1 if port < 65535 else port - 1
        raise Failed(
            f"Cannot listen on {host}:{port} ({error.strerror}). Set {name} to a free port: {name}={other} make run"
        ) from error


def _unserved() -> None:
    """Refuse to work on a state directory that a server holds (prompthub/embedded.py, sole_server)."""
    if (os.environ.get("CELERY_BROKER_URL") or "memory:").startswith("memory:"):
        import fcntl  # noqa: PLC0415 - not everywhere

        folder = Path(os.environ.get("PROMPTHUB_STATE_DIR") or ROOT / ".state")
        try:
            with (folder / "server.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = (folder / "server.lock").read_text(encoding="utf-8").strip() or "unknown"
            raise Failed(
                f"PromptHub serves {folder} already (process {owner}). Stop it, or set PROMPTHUB_STATE_DIR to another "
                "directory."
            ) from error
        except OSError:
            pass  # no server was here yet; what else may be wrong is told by the commands


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(PYTHON), "manage.py", *arguments], cwd=ROOT, env=_variables())


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """End them politely, and with force what does not listen."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _interrupt(*_: object) -> NoReturn:
    """Ctrl-C and SIGTERM are one; a second one does not disturb the cleaning up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.exists():
            path.unlink()


def main(arguments: list[str]) -> int:
    """Run one command. Status: 0 all well, 1 failed, 2 no such command."""
    name = arguments[0] if arguments else "help"
    command = COMMANDS.get({"-h": "help", "--help": "help"}.get(name, name))
    if command is None:
        print(f"There is no command {name}.\n", file=sys.stderr)
        help_([])
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        command(arguments[1:])
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
