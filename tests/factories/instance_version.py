"""Sealed versions of clients' prompts, and the publications that made them active."""

from __future__ import annotations

from django.db import transaction

from instances import drafts, versions
from instances.models import InstanceVersion, PromptInstance, Publication
from tests.factories.acting import AT, SYSTEM
from tests.factories.instance import make_instance


def make_instance_version(*, instance: PromptInstance | None = None) -> InstanceVersion:
    """The draft, sealed; nothing is active by it."""
    with transaction.atomic():
        return versions.seal(instance=drafts.locked(instance=instance or make_instance()), by=SYSTEM, at=AT)


def make_publication(*, version: InstanceVersion | None = None, reason: str = "for a test") -> Publication:
    """The version, made active; no delivery is laid down."""
    version = version or make_instance_version()
    with transaction.atomic():
        row = drafts.locked(instance=version.instance)
        return versions.activate(instance=row, version=version, reason=reason, by=SYSTEM, at=AT)
