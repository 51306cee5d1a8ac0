"""Whether a model may be asked: what the installation and the client say, and who may say it."""

from __future__ import annotations

import pytest

from assist import switches
from assist.llm.null import Null
from audit.models import AuditEvent
from prompthub_kernel.errors import PromptHubError
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return factories.make_client()


def switch(client, enabled, by=SYSTEM):
    return switches.switch(client=client, enabled=enabled, by=by, at=AT)


def test_a_client_is_on_until_it_is_switched_off(client):
    found = switches.standing(client=client)
    assert (found.available, found.reason, found.provider, found.model) == (True, "", "scripted", "scripted-1")
    found = switch(client, enabled=False)
    assert (found.available, found.client, found.installation) == (False, False, True)
    assert "this client" in found.reason
    assert switch(client, enabled=True).available
    assert switches.standing(client=factories.make_client()).available


def test_the_installation_and_the_model_come_first(client, settings, model):
    model(Null())
    assert "No language model" in switches.standing(client=client).reason
    settings.ASSIST = {**settings.ASSIST, "refine": False}
    found = switches.standing()
    assert (found.available, found.client) == (False, True)
    assert "this installation" in found.reason


def test_only_a_change_is_recorded(client):
    for enabled in (True, False, False, True):
        switch(client, enabled=enabled)
    events = AuditEvent.objects.filter(action="client.refine.set", subject_id=str(client.id)).order_by("id")
    assert [event.metadata for event in events] == [{"enabled": False}, {"enabled": True}]


def test_only_administrators_switch(client):
    for role, code in (("editor", "403.permission_denied"), (None, "404.not_found")):
        with pytest.raises(PromptHubError) as refusal:
            switch(client, enabled=False, by=factories.make_actor(roles={client: role} if role else {}))
        assert refusal.value.code == code
    assert switch(client, enabled=False, by=factories.make_actor(roles={client: "administrator"})).client is False
