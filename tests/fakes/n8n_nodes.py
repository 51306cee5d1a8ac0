"""The nodes of a small assistant: a webhook, an AI agent with a system message, and a Set node with three values."""

from __future__ import annotations

from typing import Any

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
