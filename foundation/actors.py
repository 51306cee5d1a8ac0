"""Who acts. Every write verb takes ``by: Actor``; the audit stores it, the policy decides by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SYSTEM = "system"
"""The id of PromptHub itself, and of whoever sits at its command line."""


class ActorKind(StrEnum):
    """What acts: a person, a service with its token, or PromptHub itself."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind of actor
    SYSTEM = "system"


class Door(StrEnum):
    """Through which door the actor came."""

    API = "api"
    PORTAL = "portal"
    ADMIN = "admin"
    COMMAND = "command"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor with the limits it brings along.

    ``account`` is the Django user whose grants count (a token acts as its service account); ``scopes``,
    ``clients`` and ``projects`` narrow those grants further, None meaning "not narrowed". ``sight`` is what the
    request it came with may recall (``tenancy.access``); an actor without asks the database every time.
    ``expires_at`` is the end of the token it came with.
    """

    kind: ActorKind
    id: str
    label: str
    door: Door
    account: Any = field(default=None, repr=False, compare=False)
    scopes: frozenset[str] | None = None
    clients: frozenset[str] | None = None
    projects: frozenset[str] | None = None
    sight: Any = field(default=None, repr=False, compare=False)
    expires_at: datetime | None = field(default=None, compare=False)

    @property
    def is_system(self) -> bool:
        """Whether this is PromptHub itself, which needs no grant."""
        return self.kind is ActorKind.SYSTEM

    @property
    def is_superuser(self) -> bool:
        """Whether the account is an active administrator of the whole installation."""
        return self.account is not None and self.account.is_active and self.account.is_superuser


def system(door: Door = Door.WORKER) -> Actor:
    """PromptHub itself: the worker, a schedule, or a command of the operating system's administrator."""
    return Actor(kind=ActorKind.SYSTEM, id=SYSTEM, label="PromptHub", door=door)
