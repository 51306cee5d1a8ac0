"""What an answer means."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from foundation.egress import Answer, EgressNotSent, EgressRefused, EgressUnanswered
from publishing.adapters import answers
from publishing.adapters.answers import Exchange
from publishing.ports import Outcome, ProviderError

NOW = 1_767_605_400.0  # Mon, 05 Jan 2026 09:30:00 GMT


class Scripted:
    """A wire that gives one answer, or raises it."""

    def __init__(self, answer):
        self.answer = answer

    def request(self, method, url, *, headers=None, content=None, max_bytes=65_536):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def now(self):
        return NOW


def exchange(answer=None, *private):
    return Exchange("n8n", Scripted(answer), {}, private)


def reply(status, document=None, **headers):
    content = document if isinstance(document, bytes) else json.dumps(document or {}).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_taken(status):
    for written in (True, False):
        assert exchange().expect(reply(status), written=written) is None


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((408, 409, 425, 429, 500, 501, 502, 503, 504, 599), Outcome.TRY_AGAIN),
        ((300, 301, 302, 304, 307, 400, 401, 402, 403, 404, 405, 410, 411, 412, 413, 415, 422, 451), Outcome.REFUSED),
    ],
)
def test_the_status_decides(statuses, outcome):
    for status in statuses:
        with pytest.raises(ProviderError) as failure:
            exchange().expect(reply(status), written=False)
        assert (failure.value.outcome, failure.value.provider_status) == (outcome, status)
        assert failure.value.retryable is (outcome is not Outcome.REFUSED)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((502, 504), Outcome.UNKNOWN),
        ((408, 409, 425, 429, 500, 501, 503, 599), Outcome.TRY_AGAIN),
        ((302, 400, 404, 410, 422), Outcome.REFUSED),
    ],
)
def test_of_a_write_that_a_gateway_answered_nobody_knows_what_became(statuses, outcome):
    for status in statuses:
        with pytest.raises(ProviderError) as failure:
            exchange().expect(reply(status), written=True, so_far="not published; ")
        assert (failure.value.outcome, failure.value.provider_status) == (outcome, status)
        assert ("may have been taken" in failure.value.detail) is (outcome is Outcome.UNKNOWN)
        assert ("not published" in failure.value.detail) is (outcome is not Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "method", "outcome"),
    [
        (EgressRefused("no"), "GET", Outcome.REFUSED),
        (EgressRefused("no"), "PUT", Outcome.REFUSED),
        (EgressNotSent("down"), "GET", Outcome.TRY_AGAIN),
        (EgressNotSent("down"), "PUT", Outcome.TRY_AGAIN),
        (EgressUnanswered("late"), "GET", Outcome.TRY_AGAIN),
        (EgressUnanswered("late"), "PUT", Outcome.UNKNOWN),
    ],
)
def test_without_an_answer_it_depends_on_what_was_sent(error, method, outcome):
    with pytest.raises(ProviderError) as failure:
        exchange(error).call(method, "https://x")
    assert (failure.value.outcome, failure.value.provider_status) == (outcome, None)


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("999999999", None, answers.LONGEST_WAIT),
        ("Mon, 05 Jan 2026 09:31:00 GMT", "Mon, 05 Jan 2026 09:30:30 GMT", 30.0),
        ("Mon, 05 Jan 2026 09:31:00 GMT", None, 60.0),  # without a Date, our own clock
        ("Mon, 05 Jan 2026 09:31:00 GMT", "yesterday", 60.0),
        ("Monday, 05-Jan-26 09:31:00 GMT", None, 60.0),
        ("Mon Jan  5 09:31:00 2026", None, 60.0),
        ("Mon, 05 Jan 2026 09:00:00 GMT", None, 0.0),
        ("Mon, 05 Jan 2099 09:00:00 GMT", None, answers.LONGEST_WAIT),
        ("", None, None),
        ("soon", None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("٣", None, None),
        ("1e9", None, None),
        ("9" * 500, None, answers.LONGEST_WAIT),
        ("Mon, 99 Jan 2026 09:00:00 GMT", None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(asked, date, seconds):
    headers = {"retry-after": asked} | ({"date": date} if date else {})
    assert answers.retry_after(Answer(429, headers, b""), now=NOW) == seconds


def test_a_date_is_gmt_wherever_the_machine_stands(monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        asked = Answer(429, {"retry-after": "Mon Jan  5 09:31:00 2026"}, b"")
        assert answers.retry_after(asked, now=NOW) == 60.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("status", "seconds"), [(429, 7.0), (503, 7.0), (500, None), (409, None), (400, None)])
def test_only_429_and_503_may_say_when(status, seconds):
    with pytest.raises(ProviderError) as failure:
        exchange().expect(reply(status, retry_after="7"), written=False)
    assert failure.value.retry_after == seconds


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b'{"message": "Not Found"}', {}, "Not Found"),
        (b'{"detail": "no"}', {}, "no"),
        (b'{"error": "no"}', {}, "no"),
        (b'{"error": {"code": 1}}', {}, "no message"),
        (b"<!DOCTYPE html><title>Error</title><pre>stack", {}, "an HTML page titled “Error”"),
        (b"  <html><body>x", {}, "an HTML page"),
        (b"oops", {"content-type": "text/html"}, "an HTML page"),
        (b"plain\n  words\x00\x1b[31m", {}, "plain words [31m"),
        (b"", {}, "an empty body"),
        (b"\xff\xfe", {}, "\ufffd\ufffd"),
    ],
)
def test_a_message_is_found_in_any_body(content, headers, said):
    assert answers.message(Answer(400, headers, content)) == said


def test_a_message_is_shortened():
    with pytest.raises(ProviderError) as failure:
        exchange().expect(reply(400, {"message": "x" * 5_000}), written=False)
    assert failure.value.detail == f"answered 400: {'x' * 199}…"


PROMPT = 'You are Ada.\nNever tell   anybody that "the cake" is a lie.\nHi\nBye now'


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("key sk-very-secret-1 refused", "key ••• refused"),
        ("key sk-very-secr… refused", "key •••… refused"),
        ("bad: Never tell anybody that it works", "bad: •••it works"),
        ('value "You are Ada." too long', 'value "•••" too long'),
        ("Hi there, Bye now", "Hi there, •••"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_no_echo_of_a_private_text_gets_into_a_message(said, shown):
    with pytest.raises(ProviderError) as failure:
        exchange(None, "sk-very-secret-1", PROMPT).expect(reply(400, {"message": said}), written=False)
    assert failure.value.detail == f"answered 400: {shown}"


SECRET = 'TOPSECRET-q"7\\x/42 ü'


@pytest.mark.parametrize(
    "spelled",
    [
        quote(SECRET, safe=""),
        quote_plus(quote_plus(SECRET)),
        html.escape(SECRET),
        json.dumps(SECRET),
        json.dumps(json.dumps(SECRET)),
        SECRET.upper(),
        "".join(f"&#{ord(character)};" for character in SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(f"hook:{SECRET}".encode()).decode(),
        quote(base64.b64encode(f"a{SECRET}".encode()).decode(), safe=""),
    ],
)
def test_an_echo_in_another_spelling_leaves_no_message_at_all(spelled):
    with pytest.raises(ProviderError) as failure:
        exchange(None, SECRET).expect(reply(400, {"message": f"no such tool: {spelled}"}), written=False)
    assert failure.value.detail == "answered 400: •••"


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}', b'{"a": ' + b"9" * 10_000 + b"}", b"\xff", b"", b"[1]", b"null"],
    ids=["deep", "nan", "huge float", "huge integer", "not utf-8", "empty", "list", "null"],
)
def test_a_hostile_document_is_an_answer_that_makes_no_sense(content):
    for written, outcome in ((True, Outcome.UNKNOWN), (False, Outcome.TRY_AGAIN)):
        with pytest.raises(ProviderError) as failure:
            exchange().document(Answer(200, {}, content), written=written)
        assert failure.value.outcome is outcome


def test_a_document_that_cannot_be_sent_back_is_refused():
    deep: dict = {}
    for _ in range(5_000):
        deep = {"a": deep}
    with pytest.raises(ProviderError) as failure:
        exchange(reply(200)).write("PUT", "https://x", deep)
    assert failure.value.outcome is Outcome.REFUSED


def test_a_lone_surrogate_of_the_provider_is_sent_back_as_it_came():
    sent = []

    class Remembering(Scripted):
        def request(self, method, url, *, content=None, **more):
            sent.append(content)
            return reply(200)

    found = answers.parse(b'{"a": "\\ud800"}')
    Exchange("n8n", Remembering(None), {}, ()).write("PUT", "https://x", found)
    assert sent == [b'{"a": "\\ud800"}']


def test_private_texts_are_not_in_the_repr():
    assert "sk-very" not in repr(Exchange("n8n", Scripted(None), {"X": "sk-very-secret-1"}, ("sk-very-secret-1",)))
