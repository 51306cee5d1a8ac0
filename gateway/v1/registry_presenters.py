"""Bundles, releases and channels as the API shows them (``contracts/answers.schema.json``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from foundation.clock import rfc3339
from prompthub_kernel.address import BundleAddress
from registry import bundles
from registry.channels import Moved
from registry.models import Activation, Bundle, Channel, Release

Shown = dict[str, Any]


def _when(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def bundle_line(row: Any, project: str) -> Shown:
    """A bundle, or what is read of it for a listing, without its draft; ``project`` is the slug."""
    return {
        "address": str(BundleAddress(project, row.slug)),
        "project": project,
        "slug": row.slug,
        "title": row.title,
        "kind": row.kind,
        "revision": row.revision,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def bundle(row: Bundle) -> Shown:
    """A bundle and the draft of its next release."""
    return {
        **bundle_line(row, row.project.slug),
        "description": row.description,
        "compatibility": row.compatibility,
        "members": [{"name": one.name, "template": one.template.name} for one in bundles.members(bundle=row)],
        "requirements": {name: str(selector) for name, selector in bundles.requirements(bundle=row).items()},
    }


def release_name(row: Release | None) -> Shown | None:
    """A release, by its version and its passport."""
    return None if row is None else {"id": str(row.id), "version": row.version, "digest": row.digest}


def channel(row: Channel) -> Shown:
    """A name that moves, and where it points."""
    return {
        "id": str(row.id),
        "address": f"{row.bundle.address}@{row.name}",
        "name": row.name,
        "policy": row.policy,
        "release": release_name(row.release),
        "split": _split(row),
        "ordinal": row.last_ordinal,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


def activation(row: Activation) -> Shown:
    """A move of a channel: made, waiting or refused."""
    decided = {"id": row.decided_by, "label": row.decided_by_label} if row.decided_by else None
    return {
        "id": str(row.id),
        "channel": f"{row.channel.bundle.address}@{row.channel.name}",
        "state": row.state,
        "ordinal": row.ordinal,
        "revision": row.revision,
        "release": release_name(row.release),
        "split": _split(row),
        "previous": release_name(row.previous),
        "policy": row.policy,
        "reason": row.reason,
        "at": rfc3339(row.at),
        "by": {"id": row.by, "label": row.by_label},
        "due_at": _when(row.due_at),
        "active_at": _when(row.active_at),
        "decided_at": _when(row.decided_at),
        "decided_by": decided,
        "comment": row.comment or None,
        "error_code": row.error_code or None,
        "error_detail": row.error_detail or None,
        "correlation_id": row.correlation_id,
    }


def moved(done: Moved) -> Shown:
    """What a move came to."""
    return {
        "channel": channel(done.channel),
        "activation": activation(done.activation),
        "changed": done.changed,
        "warnings": list(done.warnings),
    }


def _split(row: Channel | Activation) -> Shown | None:
    if row.split_release is None:
        return None
    return {
        "release": release_name(row.split_release),
        "percent": row.split_percent,
        "segments": row.split_segments,
    }
