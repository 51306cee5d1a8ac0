"""Spans over the publish pipeline, each with what it is about and how it ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foundation import tracing
from prompthub.apps import export_spans
from prompthub.management.commands.serve import STOP_SECONDS
from prompthub_kernel.errors import NotFound
from publishing import courier, publish
from publishing.adapters import memory
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db
SECRET = "booking-key-0451-abc"
VARIABLES = {
    "type": "object",
    "properties": {"company": {"type": "string"}, "key": {"type": "string", "x-secret": True}},
    "required": ["company", "key"],
}


@pytest.fixture
def spans(monkeypatch):
    """Finished spans by name, in the order in which they ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.trace, "get_tracer", provider.get_tracer)
    memory.clear()
    yield lambda: {span.name: span for span in exporter.get_finished_spans()}
    provider.shutdown()


@pytest.fixture
def placement():
    version = factories.make_template_version(
        content_md="For {{ company }} with {{ key }}.", variables_schema=VARIABLES
    )
    instance = factories.make_instance(template_version=version, variables={"company": "Acme", "key": SECRET})
    return factories.make_placement(instance=instance)


def test_a_publish_and_its_delivery_leave_their_spans(spans, placement):
    done = publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    found = spans()
    about = {"instance_id": str(placement.instance_id), "client_id": str(placement.target.client_id)}
    assert {"publish.check", "publish.contract", "publish", "delivery.send"} <= found.keys()
    assert found["publish.check"].attributes.items() >= about.items()
    assert found["publish"].attributes.items() >= {**about, "publish.changed": True}.items()
    assert found["publish.contract"].attributes.items() >= {"target": "memory", "publish.problems": 0}.items()
    assert found["publish.contract"].parent.span_id == found["publish.check"].context.span_id
    sent = found["delivery.send"].attributes
    assert sent.items() >= {**about, "target": "memory", "delivery.outcome": "delivered"}.items()
    assert sent["template_id"] == str(done.version.template_version_id)
    assert sent["delivery_id"] == str(done.deliveries[0].id)


def test_a_refusal_is_an_outcome(spans, placement):
    placement.target.settings = {"fail": ["refused"]}
    placement.target.save()
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    assert spans()["delivery.send"].attributes["delivery.outcome"] == "refused"


def test_spans_hold_no_text_and_no_secret(spans, placement):
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    told = "".join(span.to_json() for span in spans().values())
    assert "delivery.send" in told
    assert SECRET not in told
    assert "For Acme" not in told


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ValueError(f"For Acme: {SECRET}"), "ValueError"), (NotFound("404.not_found", SECRET), "404.not_found")],
)
def test_of_an_error_only_its_kind_is_told(spans, error, kind):
    with pytest.raises(type(error)), tracing.span("publish"):
        raise error
    found = spans()["publish"]
    assert (found.status.status_code.name, found.status.description) == ("ERROR", kind)
    assert SECRET not in found.to_json()


START = """
import atexit, time
atexit.register(lambda: print("stopped after", time.monotonic() - ended))
import django
django.setup()
from foundation import tracing
with tracing.span("publish", client_id="c"):
    pass
ended = time.monotonic()
"""


def started(**variables):
    """What became of a process that starts as the product does and ends one span."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, "-c", START]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False, timeout=60)


def test_the_standard_variables_send_spans_to_a_collector(httpserver):
    httpserver.expect_request("/v1/traces", method="POST").respond_with_data(b"")
    assert started(OTEL_EXPORTER_OTLP_ENDPOINT=httpserver.url_for("/")).returncode == 0
    [(request, _)] = httpserver.log
    sent = request.get_data()
    for word in (b"publish", b"client_id", b"service.name", b"prompthub"):
        assert word in sent


def test_the_standard_variables_write_spans_to_the_console_under_another_name():
    done = started(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="hub-east")
    told = json.loads(done.stdout.partition("stopped after")[0])
    assert (told["name"], told["resource"]["attributes"]["service.name"]) == ("publish", "hub-east")


def test_a_collector_that_never_answers_does_not_hold_up_a_stop():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = started(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 0
    assert 1 < float(done.stdout.partition("stopped after")[2]) < STOP_SECONDS / 2


def test_none_is_said_louder_than_an_endpoint(httpserver):
    done = started(OTEL_EXPORTER_OTLP_ENDPOINT=httpserver.url_for("/"), OTEL_TRACES_EXPORTER="none")
    assert (done.returncode, httpserver.log) == (0, [])


def test_spans_that_are_asked_for_without_the_extra_forbid_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements/otel\.txt"):
        export_spans(exporter="otlp")


def test_a_tracer_provider_that_is_there_already_stays(monkeypatch):
    there, replaced = TracerProvider(), []
    monkeypatch.setattr(tracing.trace, "get_tracer_provider", lambda: there)
    monkeypatch.setattr(tracing.trace, "set_tracer_provider", replaced.append)
    export_spans(exporter="console")
    assert replaced == []


def test_without_the_extra_spans_do_nothing(monkeypatch, placement):
    monkeypatch.setattr(tracing, "trace", None)
    with tracing.span("publish", client_id="x") as span:
        span.set_attribute("publish.changed", True)
    assert publish.publish(instance=placement.instance, by=SYSTEM, at=AT).changed
