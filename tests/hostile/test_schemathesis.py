"""The whole document, fuzzed by schemathesis: what it promises holds for whatever is sent.

Some 8,000 cases in the suite, and on the second database 1,500 more, without those that are gone through in order;
``make fuzz`` (``PROMPTHUB_TEST_FULL=fuzz``) sends 50,000 and ``PROMPTHUB_TEST_FUZZ_CASES`` any other number.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.db import connection
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.generation.meta import TestPhase
from schemathesis.transport.wsgi import WSGITransport

from foundation.actors import Door
from gateway.v1 import publishing
from prompthub.wsgi import application
from publishing import drift
from publishing.adapters import memory
from tenancy import tokens
from tests import factories
from tests.factories.acting import AT
from tests.hostile.feeding import Feed
from tests.integration.gateway.conftest import ALL

FULL = os.environ.get("PROMPTHUB_TEST_FULL") == "fuzz"
ASKED = os.environ.get("PROMPTHUB_TEST_FUZZ_CASES")
AGAIN = os.environ.get("PROMPTHUB_TEST_SIDE") == "postgres" and not FULL and not ASKED
CASES = int(ASKED or (50_000 if FULL else 1_500 if AGAIN else 8_000))
SEED = int(os.environ.get("PROMPTHUB_TEST_SEED") or 7319)
SYSTEMATIC = 7_200  # about as many the coverage phase finds worth trying; the rest is left to chance
OPERATIONS = 130
EXAMPLES = 7 if AGAIN else max(1, (CASES - SYSTEMATIC) // OPERATIONS)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "unsupported_method",
)


@dataclass
class Report:
    """What came of a run."""

    cases: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[str] = field(default_factory=list)
    checks: set[str] = field(default_factory=set)

    def read(self, event: Any) -> None:
        """Take in one event of the engine."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.failures.append(str(getattr(event, "info", event)))
        if isinstance(event, events.ScenarioFinished):
            self.cases += len(event.recorder.interactions)
            self.phases[event.phase.name] += len(event.recorder.interactions)
            for key, interaction in event.recorder.interactions.items():
                self._count(event.recorder.cases[key].value, interaction.response)
            for key, checks in event.recorder.checks.items():
                self._judge(event.recorder, key, checks)

    def _count(self, case: Any, response: Any) -> None:
        """Only what was meant to be right, asked by somebody known, and with a method the address takes."""
        right = case.meta is not None and case.meta.generation.mode.is_positive
        right = right and case.meta.phase.name is not TestPhase.STATEFUL
        if response is not None and right and response.status_code not in {401, 405}:
            self.answers[case.operation.label][response.status_code] += 1

    def _judge(self, recorder: Any, key: str, checks: Any) -> None:
        for check in checks:
            self.checks.add(check.name)
            if check.failure_info is not None:
                interaction = recorder.interactions.get(key)
                sent = interaction and (interaction.request.method, interaction.request.uri, interaction.request.body)
                told = interaction and interaction.response and interaction.response.content[:300]
                self.failures.append(f"{check.name}: {check.failure_info.failure} {str(sent)[:600]} → {told!r}")

    def shares_accepted(self) -> dict[str, float]:
        """For each operation, how many per cent of the right requests got a 2xx."""
        return {
            label: 100 * sum(count for status, count in answers.items() if status < 300) / answers.total()
            for label, answers in self.answers.items()
        }

    def rarely_accepted(self) -> dict[str, dict[int, int]]:
        """Operations of which less than half of the right requests got a 2xx: their fuzzing would mean little."""
        return {label: dict(self.answers[label]) for label, share in self.shares_accepted().items() if share < 50}


@pytest.fixture
def in_process(monkeypatch):
    """Calls made by checks pass settings of sockets, which the in-process transport does not know."""
    send = WSGITransport.send
    opened = set()

    def without_sockets(transport, case, *, session=None, **kwargs):
        for name in ("max_redirects", "verify", "cert", "proxies"):
            kwargs.pop(name, None)
        answer = send(transport, case, session=session, **kwargs)
        if threading.current_thread() is not threading.main_thread():
            opened.add(connection.connection)
        return answer

    monkeypatch.setattr(WSGITransport, "send", without_sockets)
    yield
    for left_behind in opened - {None}:  # the engine's threads end without a word to Django
        left_behind.close()


@pytest.fixture
def quick(monkeypatch, settings):
    """No allowance, no waiting, no log lines."""
    settings.API_RATE = "1000000/s"
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(drift, "QUIET", drift.QUIET * 0)
    memory.clear()
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def run(token: str, *, examples: int, feed: Feed) -> Report:
    """Every phase over every operation, with every check."""
    checks: dict[str, Any] = {name: {"enabled": True} for name in CHECKS}
    # A body that is too large is refused for its size, whatever else is wrong with the request.
    refused = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428]
    checks["negative_data_rejection"]["expected-statuses"] = refused
    # Beyond what a schema can say: a text that does not parse, a JSON number of too many digits.
    checks["positive_data_acceptance"]["expected-statuses"] = ["2xx", 400, 401, 403, 404, 409, 429]
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {token}"},
            "continue-on-failure": True,
            "checks": {**checks, "max_response_time": 20},
            "phases": {"coverage": {"enabled": not AGAIN}},
            "generation": {
                "max-examples": examples,
                "deterministic": not FULL,
                "allow-x00": True,
                "no-shrink": True,
                "database": "none",
            },
        }
    )
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)
    report = Report()

    def before_call(context, case, kwargs):
        feed.feed(case)

    schemathesis.hook(before_call)
    try:
        for event in from_schema(schema).execute():
            report.read(event)
    finally:
        schemathesis.hooks.unregister(before_call)
    return report


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_api_keeps_its_promises_whatever_is_sent(in_process, quick, record_property):
    token = factories.make_token(scopes=ALL, superuser=True)[1]
    sender = tokens.authenticate(presented=token, at=AT, door=Door.API)
    report = run(token, examples=EXAMPLES, feed=Feed(sender))
    shares = report.shares_accepted()
    record_property("cases", report.cases)
    record_property("operations", len(shares))
    record_property("share_of_2xx", min(shares.values()))
    sys.stdout.write(f"S3: {report.cases} cases {dict(report.phases)}\n")
    assert report.failures == [], "\n".join(report.failures)
    assert report.rarely_accepted() == {}
    assert report.checks >= set(CHECKS) - {"use_after_free", "ensure_resource_availability", "missing_required_header"}
    assert report.cases >= 0.9 * CASES
    phases = {"EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING"} - ({"COVERAGE"} if AGAIN else set())
    assert phases <= report.phases.keys()
