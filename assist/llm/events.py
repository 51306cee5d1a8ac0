"""Server-sent events, as far as language models send them (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST_EVENT = 1_048_576
"""Bytes; more without an empty line is no stream of events."""

_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class Event(NamedTuple):
    """One event; ``name`` is empty where the sender gave none."""

    name: str
    data: str


class NotEvents(Exception):
    """What arrives is no stream of events."""


def read(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The events in a body that arrives in pieces. An event that was not ended by an empty line is none.

    Raises :class:`NotEvents` when an event does not end.
    """
    name, said, size = "", list[str](), 0
    for line in _lines(pieces):
        size += len(line)
        if size > LONGEST_EVENT:
            raise NotEvents
        if not line:
            if said:
                yield Event(name, "\n".join(said))
            name, said, size = "", [], 0
            continue
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            said.append(value)
        elif field == "event":
            name = value


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Complete lines without their ends."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if b"\n" in piece or b"\r" in piece:
            *lines, rest = _END.split(b"".join(held))
            held, size = [rest], len(rest)
            yield from lines
        if size > LONGEST_EVENT:
            raise NotEvents
    if (rest := b"".join(held)).endswith(b"\r"):
        yield rest[:-1]
