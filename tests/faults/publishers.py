"""Programs that publish through the API and do not give up: what was acknowledged to them must never be lost."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.provider import digest
from tests.faults.rig import Rig, talk

PATIENCE = 180.0


@dataclass(frozen=True)
class Acknowledged:
    """A publish that was answered with 2xx. ``at`` is when, by this machine's clock."""

    instance: str
    ordinal: int
    version: str
    digest: str
    at: float


@dataclass
class Publishers:
    """So many threads, each with prompts of its own, that publish ``count`` texts in all. ``done`` counts them."""

    rig: Rig
    count: int
    threads: int = 4
    pace: float = 0.0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._given = 0
        prompts = sorted(self.rig.world["prompts"])
        self.threads = min(self.threads, len(prompts))
        self._threads = [
            threading.Thread(target=self._run, args=(number, prompts[number :: self.threads]), daemon=True)
            for number in range(self.threads)
        ]

    @property
    def done(self) -> int:
        """How many were acknowledged."""
        return len(self.acknowledged)

    @property
    def running(self) -> bool:
        """Whether any is left to be published."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait for the last acknowledgement. Raises what a thread stumbled over."""
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _run(self, number: int, prompts: list[str]) -> None:
        dice = random.Random(f"{self.rig.seed} {number}")
        port = self.rig.web_ports[number % len(self.rig.web_ports)]
        try:
            while self._next():
                prompt = dice.choice(prompts)
                text = f"{uuid.UUID(int=dice.getrandbits(128))} {'word ' * dice.randrange(400)}end"
                self._write(port, prompt, text)
                self._publish(port, prompt, text)
                time.sleep(self.pace)
        except BaseException as failure:  # noqa: BLE001 - told by finish()
            self.failures.append(failure)

    def _next(self) -> bool:
        with self._lock:
            self._given += 1
            return self._given <= self.count

    def _write(self, port: int, prompt: str, text: str) -> None:
        """Put the text into the draft; a lost answer is found out by reading again."""
        path = f"/prompt/instances/{prompt}"
        draft = self._ask(port, "GET", path)
        while draft["variables"].get("text") != text:
            change = {"variables": {"text": text}, "revision": draft["revision"]}
            status, _ = self._once(port, "PATCH", path, change)
            if status != 200:
                draft = self._ask(port, "GET", path)
            else:
                return

    def _publish(self, port: int, prompt: str, text: str) -> None:
        done = self._ask(port, "POST", f"/prompt/instances/{prompt}/publish", {"confirm": True}, key=str(uuid.uuid4()))
        ordinal = done["publication"]["ordinal"]
        self.acknowledged.append(Acknowledged(prompt, ordinal, done["versionId"], digest(text), time.time()))

    def _ask(self, port: int, method: str, path: str, body: Any = None, *, key: str = "") -> dict[str, Any]:
        """Ask until it is answered with 2xx; a POST always with the same key."""
        until = time.monotonic() + PATIENCE
        while True:
            status, text = self._once(port, method, path, body, key=key)
            if 200 <= status < 300:
                found: dict[str, Any] = json.loads(text)
                return found
            if status not in {0, 409, 429, 503} or time.monotonic() > until:
                raise AssertionError(f"{method} {path} was answered with {status}: {text[:500]}")
            time.sleep(0.1)

    def _once(self, port: int, method: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.rig.world['token']}"} | ({"Idempotency-Key": key} if key else {})
        began = time.monotonic()
        status, text = talk(port, method, path, None if body is None else json.dumps(body), headers)
        with self._lock:
            self.answers[status] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            if not 200 <= status < 300:
                self.refusals[f"{method} {code_of(text)}"] += 1
        return status, text


def code_of(text: str) -> str:
    """The code of a problem, as far as it is one."""
    try:
        return str(json.loads(text)["code"])
    except (ValueError, KeyError, TypeError):
        return "no answer" if not text else "no problem document"
