"""Settings that lead to another host: the credentials are asked for beside their field."""

from __future__ import annotations

import re

import pytest

from tenancy.policy import Role
from tests import factories
from tests.integration.admin.rooms import browser_of
from tests.integration.portal.test_targets import SECRET, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def person(client):
    """Makes a browser of somebody with a role at the client."""

    def make(role=Role.ADMINISTRATOR):
        account = factories.make_user()
        factories.make_actor(user=account, roles={client: role})
        return browser_of(account)

    return make


@pytest.mark.parametrize(
    ("language", "told"), [("en", "not sent there. Give them anew."), ("de", "Bitte neu eingeben.")]
)
def test_another_host_asks_for_the_credentials_beside_their_field(client, person, language, told):
    target = factories.make_target(
        client=client, adapter="webhook", settings={"url": "https://a.example/"}, credentials={"signing_secret": SECRET}
    )
    browser, page = person(), at("target", client, target)
    browser.cookies["prompthub_language"] = language
    answer = browser.post(page, {"settings-url": "https://b.example/"})
    [beside] = re.findall(r'id="id_credentials-signing_secret-error"><p>([^<]*)</p>', answer.content.decode())
    assert (answer.status_code, told in beside) == (422, True)
    fresh = SECRET.replace("b", "c")
    taken = browser.post(page, {"settings-url": "https://b.example/", "credentials-signing_secret": fresh}, follow=True)
    assert fresh not in taken.content.decode()
    target.refresh_from_db()
    assert (target.settings, target.credential_values) == ({"url": "https://b.example/"}, {"signing_secret": fresh})


def test_who_has_no_credentials_is_asked_for_none(client, person):
    page = person().get(at("target", client, factories.make_target(client=client, adapter="memory")))
    assert 'name="credentials-' not in page.content.decode()
