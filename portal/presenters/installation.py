"""What is switched on in this installation, as facts for a page. No address with a password, no key, ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from publishing import adapters


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what, how it is, and whether that is on (None where it is neither)."""

    name: str | Promise
    value: str
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Facts about one part of the house."""

    title: str | Promise
    facts: list[Fact]


def sections() -> list[Section]:
    """All of them."""
    rules = settings.PUBLISHING
    return [
        Section(_("Refine with AI"), _assist()),
        Section(
            _("Deliveries"),
            [
                Fact(_("Adapters"), ", ".join(sorted(adapters.REGISTRY))),
                Fact(_("Tries before a delivery is given up"), str(rules["attempts"])),
                Fact(_("Time for one call"), _("%(seconds)s s") % {"seconds": _number(rules["call_seconds"])}),
                Fact(_("Pause after failures in a row"), _("%(seconds)s s after %(count)d") % _breaker()),
                Fact(_("Places are checked for drift"), _("every %(seconds)s s") % {"seconds": _drift_seconds()}),
                Fact(
                    _("Private addresses that may be called"),
                    _("%d allowed") % len(settings.PROMPTHUB_EGRESS_ALLOW) if settings.PROMPTHUB_EGRESS_ALLOW else "–",
                    on=bool(settings.PROMPTHUB_EGRESS_ALLOW),
                ),
            ],
        ),
        Section(
            _("Installation"),
            [
                Fact(_("Database"), {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(connection.vendor, "?")),
                Fact(_("Work is done"), _("in the server itself") if settings.EMBEDDED else _("by workers")),
                Fact(_("HTTPS only"), "", on=settings.HTTPS),
                Fact(_("Reports surprises to Sentry"), "", on=bool(settings.SENTRY_DSN)),
                Fact(_("Debug pages"), "", on=settings.DEBUG),
            ],
        ),
    ]


def _assist() -> list[Fact]:
    assist = getattr(settings, "ASSIST", {})
    model = assist.get("llm", "null")
    facts = [
        Fact(_("Feature"), "", on=bool(assist.get("refine")) and model != "null"),
        Fact(_("Asked"), {"null": _("nobody"), "scripted": _("the demo's script")}.get(model, model)),
    ]
    if assist.get("model"):
        facts.append(Fact(_("Model"), assist["model"]))
    return facts


def _number(value: Any) -> str:
    """As the language of the page writes it, without needless zeros."""
    return formats.localize(int(value) if value == int(value) else value)


def _breaker() -> dict[str, Any]:
    rules = settings.PUBLISHING
    return {"seconds": _number(rules["breaker_seconds"]), "count": rules["breaker_failures"]}


def _drift_seconds() -> str:
    return _number(settings.CELERY_BEAT_SCHEDULE["drift"]["schedule"])
