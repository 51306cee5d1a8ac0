"""Which release a selector means for an author at work: read in the transaction that asks, never remembered."""

from __future__ import annotations

from django.db.models import QuerySet

from prompthub_kernel.selector import LATEST, Exact, Named, Selector
from prompthub_kernel.semver import SemVer
from registry.models import Bundle, Channel, Release, ReleaseMark

HIDDEN = (ReleaseMark.Kind.YANK, ReleaseMark.Kind.REVERT)


def latest(*, bundle: Bundle, variant: str = "") -> Release | None:
    """The highest finished release of a variant that was not yanked: what ``latest`` means."""
    rows = _releases(bundle).filter(variant=variant, pre_release=False).exclude(marks__kind__in=HIDDEN)
    return rows.order_by("-precedence").first()


def best(*, bundle: Bundle, selector: Selector) -> Release | None:
    """The release that a selector means: an exact version also when it was yanked, a range the highest that was not, a
    channel where it points now. What was taken back is none.
    """
    there = _releases(bundle).exclude(marks__kind=ReleaseMark.Kind.REVERT)
    if isinstance(selector, Exact):
        return there.filter(number=number(version=selector.version)).first()
    if isinstance(selector, Named):
        if selector.name == LATEST:
            return latest(bundle=bundle)
        pointing = Channel.objects.filter(bundle=bundle, name=str(selector)).values("release")
        return there.filter(pk__in=pointing).first()
    rows = _releases(bundle).filter(variant=selector.variant).exclude(marks__kind__in=HIDDEN)
    spelled = {SemVer.parse(version): key for key, version in rows.values_list("pk", "version")}
    found = selector.best(spelled)
    return None if found is None else rows.get(pk=spelled[found])


def number(*, version: SemVer) -> str:
    """A version without what is behind ``+``: under that it is known, and used once."""
    return str(version).partition("+")[0]


def _releases(bundle: Bundle) -> QuerySet[Release]:
    return Release.objects.filter(bundle=bundle).select_related("bundle__project")
