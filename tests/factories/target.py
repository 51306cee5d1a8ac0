"""Targets, and which prompt goes where in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instances.models import PromptInstance
from publishing import targets
from publishing.models import Placement, Target
from tenancy.models import Client
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.client import make_client
from tests.factories.instance import make_instance


def make_target(
    *,
    client: Client | None = None,
    name: str | None = None,
    adapter: str = "memory",
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, str] | None = None,
) -> Target:
    """A provider account; the in-memory one unless said otherwise (``settings={"fail": ["try_again"]}`` scripts it)."""
    return targets.create(
        client=client or make_client(),
        name=name or unique("target"),
        adapter=adapter,
        settings=settings or {},
        credentials=credentials or {},
        by=SYSTEM,
        at=AT,
    )


def make_placement(
    *,
    instance: PromptInstance | None = None,
    target: Target | None = None,
    location: Mapping[str, Any] | None = None,
) -> Placement:
    """A prompt in a place of a target of its client; a fresh slot unless said otherwise."""
    if instance is None:
        instance = make_instance(client=target.client if target else None)
    return targets.place(
        instance=instance,
        target=target or make_target(client=instance.client),
        location=location or {"slot": unique("slot")},
        by=SYSTEM,
        at=AT,
    )
