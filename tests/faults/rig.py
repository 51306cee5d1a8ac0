"""A whole installation in real processes, to be killed, paused and cut off.

The embedded edition is one ``manage.py serve`` on SQLite; the large one is PostgreSQL, Redis, web servers, Celery
workers and beat by the commands of docker-compose.yml. Two providers stand beside it: at one the last write wins,
the other checks versions. All timing is short, so that a lease ends within seconds.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
from redis import Redis as RedisClient
from redis.exceptions import RedisError

from tests.services import Postgres, Redis, free_port, postgres, redis

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 2.5
TIMING = {
    "PROMPTHUB_CALL_SECONDS": "1.5",
    "PROMPTHUB_LEASE_SECONDS": str(LEASE_SECONDS),
    "PROMPTHUB_SWEEP_SECONDS": "0.2",
    "PROMPTHUB_BACKOFF_BASE_SECONDS": "0.05",
    "PROMPTHUB_BACKOFF_CAP_SECONDS": "1",
    "PROMPTHUB_BREAKER_SECONDS": "1",
}
START_SECONDS = 60.0
SERVE = ["manage.py", "serve"]
WORKER = ["-m", "celery", "-A", "prompthub", "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
POOLS = {"threads": ["--pool", "threads", "--concurrency", "16"], "prefork": ["--concurrency", "3"]}
BEAT = ["-m", "celery", "-A", "prompthub", "beat", "--loglevel", "WARNING", "--scheduler", "celery.beat:Scheduler"]


class Part:
    """One process of the installation, in a group of its own, started again when it ended (``revive``)."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.started = 0
        self.groups: list[int] = []
        self._command = [sys.executable, *command]
        self._environment = environment
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self.groups.append(self.process.pid)
        self.started += 1

    def revive(self) -> None:
        """What a supervisor does."""
        if self.process.poll() is not None:
            self.start()

    def children(self) -> list[int]:
        """The processes it has started and that still run."""
        pid = self.process.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def signal(self, number: signal.Signals, *, alone: bool = False) -> None:
        """Send a signal to its group, or to the main process alone."""
        with suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(self.process.pid, number)

    def end(self) -> None:
        """Kill it, and whatever earlier kills of it left behind."""
        for group in self.groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self.process.wait()


class Rig:
    """Use as a context manager: everything runs inside the block, and nothing after it.

    :param database: ``sqlite`` (embedded edition) or ``postgres``.
    :param workers: the pool of each; threads is what docker-compose.yml has, prefork has children to be killed.
    :param supervised: whether parts that end are started again.
    """

    def __init__(
        self,
        database: str,
        *,
        seed: int = 0,
        chance: float = 0.1,
        prompts: int = 10,
        webs: int = 1,
        workers: tuple[str, ...] = ("threads", "prefork"),
        supervised: bool = True,
    ) -> None:
        self.database = database
        self.seed, self.chance, self.prompts = seed, chance, prompts
        self.parts: dict[str, Part] = {}
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self._webs = webs
        self._workers = workers if database == "postgres" else ()
        self._supervised = supervised
        self._pauses: list[threading.Timer] = []
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prompthub-faults-")))
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    # ── what it is asked ──

    def ask(self, question: str, **options: Any) -> dict[str, Any]:
        """An answer of ``tests.faults.inside``."""
        command = [sys.executable, "-m", "tests.faults.inside", question]
        for name, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                command += [f"--{name}", str(one)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def ledger(self, provider: int) -> list[dict[str, Any]]:
        """What a provider received, oldest first."""
        found: list[dict[str, Any]] = json.loads(talk(self.provider_ports[provider], "GET", "/ledger")[1])
        return found

    def runs(self, provider: int, place: str) -> str:
        """The text that runs at a place."""
        return str(json.loads(talk(self.provider_ports[provider], "GET", f"/text/{place}")[1])["text"])

    def tell(self, provider: int, what: str, document: Any) -> None:
        """Change how a provider behaves: ``always`` or ``script/<place>``."""
        talk(self.provider_ports[provider], "POST", f"/{what}", json.dumps(document))

    def tails(self) -> str:
        """The end of every log, for a run that failed."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"── {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    # ── what is done to it ──

    def those(self, kind: str) -> list[Part]:
        """The parts of a kind."""
        return [part for name, part in self.parts.items() if name.startswith(kind)]

    def pause(self, part: Part, seconds: float) -> None:
        """Stop a part's whole group for a while; returns at once."""
        group = part.process.pid
        part.signal(signal.SIGSTOP)

        def go_on() -> None:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)

        pause = threading.Timer(seconds, go_on)
        self._pauses.append(pause)
        pause.start()

    def await_pauses(self) -> None:
        """Wait until everybody who was paused goes on."""
        for pause in self._pauses:
            pause.join()

    def kill_backends(self, *, most: int = 3) -> None:
        """End connections to PostgreSQL from its side."""
        assert self.postgres
        with suppress(psycopg.Error), psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prompthub' "
                "AND pid <> pg_backend_pid() ORDER BY random() LIMIT %s",
                [most],
            )

    def lose_redis(self, seconds: float) -> None:
        """Shut Redis down with everything in it, and start an empty one after a while."""
        assert self.redis
        with suppress(RedisError), RedisClient.from_url(self.redis.url) as client:
            client.shutdown(nosave=True)
        self.redis.kill()
        time.sleep(seconds)
        self.redis.start()

    def crash_postgres(self, seconds: float) -> None:
        """Stop PostgreSQL as a crash would, and start it again after a while."""
        assert self.postgres
        self.postgres.stop("immediate")
        time.sleep(seconds)
        self.postgres.start()

    # ── the parts ──

    def _start(self, stack: ExitStack) -> None:
        here = Path(sys.executable).parent
        self.provider_ports = [free_port(), free_port()]
        self.web_ports = [free_port() for _ in range(self._webs)]
        self.environment = {
            "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "prompthub.settings",
            "PROMPTHUB_HTTPS": "0",
            "PROMPTHUB_API_RATE": "100000000/min",
            "PROMPTHUB_LOG_LEVEL": "WARNING",
            "PROMPTHUB_STATE_DIR": str(self.folder / "state"),
            "PROMPTHUB_SECRET_KEY": secrets.token_urlsafe(50),
            "PROMPTHUB_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "PROMPTHUB_EGRESS_ALLOW": ",".join(f"127.0.0.1:{port}" for port in self.provider_ports),
            **TIMING,
        }
        if self.database == "postgres":
            self.postgres = stack.enter_context(postgres())
            self.redis = stack.enter_context(redis())
            self.environment["DATABASE_URL"] = self.postgres.url
            self.environment["CELERY_BROKER_URL"] = self.environment["REDIS_URL"] = self.redis.url
        stack.callback(self._end)  # parts end before the servers and the folder they use
        self._must("manage.py", "migrate", "--no-input", "--verbosity", "0")
        for number, port in enumerate(self.provider_ports):
            self._provider(number, port)
        self.world = self.ask("found", provider=self._addresses(), prompts=self.prompts)
        for number, port in enumerate(self.web_ports):
            self._part(f"web-{number}", SERVE, PROMPTHUB_PORT=str(port))
        for number, pool in enumerate(self._workers):
            name = f"worker-{number}"
            self._part(name, [*WORKER, *POOLS[pool], "--hostname", f"{name}@rig"])
        if self.database == "postgres":
            self._part("beat", BEAT)
        for port in (*self.provider_ports, *self.web_ports):
            self.await_port(port)
        if self._supervised:
            self._supervisor.start()

    def _addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.provider_ports]

    def _provider(self, number: int, port: int) -> None:
        command = ["-m", "tests.faults.provider", "--port", str(port), "--chance", str(self.chance)]
        command += ["--seed", str(self.seed + number), *(["--checks-versions"] if number else [])]
        self._part(f"provider-{number}", command)

    def _part(self, name: str, command: list[str], **variables: str) -> None:
        self.parts[name] = Part(name, command, self.environment | variables, self.folder / f"{name}.log")

    def _must(self, *command: str) -> None:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])

    def await_port(self, port: int) -> None:
        """Wait until a server of the rig answers. Raises RuntimeError with the ends of the logs when it does not."""
        until = time.monotonic() + START_SECONDS
        while not talk(port, "GET", "/healthz")[0]:
            if time.monotonic() > until:
                raise RuntimeError(f"no answer at port {port}\n{self.tails()}")
            time.sleep(0.05)

    def _supervise(self) -> None:
        while not self._ending.wait(0.1):
            for part in self.parts.values():
                part.revive()

    def _end(self) -> None:
        self._ending.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        for part in self.parts.values():
            part.end()


def talk(
    port: int,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 30,
) -> tuple[int, str]:
    """One request to the loopback; status 0 when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        given = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, given | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
