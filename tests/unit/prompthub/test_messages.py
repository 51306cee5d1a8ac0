"""The catalogues are gathered from the code, merged without losing anybody's words, and compiled."""

from __future__ import annotations

import gettext
from io import StringIO

import pytest
from babel.messages.catalog import Catalog
from django.core.management import CommandError, call_command

from prompthub.management.commands import messages

PLURAL = ("%(count)s change", "%(count)s changes")


def found(*texts, **in_context):
    catalogue = Catalog()
    for text in texts:
        catalogue.add(text, locations=[("portal/some.py", 0)])
    for context, text in in_context.items():
        catalogue.add(text, context=context)
    return catalogue


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty catalogue of another house."""
    monkeypatch.setattr(messages, "BASE_DIR", tmp_path)
    monkeypatch.setattr(messages, "LOCALES", tmp_path)
    place = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    place.parent.mkdir(parents=True)
    place.write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n', encoding="utf-8")
    return place


def translate(path, **texts):
    written = path.read_text(encoding="utf-8")
    for text, german in texts.items():
        written = written.replace(f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "{german}"')
    path.write_text(written, encoding="utf-8")


def told(path, gathered):
    return [fault.split(": ", 1)[1] for fault in messages.faults(path, gathered)]


def test_the_catalogues_of_the_house_are_complete():
    said = StringIO()
    call_command("messages", check=True, stderr=said)
    assert said.getvalue() == ""


def test_texts_are_gathered_from_code_and_templates():
    texts = {(message.context, message.id) for message in messages.gathered()}
    assert {
        (None, "Sign in"),
        ("what somebody did", "published"),
        (None, ("%(count)s change", "%(count)s changes")),
        (None, "%(name)s to %(target)s"),
        (None, "This prompt has no such suggestion."),
        (None, "placeholder"),
    } <= texts


def test_templates_may_begin_their_lines_anywhere(tmp_path):
    with (tmp_path / "page.html").open("wb+") as page:
        page.write(b'{% load i18n %}\n    {% translate "One" %}\n')
        page.write(b"  {% blocktranslate count n=x %}a{% plural %}b{% endblocktranslate %}")
        page.seek(0)
        calls = list(messages.extract(messages._templates, page, messages.KEYWORDS, ("Translators:",)))
    assert [(line, text) for line, text, *_ in calls] == [(2, "One"), (3, ("a", "b"))]


def test_what_was_translated_stays_and_what_nobody_says_goes(path):
    messages.renew(path, found("One", "Two"))
    translate(path, One="Eins", Two="Zwei")
    messages.renew(path, found("Two", "Three"))
    written = path.read_text(encoding="utf-8")
    assert "Zwei" in written
    assert "Eins" not in written
    assert told(path, found("Two", "Three")) == ["not translated: 'Three'"]


def test_the_same_texts_are_the_same_bytes(path):
    both = path, path.with_suffix(".mo")
    messages.renew(path, found("One", PLURAL))
    before = [one.read_bytes() for one in both]
    messages.renew(path, found("One", PLURAL))
    assert [one.read_bytes() for one in both] == before


def test_a_catalogue_that_is_behind_the_code_is_told(path):
    messages.renew(path, found("One"))
    translate(path, One="Eins")
    messages.renew(path, found("One"))
    assert told(path, found("One")) == []
    assert told(path, found("One", "Two")) == ["not in it: ('Two',)"]
    assert told(path, found()) == ["nowhere in the code: ('One',)"]


def test_a_compiled_catalogue_of_old_is_told(path):
    messages.renew(path, found("One"))
    translate(path, One="Eins")
    assert told(path, found("One")) == ["is not what its compiled file says"]
    path.with_suffix(".mo").unlink()
    assert told(path, found("One")) == ["is not what its compiled file says"]


def test_an_unsure_text_is_told_and_not_spoken(path):
    messages.renew(path, found("One"))
    translate(path, One="Eins")
    path.write_text(path.read_text(encoding="utf-8").replace("#: portal", "#, fuzzy\n#: portal"), encoding="utf-8")
    messages.renew(path, found("One"))
    assert told(path, found("One")) == ["marked as unsure (fuzzy): 'One'"]
    assert spoken(path).gettext("One") == "One"


@pytest.mark.parametrize(
    ("german", "right"), [("%(count)s von %(all)s", True), ("%(count)s", False), ("%(zahl)s %(all)s", False)]
)
def test_placeholders_are_those_of_the_text(path, german, right):
    gathered = found("%(count)s of %(all)s")
    messages.renew(path, gathered)
    translate(path, **{"%(count)s of %(all)s": german})
    messages.renew(path, gathered)
    assert (told(path, gathered) == []) is right


def test_plurals_and_contexts_are_compiled(path):
    gathered = found(PLURAL, "Next", change="Next")
    messages.renew(path, gathered)
    written = path.read_text(encoding="utf-8").replace('msgstr[0] ""', 'msgstr[0] "eine Änderung"')
    written = written.replace('msgstr[1] ""', 'msgstr[1] "%(count)s Änderungen"')
    written = written.replace(
        'msgctxt "change"\nmsgid "Next"\nmsgstr ""', 'msgctxt "change"\nmsgid "Next"\nmsgstr "Nächste"'
    )
    path.write_text(written.replace('msgid "Next"\nmsgstr ""', 'msgid "Next"\nmsgstr "Weiter"'), encoding="utf-8")
    messages.renew(path, gathered)
    assert told(path, gathered) == []
    said = spoken(path)
    assert (said.gettext("Next"), said.pgettext("change", "Next")) == ("Weiter", "Nächste")
    assert [said.ngettext(*PLURAL, number) for number in (1, 2)] == ["eine Änderung", "%(count)s Änderungen"]


def test_a_plural_that_nobody_translated_is_spoken_in_english(path):
    messages.renew(path, found(PLURAL))
    assert spoken(path).ngettext(*PLURAL, 2) == "%(count)s changes"


def test_the_command_fails_for_what_is_missing(path, monkeypatch):
    monkeypatch.setattr(messages, "gathered", lambda: found("One"))
    with pytest.raises(CommandError, match="1 texts are not as they should be"):
        call_command("messages", stderr=StringIO())
    with pytest.raises(CommandError, match=r"translate\.md"):
        call_command("messages", check=True, stderr=StringIO())


def spoken(path):
    with path.with_suffix(".mo").open("rb") as binary:
        return gettext.GNUTranslations(binary)
