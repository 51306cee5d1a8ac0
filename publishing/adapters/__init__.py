"""The providers PromptHub can deliver to, by name. A new one: a module here, a contract in ``contracts/adapters/``."""

from __future__ import annotations

from prompthub_kernel.errors import NotFound
from publishing.adapters.memory import Memory
from publishing.adapters.n8n import N8n
from publishing.adapters.retell import Retell
from publishing.adapters.webhook import Webhook
from publishing.ports import Adapter

REGISTRY: dict[str, Adapter] = {adapter.name: adapter for adapter in (N8n(), Retell(), Webhook(), Memory())}


def get(name: str) -> Adapter:
    """The adapter of that name. Raises ``404.not_found``."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise NotFound("404.not_found", "There is no adapter of that name.") from None
