"""A receiver of Standard Webhooks that does what a careful one does: verify, tell repetitions, keep the newest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.fakes.standin import Reply, Request, StandIn


@dataclass
class Received:
    """What one message did. ``repeated``: a message with this id had been taken before."""

    message_id: str
    body: bytes
    repeated: bool
    document: dict[str, Any] = field(default_factory=dict)


class WebhookReceiver(StandIn):
    """``POST /hook`` takes messages signed with any of ``secrets`` within five minutes of now.

    ``GET /prompts/<name>`` tells what it holds.

    ``gone``: answer 410 to everything, as a receiver that wants no more. ``redirect``: answer 302 to there.
    """

    def __init__(self, *secrets: str) -> None:
        super().__init__()
        self.secrets = list(secrets)
        self.received: list[Received] = []
        self.texts: dict[str, dict[str, Any]] = {}
        self.gone = False
        self.redirect = ""

    @property
    def url(self) -> str:
        return f"{self.base_url}/hook"

    def reply(self, request: Request) -> Reply:
        if self.gone:
            return Reply.of(410, {"message": "No more, thank you."})
        if self.redirect:
            return Reply(302, headers={"Location": self.redirect})
        name = request.path.removeprefix("/prompts/")
        if request.method == "GET":
            held = self.texts.get(name)
            return Reply.of(200, held) if held else Reply.of(404, {"message": "No such prompt."})
        if not self._verified(request):
            return Reply.of(401, {"message": "The signature does not fit."})
        with self.lock:
            return self._take(request)

    def _verified(self, request: Request) -> bool:
        for secret in self.secrets:
            try:
                Webhook(secret).verify(request.body, dict(request.headers))
            except WebhookVerificationError:
                continue
            return True
        return False

    def _take(self, request: Request) -> Reply:
        message_id = request.headers["webhook-id"]
        repeated = any(one.message_id == message_id for one in self.received)
        document = json.loads(request.body)
        self.received.append(Received(message_id, request.body, repeated, document))
        if not repeated:
            held = self.texts.get(document["data"]["name"], {"ordinal": 0})
            if document["data"]["ordinal"] > held["ordinal"]:
                self.texts[document["data"]["name"]] = document["data"]
        return Reply(204)
