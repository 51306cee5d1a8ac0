"""What a log line of a publish and of a delivery says, and what Sentry hears."""

from __future__ import annotations

import logging
from unittest.mock import Mock

import pytest
import sentry_sdk
import structlog
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, ProgrammingError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisAway
from sentry_sdk.transport import Transport
from structlog.testing import capture_logs

from assist import runs
from assist.tasks import sweep
from foundation import correlation
from foundation.logging import add_correlation_id
from prompthub.apps import report_surprises
from prompthub_kernel.errors import Invalid
from publishing import courier, publish
from publishing.adapters import memory
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db
SECRET = "booking-key-0451-abc"


@pytest.fixture(autouse=True)
def _fresh():
    memory.clear()


@pytest.fixture
def placement():
    version = factories.make_template_version(
        content_md="Book with {{ key }}.",
        variables_schema={
            "type": "object",
            "properties": {"key": {"type": "string", "x-secret": True}},
            "required": ["key"],
        },
    )
    instance = factories.make_instance(template_version=version, variables={"key": SECRET})
    return factories.make_placement(instance=instance)


@pytest.fixture
def lines():
    with capture_logs(processors=[structlog.contextvars.merge_contextvars, add_correlation_id]) as captured:
        yield captured


def one(lines, event):
    [line] = [line for line in lines if line["event"] == event]
    return line


def test_a_publish_and_its_delivery_say_what_they_are_about(lines, placement):
    with correlation.use("0123456789abcdef"):
        done = publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    about = {
        "template_id": str(done.version.template_version_id),
        "instance_id": str(placement.instance_id),
        "client_id": str(placement.target.client_id),
        "correlation_id": "0123456789abcdef",
    }
    published, sent = one(lines, "instance.published"), one(lines, "delivery.try")
    assert published.items() >= {**about, "action": "instance.publish", "changed": True, "deliveries": 1}.items()
    assert sent.items() >= {**about, "action": "delivery.deliver", "outcome": "delivered", "target": "memory"}.items()
    assert sent["delivery_id"] == str(done.deliveries[0].id)


def test_no_line_holds_the_text_or_a_secret(lines, placement):
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    assert len(lines) >= 2
    assert SECRET not in repr(lines)
    assert "Book with" not in repr(lines)


@pytest.fixture
def bug(monkeypatch):
    """The adapter breaks and says the text in its error."""

    def broken(self, remote, parcel, *, wire):
        raise ZeroDivisionError(f"while sending {parcel.text}")

    monkeypatch.setattr(memory.Memory, "send", broken)


def test_a_crash_is_logged_without_secrets(caplog, placement, bug):
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


class Heard(Transport):
    """Keeps what would have been sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        if (event := envelope.get_event()) is not None:
            self.events.append(event)


@pytest.fixture
def sentry():
    heard = Heard()
    report_surprises(dsn="https://key@sentry.example/1", transport=heard)
    yield heard.events
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)  # another client would go on watching all tests that follow


def test_sentry_does_not_hear_of_refusals(sentry, placement):
    placement.target.settings = {"fail": ["refused"]}
    placement.target.save()
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    sentry_sdk.capture_exception(Invalid("422.request_invalid", "as anticipated"))
    assert sentry == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({f"field{number}": "x" for number in range(5000)}, "TooManyFieldsSent"),
        ({f"file{number}": SimpleUploadedFile("a", b"x") for number in range(300)}, "TooManyFilesSent"),
    ],
    ids=["fields", "files"],
)
def test_a_request_that_anybody_can_send_too_long_is_a_warning_without_a_traceback(client, caplog, sentry, given, why):
    assert client.post("/login/", given).status_code == 400
    [line] = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert (line.levelname, line.exc_info) == ("WARNING", None)
    assert why in line.getMessage()
    assert sentry == []


def test_sentry_does_not_hear_of_what_django_refuses(sentry, caplog):
    """Such a line is Django's, with an answer of 400: where there is no page of ours, as with DEBUG."""
    refusal = SuspiciousFileOperation("outside of the folder")
    logging.getLogger("django.security.SuspiciousFileOperation").error("refused", exc_info=refusal)
    assert len(caplog.records) == 1, "the log tells of it"
    assert sentry == []
    logging.getLogger("publishing.courier").error("broken", exc_info=refusal)
    assert len(sentry) == 1, "elsewhere it is a mistake of ours"


def test_sentry_hears_of_a_bug_once_and_without_secrets(sentry, placement, bug):
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    [event] = sentry
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert SECRET not in repr(event)
    assert not any("vars" in frame for frame in event["exception"]["values"][-1]["stacktrace"]["frames"])
    delivery = placement.deliveries.get()
    assert (delivery.state, delivery.error_code) == ("unknown", "500.internal_error")


def test_sentry_hears_of_a_mistake_in_a_ticking_task_and_not_of_its_database_being_away(sentry, monkeypatch):
    for error in (OperationalError("the connection is lost"), ProgrammingError("no such column")):
        monkeypatch.setattr(runs, "sweep", Mock(side_effect=error))
        assert sweep.apply().failed()
    [event] = sentry
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"


def test_sentry_hears_of_a_mistake_in_a_line_of_celery_and_not_of_its_broker_being_away(sentry, caplog):
    """A worker's consumer and beat write their errors into such lines."""
    log = logging.getLogger("celery.worker.consumer.consumer")
    log.error("consumer: Cannot connect to %s: %s.", "redis://redis", RedisAway("Connection refused"))
    log.critical("Unrecoverable error", exc_info=BrokerError("Connection refused"))
    assert sentry == []
    assert len(caplog.records) == 2, "the log tells of it"
    log.error("Control command error: %r", KeyError("queue"))
    assert [event["logentry"]["formatted"] for event in sentry] == ["Control command error: KeyError('queue')"]
