"""A provider that remembers everything it was sent, and fails on demand or by chance.

``POST /hook/<place>`` takes a webhook, ``GET /text/<place>`` tells what runs there. It knows two characters: where
the last write wins, whatever is taken runs, however old; a version-checking one refuses with 409 what is older
than what it has. Both take a message twice when it comes twice: that is what the ledger is there to tell.

In a test it is a thread (``with Provider() as provider``). For real faults it is a process of its own:
``python -m tests.faults.provider --port 8090 --chance 0.1 --seed 1``; then ``GET /ledger`` is its memory,
``POST /always`` sets how every webhook ends from now on, and ``POST /script/<place>`` how the next ones do.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import random
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.fakes.standin import Reply, Request, StandIn, _Connection, _Server

SECRET = "whsec_" + base64.b64encode(b"a secret for the fault tests").decode()
HANG_SECONDS = 30.0


@dataclass(frozen=True)
class Received:
    """One webhook. ``taken``: it changed what runs; ``ended``: how it was answered; ``at`` is this process's clock."""

    at: float
    place: str
    key: str
    instance: str
    ordinal: int
    digest: str
    taken: bool
    ended: str


class Provider(StandIn):
    """Places and what runs there."""

    def __init__(self, *, checks_versions: bool = False, chance: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        self.checks_versions = checks_versions
        self.chance = chance
        self.always: dict[str, Any] = {}
        self.texts: dict[str, dict[str, Any]] = {}
        self.ledger: list[Received] = []
        self.scripts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.reached: Callable[[], object] = lambda: None  # called when a webhook begins to hang
        self._random = random.Random(seed)

    def settings_for(self, place: str) -> dict[str, str]:
        """The settings of a webhook target that writes to a place and reads it back."""
        return {"url": f"{self.base_url}/hook/{place}", "read_url": f"{self.base_url}/text/{place}"}

    def script(self, place: str, *endings: dict[str, Any]) -> None:
        """How the next webhooks to a place end: ``{"status": 429, "headers": {…}}``, ``{"ends": "hang"}`` …"""
        self.scripts[place].extend(endings)

    def reply(self, request: Request) -> Reply:
        _, kind, *rest = request.path.split("/", 2)
        place = rest[0] if rest else ""
        if request.method == "GET":
            return self._told(kind, place)
        if kind == "hook":
            return self._received(request, place)
        asked = request.json()
        if kind == "always":
            self.always = asked
        else:
            self.script(place, *asked)
        return Reply(204)

    def _told(self, kind: str, place: str) -> Reply:
        with self.lock:
            if kind == "ledger":
                return Reply.of(200, [asdict(line) for line in self.ledger])
            held = self.texts.get(place)
        return Reply.of(200, {"text": held["text"] if held else "", "digest": held["digest"] if held else ""})

    def _received(self, request: Request, place: str) -> Reply:
        message = request.json()["data"]
        ending = self._ending(place)
        ends = ending.get("ends", "answer")
        status = int(ending.get("status", 200))
        taken = (ends in {"reset_after", "hang_after"}) or (ends == "answer" and 200 <= status < 300)
        with self.lock:
            held = self.texts.get(place)
            if taken and self.checks_versions and held and held["ordinal"] > message["ordinal"]:
                taken, status, ends = False, 409, "answer"
            if taken:
                self.texts[place] = message
            self.ledger.append(
                Received(
                    at=time.time(),
                    place=place,
                    key=request.headers["webhook-id"],
                    instance=message["instance_id"],
                    ordinal=message["ordinal"],
                    digest=digest(message["text"]),
                    taken=taken,
                    ended=str(status) if ends == "answer" else ends,
                )
            )
        if ends.startswith("hang"):
            self.reached()
            self._stopped.wait(float(ending.get("seconds", HANG_SECONDS)))
        if ends != "answer":
            raise ConnectionAbortedError
        return Reply.of(status, {"message": "as scripted"}, **ending.get("headers", {}))

    def _ending(self, place: str) -> dict[str, Any]:
        with self.lock:
            if self.scripts[place]:
                return self.scripts[place].pop(0)
            if self.always or self._random.random() >= self.chance:
                return self.always
            return self._random.choices(
                [
                    {"status": 503},
                    {"status": 429, "headers": {"Retry-After": "1"}},
                    {"status": 500},
                    {"ends": "reset_before"},
                    {"ends": "reset_after"},
                    {"ends": "hang_after", "seconds": 3},
                ],
                weights=[5, 2, 2, 2, 2, 1],
            )[0]

    def handle(self, request: Request) -> Reply | None:
        try:
            return super().handle(request)
        except ConnectionAbortedError:
            return None


def digest(text: str) -> str:
    """What the ledger keeps of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A provider of webhooks that fails by chance.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--chance", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checks-versions", action="store_true")
    chosen = parser.parse_args()
    provider = Provider(checks_versions=chosen.checks_versions, chance=chosen.chance, seed=chosen.seed)
    provider._server = _Server(("127.0.0.1", chosen.port), _Connection)
    provider._server.standin = provider
    threading.Thread(target=provider._server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{provider.base_url}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
