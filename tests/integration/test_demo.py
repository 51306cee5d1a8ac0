"""The demo world: built by the verbs, the same when built again, and really delivered."""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import CommandError, call_command

from audit import chain
from audit.models import AuditEvent
from foundation.actors import system
from instances.models import Publication
from prompthub import demo_world
from prompthub.management.commands import provider as provider_command
from publishing import courier, drift, loopback
from publishing.adapters import memory
from publishing.models import Delivery, Drift, Lane, Target
from tests.factories.acting import AT
from tests.services import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def state(settings, tmp_path):
    settings.STATE_DIR = tmp_path / "state"
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset(f"127.0.0.1:{port}" for port in (8090, 8091, 8092))
    memory.clear()
    return settings.STATE_DIR


@pytest.fixture
def received(settings, monkeypatch):
    """A provider on this machine; what it holds by prompt."""
    shelf = loopback.Shelf()
    with loopback.Loopback(shelf) as server:
        monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", str(server.server_port))
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({server.address})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield shelf.prompts
        server.shutdown()


def work():
    """What a worker does."""
    for lane in Lane.objects.all():
        courier.deliver(lane_id=lane.pk, by=system())


def test_the_welcome_says_how_to_begin(state, capsys):
    assert demo_world.announce() == []
    call_command("demo")
    said = capsys.readouterr().out
    password = json.loads((state / "demo.json").read_text())["password"]
    assert f"as demo with the password {password}" in said
    assert (state / "welcome.txt").read_text() == said


def test_everything_in_it_was_decided_by_somebody(state):
    before = set(AuditEvent.objects.values_list("id", flat=True))
    call_command("demo", verbosity=0)
    decided = AuditEvent.objects.exclude(id__in=before).exclude(action="project.create")  # the house's own
    actions = set(decided.values_list("action", flat=True))
    assert {"client.create", "account.create", "token.issue", "grant.add", "template.version.seal"} <= actions
    assert {"instance.draft.create", "target.create", "placement.create", "instance.publish"} <= actions
    assert set(decided.values_list("door", flat=True)) == {"command"}
    [correlation] = set(decided.values_list("correlation_id", flat=True))
    assert correlation


def test_a_worker_brings_it_to_the_provider(state, received):
    call_command("demo", verbosity=0)
    work()
    assert set(received) == {"acme-front-desk", "acme-reminder-calls", "borealis-front-desk", "borealis-orders"}
    desk = received["acme-front-desk"]
    assert (desk["ordinal"], "weekdays from nine to five" in desk["text"]) == (2, True)
    assert json.loads((state / "demo.json").read_text())["booking_key"] in desk["text"], "secrets are joined on the way"
    assert "{{customer_name}}" in received["acme-reminder-calls"]["text"], "the provider's own variables stay"
    assert [message["role"] for message in json.loads(received["borealis-orders"]["text"])[:3]] == [
        "system",
        "user",
        "assistant",
    ]
    assert Publication.objects.filter(instance__name="acme-front-desk").count() == 2
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["buried", *["delivered"] * 4, "superseded"]


def test_one_prompt_was_changed_at_the_provider(state, received):
    call_command("demo", verbosity=0)
    [found] = Drift.objects.filter(ended_at__isnull=True)
    assert found.placement.instance.name == "acme-reminder-calls"
    assert found.observed == received["acme-reminder-calls"]["text"]
    arrived = Delivery.objects.get(placement=found.placement, state="delivered").ended_at
    assert found.found_at >= arrived, "what is changed there was there before"
    diff = drift.compare(drift=found, actor=system())
    assert [line["text"] for line in diff.added] == [
        "\n",
        "Never call before nine. (Added by the night shift, at the provider.)\n",
    ]
    drift.redeliver(drift=found, by=system(), at=AT)
    work()
    call_command("demo", verbosity=0)
    assert not Drift.objects.filter(ended_at__isnull=True).exists()
    assert "night shift" not in received["acme-reminder-calls"]["text"]


def test_a_provider_that_is_not_there_holds_nobody_up(state, settings, monkeypatch):
    monkeypatch.setattr(demo_world, "PATIENCE", 2)
    port = free_port()
    monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", str(port))
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset({f"127.0.0.1:{port}"})
    call_command("demo", verbosity=0)
    assert not Drift.objects.exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending", "superseded"}


def test_a_provider_that_may_not_be_called_is_told_before_anything_is_written(state, monkeypatch):
    monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", "8093")
    before = AuditEvent.objects.count()
    with pytest.raises(CommandError) as refused:
        call_command("demo")
    assert "add 127.0.0.1:8093 to PROMPTHUB_EGRESS_ALLOW" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (AuditEvent.objects.count(), Target.objects.count(), state.exists()) == (before, 0, False)


def test_a_provider_that_moved_is_followed(state, monkeypatch):
    monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", "8091")
    call_command("demo", verbosity=0)
    monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", "8092")
    call_command("demo", verbosity=0)
    addresses = [target.settings["url"] for target in Target.objects.filter(adapter="webhook")]
    assert {address.partition("/hooks")[0] for address in addresses} == {"http://127.0.0.1:8092"}


def test_the_provider_keeps_what_it_holds_in_the_state_directory(state, monkeypatch):
    asked = []
    monkeypatch.setattr(provider_command.loopback, "main", asked.append)
    port = free_port()
    call_command("provider", "--port", str(port))
    assert asked == [["--host", "127.0.0.1", "--port", str(port), "--file", str(state / "provider.json")]]


def test_verify_audit_proves_the_ledger(state, capsys):
    call_command("demo", verbosity=0)
    while chain.extend(at=AT):
        pass
    events = AuditEvent.objects.count()
    call_command("verify_audit")
    assert capsys.readouterr().out == f"{events} links hold; 0 events are not linked yet.\n"
