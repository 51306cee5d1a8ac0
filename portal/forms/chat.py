"""A chat prompt as a form: one card for each message, in their order, and the body they make.

The fields of a card are called by its key (``role-2``, ``name-2``, ``content-2``); the repeated field ``card`` holds
the keys in the order of the messages. So a card is moved by moving its elements, with or without a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from instances.models import PromptInstance
from portal import problems
from portal.forms.schema_fields import strictly
from prompthub_kernel.body import ROLES, BodyFormat, PromptBody
from prompthub_kernel.errors import Invalid, PromptHubError

PLACEHOLDER = "placeholder"
FIELDS = ("role", "name", "content", "spelling")
MOST_CARDS = 100
"""More messages are edited as JSON: each card has five fields, and a form may hold a thousand."""
BLANK = "__key__"
"""The key in the card from which a script makes new ones."""
_KEY = re.compile(rf"[0-9a-z]{{1,8}}|{BLANK}")


@dataclass(frozen=True, slots=True)
class Card:
    """One message as it was typed. ``spelling`` is how a placeholder is written, which it keeps (JSON)."""

    key: str
    role: str = "user"
    name: str = ""
    content: str = ""
    spelling: str = ""

    @classmethod
    def of(cls, key: str, message: Mapping[str, Any]) -> Card:
        """The card of a stored message."""
        name, spelling = message.get("name", ""), ""
        if PLACEHOLDER in (message.get("type"), message.get("role")):
            spelling = json.dumps({word: message[word] for word in ("type", "role") if word in message})
            return cls(key, PLACEHOLDER, name, "", spelling)
        return cls(key, message["role"], name, message["content"], spelling)

    def message(self) -> dict[str, Any]:
        """The message as the document holds it."""
        if self.role == PLACEHOLDER:
            return {**self._spelled(), "name": self.name}
        named = {"name": self.name} if self.name else {}
        return {"role": self.role, **named, "content": self.content}

    def _spelled(self) -> dict[str, Any]:
        try:
            spelled = strictly(self.spelling)
        except forms.ValidationError:
            spelled = None
        if isinstance(spelled, dict) and PLACEHOLDER in (spelled.get("type"), spelled.get("role")):
            return {word: spelled[word] for word in ("type", "role") if word in spelled}
        return {"type": PLACEHOLDER}


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card for the template; ``focus`` names the control that takes the focus."""

    key: str
    number: int
    role: forms.BoundField
    name: forms.BoundField
    content: forms.BoundField
    spelling: forms.BoundField
    first: bool = False
    last: bool = False
    focus: str = ""


class ChatForm(forms.Form):
    """``body`` is what the cards make, None when that is the template's own text.

    ``focus`` is the key and the control of the card that takes the focus.
    """

    shape = "cards"

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, given: QueryDict | None = None, *, instance: PromptInstance) -> None:
        super().__init__(given, initial={"revision": instance.revision})
        self.instance = instance
        self.body: PromptBody | None = None
        self.focus: tuple[str, str] = ("", "")
        self.locked = False
        self.cards = _stored(instance.body.document or ()) if given is None else _typed(given)
        for number, card in enumerate(self.cards, start=1):
            self._add(card, _("Message %(number)s") % {"number": number})

    @classmethod
    def holding(cls, document: Sequence[Mapping[str, Any]], *, revision: str, instance: PromptInstance) -> ChatForm:
        """The form as if these messages had been typed."""
        given = QueryDict(mutable=True)
        given["revision"] = revision
        for card in _stored(document):
            given.appendlist("card", card.key)
            for word in FIELDS:
                given[f"{word}-{card.key}"] = getattr(card, word)
        return cls(given, instance=instance)

    @cached_property
    def rows(self) -> list[CardRow]:
        """The cards in order."""
        last = len(self.cards) - 1
        return [
            self._row(card.key, place + 1, first=place == 0, last=place == last)
            for place, card in enumerate(self.cards)
        ]

    @property
    def blank(self) -> CardRow:
        """An empty card, from which a script makes new ones."""
        form = ChatForm(QueryDict(f"card={BLANK}"), instance=self.instance)
        form.is_bound = False
        return form._row(BLANK, 0)

    def document(self) -> list[dict[str, Any]]:
        """The messages as they were typed, right or wrong."""
        return [card.message() for card in self.cards]

    def clean(self) -> dict[str, Any]:
        """Make ``body``; what is wrong with a message is told beside it."""
        cleaned: dict[str, Any] = super().clean() or {}
        for card in self.cards:
            if card.role == PLACEHOLDER and card.content.strip():
                self.add_error(f"content-{card.key}", _("A placeholder has no text: the conversation goes there."))
        if self.errors.keys() - {"revision"}:
            return cleaned
        template = self.instance.template_version
        try:
            body = PromptBody.parse(
                content_md=None, content_json=self.document(), engine=template.engine, format=BodyFormat.CHAT
            )
        except Invalid as error:
            self.tell(error)
            return cleaned
        self.body = None if body.digest() == template.body.digest() else body
        return cleaned

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error beside the messages it is about."""
        places: dict[str, str] = {}
        for number, card in enumerate(self.cards):
            at = f"/content_json/{number}"
            places |= {at: f"content-{card.key}"}
            places |= {f"{at}/{word}": f"{word}-{card.key}" for word in ("role", "name", "content")}
        problems.into_form(self, error, fields=places)

    def lock(self) -> None:
        """Show it, and take nothing."""
        self.locked = True
        for name, field in self.fields.items():
            if name.startswith("role-"):
                field.disabled = True
            field.widget.attrs["readonly"] = True

    def _add(self, card: Card, title: str) -> None:
        roles = [(role, role) for role in ROLES]
        self.fields |= {
            f"role-{card.key}": forms.ChoiceField(
                label=_("%(message)s: role") % {"message": title},
                choices=[*roles, (PLACEHOLDER, _("placeholder"))],
                initial=card.role,
                widget=forms.Select(attrs={"class": "ph-input"}),
            ),
            f"name-{card.key}": forms.CharField(
                label=_("%(message)s: name") % {"message": title},
                required=False,
                initial=card.name,
                widget=forms.TextInput(
                    attrs={"class": "ph-input", "autocomplete": "off", "placeholder": _("name, if it needs one")}
                ),
            ),
            f"content-{card.key}": forms.CharField(
                label=_("%(message)s: text") % {"message": title},
                strip=False,
                required=False,
                initial=card.content,
                widget=forms.Textarea(
                    attrs={"class": "ph-input ph-editor-text", "rows": 4, "spellcheck": "false", "placeholder": " "}
                ),
            ),
            f"spelling-{card.key}": forms.CharField(required=False, initial=card.spelling, widget=forms.HiddenInput),
        }

    def _row(self, key: str, number: int, *, first: bool = False, last: bool = False) -> CardRow:
        focus = self.focus[1] if self.focus[0] == key else ""
        if focus in ("name", "content"):
            self.fields[f"{focus}-{key}"].widget.attrs["autofocus"] = True
        role, name, content, spelling = (self[f"{word}-{key}"] for word in FIELDS)
        return CardRow(key, number, role, name, content, spelling, first, last, focus)


def suits(body: PromptBody) -> bool:
    """Whether a body can be edited as cards without a change to what nobody touched."""
    messages = body.document
    return (
        body.format is BodyFormat.CHAT
        and isinstance(messages, list)
        and len(messages) <= MOST_CARDS
        and not any("\r" in message.get("content", "") for message in messages)
    )


def rearranged(given: QueryDict, move: str) -> tuple[QueryDict, tuple[str, str]]:
    """What was typed with its cards in another order, and where the focus goes: a card's key and control.

    ``move`` is what a button says: ``up:2``, ``down:2``, ``remove:2`` (a card's key), ``add:user``. Anything else
    changes nothing.
    """
    verb, _colon, word = move.partition(":")
    changed, keys = given.copy(), _keys(given)
    focus = ("", "")
    if verb == "add" and len(keys) < MOST_CARDS:
        key = str(max((int(one) for one in keys if one.isdecimal()), default=-1) + 1)
        changed[f"role-{key}"] = word if word in (*ROLES, PLACEHOLDER) else "user"
        keys.append(key)
        focus = (key, "name" if word == PLACEHOLDER else "content")
    elif word in keys:
        place = keys.index(word)
        keys.remove(word)
        if verb == "remove":
            focus = (keys[min(place, len(keys) - 1)], "content") if keys else ("", "")
        else:
            place = max(0, min(place + {"up": -1, "down": 1}.get(verb, 0), len(keys)))
            keys.insert(place, word)
            ends = {"up": place == 0, "down": place == len(keys) - 1}
            focus = (word, verb if not ends.get(verb) else "down" if verb == "up" else "up")
    changed.setlist("card", keys)
    return changed, focus


def _stored(messages: Sequence[Mapping[str, Any]]) -> list[Card]:
    return [Card.of(str(place), message) for place, message in enumerate(messages)]


def _typed(given: QueryDict) -> list[Card]:
    return list(_read(given, _keys(given)))


def _read(given: QueryDict, keys: Sequence[str]) -> Iterator[Card]:
    for key in keys:
        yield Card(
            key,
            given.get(f"role-{key}", "user"),
            given.get(f"name-{key}", "").strip(),
            given.get(f"content-{key}", "").replace("\r\n", "\n"),
            given.get(f"spelling-{key}", ""),
        )


def _keys(given: QueryDict) -> list[str]:
    """The keys of the cards, each once."""
    return [key for key in dict.fromkeys(given.getlist("card")) if _KEY.fullmatch(key)][:MOST_CARDS]
