"""The gallery's examples of writing: the cards of a chat prompt, and the variables to use."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.access import needed
from portal.forms.chat import ChatForm
from portal.parts import Part
from portal.presenters.writing import declared
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from tenancy.policy import Permission

MESSAGES = [
    {"role": "system", "content": "Be kind to {{ company }}, and to {{ nobody }}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "name": "caller", "content": "Hi"},
]
SCHEMA = VariablesSchema.parse({
    "properties": {
        "company": {"type": "string", "description": "How the client is called."},
        "tone": {"type": "string", "enum": ["warm", "brisk"]},
        "key": {"type": "string", "x-secret": True},
        "caller_number": {"type": "string", "x-runtime": True},
    },
    "required": ["company"],
})  # fmt: skip
BODY = PromptBody.parse(content_md=None, content_json=MESSAGES, format="chat")
INSTANCE: Any = SimpleNamespace(
    body=BODY, template_version=SimpleNamespace(body=BODY, engine="jinja2", format="chat"), revision=4
)
NAMES = sorted(SCHEMA.names)


def chat_cards() -> Part:
    """The messages of a chat prompt."""
    locked = _form("cards_locked")
    locked.lock()
    return Part(
        "chat_cards",
        _("Messages to edit"),
        {
            _("three"): {"form": _form("cards"), "names": NAMES, "preview": "#main"},
            _("only to be read"): {
                "form": locked,
                "names": NAMES,
                "preview": "#main",
                "locked": needed(Permission.EDIT),
            },
        },
        around='<form method="post" action="#main">%s</form>',
    )


def chat_card() -> Part:
    """One message."""
    given = {"role-0": "placeholder", "role-1": "system", "content-1": "Be brief.", "content-0": "typed before"}
    asked = QueryDict("card=0&card=1&revision=4", mutable=True)
    asked.update(given)
    wrong = ChatForm(asked, instance=INSTANCE)
    wrong.auto_id = "card_%s"
    wrong.is_valid()
    states = {_("with errors"): wrong.rows[0], _("last"): wrong.rows[1]}
    return Part(
        "chat_card",
        _("Message to edit"),
        {name: {"row": row, "names": NAMES, "preview": "#main"} for name, row in states.items()},
        around='<form method="post" action="#main"><ol class="ph-cards-list">%s</ol></form>',
    )


def variable_list() -> Part:
    """The variables to use."""
    return Part("variable_list", _("Variables to use"), {_("every kind"): {"declared": declared(SCHEMA)}})


def copy() -> Part:
    """A button that copies."""
    return Part("copy", _("Copy"), {_("an element"): {"label": "Copy", "of": "#part-copy h2"}})


def enter() -> Part:
    """What Enter in a field presses: nobody sees it."""
    return Part(
        "enter", _("What Enter presses"), {_("unseen"): {}}, around='<form method="post" action="#main">%s</form>'
    )


def _form(name: str) -> ChatForm:
    form = ChatForm(instance=INSTANCE)
    form.auto_id = f"{name}_%s"
    return form


PARTS: list[Callable[[], Part]] = [chat_cards, chat_card, variable_list, copy, enter]
