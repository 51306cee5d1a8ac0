from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assist.llm import events
from assist.llm.events import LONGEST_EVENT, Event, NotEvents

STREAM = b': hello\nevent: first\ndata: {"a":\r\ndata:1}\r\rid: 7\n\ndata: \xc3\xa4\n\ndata: lost'
WANTED = [Event("first", '{"a":\n1}'), Event("", "ä")]


def test_events_are_read_as_the_standard_says():
    assert list(events.read([STREAM])) == WANTED


@settings(max_examples=100)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_how_a_stream_is_cut_into_pieces(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    assert list(events.read(pieces)) == WANTED


def test_a_carriage_return_at_the_very_end_ends_a_line():
    assert list(events.read([b"data: a\r\r"])) == [Event("", "a")]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 10_000, b"data: x\n" * 2_000], ids=["line", "event"])
def test_an_event_that_does_not_end_is_none(piece):
    with pytest.raises(NotEvents):
        list(events.read([piece] * (LONGEST_EVENT // 10_000 + 1)))
