"""The gallery's examples of a prompt's page: comparisons, editor, variables, preview."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _

from instances.comparing import Kind, Level, Side
from portal.access import Control, needed
from portal.forms.variables import VariablesForm
from portal.parts import Part
from portal.presenters import comparing, documents, showing, using
from portal.presenters.choices import Option, OptionGroup
from portal.presenters.previewing import Preview
from portal.presenters.values import compare_values
from portal.presenters.writing import notes
from prompthub_kernel.body import PromptBody
from prompthub_kernel.diffing_tree import Change
from prompthub_kernel.errors import Problem
from prompthub_kernel.program import Secret
from prompthub_kernel.variables import VariablesSchema
from tenancy.policy import Permission

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
OLD = "# Front desk\n\n" + "".join(f"Rule {number}: be kind.\n" for number in range(1, 9)) + "Greet the caller.\n"
NEW = OLD.replace("Greet the caller.", "Greet the caller by name.").replace("# Front desk", "# Front desk of Acme")
OLD_CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "tool", "content": "1"},
]
NEW_CHAT = [
    {"role": "tool", "content": "1"},
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
]
OLD_DOCUMENT = {"model": "small", "stop": ["a", "b"], "limits": {"words": 80, "seconds": 3}}
NEW_DOCUMENT = {"model": "large", "stop": ["b", "a"], "limits": {"words": 60, "seconds": 3}, "voice": "calm"}
SCHEMA = VariablesSchema.parse({
    "properties": {
        "company": {"type": "string", "title": "Company", "description": "How the client is called.", "maxLength": 60},
        "tone": {"type": "string", "enum": ["warm", "brisk"], "default": "warm"},
        "key": {"type": "string", "x-secret": True},
    },
    "required": ["company"],
})  # fmt: skip
CLIENT = SimpleNamespace(slug="acme", name="Acme")
INSTANCE = SimpleNamespace(pk=UUID(int=7), name="front-desk", archived_at=None, updated_at=AT, revision=4)
WHERE = {"client": CLIENT, "instance": INSTANCE}
MAY = {"edit": Control(allowed=True)}


class _Text(forms.Form):
    text = forms.CharField(label="Text of the prompt", widget=forms.Textarea({"class": "ph-input ph-editor-text"}))


def _side(text: str, document: Any = None, **more: Any) -> Side:
    return Side(
        word="draft", kind=Kind.DRAFT, name="4", level=Level.SOURCE, text=text, document=document, at=AT, **more
    )


OLD_SIDE = _side(OLD, variables={"company": "Acme", "words": 80}, secret_revision=1)
NEW_SIDE = _side(NEW, variables={"company": "Acme Dental", "words": 60, "tone": "warm"}, secret_revision=2)


def diff() -> Part:
    """A whole comparison."""
    return Part(
        "diff",
        _("Comparison"),
        {
            _("text and variables"): {"shown": showing.show(base=OLD_SIDE, target=NEW_SIDE, format="text")},
            _("no differences"): {"shown": showing.show(base=OLD_SIDE, target=OLD_SIDE, format="text")},
        },
    )


def diff_text() -> Part:
    """Line by line."""
    found = comparing.texts(old=OLD, new=NEW, anchors=False)
    rewritten = comparing.texts(old=OLD, new="All new.\nNothing stayed.", anchors=False)
    return Part(
        "diff_text",
        _("Comparison of texts"),
        {
            _("unified"): {"comparison": found},
            _("split"): {"comparison": found, "split": True},
            _("rewritten"): {"comparison": rewritten, "split": True},
        },
    )


def diff_rows() -> Part:
    """One stretch."""
    found = comparing.texts(old="one two\n", new="one three", anchors=False)
    return Part("diff_rows", _("Lines of a comparison"), {_("changed"): {"stretch": found.stretches[0]}})


def diff_toolbar() -> Part:
    """Ways through the changes."""
    return Part("diff_toolbar", _("Changes"), {_("some"): {"changes": 3, "added": 4, "removed": 2}})


def diff_warnings() -> Part:
    """Characters nobody sees."""
    found = comparing.texts(old="plain", new="pl\u200bain")
    return Part("diff_warnings", _("Hidden characters"), {_("some"): {"warnings": found.warnings}})


def diff_document() -> Part:
    """Place by place."""
    found = documents.documents(old=OLD_DOCUMENT, new=NEW_DOCUMENT)
    return Part("diff_document", _("Comparison of documents"), {_("changed"): {"comparison": found}})


def diff_chat() -> Part:
    """Message by message."""
    found = documents.chat(old=OLD_CHAT, new=NEW_CHAT)
    return Part("diff_chat", _("Comparison of messages"), {_("changed and moved"): {"comparison": found}})


def diff_chat_head() -> Part:
    """Who speaks."""
    found = documents.chat(old=OLD_CHAT, new=NEW_CHAT).messages
    return Part("diff_chat_head", _("Head of a message"), {_("moved"): {"message": found[0]}})


def diff_word() -> Part:
    """What became of a place."""
    words: tuple[Change, ...] = ("equal", "changed", "added", "removed")
    return Part("diff_word", _("Change in a word"), {word: {"change": word, "moved": 0} for word in words})


def diff_moved() -> Part:
    """How far something moved."""
    return Part(
        "diff_moved",
        _("Moved"),
        {_("up"): {"moved": 2, "steps": 2}, _("down"): {"moved": -1, "steps": 1}},
    )


def diff_values() -> Part:
    """Variables beside each other."""
    return Part(
        "diff_values",
        _("Comparison of variables"),
        {_("changed"): {"comparison": compare_values(base=OLD_SIDE, target=NEW_SIDE)}},
    )


def side() -> Part:
    """One side of a comparison."""
    return Part(
        "side", _("Side"), {_("with a time"): {"side": _side(OLD, by="Ana"), "label": "Version 3", "sign": "−"}}
    )


def side_picker() -> Part:
    """The picker of a side."""
    groups = [OptionGroup("Now", [Option("draft", "Draft"), Option("active", "Active (version 3)")])]
    return Part(
        "side_picker",
        _("Picker of a side"),
        {_("some sides"): {"name": "target", "chosen": _side(NEW), "groups": groups}},
        around='<label for="target">After</label>%s',
    )


def conflict() -> Part:
    """Somebody else was quicker."""
    shown = showing.show(base=_side("Hello you.\n"), target=_side("Hello there.\n"), format="text")
    given = {"who": "Ana", "theirs": SimpleNamespace(updated_at=AT), "shown": shown}
    return Part("conflict", _("Two drafts"), {_("of a text"): {**WHERE, "conflict": given, "still": True}})


def editor() -> Part:
    """The text box of a prompt."""
    text = {
        "text": "# Front desk of {{ company }}\n\n{% if tone %}Speak in a {{ tone }} tone.{% endif %}\n{{ nobody }}"
    }
    fresh, wrong = _Text(initial=text, auto_id="fresh_editor_%s"), _Text({"text": ""}, auto_id="wrong_editor_%s")
    return Part(
        "editor",
        _("Editor"),
        {
            _("with variables"): {"field": fresh["text"], "names": sorted(SCHEMA.names)},
            _("with an error"): {"field": wrong["text"], "names": ()},
            _("locked"): {
                "field": _Text(initial=text, auto_id="locked_editor_%s")["text"],
                "names": sorted(SCHEMA.names),
                "locked": needed(Permission.EDIT),
            },
        },
    )


def draft_status() -> Part:
    """How saving stands."""
    form = _Text({"text": ""}, auto_id="status_%s")
    return Part(
        "draft_status",
        _("State of saving"),
        {
            _("as loaded"): {**WHERE, "state": "", "draft": INSTANCE, "may": {}},
            _("saved"): {"state": "saved", "draft": INSTANCE, "now": AT, "status": _("draft"), "tone": "note"},
            _("refused"): {"state": "refused", "form": form},
            _("somebody else was quicker"): {"state": "stale", "draft": INSTANCE, "who": "Ana"},
        },
    )


def text_notes() -> Part:
    """What there is to say about a text."""
    fine = notes(body=_body("Speak for {{ company }} in a {{ tone }} tone with {{ key }}."), schema=SCHEMA)
    poor = notes(body=_body("Speak for {{ nobody }}."), schema=SCHEMA)
    return Part("notes", _("Notes"), {_("fine"): {"notes": fine}, _("unknown and unused"): {"notes": poor}})


def use_it() -> Part:
    """How a program reads the prompt."""
    prompt: Any = SimpleNamespace(**vars(INSTANCE), client=CLIENT)
    lines = using.snippets(instance=prompt, origin="https://hub.example.com/")
    states = {_("active"): True, _("never published"): False}
    drawn = {name: {"snippets": lines, "active": one} for name, one in states.items()}
    return Part("use_it", _("Use in a program"), drawn)


def preview() -> Part:
    """A text as it would be sent."""
    return Part(
        "preview",
        _("Preview"),
        {
            _("text with a secret"): {"preview": TEXT},
            _("messages"): {"preview": Preview(messages=NEW_CHAT)},
            _("not possible"): {
                "preview": Preview(problems=[Problem("/variables/company", "required", "This is needed.")])
            },
        },
    )


def preview_and_notes() -> Part:
    """The answer while somebody writes."""
    found = notes(body=_body("Speak for {{ company }}."), schema=SCHEMA)
    return Part("preview_and_notes", _("Preview with notes"), {_("text"): {"preview": TEXT, "notes": found}})


def preview_panel() -> Part:
    """The panel beside the editor."""
    return Part("preview_panel", _("Panel of the preview"), {_("text"): {**WHERE, "preview": TEXT}})


def runs() -> Part:
    """Where a prompt runs."""
    newest = SimpleNamespace(error_detail="The provider did not answer.")

    def one(**more: Any) -> SimpleNamespace:
        target = SimpleNamespace(name="phone agent", adapter="retell", enabled=more.pop("enabled", True))
        placement = SimpleNamespace(pk=UUID(int=8), target=target)
        place = SimpleNamespace(placement=placement, drift=more.pop("drift", None), newest=newest)
        given = {"ordinal": 3, "current": True, "on_its_way": False, "given_up": False, **more}
        return SimpleNamespace(place=place, **given)

    places = [
        one(),
        one(on_its_way=True, ordinal=None),
        one(given_up=True),
        one(current=False),
        one(current=False, enabled=False),
        one(drift=SimpleNamespace(pk=UUID(int=9))),
    ]
    return Part("runs", _("Where a prompt runs"), {_("every state"): {**WHERE, "places": places}})


def variable() -> Part:
    """One variable of a prompt."""
    filled = VariablesForm(schema=SCHEMA, values={"company": "Acme", "tone": "brisk"}, secrets_set=frozenset({"key"}))
    wrong = VariablesForm({"revision": "1", "variable-company": ""}, schema=SCHEMA, values={})
    wrong.is_valid()
    wrong.add_error("variable-company", "This is needed.")
    filled.auto_id, wrong.auto_id = "filled_%s", "wrong_%s"
    rows = {row.name: row for row in filled.rows()}
    return Part(
        "variable",
        _("Variable"),
        {
            _("text"): {"row": rows["company"]},
            _("choice, not the default"): {"row": rows["tone"]},
            _("secret"): {"row": rows["key"]},
            _("with an error"): {"row": next(wrong.rows())},
        },
    )


def _body(text: str) -> PromptBody:
    return PromptBody.parse(content_md=text, content_json=None)


TEXT = Preview(segments=("Speak for Acme. The key is ", Secret("key"), "."), secrets=("key",))
PARTS: list[Callable[[], Part]] = [
    *(diff, diff_text, diff_rows, diff_toolbar, diff_warnings, diff_document, diff_chat, diff_chat_head, diff_word),
    *(diff_moved, diff_values, side, side_picker, conflict, editor, draft_status, text_notes, preview, use_it),
    *(preview_and_notes, preview_panel, runs, variable),
]
