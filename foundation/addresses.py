"""Which addresses PromptHub may call: judged by grammar and by number, without touching the network.

Three layers, each enough to stop most attacks (OWASP API7, server-side request forgery):

1. the URL is read by a strict grammar, so that no two readers can understand it differently;
2. every IP address behind its name must be public, by a list of our own: ``ipaddress.is_global`` is True
   for ``::127.0.0.1``, ``64:ff9b::7f00:1``, ``2002:7f00:1::`` and multicast on Python 3.11 and 3.12;
3. what the operator listed as ``host:port`` may be private and may speak plain HTTP, but even a listed
   name never leads to a cloud's metadata service.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import idna

MAX_URL_CHARACTERS = 4096
PORTS = frozenset({443, 8443})

# RFC 3986 without userinfo, fragment, percent-encoded or empty hosts, and empty ports.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^\[\]/?#@:%\\]{1,253})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/(?:[a-z0-9\-._~!$&'()*+,;=:@/]|%[0-9a-f]{2})*)?)"
    r"(?P<query>(?:\?(?:[a-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-f]{2})*)?)",
    re.IGNORECASE | re.ASCII,
)
# ASCII only: str.lower() turns the Kelvin sign into a plain "k".
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_DOMAIN = re.compile(r".+\.[a-z][a-z0-9-]+", re.ASCII)
# The last label of a name that some reader may take for an IPv4 number (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


class AddressRefused(ValueError):
    """The address may not be called. The message names the rule, never the URL."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that passed the grammar.

    ``host`` is lower case and ASCII (IPv6 without brackets); ``authority`` is what the Host header says;
    ``target`` is path and query; ``literal`` is set when the host is an IP address already; ``listed`` when
    the operator named ``host:port``.
    """

    scheme: str
    host: str
    port: int
    authority: str
    target: str
    literal: IPv4Address | IPv6Address | None
    listed: bool


def listed(entries: Iterable[str] | str) -> frozenset[str]:
    """The operator's ``host:port`` entries (an iterable, or one string with commas) in the form compared against."""
    parts = entries.split(",") if isinstance(entries, str) else entries
    return frozenset(part.strip().lower() for part in parts if part.strip())


def parse(url: str, *, allow: frozenset[str] = frozenset()) -> Destination:
    """Read ``url`` strictly. ``allow`` holds ``host:port`` entries as :func:`listed` returns them.

    Raises :class:`AddressRefused` for anything but https on port 443 or 8443 (or a listed ``host:port``), and
    at once when the host is an IP address that may not be called.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressRefused("The URL is too long.")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise AddressRefused("The URL is not a plain http(s) URL without user, fragment and special characters.")
    scheme = parts["scheme"].lower()
    host, literal = _host(parts["host"])
    standard = 443 if scheme == "https" else 80
    port = int(parts["port"] or standard)
    bracketed = f"[{host}]" if isinstance(literal, IPv6Address) else host
    is_listed = f"{bracketed}:{port}" in allow
    if not is_listed:
        if scheme != "https":
            raise AddressRefused("Only https is called.")
        if port not in PORTS:
            raise AddressRefused("Only ports 443 and 8443 are called.")
        if literal is None and not _DOMAIN.fullmatch(host):
            raise AddressRefused("A host name needs a domain.")
    destination = Destination(
        scheme=scheme,
        host=host,
        port=port,
        authority=bracketed if port == standard else f"{bracketed}:{port}",
        target=(parts["path"] or "/") + parts["query"],
        literal=literal,
        listed=is_listed,
    )
    if literal is not None:
        require_callable([literal], destination=destination)
    return destination


def spelled(host: str) -> str:
    """A host as :func:`parse` calls it, whatever its spelling (IPv6 in brackets); one that parse refuses as it is."""
    try:
        name, literal = _host(host)
    except AddressRefused:
        return host
    return f"[{name}]" if isinstance(literal, IPv6Address) else name


def _host(written: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The host in one spelling, and its number if it is one."""
    if written.startswith("["):
        try:
            number = IPv6Address(written[1:-1])
        except ValueError:
            raise AddressRefused("The host is not an IPv6 address.") from None
        return str(number), number
    try:
        labels = [_label(label.translate(_LOWER)) for label in written.split(".")]
    except idna.IDNAError:
        raise AddressRefused("The host is not a valid international name (IDNA 2008).") from None
    host = ".".join(labels)
    if len(host) > 253:
        raise AddressRefused("The host name is too long.")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return host, IPv4Address(host)
        except ValueError:
            raise AddressRefused("The host is an IPv4 address in an unusual spelling.") from None
    return host, None


def _label(label: str) -> str:
    """One label of a host name in ASCII (RFC 5891); underscores pass, container names have them."""
    if not label.isascii():
        return idna.alabel(label).decode("ascii")
    if not _LABEL.fullmatch(label):
        raise AddressRefused("The host is not a valid name.")
    if label.startswith("xn--"):
        idna.ulabel(label)
    return label


# IANA special-purpose registries (RFC 6890 and updates), plus the platform address of Azure.
_SPECIAL_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "168.63.129.16/32",
    )
)  # fmt: skip
_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries any IPv4 address
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how an IPv6-only host reaches IPv4; judged by what it carries
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: an IPv4 address in the last 32 bits

# What a listed name may lead to besides public addresses: this machine and private networks.
_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip
# Metadata services inside those networks: Alibaba, AWS and Google over IPv6.
_METADATA = frozenset(ipaddress.ip_address(number) for number in ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254"))


def is_public(number: IPv4Address | IPv6Address) -> bool:
    """Whether the address is an ordinary one of the public internet."""
    if isinstance(number, IPv4Address):
        return not any(number in block for block in _SPECIAL_V4)
    if number in _NAT64:
        return is_public(IPv4Address(int(number) & 0xFFFF_FFFF))
    if number.scope_id is not None or number not in _UNICAST_V6 or any(number in block for block in _SPECIAL_V6):
        return False
    return (int(number) >> 32) & 0xFFFF_FFFF not in _ISATAP


def require_callable(numbers: Iterable[IPv4Address | IPv6Address], *, destination: Destination) -> None:
    """Refuse the destination if *any* of its addresses may not be called: one bad address is a sign of rebinding."""
    for number in numbers:
        if is_public(number):
            continue
        private = number not in _METADATA and any(number in block for block in _PRIVATE)
        if not (destination.listed and private):
            raise AddressRefused("The host leads to an address that is not public.")
