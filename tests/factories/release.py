"""Bundles, their releases, and what is said of those."""

from __future__ import annotations

from prompthub_kernel.semver import SemVer
from registry import precedence
from registry.models import (
    Bundle,
    Inclusion,
    Pin,
    Release,
    ReleaseMark,
    ReleaseRequirement,
    ReleaseSignature,
    RepositoryIndex,
    SigningKey,
)
from tenancy.models import Project
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.project import make_project
from tests.factories.template_version import make_template_version

DIGEST = "sha256:" + 64 * "0"
SIGNED = {"by": SYSTEM.id, "by_label": SYSTEM.label, "at": AT}


def make_bundle(*, project: Project | None = None, slug: str | None = None, kind: str = "set") -> Bundle:
    """A bundle without prompts."""
    slug = slug or unique("bundle")
    return Bundle.objects.create(
        project=project or make_project(), slug=slug, title=slug, kind=kind, created_at=AT, updated_at=AT
    )


def make_release(*, bundle: Bundle | None = None, version: str = "1.0.0") -> Release:
    """A release without prompts."""
    found = SemVer.parse(version)
    return Release.objects.create(
        bundle=bundle or make_bundle(),
        version=version,
        number=version.partition("+")[0],
        precedence=precedence.of(found),
        variant=found.variant,
        pre_release=bool(found.pre),
        digest=DIGEST,
        manifest={},
        compatibility={},
        created_at=AT,
        created_by=SYSTEM.id,
        created_by_label=SYSTEM.label,
    )


def make_pin(*, release: Release | None = None, name: str = "welcome") -> Pin:
    """A prompt of a release."""
    return Pin.objects.create(release=release or make_release(), name=name, template_version=make_template_version())


def make_release_requirement() -> ReleaseRequirement:
    """A release that needs another."""
    needed = make_release()
    return ReleaseRequirement.objects.create(
        release=make_release(), required=needed.bundle, selector="^1.0", resolved=needed
    )


def make_inclusion() -> Inclusion:
    """A release that has a text of another in one of its prompts."""
    return Inclusion.objects.create(release=make_release(), name="welcome", included=make_release(), prompt="style")


def make_release_mark(*, release: Release | None = None, kind: str = "retire", reason: str = "other") -> ReleaseMark:
    """A release that was retired."""
    return ReleaseMark.objects.create(
        release=release or make_release(), kind=kind, reason=reason, message="for a test", **SIGNED
    )


def make_release_signature() -> ReleaseSignature:
    """A signature that vouches for nothing."""
    key = SigningKey.objects.create(id=unique("ed25519:"), public="AA==", created_at=AT)
    return ReleaseSignature.objects.create(release=make_release(), key=key, signature="AA==", at=AT)


def make_repository_index() -> RepositoryIndex:
    """An index of nothing."""
    return RepositoryIndex.objects.create(
        project=make_project(), counter=1, digest=DIGEST, document={}, signatures={}, made_at=AT, expires_at=AT
    )
