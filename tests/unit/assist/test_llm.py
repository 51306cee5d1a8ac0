"""The clients of the vendors: what they send, and what they make of good and hard answers."""

from __future__ import annotations

import runpy
import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from assist import llm
from assist.llm.null import Null
from assist.llm.openai_compatible import OpenAiCompatible
from assist.ports import Ending, Finish, LlmError, Message
from prompthub.env import BASE_DIR
from tests.fakes.llm_server import EVENTS, KEY, MODEL
from tests.fakes.standin import Reply

MESSAGES = [Message("system", "You improve prompts."), Message("user", "A secret-looking question of ours.")]
by_vendor = pytest.mark.parametrize("vendor", ["openai", "anthropic"])


def ask(port, *, messages=MESSAGES, deadline=5.0):
    """The text, and how it ended."""
    *texts, finish = port.complete(messages=messages, deadline=deadline)
    assert isinstance(finish, Finish)
    assert all(isinstance(text, str) for text in texts)
    return "".join(texts), finish


def failure(port, *, deadline=5.0):
    with pytest.raises(LlmError) as refusal:
        list(port.complete(messages=MESSAGES, deadline=deadline))
    assert refusal.value.code == "502.llm_unavailable"
    assert KEY not in str(refusal.value)
    assert "question of ours" not in str(refusal.value)
    return refusal.value


@pytest.fixture
def polite(server):
    server.says = "Good morning, “friend”."
    return server


@by_vendor
@pytest.mark.parametrize("whole", [False, True])
def test_a_good_answer_comes_in_pieces_with_its_tokens(polite, port_of, vendor, whole):
    polite.whole = whole
    text, finish = ask(port_of(vendor))
    assert (text, finish) == (polite.says, Finish(Ending.COMPLETE, MODEL, 11, 22))


@by_vendor
def test_pieces_are_given_on_before_the_answer_has_ended(polite, port_of, vendor):
    polite.silent = True
    pieces = port_of(vendor).complete(messages=MESSAGES, deadline=20)
    assert next(pieces) == polite.says[: polite.size]
    pieces.close()


@by_vendor
def test_one_question_is_one_request_with_the_key_in_its_header(polite, port_of, vendor):
    ask(port_of(vendor))
    [request] = polite.requests
    assert KEY in {request.headers.get("x-api-key"), request.headers.get("authorization", "").removeprefix("Bearer ")}
    assert KEY.encode() not in request.body
    assert request.headers["content-type"] == "application/json"
    assert request.json()["stream"] is True


def test_openai_without_a_key_sends_none(polite, port_of):
    assert failure(port_of("openai", key="")).again is False
    assert "authorization" not in polite.requests[0].headers


def test_a_server_that_does_not_say_done_has_answered_all_the_same(polite, port_of):
    polite.done = False
    assert ask(port_of("openai"))[0] == polite.says


@by_vendor
@pytest.mark.parametrize(
    ("status", "again"), [(429, True), (500, True), (529, True), (408, True), (400, False), (401, False), (302, False)]
)
def test_a_status_says_whether_to_ask_again(polite, port_of, vendor, status, again):
    polite.fault(Reply.of(status, {"error": {"message": f"No: {KEY} and question of ours"}}))
    error = failure(port_of(vendor))
    assert (error.again, error.retryable, error.retry_after) == (again, again, None)
    assert str(status) in error.detail


@by_vendor
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "20"}, 20.0),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:30 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_patience_that_is_asked_for_is_told(polite, port_of, vendor, headers, seconds):
    polite.fault(Reply(429, b"{}", headers))
    assert failure(port_of(vendor)).retry_after == seconds


@by_vendor
@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_connection_that_is_cut_is_no_answer(polite, port_of, vendor, fault):
    polite.reset(fault)
    assert failure(port_of(vendor)).again


@by_vendor
def test_a_stream_that_breaks_off_is_no_answer(polite, port_of, vendor):
    polite.breaks = True
    assert failure(port_of(vendor)).again


@by_vendor
@pytest.mark.parametrize("switch", ["silent", "hang"])
def test_a_slow_model_is_left_at_the_deadline(polite, port_of, vendor, switch):
    if switch == "hang":
        polite.hang()
    else:
        polite.silent = True
    started = time.monotonic()
    assert failure(port_of(vendor), deadline=0.5).again
    assert time.monotonic() - started < 5


@by_vendor
def test_an_error_inside_a_stream_is_told(polite, port_of, vendor):
    polite.error = {"type": "overloaded_error", "message": f"Overloaded, {KEY}"}
    error = failure(port_of(vendor))
    assert (error.again, "Overloaded" in error.detail) == (True, True)


@by_vendor
@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ({"openai": "length", "anthropic": "max_tokens"}, Ending.TOO_LONG),
        ({"openai": "content_filter", "anthropic": "refusal"}, Ending.REFUSED),
        ({"openai": "unheard_of", "anthropic": "unheard_of"}, Ending.COMPLETE),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_why_it_ended_is_told(polite, port_of, vendor, reason, ending, whole):
    polite.reason, polite.whole = reason[vendor], whole
    assert ask(port_of(vendor))[1].ending is ending


@pytest.mark.parametrize("whole", [False, True])
def test_a_refusal_of_openai_is_one_whatever_the_reason_says(polite, port_of, whole):
    polite.refusal, polite.whole = "I will not.", whole
    assert ask(port_of("openai"))[1].ending is Ending.REFUSED


HARD = {
    "nothing": Reply(200, b"", EVENTS),
    "an empty stream": Reply(200, b"data: [DONE]\n\n", EVENTS),
    "a page": Reply.html(200),
    "a page with another status": Reply.html(503),
    "no JSON in the stream": Reply(200, b"data: {broken\n\n", EVENTS),
    "a list in the stream": Reply(200, b"data: []\n\n", EVENTS),
    "an event without end": Reply(200, b"data: " + b"x" * 1_100_000, EVENTS),
    "no choices": Reply.of(200, {"choices": [], "content": None}),
    "null choices": Reply.of(200, {"choices": None, "content": [None, 7]}),
    "choices of another kind": Reply.of(200, {"choices": [7], "content": "x", "usage": [], "model": 7}),
    "nothing but braces": Reply.of(200, {}),
    "not even text": Reply(200, b"\xff\xfe" * 50, {"Content-Type": "text/plain"}),
}


@by_vendor
@pytest.mark.parametrize("reply", HARD.values(), ids=HARD)
def test_hard_answers_are_no_answers(polite, port_of, vendor, reply):
    polite.fault(reply)
    assert failure(port_of(vendor)).again


@by_vendor
def test_of_an_endless_refusal_only_the_beginning_is_read(polite, port_of, vendor):
    polite.fault(Reply(500, b"x" * 200_000))
    assert "500" in failure(port_of(vendor)).detail


def test_content_may_be_null_or_a_list_of_parts(polite, port_of):
    parts = [{"type": "text", "text": "Good "}, {"type": "text", "text": "day"}, {"type": "image"}, 7]
    said = {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}], "usage": {"prompt_tokens": -1}}
    polite.fault(Reply.of(200, said))
    assert ask(port_of("openai")) == ("Good day", Finish(Ending.COMPLETE))
    polite.fault(Reply.of(200, {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}))
    assert ask(port_of("openai"))[0] == ""


@by_vendor
def test_an_address_that_may_not_be_called_is_not(port_of, settings, server, vendor):
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset()
    assert failure(port_of(vendor)).again is False
    assert server.requests == []


@by_vendor
def test_what_went_wrong_ends_with_one_full_stop(polite, port_of, settings, vendor):
    polite.fault(Reply.of(401, {"error": {"message": "The key is not known..."}}))
    told = [failure(port_of(vendor)).detail]
    polite.hang()
    told.append(failure(port_of(vendor), deadline=0.3).detail)
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset()
    told.append(failure(port_of(vendor)).detail)
    assert [detail.endswith(".") and not detail.endswith("..") for detail in told] == [True] * 3


@by_vendor
def test_a_key_that_would_split_a_header_is_not_sent(port_of, server, vendor):
    assert failure(port_of(vendor, key="sk-a\r\nX-Evil: 1")).again is False
    assert server.requests == []


def test_no_model_is_none():
    error = failure(Null())
    assert (error.again, "PROMPTHUB_LLM" in error.detail) == (False, True)


def test_the_setting_chooses(settings, monkeypatch):
    monkeypatch.undo()
    made = {}
    for name in llm.MAKERS:
        settings.ASSIST = {**settings.ASSIST, "llm": name, "model": "m"}
        made[name] = llm.chosen()
    assert {name: port.name for name, port in made.items()} == {name: name for name in llm.MAKERS}
    assert made["openai"]._url == "https://api.openai.com/v1"
    assert made["anthropic"]._url == "https://api.anthropic.com"
    assert KEY not in repr(OpenAiCompatible(key=KEY, model="m"))


@pytest.mark.parametrize(
    ("given", "told"),
    [({"PROMPTHUB_LLM": "hal"}, "one of null"), ({"PROMPTHUB_LLM": "openai"}, "PROMPTHUB_LLM_MODEL")],
)
def test_a_wrong_setting_stops_the_start(monkeypatch, given, told):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=told):
        runpy.run_path(str(BASE_DIR / "prompthub" / "settings.py"))
