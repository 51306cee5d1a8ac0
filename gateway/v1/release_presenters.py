"""Releases, plans and packs as the API shows them (``contracts/answers.schema.json``)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from foundation.clock import rfc3339
from gateway.v1.registry_presenters import Shown, release_name
from prompthub_kernel.bump import Change
from registry import lockfiles, packs, releases, standing
from registry.comparing import Comparison
from registry.models import Inclusion, Release, ReleaseMark
from registry.packs import Active, Pack, PackVersion
from registry.plans import Plan
from registry.releases import Cut


def release_line(row: Any) -> Shown:
    """A release (of ``releases.listing``) without what it holds."""
    return {
        "id": str(row.id),
        "address": str(row.bundle.address) + f"@{row.version}",
        "version": row.version,
        "variant": row.variant,
        "digest": row.digest,
        "created_at": rfc3339(row.created_at),
        "created_by": {"id": row.created_by, "label": row.created_by_label},
        "retired": row.retired,
        "yanked": row.yanked,
        "reverted": row.reverted,
    }


def release(row: Any) -> Shown:
    """A release: what it holds, what it needs, and what was said of it since."""
    columns = ("name", "template_version_id", "template_version__template__name", "template_version__label")
    needed = row.requirements.select_related("required__project", "resolved")
    return {
        **release_line(row),
        "notes": row.notes,
        "compatibility": row.compatibility,
        "prompts": [
            {
                "name": name,
                "digest": row.manifest["prompts"][name],
                "template_id": str(sealed),
                "template": template,
                "template_version": label,
            }
            for name, sealed, template, label in row.pins.order_by("name").values_list(*columns)
        ],
        "requirements": [
            {
                "bundle": str(one.required.address),
                "selector": one.selector,
                "release": release_name(one.resolved),
            }
            for one in needed
        ],
        "included": _included(standing.inclusions(row)),
        "marks": [_mark(one) for one in releases.marks(release=row)],
    }


def cut(done: Cut, told: Any) -> Shown:
    """A release; whether this call cut it, and what was said of those it is made with."""
    return {
        "created": done.created,
        "same_as": release_name(done.same_as),
        "release": release(told),
        "warnings": _warnings(done.goes_with),
    }


def marked(row: Release, mark: ReleaseMark) -> Shown:
    """What was said of a release."""
    return {"release": release_name(row), **_mark(mark)}


def plan(found: Plan) -> Shown:
    """What a cut would do."""
    return {
        "version": str(found.manifest.version),
        "digest": found.manifest.digest(),
        "enough": found.enough,
        "needed": str(found.needed),
        "lowest": None if found.lowest is None else str(found.lowest),
        "previous": release_name(found.previous),
        "next": release_name(found.above),
        "same_as": release_name(found.same_as),
        "changes": _changes(found.changes),
        "next_changes": _changes(found.leading),
        "prompts": dict(found.manifest.prompts),
        "chosen": {name: release_name(one) for name, one in found.chosen.items()},
        "warnings": _warnings(found.goes_with),
    }


def comparison(old: Release, new: Release, found: Comparison) -> Shown:
    """What is different between two releases."""
    return {
        "base": release_name(old),
        "release": release_name(new),
        "added": list(found.added),
        "removed": list(found.removed),
        "changed": list(found.changed),
        "requirements": {name: _pair(pair) for name, pair in found.requirements.items()},
        "compatibility": None if found.compatibility is None else _pair(found.compatibility),
        "needed": str(found.needed),
        "changes": _changes(found.changes),
    }


def dependant(row: Any) -> Shown:
    """A release (of ``dependencies.dependants``) that needs a bundle, or has texts of it in its own."""
    need = row.needs[0] if row.needs else None
    return {
        "bundle": str(row.bundle.address),
        "release": release_name(row),
        "selector": need and need.selector,
        "resolved": need and release_name(need.resolved),
        "included": _included(row.includes),
    }


def pack(found: Pack) -> Shown:
    """A pack, its releases and which of them each environment runs."""
    bundle = found.bundle
    return {
        "address": str(bundle.address),
        "project": bundle.project.slug,
        "slug": bundle.slug,
        "title": bundle.title,
        "versions": [_pack_version(one) for one in found.versions],
        "active": {
            packs.channel_name(environment=environment): version for environment, version in found.active.items()
        },
    }


def active_pack(address: str, found: Active) -> Shown:
    """The release that an environment runs."""
    row = found.release
    return {
        "pack": address,
        "environment": found.environment,
        "origin": found.origin,
        "release": release_name(row),
        "styles": list(packs.styles(names=row.manifest["prompts"])),
        "compatibility": row.compatibility,
        "warning": found.warning or None,
    }


def encoded(held: Mapping[str, bytes]) -> dict[str, str]:
    """Keys or signatures by the id of the key, in base64."""
    return {name: base64.b64encode(raw).decode() for name, raw in held.items()}


def _pack_version(one: PackVersion) -> Shown:
    return {
        "version": one.version,
        "digest": one.digest,
        "styles": list(one.styles),
        "compatibility": dict(one.compatibility),
        "created_at": rfc3339(one.created_at),
        "retired": ReleaseMark.Kind.RETIRE in one.marks,
        "yanked": ReleaseMark.Kind.YANK in one.marks,
    }


def _mark(row: ReleaseMark) -> Shown:
    return {
        "kind": row.kind,
        "reason": row.reason,
        "message": row.message,
        "at": rfc3339(row.at),
        "by": {"id": row.by, "label": row.by_label},
    }


def _warnings(rows: Iterable[Release]) -> list[Shown]:
    """What was said of releases that are used nevertheless."""
    used = {row.pk: row for row in rows}
    return [
        {
            "bundle": str(used[mark.release_id].bundle.address),
            "release": release_name(used[mark.release_id]),
            "code": lockfiles.WARNED[mark.kind],
            "reason": mark.reason,
            "message": mark.message,
        }
        for mark in standing.warnings(used.values())
    ]


def _included(rows: Iterable[Inclusion]) -> list[Shown]:
    """In which prompts which texts were put."""
    return [
        {"prompt": one.name, "address": f"{one.included.bundle.address}@{one.included.version}/{one.prompt}"}
        for one in rows
    ]


def _pair(pair: tuple[Any, Any]) -> Shown:
    return {"before": pair[0], "after": pair[1]}


def _changes(found: Iterable[Change]) -> list[Shown]:
    return [
        {
            "bump": str(one.bump),
            "pointer": one.reason.pointer,
            "code": one.reason.code,
            "detail": one.reason.detail,
        }
        for one in found
    ]
