"""A server that speaks OpenAI's chat completions and Anthropic's messages, as their references say, with faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from assist.llm.scripted import Scripted
from assist.ports import Message
from tests.fakes.standin import Cut, Reply, Request, StandIn

KEY = "sk-standin-0123456789abcdef"
MODEL = "standin-large"
EVENTS = {"Content-Type": "text/event-stream"}


class LlmServer(StandIn):
    """By default it answers like the scripted model, streamed.

    ``says`` is the whole text, or a function of the question's messages; ``reason`` the vendor's word for why it
    ended (None: its good one); ``breaks`` ends the connection in the middle, ``silent`` never goes on from there;
    ``error`` is told inside the stream; ``whole`` does not stream; ``done`` False leaves OpenAI's ``[DONE]`` out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.says: str | Callable[[list[Message]], str] = scripted
        self.reason: str | None = None
        self.refusal = ""
        self.error: dict[str, Any] | None = None
        self.breaks = self.silent = self.whole = False
        self.done = True
        self.size = 7

    def reply(self, request: Request) -> Reply:
        body = request.json()
        if request.path == "/v1/chat/completions":
            return self._openai(request, body)
        if request.path == "/v1/messages":
            return self._anthropic(request, body)
        return Reply.of(404, {"error": {"message": "Unknown request URL", "type": "invalid_request_error"}})

    def _openai(self, request: Request, body: dict[str, Any]) -> Reply:
        def refuse(status: int, code: str, message: str) -> Reply:
            kind = "invalid_request_error"
            return Reply.of(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})

        if request.headers.get("authorization") != f"Bearer {KEY}":
            sent = request.headers.get("authorization", "").removeprefix("Bearer ")
            return refuse(401, "invalid_api_key", f"Incorrect API key provided: {sent}.")
        if body["model"] != MODEL:
            return refuse(404, "model_not_found", f"The model `{body['model']}` does not exist")
        messages = [Message(entry["role"], entry["content"]) for entry in body["messages"]]
        usage = {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}
        reason = self.reason or "stop"
        if self.whole or not body.get("stream"):
            said = {"role": "assistant", "content": self.text(messages), "refusal": self.refusal or None}
            choice = {"index": 0, "message": said, "finish_reason": reason}
            return Reply.of(200, {"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage})

        def chunk(choices: list[Any], **more: Any) -> bytes:
            return data({"object": "chat.completion.chunk", "model": MODEL, "choices": choices, **more})

        def events() -> Iterator[bytes]:
            yield chunk([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
            for piece in self._pieces(messages):
                yield chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
            if self.refusal:
                yield chunk([{"index": 0, "delta": {"refusal": self.refusal}, "finish_reason": None}])
            if self.error is not None:
                yield data({"error": self.error})
                return
            yield chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
            if body.get("stream_options", {}).get("include_usage"):
                yield chunk([], usage=usage)
            if self.done:
                yield b"data: [DONE]\n\n"

        return Reply(200, headers=EVENTS, pieces=events())

    def _anthropic(self, request: Request, body: dict[str, Any]) -> Reply:
        def refuse(status: int, kind: str, message: str) -> Reply:
            return Reply.of(status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": "r1"})

        if request.headers.get("x-api-key") != KEY:
            return refuse(401, "authentication_error", "invalid x-api-key")
        if not request.headers.get("anthropic-version") or not isinstance(body.get("max_tokens"), int):
            return refuse(400, "invalid_request_error", "max_tokens: Field required")
        if any(entry["role"] == "system" for entry in body["messages"]):
            return refuse(400, "invalid_request_error", 'messages: Unexpected role "system"')
        if body["model"] != MODEL:
            return refuse(404, "not_found_error", f"model: {body['model']}")
        said = [Message(entry["role"], entry["content"]) for entry in body["messages"]]
        messages = [Message("system", body.get("system", "")), *said]
        reason = self.reason or "end_turn"
        message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL}
        if self.whole or not body.get("stream"):
            content = [{"type": "text", "text": self.text(messages)}]
            usage = {"input_tokens": 11, "output_tokens": 22}
            return Reply.of(200, {**message, "content": content, "stop_reason": reason, "usage": usage})

        def event(kind: str, **more: Any) -> bytes:
            return f"event: {kind}\n".encode() + data({"type": kind, **more})

        def events() -> Iterator[bytes]:
            usage = {"input_tokens": 11, "output_tokens": 1}
            yield event("message_start", message={**message, "content": [], "stop_reason": None, "usage": usage})
            yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            yield event("ping")
            for piece in self._pieces(messages):
                yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
            if self.error is not None:
                yield event("error", error=self.error)
                return
            yield event("content_block_stop", index=0)
            yield event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 22})
            yield event("message_stop")

        return Reply(200, headers=EVENTS, pieces=events())

    def text(self, messages: list[Message]) -> str:
        return self.says if isinstance(self.says, str) else self.says(messages)

    def _pieces(self, messages: list[Message]) -> Iterator[str]:
        text = self.text(messages)
        for start in range(0, len(text), self.size):
            if 2 * start > len(text) and self.breaks:
                raise Cut
            if 2 * start > len(text) and self.silent:
                self._stopped.wait(30)
                raise Cut
            yield text[start : start + self.size]


def scripted(messages: list[Message]) -> str:
    """What the scripted model writes."""
    return "".join(piece for piece in Scripted().complete(messages=messages, deadline=1) if isinstance(piece, str))


def data(document: Any) -> bytes:
    """One event."""
    return f"data: {json.dumps(document)}\n\n".encode()
