"""The gallery at ``/-/components/``: every part in every state, for eyes, for axe and for pictures.

A new part: a function here (or in a module of its own) that returns a :class:`Part`, and its name in ``PARTS``.
``tests/unit/portal/test_components.py`` fails for a template of ``parts/`` that no example draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal import (
    components_bulk,
    components_prompt,
    components_publishing,
    components_records,
    components_registry,
    components_writing,
    problems,
)
from portal.access import Control
from portal.parts import Part, barred
from portal.presenters import charts
from portal.presenters.bulk import Outcome
from portal.presenters.dashboard import Figure
from portal.presenters.found import Hit, Snippet
from portal.presenters.words import DELIVERY, OUTCOME, PROMPT
from prompthub_kernel.errors import Conflict
from tenancy.policy import Permission

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A part as the page shows it."""

    part: Part
    states: list[tuple[str, SafeString]] = field(default_factory=list)


def gallery(request: HttpRequest) -> list[Drawn]:
    """Every part, drawn."""
    return [_drawn(make(), request) for make in PARTS]


def _drawn(part: Part, request: HttpRequest) -> Drawn:
    template = f"portal/parts/{part.template}.html"
    states = []
    for name, given in part.states.items():
        html = render_to_string(template, dict(given), request)
        states.append((name, format_html(part.around.replace("%s", "{}"), html)))
    return Drawn(part, states)


ALLOWED = Control(allowed=True)
REFUSED = barred(Permission.PUBLISH)


def button() -> Part:
    """Buttons."""
    return Part(
        "button",
        _("Button"),
        {
            _("ordinary"): {"label": "Filter"},
            _("primary"): {"label": "Publish", "kind": "primary"},
            _("danger"): {"label": "Archive", "kind": "danger"},
            _("quiet"): {"label": _("Show all"), "kind": "quiet"},
            _("small, with a drawing"): {"label": "Replay", "small": True, "icon": "replay"},
            _("a link"): {"label": "Open", "href": "#main"},
            _("allowed"): {"label": "Publish", "kind": "primary", "control": ALLOWED},
            _("not allowed"): {"label": "Publish", "kind": "primary", "control": REFUSED},
        },
    )


def badge() -> Part:
    """States as words."""
    words = [*PROMPT.values(), *DELIVERY.values(), *OUTCOME.values()]
    return Part("badge", _("Badge"), {str(one.label): {"tone": one.tone, "label": one.label} for one in words})


def message() -> Part:
    """What was done, what went wrong."""
    return Part(
        "message",
        _("Message"),
        {
            _("good"): {"tone": "good", "text": "Version 4 is active.", "dismiss": True},
            _("note"): {"tone": "note", "text": "There is more than is shown."},
            _("warning"): {"tone": "warn", "text": "3 prompts are done.", "more": "1 was refused."},
            _("bad"): {"tone": "bad", "text": "The provider did not answer."},
        },
    )


def refusal() -> Part:
    """What htmx was refused, in its one place."""
    archived = Conflict("409.archived", "This prompt is archived; it is not edited or published any more.")
    told = {"error": archived, "back": "#main", "correlation_id": "01JQ8Z6F7K2M"}
    told |= {"title": problems.title(archived), "next_step": problems.next_step(archived)}
    return Part("refusal", _("Refused"), {_("archived meanwhile"): told})


def refusals() -> Part:
    """What the page tells by itself; drawn, it is not seen."""
    return Part("refusals", _("Refused, without words from the server"), {_("not seen"): {}})


def messages() -> Part:
    """The live region's content."""
    return Part(
        "messages",
        _("Messages"),
        {_("one"): {"messages": [_Told("success", _("The draft is saved."))]}, _("none"): {"messages": []}},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    level_tag: str
    text: str

    def __str__(self) -> str:
        return self.text


def empty() -> Part:
    """Nothing here yet."""
    return Part(
        "empty",
        _("Empty"),
        {
            _("with a way on"): {
                "icon": "prompts",
                "title": _("No prompts yet"),
                "text": "A prompt is a template filled in for this client.",
                "href": "#main",
                "label": _("New prompt"),
            },
            _("without"): {"icon": "search", "title": _("Nothing found"), "text": "Try fewer words."},
        },
    )


class _Sample(forms.Form):
    name = forms.CharField(
        label="Name", help_text="1 to 200 characters.", widget=forms.TextInput({"class": "ph-input"})
    )
    text = forms.CharField(label="Text", required=False, widget=forms.Textarea({"class": "ph-input", "rows": 3}))


def form_field() -> Part:
    """A field with its label, help and errors."""
    fresh, filled = _Sample(auto_id="fresh_%s"), _Sample({"name": "", "text": "Hello"}, auto_id="filled_%s")
    return Part(
        "field",
        _("Field"),
        {
            _("with help"): {"field": fresh["name"]},
            _("with an error"): {"field": filled["name"]},
            _("optional"): {"field": filled["text"]},
        },
    )


def errors() -> Part:
    """The summary of a form's errors."""
    wrong = _Sample({"name": ""}, auto_id="filled_%s")
    wrong.add_error(None, "The draft was changed meanwhile.")
    return Part(
        "errors",
        _("Errors of a form"),
        {_("some"): {"form": wrong, "still": True}, _("none"): {"form": _Sample({"name": "x"})}},
    )


def pages() -> Part:
    """Which page of a list."""
    many = Paginator(range(120), 50)
    states = {_("first"): many.page(1), _("middle"): many.page(2), _("last"): many.page(3)}
    return Part("pages", _("Pages"), {name: {"page": page} for name, page in states.items()})


def sort() -> Part:
    """The head of a column."""
    return Part(
        "sort",
        _("Column head"),
        {
            _("rising"): {"by": "name", "label": "Prompt", "now": "name"},
            _("falling"): {"by": "name", "label": "Prompt", "now": "-name"},
            _("not sorted"): {"by": "name", "label": "Prompt", "now": "published"},
        },
        around='<table class="ph-table"><thead><tr>%s</tr></thead></table>',
    )


def figure() -> Part:
    """One number."""
    return Part(
        "figure",
        _("Figure"),
        {
            _("calm"): {"figure": Figure(12, "publications in the last 14 days")},
            _("a link"): {"figure": Figure(4, "prompts are active", route="portal:clients")},
            _("loud"): {"figure": Figure(2, "deliveries were given up", loud=True)},
        },
    )


def _counts(labels: list[str]) -> dict[tuple[str, str], int]:
    outcomes = list(OUTCOME)
    return {
        (label, outcome): (place * 3 + number) % 5 + 1
        for place, label in enumerate(labels)
        for number, outcome in enumerate(outcomes)
        if (place + number) % 2
    }


def chart_columns() -> Part:
    """Columns over days."""
    days = [f"03-{day:02d}" for day in range(1, 15)]
    return Part(
        "chart_columns",
        _("Columns"),
        {_("fourteen days"): {"chart": charts.columns(days, _counts(days)), "title": "Publications", "head": "Day"}},
    )


def chart_rows() -> Part:
    """Bars by name."""
    names = ["Acme Dental: voice agent", "Borealis Outfitters: n8n"]
    return Part(
        "chart_rows",
        _("Bars"),
        {_("two targets"): {"chart": charts.rows(names, _counts(names)), "title": "Deliveries", "head": "Target"}},
    )


def hits() -> Part:
    """What a search found."""
    found = [
        Hit("front-desk", "Acme Dental", "#main", Snippet("… Speak for ", "Acme", " Dental, kindly …")),
        Hit("phone-agent", "local · 1"),
    ]
    return Part("hits", _("Hits"), {_("two"): {"title": _("Prompts"), "hits": found}})


def _line(status: str, *, drifting: bool = False, newest: str = "", sent: bool = True) -> SimpleNamespace:
    """A line of the list of prompts, made up."""
    template = SimpleNamespace(template=SimpleNamespace(name="front-desk"), label="2")
    instance = SimpleNamespace(
        pk="01890000-0000-7000-8000-000000000001",
        name="acme-front-desk",
        template_version=template,
        newest_label=newest or None,
        published_at=AT if sent else None,
        published_by="ana",
    )
    states = [("voice agent", DELIVERY["delivered"]), ("n8n", DELIVERY["buried" if drifting else "retrying"])]
    places = [
        SimpleNamespace(placement=SimpleNamespace(target=SimpleNamespace(name=name)), state=state)
        for name, state in states
    ]
    return SimpleNamespace(
        instance=instance, status=PROMPT[status], drifting=drifting, places=places if sent else [], at=AT
    )


CLIENT = SimpleNamespace(slug="acme", name="Acme Dental")


def prompt_row() -> Part:
    """A line of the list of prompts."""
    return Part(
        "prompt_row",
        _("Line of the list of prompts"),
        {
            _("draft"): {"line": _line("draft", sent=False), "client": CLIENT},
            _("active"): {"line": _line("active"), "client": CLIENT},
            _("unpublished changes, behind"): {"line": _line("unpublished", newest="3"), "client": CLIENT},
            _("drifting"): {"line": _line("active", drifting=True), "client": CLIENT},
            _("archived"): {"line": _line("archived"), "client": CLIENT},
        },
        around='<div class="ph-table-scroll"><table class="ph-table ph-table-cards"><tbody>%s</tbody></table></div>',
    )


def bulk_row() -> Part:
    """One of many prompts to which something is done."""
    refused = Outcome("refused", "bad", _("refused"), (_("You may not do this here"),))
    states = {_("waiting"): None, _("refused"): refused}
    return Part(
        "bulk_row",
        _("Line of something done to many"),
        {name: {"line": _line("active"), "client": CLIENT, "outcome": one} for name, one in states.items()},
        around='<div class="ph-table-scroll"><table class="ph-table ph-table-cards"><tbody>%s</tbody></table></div>',
    )


def language() -> Part:
    """The languages to choose from."""
    read = SimpleNamespace(method="GET", get_full_path="/")
    return Part("language", _("Languages"), {_("two"): {"request": read, "csrf_token": "none"}})


def bulk_button() -> Part:
    """A button of the list's form."""
    given = {"label": _("Publish the chosen…"), "to": "portal:bulk_publish", "client": CLIENT}
    return Part(
        "bulk_button",
        _("Button for chosen rows"),
        {_("allowed"): {**given, "control": ALLOWED}, _("not allowed"): {**given, "control": REFUSED}},
    )


PARTS: list[Callable[[], Part]] = [
    *(button, badge, message, refusal, refusals, messages),
    *(empty, form_field, errors, pages, sort, figure, chart_columns, chart_rows),
    *(hits, prompt_row, bulk_row, bulk_button, language),
    *components_bulk.PARTS,
    *components_prompt.PARTS,
    *components_writing.PARTS,
    *components_publishing.PARTS,
    *components_records.PARTS,
    *components_registry.PARTS,
]
