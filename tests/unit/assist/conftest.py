"""A server of both vendors on loopback, and the two clients that speak to it."""

from __future__ import annotations

import pytest

from assist.llm.anthropic import Anthropic
from assist.llm.openai_compatible import OpenAiCompatible
from assist.llm.scripted import Scripted
from tests.fakes.llm_server import KEY, MODEL, LlmServer


@pytest.fixture
def server(settings):
    with LlmServer() as running:
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({running.address})
        yield running


@pytest.fixture
def port_of(server):
    """``port_of("openai")``: that client, speaking to the server."""

    def make(vendor, **changes):
        if vendor == "openai":
            return OpenAiCompatible(**{"url": f"{server.base_url}/v1", "key": KEY, "model": MODEL, **changes})
        given = {"url": server.base_url, "key": KEY, "model": MODEL, "max_tokens": 1_000}
        return Anthropic(**{**given, **changes})

    return make


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """``model(port)``: that one is asked from now on; without it, the scripted one, without pauses."""

    def choose(port):
        monkeypatch.setattr("assist.llm.chosen", lambda: port)

    choose(Scripted())
    return choose
