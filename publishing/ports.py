"""What publishing asks of a provider (seed 000: ``IAdapterPublisher``).

An adapter knows one provider's contract and nothing else: no database, no retries, no clock. It is handed
a :class:`Wire` for its calls, so that the lane's lease is renewed before every one of them and so that
nothing leaves except through ``foundation.egress``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from foundation.egress import Answer
from prompthub_kernel.errors import Problem, Unavailable


@dataclass(frozen=True, slots=True)
class Remote:
    """One place at a provider: the target's settings and credentials, and the placement's location in it."""

    settings: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False)
    location: Mapping[str, Any]
    client: str = ""  # whose it is, for names of remote objects; empty where that does not matter
    prompt: str = ""  # the name of what goes there, for names of places; empty where that does not matter


@dataclass(frozen=True, slots=True)
class Parcel:
    """Sealed text on its way out, secrets already joined.

    ``delivery_id`` is the idempotency key and the same over every try; ``digest`` is that of the sealed
    version; ``published_at`` is the publication's time (RFC 3339), not the try's, so that every try sends the
    same bytes; ``format`` is one of ``text``, ``markdown``, ``json``, ``chat`` (for the last two ``text`` is
    a JSON document).
    """

    delivery_id: str
    client: str
    instance_id: str
    instance_name: str
    version_id: str
    ordinal: int
    published_at: str
    digest: str
    format: str
    text: str = field(repr=False)
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has it. ``remote_version`` is the provider's own name for what now runs, if it has one."""

    remote_version: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the provider runs now.

    ``text`` is None when the provider cannot be read back; ``detail`` tells what a person should know about
    it, for instance that the text is stored but nothing runs it.
    """

    text: str | None = field(repr=False)
    remote_version: str = ""
    detail: str = ""


class Wire(Protocol):
    """The one way an adapter speaks HTTP.

    Renews the lane's lease before each call and keeps the delivery's total deadline. Raises
    ``foundation.egress.EgressRefused`` (address forbidden: never sent), ``EgressNotSent`` (no connection:
    never sent) and ``EgressUnanswered`` (sent, or perhaps sent; outcome unknown).
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 65_536,
    ) -> Answer:
        """One call; ``max_bytes`` caps the answer's body."""
        ...

    def now(self) -> float:
        """Checked time in seconds since 1970, for what must carry the time of sending (signatures, waits)."""
        ...


class Outcome(StrEnum):
    """What a failed call means for the delivery."""

    TRY_AGAIN = "try_again"  # not taken; the same call may succeed later
    UNKNOWN = "unknown"  # perhaps taken: repeat with the same key, never call it failed
    REFUSED = "refused"  # not taken, and never will be as it is


NOT_ASKED = "not_asked"
"""The code of a problem that is none: this provider cannot be asked without being changed."""


class ProviderError(Unavailable):
    """A provider did not (or perhaps did) take a parcel.

    ``code`` is ``502.adapter_publish_error_<adapter>``; ``retry_after`` seconds are those the provider asked
    for (``Retry-After``, RFC 9110 10.2.3), which does not count as an attempt; ``provider_status`` is its HTTP status.
    """

    def __init__(
        self,
        adapter: str,
        detail: str,
        *,
        outcome: Outcome,
        retry_after: float | None = None,
        provider_status: int | None = None,
    ) -> None:
        super().__init__(f"502.adapter_publish_error_{adapter}", detail)
        self.outcome = outcome
        self.retry_after = retry_after
        self.provider_status = provider_status

    @property
    def retryable(self) -> bool:
        """A refusal stays a refusal."""
        return self.outcome is not Outcome.REFUSED


class AnswerTooLarge(ProviderError):
    """A reading was answered with more than is read: what it says is not known, and asking again would not tell."""


class Adapter(Protocol):
    """One provider's contract. Stateless; found by name in ``publishing.adapters.REGISTRY``."""

    name: str
    conditional: bool  # whether the provider itself refuses an outdated write (versions, preconditions)

    def remote_key(self, remote: Remote) -> str:
        """Name of the remote object that must not be written by two at once, e.g. ``n8n:host/workflow``."""
        ...

    def steps(self, remote: Remote) -> tuple[str | int, ...]:
        """The place in the remote object, from the outside in: one that begins with another's steps is inside it."""
        ...

    def located(self, remote: Remote) -> Mapping[str, Any]:
        """The location as a placement keeps it: what was left out and stands for a name of the moment is put in."""
        ...

    def readable(self, remote: Remote) -> bool:
        """Whether ``observe`` can tell what runs there."""
        ...

    def check(self, remote: Remote, *, format: str, text: str) -> list[Problem]:
        """What the contract forbids, without the network.

        Pointers go into ``/settings``, ``/credentials``, ``/location``, ``/format`` and ``/text``.
        """
        ...

    def probe(self, remote: Remote, *, wire: Wire) -> list[Problem]:
        """What only the provider can tell before anything moves: is the place there, may we write it. Reads only.

        An adapter that has no way to ask answers with one problem of the code :data:`NOT_ASKED`.
        Raises :class:`ProviderError` when the provider could not be asked just now (``TRY_AGAIN``).
        """
        ...

    def send(self, remote: Remote, parcel: Parcel, *, wire: Wire) -> Receipt:
        """Make the provider run the parcel's text. Safe to repeat with the same parcel.

        Raises :class:`ProviderError`.
        """
        ...

    def observe(self, remote: Remote, *, wire: Wire) -> Observation:
        """Read back what runs now. Raises :class:`ProviderError`, of which :class:`AnswerTooLarge` is one."""
        ...
