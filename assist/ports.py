"""What PromptHub asks of a language model (seed 002: ``ILlmPort``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from prompthub_kernel.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the model: what it is to do (``system``), or what it is to do it with (``user``)."""

    role: Literal["system", "user"]
    text: str = field(repr=False)


class Ending(StrEnum):
    """Why the model stopped writing."""

    COMPLETE = "complete"
    TOO_LONG = "too_long"  # it ran into a limit
    REFUSED = "refused"  # it would not, or a filter would not let it


@dataclass(frozen=True, slots=True)
class Finish:
    """The last piece. Tokens are those the provider counted, None where it does not say; ``model`` is what answered."""

    ending: Ending
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None


class LlmError(Unavailable):
    """The model did not answer, or broke off: ``502.llm_unavailable``.

    ``again`` says whether the same question may be answered later; ``retry_after`` are the seconds its provider asked
    for (RFC 9110, 10.2.3). The message is fit to be shown: it repeats neither the question nor a key.
    """

    def __init__(self, detail: str, *, again: bool = True, retry_after: float | None = None, **context: Any) -> None:
        super().__init__("502.llm_unavailable", detail, context=context)
        self.again = again
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same question may be answered later."""
        return self.again


class LlmPort(Protocol):
    """A language model that completes a conversation."""

    @property
    def name(self) -> str:
        """What kind of provider it is: ``null``, ``scripted``, ``openai`` or ``anthropic``."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked for, empty where there is none to choose."""
        ...

    def complete(self, *, messages: Sequence[Message], deadline: float) -> Iterator[str | Finish]:
        """The answer in pieces of text as they come, and a :class:`Finish` at its end.

        ``deadline`` is in seconds and covers everything. Raises :class:`LlmError`, also after pieces have come. It is
        never retried here: who asked decides.
        """
        ...
