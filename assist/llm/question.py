"""A question to a provider of language models over HTTP, and what its answers mean when they are none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from assist.llm import events
from assist.llm.events import NotEvents
from assist.ports import LlmError
from foundation import egress
from foundation.egress import Answer, EgressError, EgressRefused, Streamed
from publishing.adapters import answers

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes: the largest prompt, each of its words wrapped into an event of its own."""

_LARGEST_REFUSAL = 65_536
_AGAIN = frozenset({408, 409, 425, 429})
_SAYS_WHEN = frozenset({429, 503, 529})


@dataclass(frozen=True, slots=True)
class Question:
    """One POST. ``provider`` is how people call it; ``private`` texts never get into a message."""

    provider: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False)
    private: tuple[str, ...] = field(repr=False)

    def documents(self, *, deadline: float) -> Iterator[dict[str, Any]]:
        """The JSON objects of the answer as they come: one for each event, or the whole where it is not streamed.

        Raises :class:`LlmError`. ``[DONE]`` (OpenAI) ends the answer.
        """
        with self._asked(deadline) as answer:
            if "event-stream" not in answer.headers.get("content-type", ""):
                yield self._document(b"".join(answer.pieces))
                return
            try:
                for event in events.read(answer.pieces):
                    if event.data == "[DONE]":
                        return
                    yield self._document(event.data.encode())
            except NotEvents:
                raise self.failure("sent an event without end") from None

    def failure(self, detail: str, *, again: bool = True, retry_after: float | None = None) -> LlmError:
        """An error of this provider. ``detail`` must be fit to be shown."""
        return LlmError(f"{self.provider} {detail.rstrip('.')}.", again=again, retry_after=retry_after)

    def told(self, error: object) -> LlmError:
        """An error that the provider tells inside an answer: OpenAI's and Anthropic's ``{"message", …}``."""
        said = error.get("message") if isinstance(error, dict) else None
        return self.failure(f"broke off: {self._fit(said)}")

    @contextmanager
    def _asked(self, deadline: float) -> Iterator[Streamed]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json", **self.headers}
        content = json.dumps(self.payload).encode("ascii")
        try:
            with egress.stream(
                method="POST",
                url=self.url,
                headers=headers,
                content=content,
                deadline=deadline,
                max_bytes=LARGEST_ANSWER,
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise self._rejection(answer)
                yield answer
        except EgressRefused as error:
            raise self.failure(f"may not be called: {error}", again=False) from error
        except EgressError as error:
            raise self.failure(f"did not answer: {error}") from error

    def _document(self, content: bytes) -> dict[str, Any]:
        found = answers.parse(content)
        if not isinstance(found, dict):
            raise self.failure("answered with something else than JSON")
        return found

    def _rejection(self, answer: Streamed) -> LlmError:
        content = bytearray()
        for piece in answer.pieces:
            content += piece
            if len(content) > _LARGEST_REFUSAL:
                break
        whole = Answer(answer.status, answer.headers, bytes(content))
        document = answers.parse(whole.content)
        error = document.get("error") if isinstance(document, dict) else None
        said = error.get("message") if isinstance(error, dict) else answers.message(whole)
        return self.failure(
            f"answered {answer.status}: {self._fit(said)}",
            again=answer.status in _AGAIN or answer.status >= 500,
            retry_after=_patience(whole) if answer.status in _SAYS_WHEN else None,
        )

    def _fit(self, said: object) -> str:
        """What a provider says, short and without an echo of what it was sent."""
        line = answers.shorten(said, 1_000) if isinstance(said, str) else "no message"
        return answers.shorten(answers.mask(line, self.private), answers.MESSAGE_LENGTH).rstrip(".")


def _patience(answer: Answer) -> float | None:
    """Seconds to wait; a date counts from the answer's own, and for nothing where that is missing."""
    asked = answer.headers.get("retry-after", "").strip()
    return answers.retry_after(answer, now=0.0) if asked.isdigit() or "date" in answer.headers else None


def tokens(usage: object, name: str) -> int | None:
    """A count that the provider tells, None where it does not."""
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**31 else None
