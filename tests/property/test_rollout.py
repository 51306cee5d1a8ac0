"""Shares of a rollout: sticky, growing without moving anybody back, and as large as they say."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.rollout import BUCKETS, bucket, gets_split
from tests.property.effort import examples

CHANNELS = st.uuids().map(str)
KEYS = st.text(max_size=50)
PERCENTS = st.integers(0, 100)
SEGMENTS = st.frozensets(st.sampled_from(["beta", "staff", "de"]), max_size=3)


@examples(200)
@given(CHANNELS, KEYS, SEGMENTS, SEGMENTS)
def test_raising_the_share_moves_nobody_back(channel, key, segments, member_of):
    asked = {"channel": channel, "segments": segments, "key": key, "member_of": member_of}
    got = [gets_split(percent=percent, **asked) for percent in range(101)]
    assert got == sorted(got), "not, and from some share on always"


@examples(200)
@given(CHANNELS, KEYS, PERCENTS, SEGMENTS)
def test_a_caller_gets_the_same_every_time_and_the_ends_are_nobody_and_everybody(channel, key, percent, segments):
    asked = {"channel": channel, "segments": segments, "key": key}
    assert gets_split(percent=percent, **asked) == gets_split(percent=percent, **asked)
    assert not gets_split(percent=0, **asked)
    assert gets_split(percent=100, **asked)
    assert 0 <= bucket(channel=channel, key=key) < BUCKETS


@examples(100)
@given(CHANNELS, KEYS, PERCENTS, SEGMENTS, SEGMENTS)
def test_a_member_of_a_segment_gets_it_whatever_the_share(channel, key, percent, segments, member_of):
    found = gets_split(channel=channel, percent=percent, segments=segments, key=key, member_of=member_of)
    if segments & member_of:
        assert found
    else:
        assert found == gets_split(channel=channel, percent=percent, segments=(), key=key)


@examples(100)
@given(CHANNELS, st.integers(0, 99))
def test_a_caller_without_a_key_is_in_no_bucket(channel, percent):
    assert not gets_split(channel=channel, percent=percent, segments=())


@pytest.mark.parametrize("percent", [1, 5, 10, 50, 90, 99])
def test_a_share_is_as_large_as_it_says(percent):
    """Of 20,000 callers, within five standard deviations."""
    callers, channel = 20_000, str(uuid.UUID(int=7))
    share = percent / 100
    got = sum(gets_split(channel=channel, percent=percent, segments=(), key=f"user-{n}") for n in range(callers))
    assert abs(got - callers * share) < 5 * (callers * share * (1 - share)) ** 0.5


def test_channels_do_not_choose_the_same_callers():
    keys = [f"user-{number}" for number in range(2_000)]
    one, other = (
        {key for key in keys if gets_split(channel=str(uuid.UUID(int=n)), percent=10, segments=(), key=key)}
        for n in (1, 2)
    )
    assert len(one & other) < len(one) / 2


@pytest.mark.parametrize(
    ("channel", "key", "expected"),
    [
        ("0192b6c8-0000-7000-8000-000000000001", "user-1", 7056),
        ("0192b6c8-0000-7000-8000-000000000001", "user-2", 6754),
        ("0192b6c8-0000-7000-8000-000000000002", "user-1", 6535),
        ("0192b6c8-0000-7000-8000-000000000001", "Zoë", 848),
    ],
)
def test_buckets_are_the_ones_that_the_reference_names(channel, key, expected):
    assert bucket(channel=channel, key=key) == expected
