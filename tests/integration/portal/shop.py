"""A small client for tests of publishing and refining: a prompt that goes to two targets, and its people."""

from __future__ import annotations

from types import SimpleNamespace

from django.urls import reverse

from instances import drafts
from prompthub_kernel.body import PromptBody
from publishing import publish
from tenancy import policy
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import browser_of


def build_shop(text=None):
    """The client; ``person`` makes a browser of somebody with a role there, ``address`` an address of the prompt."""
    client = factories.make_client(name="Acme")
    body = None if text is None else PromptBody.parse(content_md=text, content_json=None)
    instance = factories.make_instance(client=client, body=body)
    places = {
        name: factories.make_placement(instance=instance, target=factories.make_target(client=client, name=name))
        for name in ("desk", "phone")
    }

    def person(role=Role.PUBLISHER):
        account = factories.make_user()
        policy.grant(role=role, place=client, to=account, by=SYSTEM, at=AT)
        return browser_of(account)

    def address(name="publish", **parts):
        return reverse(f"portal:{name}", kwargs={"client": client.slug, "instance": instance.pk, **parts})

    return SimpleNamespace(client=client, instance=instance, places=places, person=person, address=address)


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def row_of(shop):
    return drafts.get(key=shop.instance.pk, actor=SYSTEM)


def write(shop, text, by=SYSTEM):
    row = row_of(shop)
    body = PromptBody.parse(content_md=text, content_json=None)
    return drafts.edit(instance=row, revision=row.revision, body=body, by=by, at=AT)


def publish_now(shop, text=None, **more):
    if text is not None:
        write(shop, text)
    return publish.publish(instance=row_of(shop), by=SYSTEM, at=AT, **more)


def form_of(shop, *names, **more):
    """What the review's form sends when these targets are ticked."""
    row = row_of(shop)
    return {
        "revision": row.revision,
        "expected": row.active_version_id or "",
        "target": [str(shop.places[name].target_id) for name in names],
        **more,
    }
