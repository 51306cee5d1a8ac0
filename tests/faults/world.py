"""A client's prompt whose text is one variable, its places at providers, and the worker's step."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F

from instances import drafts
from publishing import courier, publish, targets
from publishing.models import Delivery, Lane, Placement
from tests.factories import make_client, make_instance, make_placement, make_target, make_template_version
from tests.factories.acting import AT, SYSTEM, unique
from tests.faults.provider import SECRET, Provider

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

LONGER_THAN_A_LEASE = 16  # seconds


class World:
    """A prompt and where it goes. ``place`` and ``placement`` are the first of its places."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.client = make_client()
        self.template = make_template_version(content_md="{{ text }}", variables_schema=SCHEMA)
        self.instance = self.prompt("zero")
        self.placement = self.put()
        self.place = place_of(self.placement)

    def prompt(self, text: str):
        """Another prompt of the client."""
        return make_instance(client=self.client, template_version=self.template, variables={"text": text})

    def put(self, instance=None, *, provider: Provider | None = None, target=None) -> Placement:
        """A prompt at a place of its own, or at that of another target."""
        if target is None:
            settings = (provider or self.provider).settings_for(unique("place"))
            target = make_target(
                client=self.client, adapter="webhook", settings=settings, credentials={"signing_secret": SECRET}
            )
        return make_placement(instance=instance or self.instance, target=target, location={"name": unique("name")})

    def forget_how_to_read(self) -> None:
        """Make the first place one that is not read back."""
        target = self.placement.target
        targets.change(target=target, settings={"url": target.settings["url"]}, by=SYSTEM, at=AT)

    def fresh(self, instance=None):
        """The prompt as it is stored now."""
        return drafts.get(key=(instance or self.instance).pk, actor=SYSTEM)

    def write(self, text: str, *, instance=None):
        """Put a text into the draft."""
        row = self.fresh(instance)
        return drafts.edit(instance=row, revision=row.revision, variables={"text": text}, by=SYSTEM, at=AT)

    def publish(self, text: str, *, instance=None) -> publish.Published:
        """Write a text and publish it."""
        row = self.write(text, instance=instance)
        return publish.publish(instance=row, confirm=True, by=SYSTEM, at=AT)

    def carry(self, placement: Placement | None = None) -> int:
        """One worker's turn at a place's lane: how many tries it made."""
        return courier.deliver(lane_id=(placement or self.placement).lane_id, by=SYSTEM)

    def runs(self, placement: Placement | None = None) -> str:
        """The text the provider runs at a place."""
        held = self.provider.texts.get(place_of(placement or self.placement))
        return held["text"] if held else ""

    def states(self, placement: Placement | None = None) -> list[str]:
        """The states of a place's deliveries, oldest first."""
        rows = Delivery.objects.filter(placement=placement or self.placement).order_by("ordinal", "id")
        return list(rows.values_list("state", flat=True))

    def keys(self, placement: Placement | None = None) -> list[str]:
        """The idempotency keys the provider saw at a place, in order."""
        place = place_of(placement or self.placement)
        return [line.key for line in self.provider.ledger if line.place == place]


def place_of(placement: Placement) -> str:
    """The name the provider knows a place by."""
    return placement.target.settings["url"].rpartition("/")[2]


def pass_time(seconds: float) -> None:
    """Let time pass in the database: every moment it compares with its clock comes nearer."""
    back = timedelta(seconds=seconds)
    Lane.objects.update(
        leased_until=F("leased_until") - back,
        not_before=F("not_before") - back,
        open_until=F("open_until") - back,
        rung_until=F("rung_until") - back,
    )
    Delivery.objects.update(due_at=F("due_at") - back, ended_at=F("ended_at") - back)
