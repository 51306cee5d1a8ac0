"""The one way out: every HTTP request PromptHub makes leaves through :func:`request` or :func:`stream`.

Whoever writes a URL (a client's webhook, a provider's address, a repository) must not be able to make
PromptHub call itself, its neighbours or a cloud's metadata service, or to hold a worker. So: the URL is read
strictly (``foundation.addresses``), its name is resolved once, every address behind it is checked, and the
connection goes to a checked address while Host header and TLS still say the name. What the name means a
moment later (DNS rebinding) plays no part.

No redirects are followed, no proxies or other settings are taken from the environment, nothing is
decompressed, no connection is reused. One deadline covers the whole call, name resolution included; the head
of an answer and its body are capped. The parts of httpx2 below its client (httpcore2) speak HTTP/1.1; the
client above adds only what is switched off here.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

import httpcore2

from foundation.addresses import AddressRefused, Destination, listed, parse, require_callable
from foundation.egress_network import Budget, BudgetSpent, CheckedNetwork, TooLarge, within

ADDRESSES_TRIED = 4

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|", re.ASCII)
# Ours to set: they frame the message or would undo a rule above.
_OUR_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "upgrade", "te"}
    | {"trailer", "keep-alive", "proxy-authorization", "proxy-connection"}
)

Resolver = Callable[[str, int], Sequence[str]]


class EgressError(Exception):
    """A request that has no answer. The message never contains the URL, headers or body."""


class EgressRefused(EgressError):
    """PromptHub may not call this address, or not like this: nothing was sent."""


class EgressNotSent(EgressError):
    """No connection, or no trusted one: nothing was sent."""


class EgressUnanswered(EgressError):
    """The request was sent, or perhaps was, and no usable answer came: its outcome is unknown."""


class EgressTooLarge(EgressUnanswered):
    """An answer came that is larger than the cap; what it says is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` has lower-case names, repeated ones joined with ``", "``; ``content`` is as sent."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that is still arriving: ``pieces`` of its body as they come. Headers as in :class:`Answer`."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes] = field(repr=False)


def check(*, url: str, allow: frozenset[str] | None = None) -> None:
    """Judge ``url`` without the network, for forms and contracts. Raises :class:`EgressRefused`."""
    _destination(url, allow)


def request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    deadline: float,
    max_bytes: int = 65_536,
    allow: frozenset[str] | None = None,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send one request and return the answer, whatever its status; a 3xx is an answer too.

    ``deadline`` is in seconds and covers everything; ``max_bytes`` caps the answer's body as it was sent.
    ``allow`` replaces the setting ``PROMPTHUB_EGRESS_ALLOW`` (``host:port`` entries). ``resolve`` and ``tls``
    replace the system's name resolution and trust store.

    Raises :class:`EgressRefused`, :class:`EgressNotSent` or :class:`EgressUnanswered`.
    """
    with stream(
        method=method,
        url=url,
        headers=headers,
        content=content,
        deadline=deadline,
        max_bytes=max_bytes,
        allow=allow,
        resolve=resolve,
        tls=tls,
    ) as streamed:
        return Answer(status=streamed.status, headers=streamed.headers, content=b"".join(streamed.pieces))


@contextmanager
def stream(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    deadline: float,
    max_bytes: int = 65_536,
    allow: frozenset[str] | None = None,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Streamed]:
    """As :func:`request`, with the body as it arrives; the connection ends with the block.

    Deadline and cap hold for the whole body, however slowly it is read. Iterating ``pieces`` raises
    :class:`EgressUnanswered` when the answer breaks off.
    """
    budget = Budget(deadline)
    destination = _destination(url, allow)
    outgoing = _request(method, destination, headers or {}, content)
    addresses = _addresses(destination, resolve or _system_resolver, budget)
    connection = httpcore2.HTTPConnection(
        origin=outgoing.url.origin,
        ssl_context=tls or _trust(),
        network_backend=CheckedNetwork(addresses, budget),
    )
    try:
        with _told(budget):
            response = connection.handle_request(outgoing)
        budget.allow_body(max_bytes)
        yield Streamed(response.status, _joined(response.headers), _pieces(response, budget, max_bytes))
    finally:
        connection.close()


def _pieces(response: httpcore2.Response, budget: Budget, max_bytes: int) -> Iterator[bytes]:
    received = 0
    with _told(budget):
        for chunk in response.iter_stream():
            budget.remaining()  # one read can hold thousands of tiny chunks
            received += len(chunk)
            if received > max_bytes:
                raise TooLarge
            yield chunk


@contextmanager
def _told(budget: Budget) -> Iterator[None]:
    """Failures below, in our own words."""
    try:
        yield
    except TooLarge as failure:
        raise EgressTooLarge(_reason(failure)) from failure
    except _FAILURES as failure:
        if budget.sent:
            raise EgressUnanswered(_reason(failure)) from failure
        raise EgressNotSent(_reason(failure)) from failure


# ── What is sent ─────────────────────────────────────────────────────────────────────────────────────────


def _destination(url: str, allow: frozenset[str] | None) -> Destination:
    try:
        return parse(url, allow=listed(_setting() if allow is None else allow))
    except AddressRefused as refusal:
        raise EgressRefused(str(refusal)) from None


def _setting() -> Iterable[str] | str:
    """``PROMPTHUB_EGRESS_ALLOW``, empty where Django is not configured."""
    from django.conf import settings  # noqa: PLC0415 - this module is also used without Django

    return getattr(settings, "PROMPTHUB_EGRESS_ALLOW", ()) if settings.configured else ()


def _request(
    method: str, destination: Destination, headers: Mapping[str, str], content: bytes | None
) -> httpcore2.Request:
    if method not in METHODS:
        raise EgressRefused("This method is not used.")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise EgressRefused("A header has a name or value that HTTP does not allow.")
        if name.lower() in _OUR_HEADERS:
            raise EgressRefused(f"The header {name} is not the caller's to set.")
    ours = {"Host": destination.authority, "Accept-Encoding": "identity", "Connection": "close"}
    if not any(name.lower() == "user-agent" for name in headers):
        ours["User-Agent"] = "PromptHub"
    if content is not None or method in {"POST", "PUT", "PATCH"}:
        ours["Content-Length"] = str(len(content or b""))
    return httpcore2.Request(
        method=method,
        url=httpcore2.URL(
            scheme=destination.scheme, host=destination.host, port=destination.port, target=destination.target
        ),
        headers=[(name.encode(), value.encode()) for name, value in (ours | dict(headers)).items()],
        content=content,
    )


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: ", ".join(found) for name, found in values.items()}


# ── Where it goes ────────────────────────────────────────────────────────────────────────────────────────


def _addresses(destination: Destination, resolve: Resolver, budget: Budget) -> tuple[IPv4Address | IPv6Address, ...]:
    if destination.literal is not None:
        return (destination.literal,)
    try:
        found = within(budget, functools.partial(resolve, destination.host, destination.port))
        numbers = tuple(dict.fromkeys(ipaddress.ip_address(address) for address in found))
    except (OSError, ValueError, BudgetSpent) as failure:  # resolvers raise UnicodeError too, a ValueError
        raise EgressNotSent("The host name could not be resolved.") from failure
    if not numbers:
        raise EgressNotSent("The host name has no address.")
    try:
        require_callable(numbers, destination=destination)
    except AddressRefused as refusal:
        raise EgressRefused(str(refusal)) from None
    return numbers[:ADDRESSES_TRIED]


def _system_resolver(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@functools.cache
def _trust() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


_FAILURES = (
    OSError,  # TimeoutError and ssl.SSLError among them
    BudgetSpent,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
)


def _reason(failure: Exception) -> str:
    """A sentence for people. Never the failure's own words, which may repeat what the peer sent."""
    if isinstance(failure, BudgetSpent):
        return str(failure)
    if isinstance(failure, TimeoutError):
        return "The deadline has passed."
    if isinstance(failure, ssl.SSLCertVerificationError):
        return "The certificate is not trusted for this host."
    if isinstance(failure, ssl.SSLError):
        return "No TLS connection could be made."
    if isinstance(failure, httpcore2.ProtocolError):
        return "The answer broke off or is not HTTP."
    return "The connection failed or broke."
