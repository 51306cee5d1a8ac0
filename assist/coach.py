"""Sessions of a coach: each keeps the release of its pack from beginning to end, whatever is activated meanwhile."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from assist.models import CoachSession
from audit import events
from audit.actions import Action
from foundation import correlation
from foundation.actors import Actor
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import NotFound
from prompthub_kernel.selector import Exact
from prompthub_kernel.semver import SemVer
from registry import releases
from resolver import packs
from resolver.packs import PromptStack
from tenancy import policy, projects
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class Started:
    """A session, and the prompts it begins with."""

    session: CoachSession
    stack: PromptStack


def start_session(
    *,
    pack: BundleAddress,
    by: Actor,
    at: datetime,
    style: str | None = None,
    values: Mapping[str, Any] | None = None,
    key: str = "",
    segments: Collection[str] = (),
) -> Started:
    """Begin a session with what is active, or what the address selects; the stack says exactly which release that is.

    ``key`` and ``segments`` say whom the coach is for: of a release that is rolled out in part, the same key gets the
    same, and who is in one of its segments gets it. Raises what :func:`resolver.packs.stack` raises.
    """
    project = projects.get(key=pack.repository, actor=by)
    policy.require(by, Permission.VIEW, project)
    stack = packs.stack(pack=pack, style=style, values=values, actor=by, at=at, key=key, segments=segments)
    release = releases.find(key=stack.id, actor=by)
    with transaction.atomic():
        session = CoachSession.objects.create(
            release=release,
            style=style or "",
            started_at=at,
            started_by=by.id,
            started_by_label=by.label,
            correlation_id=correlation.current(),
        )
        events.record(
            action=Action.COACH_SESSION_START,
            subject=events.Subject(
                kind="coach_session", id=str(session.pk), label=str(stack.pack), project_id=project.pk
            ),
            by=by,
            at=at,
            metadata={"release": str(release.pk), "digest": stack.release, "style": session.style},
        )
    return Started(session, stack)


def get(*, key: uuid.UUID | str, actor: Actor) -> CoachSession:
    """A session by id, as far as the actor may see the project of its pack; ``404.not_found`` otherwise."""
    found: CoachSession | None = CoachSession.objects.select_related("release__bundle__project").filter(pk=key).first()
    if found is None or not policy.can(actor, Permission.VIEW, found.release.bundle.project):
        raise NotFound("404.not_found", "No such session.")
    return found


def stack(*, session: CoachSession, actor: Actor, at: datetime, values: Mapping[str, Any] | None = None) -> PromptStack:
    """The prompts of a session: those of the release it began with. Raises ``410.gone`` when that was taken back."""
    bundle = session.release.bundle
    exact = BundleAddress(bundle.project.slug, bundle.slug, Exact(SemVer.parse(session.release.version)))
    return packs.stack(pack=exact, style=session.style or None, values=values, actor=actor, at=at)
