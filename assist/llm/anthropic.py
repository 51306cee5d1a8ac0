"""Anthropic's messages: ``POST <url>/v1/messages``, streamed.

Source: the vendor's reference of the Messages API, version 2023-06-01. ``max_tokens`` must be sent and the system's
text is a member of its own; ``overloaded_error`` comes as 529 or inside a 200 stream; ``stop_reason`` may be
``refusal`` or ``max_tokens``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assist.llm.question import Question, tokens
from assist.ports import Ending, Finish, Message

URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
_ENDINGS = {
    "max_tokens": Ending.TOO_LONG,
    "model_context_window_exceeded": Ending.TOO_LONG,
    "refusal": Ending.REFUSED,
}


class Anthropic:
    """A model behind Anthropic's interface. ``max_tokens`` bounds what it writes."""

    name = "anthropic"

    def __init__(self, *, key: str, model: str, max_tokens: int, url: str = "") -> None:
        self.model = model
        self._key = key
        self._max_tokens = max_tokens
        self._url = (url or URL).rstrip("/")

    def complete(self, *, messages: Sequence[Message], deadline: float) -> Iterator[str | Finish]:
        """Pieces of the answer's text blocks; other blocks are left out."""
        question = Question(
            provider="Anthropic",
            url=f"{self._url}/v1/messages",
            headers={"anthropic-version": VERSION, **({"x-api-key": self._key} if self._key else {})},
            payload={
                "model": self.model,
                "max_tokens": self._max_tokens,
                "system": "\n\n".join(message.text for message in messages if message.role == "system"),
                "messages": [{"role": "user", "content": said.text} for said in messages if said.role == "user"],
                "stream": True,
            },
            private=(self._key, *(message.text for message in messages)),
        )
        reason: Any = None
        model, read, wrote = "", None, None
        for document in question.documents(deadline=deadline):
            if document.get("type") == "error":
                raise question.told(document.get("error"))
            whole = _member(document, "message") or (document if document.get("type") == "message" else {})
            usage = _member(whole, "usage") or _member(document, "usage")
            model = whole.get("model") or model
            read = tokens(usage, "input_tokens") or read
            wrote = tokens(usage, "output_tokens") or wrote
            yield from _texts(document)
            reason = _member(document, "delta").get("stop_reason") or whole.get("stop_reason") or reason
        if not isinstance(reason, str):
            raise question.failure("broke off before the end of its answer")
        yield Finish(_ENDINGS.get(reason, Ending.COMPLETE), model=str(model), input_tokens=read, output_tokens=wrote)


def _texts(document: dict[str, Any]) -> Iterator[str]:
    """The text in an event, or in all blocks of an answer that is not streamed."""
    blocks = document.get("content")
    parts = [_member(document, "delta"), _member(document, "content_block")]
    parts += [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    for part in parts:
        if part.get("type") in {"text", "text_delta"} and isinstance(part.get("text"), str) and part["text"]:
            yield part["text"]


def _member(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
