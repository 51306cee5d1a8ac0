"""The wire of an adapter without a lane: egress to one loopback address, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from foundation import egress

NOON = 1_700_000_000.0


@dataclass
class LoopbackWire:
    """Calls go through ``foundation.egress``, which allows ``address`` alone. ``calls`` remembers method and URL."""

    address: str
    deadline: float = 5.0
    time: float = NOON
    calls: list[tuple[str, str]] = field(default_factory=list)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 65_536,
    ) -> egress.Answer:
        self.calls.append((method, url))
        return egress.request(
            method=method,
            url=url,
            headers=headers,
            content=content,
            deadline=self.deadline,
            max_bytes=max_bytes,
            allow=frozenset({self.address}),
        )

    def now(self) -> float:
        return self.time


def plain(wire: LoopbackWire, method: str, url: str, document: object = None, **headers: str) -> egress.Answer:
    """One call that no adapter makes: a test or an operator speaking to the provider."""
    import json

    content = document if isinstance(document, bytes) or document is None else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content is not None:
        named.setdefault("Content-Type", "application/json")
    return wire.request(method, url, headers=named, content=content, max_bytes=40_000_000)
