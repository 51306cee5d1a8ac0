"""Words, tones and snippets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import RequestFactory
from django.utils import translation

from portal.presenters import found
from portal.presenters.words import DELIVERY, OUTCOME, PROMPT
from portal.templatetags import ph
from publishing.standing import OUTCOMES
from publishing.states import DeliveryState


def test_every_state_has_a_word_and_a_tone():
    assert set(DELIVERY) == set(DeliveryState)
    assert set(OUTCOME) == set(OUTCOMES)
    assert {state.tone for state in [*DELIVERY.values(), *PROMPT.values(), *OUTCOME.values()]} == {
        "good",
        "note",
        "warn",
        "bad",
        "calm",
    }


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Say hello to all.", "HELLO", ("Say ", "hello", " to all.")),
        ("x" * 100 + "hello" + "y" * 100, "hello", ("…" + "x" * 60, "hello", "y" * 60 + "…")),
        ("hello", "hello", ("", "hello", "")),
    ],
)
def test_a_snippet_is_the_first_place_with_what_is_around_it(text, words, expected):
    snippet = found.snippet(text, words)
    assert (snippet.before, snippet.words, snippet.after) == expected


def test_no_place_is_no_snippet():
    assert found.snippet("nothing", "hello") is None


def test_an_address_keeps_its_filters():
    context = {"request": RequestFactory().get("/", {"q": "a b", "page": "2"})}
    assert ph.address(context, page=3) == "?q=a+b&page=3"
    assert ph.address(context, page=None, sort="name") == "?q=a+b&sort=name"


@pytest.mark.parametrize(("language", "shown"), [("en", ["7", "12,345", "0.5"]), ("de", ["7", "12.345", "0,5"])])
def test_a_number_is_written_as_the_language_does(language, shown):
    with translation.override(language):
        assert [ph.number(value) for value in (7, 12_345, 0.5)] == shown


@pytest.mark.parametrize(("language", "shown"), [("en", "2026-03-14 09:26:00"), ("de", "14.03.2026, 09:26:00")])
def test_a_moment_is_written_as_the_language_does_for_people_alone(language, shown):
    with translation.override(language):
        told = ph.moment(datetime(2026, 3, 14, 9, 26, tzinfo=UTC))
    assert told == f'<time datetime="2026-03-14T09:26:00+00:00" title="{shown} UTC">{shown}</time>'


def test_no_moment_is_a_dash():
    assert ph.moment(None) == "–"


def test_djangos_levels_have_our_tones():
    assert [ph.tone(level) for level in ("success", "info", "warning", "error", "good")] == [
        "good",
        "note",
        "warn",
        "bad",
        "good",
    ]
