"""A small assistant in n8n: a webhook, an AI agent with a system message, and a Set node with three values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from publishing.ports import Remote
from tests.fakes.n8n_server import FULL_KEY, Flow, N8nServer
from tests.fakes.wire import LoopbackWire, plain

AGENT, SET, WEBHOOK = "agent-1", "set-1", "hook-1"


def assistant(system_message: str | None = "You help.", *, path: str = "ask") -> list[dict[str, Any]]:
    options = {"maxIterations": 5} | ({} if system_message is None else {"systemMessage": system_message})
    rows = [
        {"id": "a", "name": "tone", "type": "string", "value": "calm"},
        {"id": "b", "name": "computed", "type": "string", "value": "={{ 1+1 }}"},
        {"id": "c", "name": "prompt", "type": "string", "value": "Say hello."},
    ]
    return [
        {"id": WEBHOOK, "name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2.1, "position": [0, 0],
         "parameters": {"path": path, "httpMethod": "POST"}, "webhookId": "w"},
        {"id": AGENT, "name": "AI Agent", "type": "@n8n/n8n-nodes-langchain.agent", "typeVersion": 3.1,
         "position": [200, 0], "parameters": {"text": "={{ $json.body.question }}", "options": options}},
        {"id": SET, "name": "Edit Fields", "type": "n8n-nodes-base.set", "typeVersion": 3.4, "position": [400, 0],
         "parameters": {"assignments": {"assignments": rows}, "includeOtherFields": True}},
    ]  # fmt: skip


def place(
    server: N8nServer,
    flow: Flow,
    *,
    key: str = FULL_KEY,
    node: str = AGENT,
    path: str = "options.systemMessage",
    **more: Any,
) -> Remote:
    location = {"workflow_id": flow.id, "node_id": node, "parameter_path": path, **more}
    return Remote({"base_url": server.base_url}, {"api_key": key}, location)


def message(nodes: list[dict[str, Any]]) -> str | None:
    """The system message stored in ``nodes``."""
    options: dict[str, Any] = next(node for node in nodes if node["id"] == AGENT)["parameters"]["options"]
    return options.get("systemMessage")


def say(text: str) -> Callable[[list[dict[str, Any]]], None]:
    """An edit, for ``N8nServer.edit``, that stores ``text`` as the system message."""

    def change(nodes: list[dict[str, Any]]) -> None:
        next(node for node in nodes if node["id"] == AGENT)["parameters"]["options"]["systemMessage"] = text

    return change


def used(server: N8nServer, node: str = AGENT) -> Any:
    """What the node gets when the workflow runs."""
    answer = plain(LoopbackWire(server.address), "POST", f"{server.base_url}/webhook/ask", {})
    return json.loads(answer.content)[node]


def writes(server: N8nServer) -> list[tuple[str, str]]:
    """Methods and last steps of the requests that may have changed something."""
    return [(one.method, one.path.rpartition("/")[2]) for one in server.requests if one.method != "GET"]
