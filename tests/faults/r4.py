"""R4: every publish is posted ten times at once with the same ``Idempotency-Key``, to two servers."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.faults.rig import Rig, talk
from tests.faults.verdict import Measured, command

POSTS = 10
WRITERS = 3


@dataclass(frozen=True)
class Scale:
    """How many keys."""

    keys: int


FULL, SMALL = Scale(1_000), Scale(20)


@dataclass
class Posts:
    """What was answered: how many distinct answers each key got, and every status that was not 2xx."""

    answers: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


def run(database: str, seed: int, scale: Scale) -> Measured:
    """Each key has exactly one version, one audit event, and one delivery to each target; all its answers are one."""
    floor = f"{scale.keys} keys × {POSTS} parallel posts: exactly {scale.keys} versions, audits, deliveries per target"
    measured = Measured("R4", database, seed, floor)
    with Rig(database, seed=seed, chance=0.0, prompts=WRITERS, webs=2 if database == "postgres" else 1) as rig:
        prompts = sorted(rig.world["prompts"])
        posts, shares = Posts(), [scale.keys // WRITERS + (number < scale.keys % WRITERS) for number in range(WRITERS)]
        writers = [
            threading.Thread(target=_write, args=(rig, prompt, share, posts))
            for prompt, share in zip(prompts, shares, strict=True)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        rig.ask("drain")
        census = rig.ask("census")
    versions = {version for _, _, version, _ in census["publications"]}
    measured.require("keys", len(posts.answers), allowed=lambda count: count == scale.keys)
    measured.require("not 2xx", len(posts.refused))
    measured.require("keys with two answers", sum(count != 1 for count in posts.answers))
    exactly: Any = lambda count: count == scale.keys  # noqa: E731
    measured.require("versions", len(versions), allowed=exactly)
    measured.require("publications", len(census["publications"]), allowed=exactly)
    measured.require("audits", census["audited"], allowed=exactly)
    targets = len({(row[1], row[3]) for row in census["deliveries"]}) // len(prompts)
    asked_for = len(census["deliveries"]) - census["repeated"]
    measured.require("deliveries per target", asked_for / max(1, targets), allowed=exactly)
    return measured


def _write(rig: Rig, prompt: str, count: int, posts: Posts) -> None:
    headers = {"Authorization": f"Bearer {rig.world['token']}"}
    path = f"/prompt/instances/{prompt}"
    with ThreadPoolExecutor(POSTS) as pool:
        for number in range(count):
            draft = json.loads(talk(rig.web_ports[0], "GET", path, None, headers)[1])
            change = {"variables": {"text": f"text {number}"}, "revision": draft["revision"]}
            status, _ = talk(rig.web_ports[0], "PATCH", path, json.dumps(change), headers)
            assert status == 200, status
            key = headers | {"Idempotency-Key": str(uuid.uuid4())}
            found = list(
                pool.map(
                    lambda turn, key=key: talk(
                        rig.web_ports[turn % len(rig.web_ports)], "POST", f"{path}/publish", '{"confirm":true}', key
                    ),
                    range(POSTS),
                )
            )
            posts.refused += [status for status, _ in found if not 200 <= status < 300]
            posts.answers.append(len({json.dumps(json.loads(text), sort_keys=True) for _, text in found if text}))


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("sqlite", "postgres")))
