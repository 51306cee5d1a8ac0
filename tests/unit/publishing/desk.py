"""One prompt and its place at the provider in memory, whatever switches and closes it."""

from __future__ import annotations

from foundation.clock import database_now
from instances import drafts
from publishing import courier, deliveries, publish, targets
from publishing.adapters import memory
from publishing.models import Delivery, Lane
from tenancy import clients
from tests import factories
from tests.factories.acting import AT, SYSTEM

SLOT = {"slot": "front"}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


class Desk:
    """A prompt of a client and its place; every client's prompt goes to the same slot of the provider."""

    def __init__(self, *fail) -> None:
        self.target = factories.make_target(settings={"fail": list(fail)})
        template = factories.make_template_version(content_md="{{ text }}", variables_schema=SCHEMA)
        self.instance = factories.make_instance(
            client=self.target.client, template_version=template, variables={"text": "v1"}
        )

    def put(self):
        return targets.place(instance=self.instance, target=self.target, location=SLOT, by=SYSTEM, at=AT)

    def publish(self, text):
        row = drafts.get(key=self.instance.pk, actor=SYSTEM)
        row = drafts.edit(instance=row, revision=row.revision, variables={"text": text}, by=SYSTEM, at=AT)
        return publish.publish(instance=row, confirm=True, by=SYSTEM, at=AT).deliveries

    def archive(self):
        drafts.archive(instance=self.instance, by=SYSTEM, at=AT)

    def archive_client(self):
        clients.archive(client=self.target.client, by=SYSTEM, at=AT)

    def switch(self, *, on):
        row = targets.get(key=self.target.pk, actor=SYSTEM)
        (targets.enable if on else targets.disable)(target=row, by=SYSTEM, at=AT)


def carry():
    """Everything is due, and every worker has its turn."""
    deliveries.sweep()
    Delivery.objects.update(due_at=database_now())
    Lane.objects.update(not_before=None, open_until=None)
    return sum(courier.deliver(lane_id=lane.pk, by=SYSTEM) for lane in Lane.objects.all())


def runs():
    return memory.slots["front"].text if "front" in memory.slots else ""
