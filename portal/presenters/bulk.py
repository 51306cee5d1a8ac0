"""What became of one prompt of several: a word, the reasons in whole sentences, and where to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.presenters.progress import Progress
from portal.presenters.prompts import PromptLine
from portal.sentences import said
from prompthub_kernel.errors import PromptHubError
from publishing.publish import Published
from publishing.states import DeliveryState

DONE, SAME, REFUSED = "done", "same", "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kind``: done, same (nothing had to be done) or refused, which is what is counted.

    ``link`` leads to where it can be followed or mended, in the words of ``link_label``. ``again`` is where the row
    looks again by itself while deliveries are under way, every ``wait`` seconds.
    """

    kind: str
    tone: str
    label: str
    reasons: tuple[str, ...] = ()
    link: str = ""
    link_label: str = ""
    again: str = ""
    wait: int = 0


def refused(*, error: PromptHubError, line: PromptLine, verb: str) -> Outcome:
    """Why it was not done, each problem with what it is about, and the page where that is mended."""
    targets = {str(place.placement.target_id): place.placement.target.name for place in line.places}
    problems = [
        f"{name}: {said(one.detail)}" if (name := _about(one.pointer, targets)) else said(one.detail)
        for one in error.problems
    ]
    page = "portal:publish" if verb == "publish" else "portal:prompt"
    if error.code in {"409.archived", "422.variables_invalid"}:
        page = "portal:prompt"
    return Outcome(
        REFUSED,
        "bad",
        _("refused"),
        (said(error.detail), *problems),
        link=reverse(page, args=[line.instance.client.slug, line.instance.pk]),
        link_label=_("Look at it"),
    )


def archived() -> Outcome:
    """It is out of use."""
    return Outcome(DONE, "good", _("archived"), (_("What providers run stays as it is."),))


def unchanged(*, done: Published, here: str, reason: str) -> Outcome:
    """It was active and on its way or delivered already; a ``reason`` stands only with a publication."""
    lost = _("Your reason is not kept, for no version moved: “%(reason)s”") % {"reason": reason}
    return Outcome(
        SAME,
        "calm",
        _("nothing to do"),
        (_("It runs like that already."), *((lost,) if reason else ())),
        link=here,
        link_label=_("Publication %(number)d") % {"number": done.publication.ordinal},
    )


def published(*, found: Progress, here: str, again: str) -> Outcome:
    """It is active; how far it has come at its places, and why not further."""
    number, places = found.publication.version.ordinal, len(found.steps)
    reasons = [_("Version %(number)d is active.") % {"number": number}]
    if places:
        have = ngettext("%(done)d of %(all)d place has it.", "%(done)d of %(all)d places have it.", places)
        reasons.append(have % {"done": found.delivered, "all": places})
    else:
        reasons.append(_("It has no target yet."))
    reasons += [
        f"{step.delivery.placement.target.name}: {said(step.delivery.error_detail)}"
        for step in found.steps
        if step.delivery.error_detail and step.delivery.state != DeliveryState.DELIVERED
    ]
    tone, label = _word(found)
    return Outcome(
        DONE,
        tone,
        label,
        tuple(reasons),
        link=here,
        link_label=_("Publication %(number)d") % {"number": found.publication.ordinal},
        again="" if found.settled else f"{again}&seen={found.seen}",
        wait=found.wait,
    )


def _word(found: Progress) -> tuple[str, str]:
    words: tuple[tuple[Callable[[], bool], str, str], ...] = (
        (lambda: not found.steps, "good", _("published")),
        (lambda: not found.settled, "note", _("on its way")),
        (lambda: bool(found.failed and found.delivered), "warn", _("published in part")),
        (lambda: bool(found.failed), "bad", _("given up")),
        (lambda: bool(found.superseded), "calm", _("superseded")),
    )
    return next(((tone, label) for fits, tone, label in words if fits()), ("good", _("delivered")))


def _about(pointer: str, targets: Mapping[str, str]) -> str:
    """The target that a JSON Pointer (RFC 6901) leads into, or the last name in it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if parts[:1] == ["targets"] and len(parts) > 1:
        return targets.get(parts[1], "")
    return parts[-1] if parts and not parts[-1].isdecimal() else ""
