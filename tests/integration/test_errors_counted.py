"""Every coded error is counted in ``errors_total{code}`` once, whichever door tells it."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.db import OperationalError
from django.urls import reverse
from prometheus_client import REGISTRY

from assist.llm.scripted import Scripted
from prompthub_kernel.errors import Conflict, Invalid
from publishing import deliveries
from publishing.models import Target
from tenancy import clients
from tenancy.policy import Role
from tests import factories
from tests.integration.admin.rooms import browser_of
from tests.integration.portal.shop import build_shop, form_of, publish_now, row_of, write
from tests.once import once

pytestmark = pytest.mark.django_db


_built = once(build_shop)


@pytest.fixture
def shop(_built, db):
    return deepcopy(_built)


@pytest.fixture
def counting():
    """Codes that were counted since then, each as often as it was."""

    def read():
        [family] = [family for family in REGISTRY.collect() if family.name == "errors"]
        return {one.labels["code"]: one.value for one in family.samples if one.name == "errors_total"}

    before = read()
    return lambda: {code: count - before.get(code, 0) for code, count in read().items() if count != before.get(code, 0)}


def refusing(code, raised=Conflict):
    def refuse(**_):
        raise raised(code)

    return refuse


def test_a_calm_page_counts(shop, counting):
    assert shop.person(Role.VIEWER).get(shop.address()).status_code == 403
    assert counting() == {"403.permission_denied": 1}


def test_a_database_that_is_away_counts(shop, counting, monkeypatch):
    person = shop.person()

    def be_away(**_):
        raise OperationalError("gone")

    monkeypatch.setattr(clients, "listing", be_away)
    assert person.get(reverse("portal:prompts", args=[shop.client.slug])).status_code == 503
    assert counting() == {"503.database_unavailable": 1}


def test_an_error_beside_a_field_counts(shop, counting):
    address = reverse("portal:target_new", args=[shop.client.slug]) + "?adapter=memory"
    assert shop.person(Role.ADMINISTRATOR).post(address, {"name": "desk"}).status_code == 409, "the name is taken"
    assert counting() == {"409.version_conflict": 1}


def test_a_review_of_what_has_moved_counts(shop, counting):
    given = form_of(shop, "desk")
    write(shop, "Somebody else's words.")
    assert shop.person().post(shop.address(), given).status_code == 409
    assert counting() == {"409.draft_stale": 1}


def test_a_publish_that_cannot_be_counts(shop, counting, monkeypatch):
    monkeypatch.setattr("publishing.publish.publish", refusing("422.variables_invalid", Invalid))
    assert shop.person().post(shop.address(), form_of(shop, "desk")).status_code == 422
    assert counting() == {"422.variables_invalid": 1}


def test_a_conflict_that_is_no_longer_a_review_counts_once(shop, counting, monkeypatch):
    monkeypatch.setattr("publishing.publish.publish", refusing("409.archived"))
    assert shop.person().post(shop.address(), form_of(shop, "desk")).status_code == 409
    assert counting() == {"409.archived": 1}


def test_a_take_over_of_a_changed_draft_counts(shop, counting):
    version = publish_now(shop, "Theirs.").version
    stale = {"revision": row_of(shop).revision - 1}
    assert shop.person().post(shop.address("take_over", version=version.pk), stale).status_code == 302
    assert counting() == {"409.draft_stale": 1}


def test_a_draft_saved_over_another_counts(shop, counting):
    given = {"text": "Mine.", "revision": row_of(shop).revision}
    write(shop, "Theirs.")
    assert shop.person(Role.EDITOR).post(shop.address("draft"), given).status_code == 409
    assert counting() == {"409.draft_stale": 1}


def test_a_replay_that_is_refused_counts(shop, counting, monkeypatch):
    done = publish_now(shop)
    monkeypatch.setattr(deliveries, "replay", refusing("409.state_conflict"))
    address = shop.address("publication", ordinal=done.publication.ordinal)
    assert shop.person().post(address, {"delivery": str(done.deliveries[0].pk)}).status_code == 302
    assert counting() == {"409.state_conflict": 1}


def test_each_prompt_that_many_at_once_refuse_counts(shop, counting, monkeypatch):
    monkeypatch.setattr("publishing.publish.publish", refusing("409.version_conflict"))
    keys = [str(shop.instance.pk), str(factories.make_instance(client=shop.client).pk)]
    address = reverse("portal:bulk_publish", args=[shop.client.slug])
    assert "2 were refused" in shop.person().post(address, {"prompt": keys}).content.decode()
    assert counting() == {"409.version_conflict": 2}


@pytest.fixture
def suggestion(shop, monkeypatch):
    monkeypatch.setattr("assist.llm.chosen", Scripted)
    return factories.make_suggestion(instance=row_of(shop), instruction="Be brief.")


def test_a_suggestion_asked_for_a_changed_draft_counts(shop, suggestion, counting):
    given = {"instruction": "Be kind.", "revision": row_of(shop).revision}
    write(shop, "Theirs.")
    assert shop.person(Role.EDITOR).post(shop.address("refine"), given).status_code == 409
    assert counting() == {"409.draft_stale": 1}


def test_a_suggestion_that_cannot_be_accepted_counts(shop, suggestion, counting):
    write(shop, "Theirs.")
    address = shop.address("accept_suggestion", suggestion=suggestion.pk)
    assert shop.person(Role.EDITOR).post(address, {"take": "all"}).status_code == 409
    assert sum(counting().values()) == 1


def test_a_suggestion_that_cannot_be_rejected_counts(shop, suggestion, counting):
    editor, address = shop.person(Role.EDITOR), shop.address("reject_suggestion", suggestion=suggestion.pk)
    editor.post(address)
    editor.post(address)
    assert counting() == {"409.state_conflict": 1}


@pytest.mark.parametrize("address", ["/nothing-here/", "/docs/errors/999.unknown"])
def test_a_page_that_is_none_counts(client, db, counting, address):
    assert client.get(address, headers={"host": "localhost"}).status_code == 404
    assert counting() == {"404.not_found": 1}


def test_a_decision_of_the_staff_that_is_refused_counts(shop, counting):
    target = shop.places["desk"].target
    staff = browser_of(factories.make_user(superuser=True))
    address = reverse(f"admin:{Target._meta.app_label}_target_change_settings", args=[target.pk])
    page = staff.post(address, {"settings": '{"no": "such"}'})
    assert page.context["form"].errors
    assert counting() == {"422.request_invalid": 1}
