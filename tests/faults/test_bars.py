"""The bars of faults, small: the measurements of ``python -m tests.faults.r1`` and the others, on real processes."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from tests.faults import r1, r2, r3, r4, r5, r6, r10

FULL = os.environ.get("PROMPTHUB_TEST_FULL") == "faults"
SEED = 1

pytestmark = [pytest.mark.faults, pytest.mark.slow]
large = pytest.mark.postgresql
embedded = pytest.mark.sqlite


@large
@pytest.mark.parametrize("bar", [r1, r2, r6], ids=lambda bar: bar.__name__.rpartition(".")[2])
def test_the_large_installation_keeps(bar):
    measured = bar.run("postgres", SEED, bar.FULL if FULL else bar.SMALL)
    assert measured.passed, measured


@embedded
def test_the_embedded_edition_keeps_r3():
    measured = r3.run("sqlite", SEED, r3.FULL if FULL else r3.SMALL)
    assert measured.passed, measured


@pytest.mark.parametrize("bar", [r4, r5, r10], ids=lambda bar: bar.__name__.rpartition(".")[2])
def test_both_editions_keep(bar):
    database = "postgres" if connection.vendor == "postgresql" else "sqlite"
    measured = bar.run(database, SEED, bar.FULL if FULL else bar.SMALL)
    assert measured.passed, measured
