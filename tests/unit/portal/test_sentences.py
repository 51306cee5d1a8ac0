"""What the rooms say, told in the language of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

import portal
from portal import problems, sentences
from portal.forms.targets import ContractForm
from prompthub_kernel.errors import CODES, PromptHubError
from prompthub_kernel.schema_words import sentence
from publishing import adapters

HOUSE = Path(portal.__file__).parents[1]
ROOMS = ("prompthub_kernel", "foundation", "instances", "publishing", "assist", "templates_app", "tenancy", "portal")
ROOMS += ("registry", "resolver")
OWN = {"sentences.py", "sentences_registry.py"}


def written():
    """The code of the rooms with its texts in one piece: strings that continue on the next line are joined."""
    paths = [path for room in ROOMS for path in (HOUSE / room).rglob("*.py") if path.name not in OWN]
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    contracts = "".join(path.read_text(encoding="utf-8") for path in (HOUSE / "contracts").rglob("*.schema.json"))
    return re.sub(r'"\s*\n\s*f?"', "", code) + contracts.replace('\\"', '"')


CODE = written()


@pytest.mark.parametrize("known", sentences.SENTENCES)
def test_every_sentence_is_said_somewhere(known):
    pieces = re.split(r"%\(\w+\)s", known)
    assert max(pieces, key=len) in CODE


@pytest.mark.parametrize("known", sentences.SENTENCES)
def test_every_sentence_is_told_in_german(known):
    said = re.sub(r"%\((\w+)\)s", "7", known)
    with translation.override("de"):
        assert sentences.said(said) != said
        assert "7" in sentences.said(said) or "%(" not in known
        assert sentences.shown(said) == sentences.said(said)


def test_english_stays_as_it_is():
    with translation.override("en"):
        assert sentences.said("This is longer than 7 characters.") == "This is longer than 7 characters."
        assert sentences.shown("n8n answered 503: busy") == "n8n answered 503: busy"


def test_what_nobody_translated_is_marked_and_escaped():
    with translation.override("de"):
        assert sentences.said("n8n <b> 503") == "n8n <b> 503"
        assert sentences.shown("n8n <b> 503") == '<span lang="en">n8n &lt;b&gt; 503</span>'
        assert sentences.shown(None) == ""


def test_what_a_sentence_names_stays_and_our_words_are_translated():
    with translation.override("de"):
        assert "`Draft`" in sentences.said("line 3: `Draft` is not declared in the variables schema")
        assert "veröffentlichen" in sentences.said("This needs the permission “publish” at this client.")


def test_what_a_parser_says_of_a_line_names_the_line_in_our_words_and_stays_english():
    with translation.override("de"):
        assert sentences.said("line 3: unexpected '}'") == "Zeile 3: unexpected '}'"
        assert sentences.shown("line 3: <b>") == 'Zeile 3: <span lang="en">&lt;b&gt;</span>'
    assert sentences.shown("line 3: unexpected") == "line 3: unexpected"


@pytest.mark.parametrize(("keyword", "value"), [("type", ["string", "null"]), ("enum", ["a.", "b"]), ("minLength", 3)])
def test_the_words_of_a_schema_are_known(keyword, value):
    with translation.override("de"):
        assert sentences.said(sentence(keyword, value)) != sentence(keyword, value)


@pytest.mark.parametrize("adapter", sorted(adapters.REGISTRY))
def test_every_field_of_an_adapter_has_its_words_in_german(adapter):
    with translation.override("en"):
        english = _words(adapter)
    with translation.override("de"):
        german = _words(adapter)
    same = {"n8n", "Name", "Slot"}
    assert [one for one, other in zip(english, german, strict=True) if one == other and one not in same] == []


def _words(adapter):
    form = ContractForm(adapter=adapter, parts=("settings", "credentials", "location"))
    told = [text for field in form for text in (str(field.label), str(field.help_text))]
    return [text for text in told if text]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_its_title_and_its_next_step_in_german(code):
    error = (CODES[code].raised_as or PromptHubError)(code)
    english = problems.title(error), problems.next_step(error)
    with translation.override("de"):
        german = problems.title(error), problems.next_step(error)
    assert [one for one, other in zip(english, german, strict=True) if one == other] == []
