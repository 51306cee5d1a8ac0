"""Coach sessions: each keeps the version of its pack that it began with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from assist import coach
from assist.models import CoachSession
from foundation.clock import rfc3339
from gateway import resolved
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1.bundles import MISSING
from gateway.v1.channels import NO_CHANNEL
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.place import Place
from resolver.packs import PromptStack
from tenancy import projects
from tenancy.policy import Permission

READING = (
    MISSING,
    NO_CHANNEL,
    "400.address_invalid",
    "400.template_schema_invalid",
    "404.not_found",
    "404.prompt_not_found",
    "404.release_not_found",
    "410.gone",
    "422.style_unsupported",
    "422.variables_invalid",
)


class CoachSessions(Endpoint):
    """``/coach/sessions``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "start_coach_session",
        "Begin a coach session",
        {201: "CoachSession"},
        body="coach-session-start",
        problems=READING,
    )
    def post(self) -> Answer:
        """With the version that is active now, which the answer names and the session keeps."""
        name = self.body["pack"]
        started = coach.start_session(
            pack=BundleAddress.parse(name if name[0] == "@" else f"@{projects.LOCAL}/{name}", where=Place("/pack")),
            style=self.body.get("style"),
            values=self.body.get("variables"),
            key=self.body.get("key", ""),
            segments=self.body.get("segments", ()),
            by=self.actor,
            at=self.at,
        )
        return Answer(_session(started.session, started.stack), 201)


class OneCoachSession(Endpoint):
    """``/coach/sessions/{session_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_coach_session", "A coach session", {200: "CoachSession"}, problems=READING)
    def get(self, session_id: UUID) -> Answer:
        """With the texts it began with, whatever was activated since."""
        row = coach.get(key=session_id, actor=self.actor)
        return Answer(_session(row, coach.stack(session=row, actor=self.actor, at=self.at)))


def _session(row: CoachSession, stack: PromptStack) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "pack": str(stack.pack),
        "version": stack.version,
        "release": stack.release,
        "style": row.style or None,
        "compatibility": dict(stack.compatibility),
        "started_at": rfc3339(row.started_at),
        "started_by": {"id": row.started_by, "label": row.started_by_label},
        "system": resolved.prompt(stack.system),
        "style_prompt": None if stack.style is None else resolved.prompt(stack.style),
        "warnings": [{"code": one.code, "reason": one.reason, "message": one.message} for one in stack.warnings],
    }
