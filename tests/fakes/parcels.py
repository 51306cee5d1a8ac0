"""A parcel as a delivery hands it to an adapter."""

from __future__ import annotations

from dataclasses import replace

from publishing.ports import Parcel

_PARCEL = Parcel(
    delivery_id="0193b7a0-0000-7000-8000-000000000001",
    client="acme",
    instance_id="0193b7a0-0000-7000-8000-000000000002",
    instance_name="greeting",
    version_id="0193b7a0-0000-7000-8000-000000000003",
    ordinal=1,
    published_at="2026-01-05T09:30:00.000Z",
    digest="sha256:" + "0" * 64,
    format="text",
    text="You are calm and brief.",
    correlation_id="c-1",
)


def parcel(text: str = _PARCEL.text, **changes: object) -> Parcel:
    return replace(_PARCEL, text=text, **changes)
