"""How long a delivery is tried, with the settings as they are shipped."""

from __future__ import annotations

import random

from django.conf import settings

from publishing import waiting


def test_a_provider_may_be_away_for_an_hour_before_a_person_has_to_look(monkeypatch):
    """With pauses as they are on average."""
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: (shortest + longest) / 2)
    pauses = [waiting.backoff(tries=tries) for tries in range(1, settings.PUBLISHING["attempts"])]
    assert 3600 < sum(pauses) < 2 * 3600


def test_no_pause_is_longer_than_the_cap_or_shorter_than_a_tenth_of_its_ceiling():
    cap = settings.PUBLISHING["backoff_cap_seconds"]
    assert all(cap / 10 <= waiting.backoff(tries=30) <= cap for _ in range(100))
