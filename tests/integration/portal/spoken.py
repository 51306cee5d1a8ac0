"""A language that puts every translated text in brackets, and what of a page stands outside of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from types import SimpleNamespace

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation.trans_real import CONTEXT_SEPARATOR, DjangoTranslation

OPEN, CLOSE = "⟦", "⟧"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SAID = {"title", "aria-label", "placeholder", "alt", "label", "aria-description"}
DATA = {"textarea", "code", "script", "style", "time", "ins", "del", "mark", "svg"}
DATA_CLASSES = {"ph-code", "ph-text", "ph-diff-text", "ph-model-notes", "ph-variable-name", "ph-editor-ink", "ph-value"}
NAMES = {"PromptHub", "CSV", "JSON", "UTC", "n8n", "SQLite", "PostgreSQL", "Deutsch", "English", "POST"}
WORD = re.compile(r"[^\W\d_]{2,}")
BETWEEN = re.compile(r"\d\d UTC$|[·,()/:;→“”\"…•#⟦⟧−+|]+|\s[–-]\s|\x1f")


class Brackets(DjangoTranslation):
    """``gettext`` that says which text it was asked for."""

    def gettext(self, message):
        return f"{OPEN}{message.rsplit(CONTEXT_SEPARATOR)[-1]}{CLOSE}"

    def ngettext(self, singular, plural, number):
        return self.gettext(singular if number == 1 else plural)


class Reader(HTMLParser):
    """What a page says: its texts in order, and the texts of its attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.silent, self.flow, self.said = [], 0, [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        for name, value in attrs:
            if value and not self.silent and (name in SAID or (name.startswith("data-") and OPEN in value)):
                self.said.append(value)
        if tag == "input" and given.get("type") == "submit":
            self.said.append(given.get("value") or "")
        if tag not in VOID:
            quiet = tag in DATA or ("lang" in given and tag != "html")
            quiet = quiet or bool(DATA_CLASSES.intersection((given.get("class") or "").split()))
            self.open.append((tag, quiet))
            self.silent += quiet

    def handle_endtag(self, tag):
        while self.open:
            other, quiet = self.open.pop()
            self.silent -= quiet
            if other == tag:
                break

    def handle_data(self, text):
        self.flow.append("\x1f" if self.silent else f"{text}\x1f")


def outside(text: str) -> Iterator[str]:
    """The pieces of a text that are in no brackets and hold a word."""
    before = None
    while before != text:
        before, text = text, re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "\x1f", text)
    for piece in BETWEEN.split(text):
        bare = " ".join(piece.split()).strip(".!?'’-– ")
        if WORD.search(bare):
            yield bare


def unspoken(html: str, known: set[str]) -> list[str]:
    """What a page says in no language: neither translated nor one of the ``known`` values."""
    reader = Reader()
    reader.feed(html)
    pieces = [piece for text in ["".join(reader.flow), *reader.said] for piece in outside(text)]
    return [piece for piece in dict.fromkeys(pieces) if piece not in known and piece not in NAMES]


def stored() -> set[str]:
    """Every text in the database, and its lines: what people and providers wrote."""
    ours = [model for model in apps.get_models() if model._meta.label.startswith("prompthub_")]
    rows = [row for model in [*ours, apps.get_model("auth.User")] for row in model.objects.all().values()]
    return known(rows)


def known(value: object, seen: frozenset[int] = frozenset()) -> set[str]:
    """Every text inside of a value, whole, by lines, and by the pieces a page may cut it into."""
    if isinstance(value, Promise) or id(value) in seen:
        return set()
    if isinstance(value, str):
        return {value, *value.splitlines(), *(piece for piece in outside(value))}
    seen |= {id(value)}
    if isinstance(value, dict):
        return known([*value.keys(), *value.values()], seen)
    if is_dataclass(value):
        return known([getattr(value, field.name) for field in fields(value)], seen)
    if isinstance(value, SimpleNamespace):
        return known(vars(value), seen)
    if isinstance(value, Iterable):
        return {one for inner in value for one in known(inner, seen)}
    return set()
