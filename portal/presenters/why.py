"""Why a reader gets the text it gets: the steps that were tried, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.presenters import previewing
from portal.presenters.previewing import Preview
from portal.presenters.words import State
from prompthub_kernel.errors import NotFound
from prompthub_kernel.resolution import Origin, Tried
from prompthub_kernel.variables import VariablesSchema
from resolver.resolve import Explanation
from resolver.steps import Hit

STEPS: dict[str, str | Promise] = {
    "registry_address": _("The release that the address means"),
    "client_instance": _("The client's own prompt"),
    "category_default": _("The installation's default for the category"),
    "global_default": _("The installation's default for everything else"),
    "builtin": _("What is shipped with PromptHub"),
}
"""By the name of the step; a test holds them against those of the resolver."""
ORIGIN: dict[str, State] = {
    Origin.INSTANCE: State(_("the client's own"), "good", _("Published for this client.")),
    Origin.REGISTRY: State(_("a release"), "good", _("Sealed in a release of a bundle.")),
    Origin.EXTERNAL: State(_("a repository"), "note", _("Lives in a repository outside.")),
    Origin.DEFAULT: State(_("a default"), "warn", _("Stands in: the client has no such prompt.")),
    Origin.BUILTIN: State(_("shipped"), "warn", _("Stands in: nothing else was there.")),
}


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step: what it looks for, whether it had the text, and why not."""

    label: str | Promise
    hit: bool
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the text came from; ``preview`` is the text, None of one that is shown as it was written (``source``)."""

    steps: Sequence[StepLine]
    hit: Hit | None
    origin: State | None
    preview: Preview | None
    source: str
    variables: Sequence[str]
    error: NotFound | None


def answer(explained: Explanation) -> Answer:
    """An explanation as the page shows it."""
    hit = explained.found
    preview = None
    if hit is not None and hit.rendered is not None and hit.body is not None:
        preview = previewing.shown(rendered=hit.rendered, format=hit.body.format)
    return Answer(
        steps=[_step(one) for one in explained.trail],
        hit=hit,
        origin=ORIGIN[hit.origin] if hit is not None else None,
        preview=preview,
        source=hit.body.source() if hit is not None and hit.body is not None and preview is None else "",
        variables=sorted(VariablesSchema.parse(dict(hit.variables)).names) if hit and hit.variables else (),
        error=explained.error if hit is None else None,
    )


def _step(tried: Tried) -> StepLine:
    code, colon, reason = tried.reason.partition(": ")
    return StepLine(STEPS.get(tried.step, tried.step), tried.hit, code if colon else "", reason or tried.reason)
