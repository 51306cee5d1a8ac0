"""No model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assist.ports import Finish, LlmError, Message


class Null:
    """The port of an installation without a model: nothing is sent anywhere."""

    name = "null"
    model = ""

    def complete(self, *, messages: Sequence[Message], deadline: float) -> Iterator[str | Finish]:
        """Always :class:`LlmError`, not to be tried again."""
        raise LlmError("No language model is set up for this installation (PROMPTHUB_LLM).", again=False)
