"""Rows for tests, made the way the product makes them: by its verbs, acting as the system.

Every ``make_…`` takes what matters to the test by keyword and thinks up the rest.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from tests.factories.account import make_actor, make_user
from tests.factories.audit_event import make_event, make_link
from tests.factories.client import make_client
from tests.factories.coach_session import make_coach_session
from tests.factories.delivery import make_attempt, make_delivery
from tests.factories.instance import make_instance
from tests.factories.instance_version import make_instance_version, make_publication
from tests.factories.project import make_project
from tests.factories.release import (
    make_bundle,
    make_inclusion,
    make_pin,
    make_release,
    make_release_mark,
    make_release_requirement,
    make_release_signature,
    make_repository_index,
)
from tests.factories.service_token import make_token
from tests.factories.suggestion import make_suggestion
from tests.factories.target import make_placement, make_target
from tests.factories.template_version import make_template_version

__all__ = [
    "make_actor",
    "make_attempt",
    "make_bundle",
    "make_client",
    "make_coach_session",
    "make_delivery",
    "make_event",
    "make_inclusion",
    "make_instance",
    "make_instance_version",
    "make_link",
    "make_pin",
    "make_placement",
    "make_project",
    "make_publication",
    "make_release",
    "make_release_mark",
    "make_release_requirement",
    "make_release_signature",
    "make_repository_index",
    "make_suggestion",
    "make_target",
    "make_template_version",
    "make_token",
    "make_user",
    "one_of",
]

_ROWS = {
    "AuditEvent": make_event,
    "AuditLink": make_link,
    "CoachSession": make_coach_session,
    "DeliveryAttempt": make_attempt,
    "Inclusion": make_inclusion,
    "InstanceVersion": make_instance_version,
    "Pin": make_pin,
    "Publication": make_publication,
    "Release": make_release,
    "ReleaseMark": make_release_mark,
    "ReleaseRequirement": make_release_requirement,
    "ReleaseSignature": make_release_signature,
    "RepositoryIndex": make_repository_index,
    "TemplateVersion": make_template_version,
}


def one_of(model: type[models.Model]) -> Any:
    """A row of a sealed or append-only model. Raises KeyError for a model that has no factory yet."""
    return model.objects.get(pk=_ROWS[model.__name__]().pk)
