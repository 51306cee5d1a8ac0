"""The stand-in of the language models behaves as the vendors' references say: asked without our own clients."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.fakes.llm_server import KEY, MODEL, LlmServer

MESSAGES = [{"role": "user", "content": "Hello."}]
ASKED = {
    "openai": ("/v1/chat/completions", {"Authorization": f"Bearer {KEY}"}, {"model": MODEL, "messages": MESSAGES}),
    "anthropic": (
        "/v1/messages",
        {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 100},
    ),
}
by_vendor = pytest.mark.parametrize("vendor", ASKED)


@pytest.fixture
def server():
    with LlmServer() as running:
        running.says = "Good morning to you."
        yield running


def ask(server, vendor, headers=None, **changes):
    path, given, body = ASKED[vendor]
    connection = http.client.HTTPConnection(server.address, timeout=5)
    connection.request("POST", path, json.dumps({**body, **changes}), given if headers is None else headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def events(content):
    return [json.loads(line[6:]) for line in content.decode().splitlines() if line.startswith("data: {")]


@by_vendor
def test_it_answers_whole_when_it_is_not_asked_to_stream(server, vendor):
    status, kind, content = ask(server, vendor)
    said = json.loads(content)
    text = said["choices"][0]["message"]["content"] if vendor == "openai" else said["content"][0]["text"]
    assert (status, kind, text) == (200, "application/json", server.says)
    assert said["usage"]


@by_vendor
def test_it_streams_events_that_together_are_the_text(server, vendor):
    status, kind, content = ask(server, vendor, stream=True)
    assert (status, kind) == (200, "text/event-stream")
    if vendor == "openai":
        assert content.endswith(b"data: [DONE]\n\n")
        texts = [event["choices"][0]["delta"].get("content") or "" for event in events(content)]
    else:
        assert b"event: message_start" in content
        assert content.rstrip().endswith(b'{"type": "message_stop"}')
        texts = [event["delta"]["text"] for event in events(content) if event["type"] == "content_block_delta"]
    assert "".join(texts) == server.says
    assert len(texts) > 2


@by_vendor
def test_it_refuses_an_unknown_key_and_an_unknown_model(server, vendor):
    status, _, content = ask(server, vendor, headers={})
    assert (status, isinstance(json.loads(content)["error"]["message"], str)) == (401, True)
    assert ask(server, vendor, model="unheard-of")[0] == 404


def test_anthropic_wants_a_limit_and_keeps_the_system_apart(server):
    assert ask(server, "anthropic", max_tokens=None)[0] == 400
    assert ask(server, "anthropic", messages=[{"role": "system", "content": "x"}, *MESSAGES])[0] == 400


@by_vendor
def test_it_can_break_off_and_tell_an_error_inside_a_stream(server, vendor):
    server.error = {"type": "overloaded_error", "message": "Overloaded"}
    assert events(ask(server, vendor, stream=True)[2])[-1]["error"]["message"] == "Overloaded"
    server.error, server.breaks = None, True
    with pytest.raises(http.client.IncompleteRead):
        ask(server, vendor, stream=True)
