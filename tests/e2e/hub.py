"""The API, for what a browser test finds ready: prompts, targets, versions. By the demo world's token."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TEXT = "# Help desk of {{ company }}\n\nYou answer the phone for {{ company }}. Be {{ tone }}.\n"
ASKS = {
    "type": "object",
    "required": ["company"],
    "properties": {
        "company": {"type": "string", "minLength": 2, "description": "How the client is called"},
        "tone": {"type": "string", "enum": ["warm", "brisk"], "default": "warm"},
    },
}
SIGNING = {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@dataclass(frozen=True)
class Hub:
    """An administrator's program. ``provider`` is where the loopback provider listens."""

    url: str
    token: str
    provider: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; raises for anything but success."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=content, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def get(self, path: str) -> Any:
        """Read."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """Write."""
        return self.call("POST", path, body or {})

    def prompt(self, name: str, *, text: str = TEXT, asks: Any = ASKS, **values: Any) -> Prompt:
        """A prompt of Acme's with a template of its own, called by the first word."""
        return self._made(name, {"content_md": text, "variables_schema": asks}, {"company": "Acme", **values})

    def chat(self, name: str, *, before: list[Any], after: list[Any]) -> Prompt:
        """A conversation of Acme's whose template says ``before`` and whose draft says ``after``."""
        made = self._made(name, {"content_json": before, "format": "chat"}, {})
        self.call("PATCH", f"/api/v1/instances/{made.key}", {"revision": 1, "content_json": after})
        return made

    def _made(self, name: str, content: dict[str, Any], variables: dict[str, Any]) -> Prompt:
        template = {"name": name.split(maxsplit=1)[0], "version": "1", **content}
        key = self.post("/prompt/templates", template)["templateId"]
        body = {"client": "acme", "template_id": key, "name": name, "variables": variables}
        return Prompt(self, name, self.post("/prompt/instances", body)["instanceId"])


@dataclass(frozen=True)
class Prompt:
    """One prompt, known to the API by its ``key``."""

    hub: Hub
    name: str
    key: str

    @property
    def page(self) -> str:
        """Its address in the portal."""
        return f"/clients/acme/prompts/{self.key}/"

    def now(self) -> Any:
        """As the API tells it."""
        return self.hub.get(f"/api/v1/instances/{self.key}")

    def edit(self, **values: Any) -> None:
        """Change variables of the draft."""
        body = {"revision": self.now()["revision"], "variables": {"company": "Acme", **values}}
        self.hub.call("PATCH", f"/api/v1/instances/{self.key}", body)

    def publish(self, *, wait: bool = True, **more: Any) -> str:
        """Publish the draft and wait until every place has it; the version's key."""
        version: str = self.hub.post(f"/prompt/instances/{self.key}/publish{'?wait=true' * wait}", more)["versionId"]
        return version

    def goes_to(self, name: str, *, refuses_first: bool = False, fails: Sequence[str] = ()) -> None:
        """A new target of its own, and a place there. ``fails`` is how its first sends end."""
        if refuses_first or fails:
            memory = {"adapter": "memory", "settings": {"fail": [*fails] or ["refused"]}, "credentials": {}}
            self._placed({"name": name, **memory}, {"slot": self.key})
        else:
            settings = {"url": f"{self.hub.provider}/hook", "read_url": f"{self.hub.provider}/prompts/{{name}}"}
            self.placed(name, settings, {"name": self.name})

    def placed(self, name: str, settings: dict[str, Any], location: dict[str, Any]) -> str:
        """A new webhook target of its own, and a place there; the target's key."""
        return self._placed(
            {"name": name, "adapter": "webhook", "settings": settings, "credentials": SIGNING}, location
        )

    def _placed(self, target: dict[str, Any], location: dict[str, Any]) -> str:
        key: str = self.hub.post("/api/v1/clients/acme/targets", target)["id"]
        place = {"instance_id": self.key, "target_id": key, "location": location}
        self.hub.post("/api/v1/clients/acme/placements", place)
        return key

    def edited_there(self, text: str) -> None:
        """Somebody changes the text at the provider."""
        address = f"{self.hub.provider}/prompts/{quote(self.name, safe='')}"
        body = json.dumps({"text": text}).encode()
        request = urllib.request.Request(address, data=body, method="PUT", headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def held(self) -> str:
        """The text that the provider runs."""
        with urllib.request.urlopen(f"{self.hub.provider}/prompts/{self.name}", timeout=10) as answer:
            text: str = json.loads(answer.read())["text"]
        return text
