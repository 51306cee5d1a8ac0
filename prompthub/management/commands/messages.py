"""``messages``: the portal's texts in other languages, gathered from the code, merged and compiled; no GNU gettext.

Babel reads and writes the catalogues. Templates are first turned into calls by Django's own ``templatize``, so what
is gathered is what Django will look up.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

from prompthub.env import BASE_DIR

LOCALES = BASE_DIR / "portal" / "locale"
SOURCES = ("portal/**/*.py", "portal/**/*.html", "prompthub/views.py", "prompthub/templates/prompthub/*.html")
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "N", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
TOLD = "Translators:"
PLACE = re.compile(r"%\(\w+\)[sd]")


class Texts(Catalog):
    """A catalogue whose head says only what reads it: no dates, no versions, so the same texts are the same bytes."""

    mime_headers = property(
        lambda self: [
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit\n"),
        ]
    )

    def __init__(self, locale: Any) -> None:
        super().__init__(
            locale=locale, header_comment="# `make messages` keeps this in step with the code.", fuzzy=False
        )


class Command(BaseCommand):
    """Gather, merge and compile; ``--check`` changes nothing."""

    help = "Gather the portal's texts, merge them into every catalogue and compile those; --check only looks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when something is missing")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        wrong: list[str] = []
        found = gathered()
        for path in sorted(LOCALES.glob("*/LC_MESSAGES/django.po")):
            if not check:
                renew(path, found)
            wrong += faults(path, found)
        for one in wrong:
            self.stderr.write(one)
        if wrong:
            raise CommandError(f"{len(wrong)} texts are not as they should be: see docs/howto/translate.md")


def gathered() -> Catalog:
    """Every text that is marked in the code and the templates, with the files it stands in."""
    found = Catalog()
    for path in sorted({path for pattern in SOURCES for path in BASE_DIR.glob(pattern)}):
        place = (path.relative_to(BASE_DIR).as_posix(), 0)
        with path.open("rb") as source:
            reader: Any = _templates if path.suffix == ".html" else extract_python
            for _line, text, comments, context in extract(reader, source, KEYWORDS, (TOLD,)):
                found.add(text, locations=[place], auto_comments=comments, context=context)
    return found


def renew(path: Path, found: Catalog) -> None:
    """Write a catalogue that holds exactly the texts that were found, and what it compiles to."""
    old = _read(path)
    known = _by_text(old)
    fresh = Texts(old.locale)
    for key, message in _by_text(found).items():
        before = known.get(key)
        fresh.add(
            message.id,
            before.string if before else None,
            locations=message.locations,
            auto_comments=message.auto_comments,
            user_comments=before.user_comments if before else (),
            flags={"fuzzy"} if before and before.fuzzy else (),
            context=message.context,
        )
    done = Texts(old.locale)
    for message in fresh:
        if message.id and all(_several(message.string)):  # an empty plural would be shown as nothing at all
            done.add(message.id, message.string, flags=message.flags, context=message.context)
    with path.open("wb") as text, path.with_suffix(".mo").open("wb") as binary:
        write_po(text, fresh, width=110, include_lineno=False)
        write_mo(binary, done)


def faults(path: Path, found: Catalog) -> Iterator[str]:
    """What is wrong with a catalogue: texts missing, left over, untranslated or unsure, or not in its compiled file."""
    name = path.relative_to(BASE_DIR).as_posix()
    wanted, there = _by_text(found), _by_text(_read(path))
    for _context, text in wanted.keys() - there.keys():
        yield f"{name}: not in it: {text!r}"
    for _context, text in there.keys() - wanted.keys():
        yield f"{name}: nowhere in the code: {text!r}"
    for message in there.values():
        if told := _fault(message):
            yield f"{name}: {told}: {message.id!r}"
    sure = {key: _several(message.string) for key, message in there.items() if not message.fuzzy}
    said = {key: texts for key, texts in sure.items() if all(texts)}
    if _compiled(path.with_suffix(".mo")) != said:
        yield f"{name}: is not what its compiled file says"


def _fault(message: Message) -> str:
    ids, strings = _several(message.id), _several(message.string)
    if message.fuzzy:
        return "marked as unsure (fuzzy)"
    if not all(strings):
        return "not translated"
    # One of something may leave its number out, in every language.
    if set(PLACE.findall(strings[-1])) != set(PLACE.findall(ids[-1])):
        return "has other placeholders"
    return ""


def _templates(source: IO[bytes], keywords: Any, comments: Any, options: Any) -> Any:
    """Babel's reader of Django templates. Their lines begin anywhere, which Python would take for blocks."""
    calls = templatize(source.read().decode(), origin=getattr(source, "name", None))
    lines = "\n".join(line.strip() for line in calls.split("\n"))
    return extract_python(io.BytesIO(lines.encode()), keywords, comments, options)


def _read(path: Path) -> Catalog:
    with path.open("rb") as text:
        return read_po(text, locale=path.parts[-3])


def _compiled(path: Path) -> dict[Any, Any]:
    if not path.exists():
        return {}
    with path.open("rb") as binary:
        said = _by_text(read_mo(binary)).items()
        # Babel leaves contexts as they stand in the file.
        return {
            (context.decode() if isinstance(context, bytes) else context, text): _several(message.string)
            for (context, text), message in said
        }


def _by_text(catalogue: Catalog) -> dict[Any, Message]:
    return {(message.context, _several(message.id)): message for message in catalogue if message.id}


def _several(texts: str | Iterable[str] | None) -> tuple[str, ...]:
    """One and many, or only one."""
    return (texts or "",) if texts is None or isinstance(texts, str) else tuple(texts)
