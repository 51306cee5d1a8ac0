"""Releases with texts in them, and channels that point at them, as rows: for tests of reading alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from foundation import broadcast
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.semver import SemVer
from registry import precedence, signing
from registry.models import Bundle, Channel, Pin, Release, ReleaseMark
from tests.factories.acting import AT, SYSTEM
from tests.factories.release import SIGNED
from tests.factories.template_version import make_template_version


def cut_release(
    bundle: Bundle,
    version: str = "1.0.0",
    texts: Mapping[str, str] | None = None,
    *,
    schema: Mapping[str, Any] | None = None,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
    compatibility: Mapping[str, Any] | None = None,
) -> Release:
    """A release with these texts; without any it has the prompt ``welcome``, which says its version.

    ``schema`` is that of the variables of every text, ``schemas`` by the name of a text.
    """
    found = SemVer.parse(version)
    with transaction.atomic():
        sealed = {
            name: make_template_version(
                project=bundle.project, content_md=text, variables_schema=(schemas or {}).get(name, schema)
            )
            for name, text in (texts or {"welcome": f"Welcome to {version}."}).items()
        }
        paper = Manifest(
            f"@{bundle.project.slug}/{bundle.slug}",
            found,
            {name: one.digest for name, one in sealed.items()},
            compatibility=compatibility or {},
        )
        release = Release.objects.create(
            bundle=bundle,
            version=version,
            number=version.partition("+")[0],
            precedence=precedence.of(found),
            variant=found.variant,
            pre_release=bool(found.pre),
            digest=paper.digest(),
            manifest=paper.to_json(),
            compatibility=dict(compatibility or {}),
            created_at=AT,
            created_by=SYSTEM.id,
            created_by_label=SYSTEM.label,
        )
        for name, one in sealed.items():
            Pin.objects.create(release=release, name=name, template_version=one)
        signing.sign_release(release=release, paper=paper, at=AT)
        broadcast.announce(topic="release", key=f"{bundle.id}/{version}")
    return release


def point(
    bundle: Bundle,
    name: str,
    release: Release | None,
    *,
    second: Release | None = None,
    percent: int | None = None,
    segments: Sequence[str] = (),
    told: bool = True,
) -> Channel:
    """A channel that points there, as an activation leaves it; unless ``told``, nobody is told that it moved."""
    with transaction.atomic():
        channel, _ = Channel.objects.get_or_create(
            bundle=bundle, name=name, defaults={"created_at": AT, "updated_at": AT}
        )
        channel.release, channel.split_release = release, second
        channel.split_percent, channel.split_segments = percent, list(segments)
        channel.last_ordinal += 1
        channel.save()
        if told:
            broadcast.announce(topic="channel", key=f"{bundle.id}/{name}")
    return channel


def mark(release: Release, kind: str, reason: str = "other", message: str = "") -> None:
    """Retire, yank or revert a release."""
    with transaction.atomic():
        ReleaseMark.objects.create(release=release, kind=kind, reason=reason, message=message, **SIGNED)
        broadcast.announce(topic="release", key=f"{release.bundle_id}/{release.version}")
