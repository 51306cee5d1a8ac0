"""Where refining is switched off it is not shown and its addresses say so; administrators switch it per client."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.urls import reverse

from assist import refine, switches
from assist.llm.scripted import Scripted
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.portal.shop import build_shop, page_of, row_of
from tests.once import once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _model(monkeypatch):
    monkeypatch.setattr("assist.llm.chosen", Scripted)


_built = once(build_shop)


@pytest.fixture
def shop(_built, db):
    return deepcopy(_built)


@pytest.fixture
def address(shop):
    return shop.address


def made(shop, instruction="Say goodbye at the end.", **more):
    return factories.make_suggestion(instance=row_of(shop), instruction=instruction, **more)


@pytest.fixture
def off(shop):
    switches.switch(client=shop.client, enabled=False, by=SYSTEM, at=AT)


@pytest.mark.usefixtures("off")
def test_where_it_is_switched_off_every_address_says_so_calmly(shop, address):
    switches.switch(client=shop.client, enabled=True, by=SYSTEM, at=AT)
    row = made(shop)
    switches.switch(client=shop.client, enabled=False, by=SYSTEM, at=AT)
    editor = shop.person(Role.EDITOR)
    answers = [
        editor.get(address("refine")),
        editor.post(address("refine"), {"instruction": "", "revision": 1}),
        editor.post(address("refine"), {"instruction": "Be brief.", "revision": 1}),
        editor.get(address("suggestion", suggestion=row.pk)),
        editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "all"}),
    ]

    for answer in answers:
        page = page_of(answer, 403)
        assert "switched off for this client" in page
        assert "403.feature_off" in page
    assert refine.get(key=row.pk, actor=SYSTEM).state == "ready"


def test_an_administrator_switches_it_for_a_client(shop):
    where = reverse("portal:client_settings", kwargs={"client": shop.client.slug})
    boss = shop.person(Role.ADMINISTRATOR)

    assert " checked" in page_of(boss.get(where))
    assert "No model is asked any more." in page_of(boss.post(where, {}, follow=True))
    assert not switches.standing(client=shop.client).available
    assert " checked" not in page_of(boss.get(where))
    boss.post(where, {"enabled": "on"})
    assert switches.standing(client=shop.client).available


def test_who_is_no_administrator_sees_the_switch_and_why_it_is_shut(shop):
    where = reverse("portal:client_settings", kwargs={"client": shop.client.slug})
    editor = shop.person(Role.EDITOR)
    page = page_of(editor.get(where))

    assert "Needs the permission" in page
    assert "scripted-1" in page
    assert editor.post(where, {"enabled": "on"}).status_code == 403


def test_the_prompts_page_leads_here_only_where_it_is_switched_on(address, shop):
    editor = shop.person(Role.EDITOR)
    assert address("refine") in page_of(editor.get(address("prompt")))
    switches.switch(client=shop.client, enabled=False, by=SYSTEM, at=AT)
    assert address("refine") not in page_of(editor.get(address("prompt")))
