"""What the tests of faults share: a client's prompt with places at a provider, and time that passes when told to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from foundation import egress
from publishing import bell
from tests.faults.provider import Provider
from tests.faults.world import World


@pytest.fixture(autouse=True)
def _quick(settings):
    """Timing as in production, but no luck in it: a retry is due after a second."""
    settings.PUBLISHING = {**settings.PUBLISHING, "backoff_base_seconds": 1.0, "backoff_cap_seconds": 1.0}


@pytest.fixture(autouse=True)
def rings(monkeypatch):
    """The lanes that were rung for; no broker is asked."""
    rung = []
    monkeypatch.setattr(bell, "ring", rung.append)
    return rung


@pytest.fixture
def provider(settings):
    """A provider where the last write wins, read back after every send."""
    with Provider() as running:
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({running.address})
        yield running


@pytest.fixture
def careful(settings, provider):
    """A provider that refuses what is older than what it has."""
    with Provider(checks_versions=True) as running:
        settings.PROMPTHUB_EGRESS_ALLOW |= {running.address}
        yield running


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile("before", "POST", act)``: act once, just before (or after) a worker's next call of that method."""
    acts: list[tuple[str, str, Callable[[], object]]] = []
    really = egress.request

    def run(when: str, method: str) -> None:
        for entry in list(acts):
            if entry[:2] == (when, method) and entry in acts:
                acts.remove(entry)
                entry[2]()

    def request(*, method, **call):
        run("before", method)
        try:
            return really(method=method, **call)
        finally:
            run("after", method)

    monkeypatch.setattr(egress, "request", request)
    return lambda when, method, act: acts.append((when, method, act))


@pytest.fixture
def world(db, provider):
    """One prompt, with a place at the provider."""
    return World(provider)
