"""Spans over the publish pipeline, each with what it is about and how it ended."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foundation import tracing
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


def test_without_the_extra_spans_do_nothing(monkeypatch, placement):
    monkeypatch.setattr(tracing, "trace", None)
    with tracing.span("publish", client_id="x") as span:
        span.set_attribute("publish.changed", True)
    assert publish.publish(instance=placement.instance, by=SYSTEM, at=AT).changed
