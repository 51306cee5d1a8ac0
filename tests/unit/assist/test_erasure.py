"""`erase_client` empties everything that is kept of a client, and nothing else."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, models, transaction

from assist import erasure
from assist.models import Suggestion
from assist.states import SuggestionState
from audit import chain
from audit.models import AuditEvent
from foundation.models import TOMBSTONE, Mutability
from gateway.v1 import presenters
from instances import comparing, drafts, versions
from instances.models import InstanceVersion, PromptInstance, Publication
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Refused
from publishing import courier, deliveries, drift, publish, targets
from publishing.adapters import memory
from publishing.models import Delivery, DeliveryAttempt, Drift, Target
from tenancy import clients
from tenancy.models import Client, ClientAlias
from tests.factories import make_actor, make_client, make_instance, make_placement, make_target, make_template_version
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import pass_time

SCHEMA = {
    "type": "object",
    "properties": {"who": {"type": "string"}, "key": {"type": "string", "x-secret": True}},
}
WORDS = "PRIVATE"  # in everything that must go
MESSAGES = [{"role": "system", "content": f"{WORDS} {{{{ who }}}}"}]


class Household:
    """A client with a text and a document, published, failed, changed behind our back, and edited since."""

    def __init__(self) -> None:
        self.client = make_client(name=f"{WORDS} name")
        ClientAlias.objects.create(client=self.client, kind="discord_guild", value=f"{WORDS} {self.client.slug}")
        self.text = self._prompt(f"{WORDS} {{{{ who }}}} {{{{ key }}}}", None)
        self.document = self._prompt(None, MESSAGES)
        settings = {"base_url": f"https://n8n.example/{WORDS}"}
        make_target(
            client=self.client, adapter="n8n", settings=settings, credentials={"api_key": f"{WORDS}-key-123456"}
        )
        target = make_target(client=self.client, settings={"fail": ["try_again"]})
        self.placement = make_placement(instance=self.text, target=target)
        for instance in (self.text, self.document):
            publish.publish(instance=instance, reason=f"{WORDS} reason", by=SYSTEM, at=AT)
        for _ in range(2):  # the first try fails
            courier.deliver(lane_id=self.placement.lane_id, by=SYSTEM)
            pass_time(60)
        memory.slots[self.placement.location["slot"]].text = f"{WORDS} edited there"
        assert drift.check(placement=self.placement, by=SYSTEM, at=AT) is not None
        self.placement.unreadable_reason = f"{WORDS} read"
        self.placement.save()
        self.suggest(SuggestionState.READY)
        row = drafts.get(key=self.text.pk, actor=SYSTEM)
        drafts.edit(instance=row, revision=row.revision, variables={"who": f"{WORDS} later"}, by=SYSTEM, at=AT)

    def suggest(self, state):
        words = {name: f"{WORDS} {name}" for name in ("instruction", "base", "text", "notes", "created_by_label")}
        return Suggestion.objects.create(
            instance=self.text, revision=1, state=state, provider="null", created_at=AT, created_by="1", **words
        )

    def _prompt(self, content_md, content_json):
        template = make_template_version(
            content_md="x" if content_md else None,
            content_json=content_json and [{"role": "system", "content": "x"}],
            variables_schema=SCHEMA,
        )
        own = PromptBody.parse(content_md=content_md, content_json=content_json, engine="jinja2")
        values = {"who": f"{WORDS} who", "key": f"{WORDS} key"}
        return make_instance(client=self.client, template_version=template, variables=values, body=own)

    def archived(self) -> Household:
        clients.archive(client=self.client, by=SYSTEM, at=AT)
        return self


@pytest.fixture
def household(db):
    memory.clear()
    return Household().archived()


def erase(client, by=SYSTEM):
    return erasure.erase_client(client=client, by=by, at=AT)


def rows_of(client) -> dict[str, list[dict]]:
    """Every row of every model, as far as it leads to the client."""
    found = {}
    for model in apps.get_models():
        path = {
            "Client": "pk",
            "ClientAlias": "client",
            "PromptInstance": "client",
            "HistoricalPromptInstance": "client",
            "InstanceVersion": "instance__client",
            "Publication": "instance__client",
            "PublishedSecrets": "instance__client",
            "Target": "client",
            "HistoricalTarget": "client",
            "Placement": "target__client",
            "Delivery": "placement__target__client",
            "DeliveryAttempt": "delivery__placement__target__client",
            "Drift": "placement__target__client",
            "AuditEvent": "client_id",
            "Suggestion": "instance__client",
        }.get(model.__name__)
        if path:
            found[model.__name__] = list(models.QuerySet(model).filter(**{path: client.pk}).order_by("pk").values())
    return found


def test_nothing_that_was_said_by_or_about_the_client_is_left(household):
    before = {name: len(rows) for name, rows in rows_of(household.client).items()}
    assert all(
        WORDS in repr(rows)
        for name, rows in rows_of(household.client).items()
        if name
        in {
            "Client",
            "ClientAlias",
            "PromptInstance",
            "HistoricalPromptInstance",
            "InstanceVersion",
            "Publication",
            "PublishedSecrets",
            "Target",
            "Drift",
            "Suggestion",
        }
    )
    assert erase(household.client).changed
    after = rows_of(household.client)
    assert WORDS not in repr(after)
    assert "api_key" not in repr(after["Target"])
    kept = {name: len(rows) for name, rows in after.items()}
    assert kept == {**before, "ClientAlias": 0, "AuditEvent": before["AuditEvent"] + 1}


def test_every_erasable_column_holds_the_tombstone_or_held_nothing(household):
    erase(household.client)
    places = {
        InstanceVersion: "instance__client",
        Publication: "instance__client",
        DeliveryAttempt: "delivery__placement__target__client",
    }
    for model, path in places.items():
        rows = list(model.objects.filter(**{path: household.client}).values(*model.erasable))
        assert rows
        assert {value for row in rows for value in row.values()} <= {TOMBSTONE, None, ""}
    others = {"client.erase"}
    for event in AuditEvent.objects.filter(client_id=household.client.pk).exclude(action__in=others):
        assert (event.actor_label, event.subject_label) == (TOMBSTONE, TOMBSTONE)


def test_every_erasable_column_of_a_client_is_reached():
    """A new sealed or append-only model with erasable columns has to be added to the verb, or named here."""
    erasable = {
        model.__name__
        for model in apps.get_models()
        if getattr(model, "mutability", None) in {Mutability.SEALED, Mutability.APPEND_ONLY} and model.erasable
    }
    of_projects = {"TemplateVersion", "Release", "ReleaseMark", "CoachSession"}
    assert erasable - of_projects == {"AuditEvent", "DeliveryAttempt", "InstanceVersion", "Publication"}


def test_digests_and_the_chain_of_the_ledger_still_hold(household):
    while chain.extend(at=AT):
        pass
    digests = list(InstanceVersion.objects.order_by("pk").values_list("digest", flat=True))
    erase(household.client)
    while chain.extend(at=AT):
        pass
    proof = chain.verify()
    assert (proof.broken, proof.unlinked) == ((), 0)
    assert list(InstanceVersion.objects.order_by("pk").values_list("digest", flat=True)) == digests


def test_the_erasure_is_in_the_ledger(household):
    by = make_actor(superuser=True)
    done = erase(household.client, by=by)
    [event] = AuditEvent.objects.filter(action="client.erase")
    assert (event.client_id, event.actor_label, event.subject_label) == (
        household.client.pk,
        by.label,
        household.client.slug,
    )
    assert event.metadata == {"values": done.values}


def test_nothing_of_another_client_changes(household):
    other = Household()
    before = rows_of(other.client)
    erase(household.client)
    assert rows_of(other.client) == before
    row = drafts.get(key=other.text.pk, actor=SYSTEM)
    assert publish.publish(instance=row, confirm=True, by=SYSTEM, at=AT).changed


def test_a_second_time_nothing_is_left_to_erase(household):
    erase(household.client)
    before = rows_of(household.client)
    again = erase(household.client)
    assert (again.changed, again.values) == (False, 0)
    assert rows_of(household.client) == before


def test_a_client_in_use_is_not_erased(db):
    client = make_client()
    with pytest.raises(Conflict) as refused:
        erase(client)
    assert refused.value.code == "409.state_conflict"
    assert Client.objects.get(pk=client.pk).name == "Acme"


def test_a_client_with_something_on_its_way_is_not_erased(household):
    household.client.refresh_from_db()
    deliveries.enqueue(
        publication=Publication.objects.filter(instance=household.text).latest("ordinal"),
        placements=[household.placement],
        by=SYSTEM,
        at=AT,
    )
    before = rows_of(household.client)
    with pytest.raises(Conflict, match="on their way"):
        erase(household.client)
    assert rows_of(household.client) == before


@pytest.mark.parametrize("state", [SuggestionState.ASKED, SuggestionState.RUNNING])
def test_a_client_a_model_is_still_writing_for_is_not_erased(household, state):
    household.suggest(state)
    before = rows_of(household.client)
    with pytest.raises(Conflict, match="still writing"):
        erase(household.client)
    assert rows_of(household.client) == before


def test_it_takes_an_administrator_of_the_installation(household):
    by = make_actor(roles={household.client: "administrator"})
    with pytest.raises(Refused):
        erase(household.client, by=by)
    assert Client.objects.get(pk=household.client.pk).name == f"{WORDS} name"


def test_the_database_still_refuses_every_other_change(household):
    erase(household.client)
    for change in ({"content_materialized": ["back"]}, {"digest": "sha256:0"}, {"variables": {"who": "me"}}):
        with pytest.raises(DatabaseError), transaction.atomic():
            models.QuerySet(InstanceVersion).filter(instance=household.text).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        models.QuerySet(AuditEvent).filter(client_id=household.client.pk).update(subject_label="back")


@pytest.mark.parametrize("prompt", ["text", "document"])
def test_what_is_left_can_be_read_and_is_never_sent(household, prompt):
    erase(household.client)
    instance = drafts.get(key=getattr(household, prompt).pk, actor=SYSTEM)
    version = instance.active_version
    assert presenters.instance(instance)["variables"] == {}
    shown = presenters.instance_version(version)
    assert (shown["content_materialized"], shown["variables"], shown["secrets"]) == (TOMBSTONE, {}, [])
    for level in comparing.Level:
        assert comparing.side(instance=instance, word="active", level=level, actor=SYSTEM).text == TOMBSTONE
    assert json.dumps(version.as_json() if prompt == "document" else version.rendered.text()) == f'"{TOMBSTONE}"'
    with pytest.raises(Conflict, match="erased"):
        versions.reveal(version=version, by=SYSTEM, at=AT)


def test_its_places_take_nothing_any_more(household):
    erase(household.client)
    found = list(Target.objects.filter(client=household.client))
    for target in found:
        assert (target.settings, target.credential_values, target.enabled) == ({}, {}, False)
        assert targets.test(target=target, actor=SYSTEM) == []
    assert drift.check_all(by=SYSTEM, at=AT) == 0
    assert not Drift.objects.filter(ended_at__isnull=True).exists()
    with pytest.raises(Conflict) as refused:
        make_placement(instance=PromptInstance.objects.get(pk=household.text.pk), target=found[0])
    assert refused.value.code == "409.archived"
    assert not Delivery.objects.exclude(error_detail="").exists()


def test_the_command_erases_when_it_is_told_to_mean_it(household, capsys):
    with pytest.raises(CommandError, match="--yes"):
        call_command("erase_client", household.client.slug)
    assert Client.objects.get(pk=household.client.pk).name == f"{WORDS} name"
    call_command("erase_client", household.client.slug, "--yes")
    assert "values erased" in capsys.readouterr().out
    call_command("erase_client", household.client.slug, "--yes")
    assert "nothing left" in capsys.readouterr().out
    with pytest.raises(CommandError, match="No such client"):
        call_command("erase_client", "nobody", "--yes")
