"""OpenAI's chat completions, spoken by many servers: ``POST <url>/chat/completions``, streamed.

Source: the vendor's reference of ``/v1/chat/completions``. Survived beside the good answer: no choices, null or
listed content, a refusal, ``finish_reason`` ``length`` and ``content_filter``, an error inside a 200 stream, a stream
without ``[DONE]``, a server that does not stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assist.llm.question import Question, tokens
from assist.ports import Ending, Finish, Message

URL = "https://api.openai.com/v1"
_ENDINGS = {"length": Ending.TOO_LONG, "content_filter": Ending.REFUSED}


class OpenAiCompatible:
    """A model behind OpenAI's interface. No limit of tokens is sent: servers disagree on what to call it."""

    name = "openai"

    def __init__(self, *, key: str, model: str, url: str = "") -> None:
        self.model = model
        self._key = key
        self._url = (url or URL).rstrip("/")

    def complete(self, *, messages: Sequence[Message], deadline: float) -> Iterator[str | Finish]:
        """Pieces of the first choice."""
        question = Question(
            provider="The OpenAI-compatible server",
            url=f"{self._url}/chat/completions",
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            payload={
                "model": self.model,
                "messages": [{"role": message.role, "content": message.text} for message in messages],
                "stream": True,
                "stream_options": {"include_usage": True},
            },
            private=(self._key, *(message.text for message in messages)),
        )
        ending: Ending | None = None
        refused, model, usage = False, "", None
        for document in question.documents(deadline=deadline):
            if document.get("error"):
                raise question.told(document["error"])
            model, usage = document.get("model") or model, document.get("usage") or usage
            choice = _first(document.get("choices"))
            said = choice.get("delta") or choice.get("message")
            said = said if isinstance(said, dict) else {}
            refused = refused or bool(said.get("refusal"))
            if text := _text(said.get("content")):
                yield text
            if reason := choice.get("finish_reason"):
                ending = _ENDINGS.get(str(reason), Ending.COMPLETE)
        if ending is None and not refused:
            raise question.failure("broke off before the end of its answer")
        yield Finish(
            Ending.REFUSED if refused else ending or Ending.COMPLETE,
            model=str(model),
            input_tokens=tokens(usage, "prompt_tokens"),
            output_tokens=tokens(usage, "completion_tokens"),
        )


def _first(choices: Any) -> dict[str, Any]:
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else {}


def _text(content: Any) -> str:
    """Content is a string, null, or (of some servers) a list of parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
