"""Two releases of a bundle, or a release and the draft: what is different between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompthub_kernel import bump, diffing
from prompthub_kernel.body import PromptBody
from prompthub_kernel.bump import Bump, Change
from prompthub_kernel.diffing import PromptDiff
from prompthub_kernel.errors import NotFound
from registry import plans
from registry.models import Pin, Release
from registry.plans import Plan


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came, went and changed: names of prompts, and selectors by bundle (before and after, None for neither).

    ``changes`` are those that callers may notice, with the step each asks for.
    """

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]
    requirements: Mapping[str, tuple[str | None, str | None]]
    compatibility: tuple[Any, Any] | None
    changes: Sequence[Change]

    @property
    def needed(self) -> Bump:
        """The step from the one to the other."""
        return bump.needed(self.changes)


def compare(*, old: Release, new: Release) -> Comparison:
    """From one release to another of the same bundle. Raises ``404.release_not_found`` for two of different ones."""
    if old.bundle_id != new.bundle_id:
        raise NotFound("404.release_not_found", "These are releases of different bundles.")
    changes = bump.changes(plans.prompts_of(release=old), plans.prompts_of(release=new))
    return _between(old.manifest, new.manifest, changes)


def compare_draft(*, plan: Plan) -> Comparison:
    """From the release that a plan is measured against to the plan; from nothing where there is none."""
    if plan.previous is None:
        return _between({"prompts": {}, "requires": {}, "compatibility": {}}, plan.manifest.to_json(), [])
    return _between(plan.previous.manifest, plan.manifest.to_json(), plan.changes)


def difference(*, old: Release | None, new: Release, name: str) -> PromptDiff:
    """How the text of one prompt differs; without ``old``, or where it has none of that name, all of it is new.

    Raises ``404.prompt_not_found`` when neither has it.
    """
    rows = Pin.objects.filter(release__in=[one for one in (old, new) if one is not None], name=name)
    bodies = {pin.release_id: pin.template_version.body for pin in rows.select_related("template_version")}
    before, after = (bodies.get(one.pk) if one is not None else None for one in (old, new))
    if before is None and after is None:
        raise NotFound("404.prompt_not_found", "Neither release has a prompt of that name.")
    return between(before=before, after=after)


def between(*, before: PromptBody | None, after: PromptBody | None) -> PromptDiff:
    """How two texts differ; None is no text. Documents are compared by their places, anything else by lines."""
    if before is not None and after is not None and before.text is None and after.text is None:
        return diffing.diff_document(old=before.document, new=after.document)
    return diffing.diff_text(old=before.source() if before else "", new=after.source() if after else "")


def _between(old: Mapping[str, Any], new: Mapping[str, Any], changes: Sequence[Change]) -> Comparison:
    was, now = old["prompts"], new["prompts"]
    needed = {
        name: (old["requires"].get(name), new["requires"].get(name)) for name in {**old["requires"], **new["requires"]}
    }
    goes_with = old["compatibility"], new["compatibility"]
    return Comparison(
        added=sorted(now.keys() - was.keys()),
        removed=sorted(was.keys() - now.keys()),
        changed=sorted(name for name in was.keys() & now.keys() if was[name] != now[name]),
        requirements={name: pair for name, pair in sorted(needed.items()) if pair[0] != pair[1]},
        compatibility=None if goes_with[0] == goes_with[1] else goes_with,
        changes=changes,
    )
