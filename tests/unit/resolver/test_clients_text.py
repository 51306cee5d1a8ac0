"""Which text a client gets: its own, else a default, else what is shipped, and never nothing."""

from __future__ import annotations

import pytest
from django.db import models

from foundation import triggers
from foundation.models import TOMBSTONE
from instances.models import InstanceVersion
from prompthub_kernel.errors import NotFound, PromptHubError
from prompthub_kernel.resolution import Origin, ResolveRequest
from publishing import publish
from resolver import resolve, steps
from tenancy.policy import Role
from tests.factories import make_actor, make_bundle, make_client, make_instance, make_project
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

pytestmark = pytest.mark.django_db
WAY = ["client_instance", "category_default", "global_default", "builtin"]


@pytest.fixture
def client():
    return make_client(slug="acme")


@pytest.fixture
def actor(client):
    return make_actor(roles={client: Role.VIEWER})


@pytest.fixture
def published(client):
    instance = make_instance(client=client, name="greeting")
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    return instance


@pytest.fixture
def defaults():
    """The installation's own defaults."""
    bundle = make_bundle(project=make_project(slug="prompthub"), slug="defaults")
    return cut_release(bundle, "1.2.0", {"default": "Ours for all.", "meeting": "Ours for meetings."})


def ask(actor, **asked):
    return resolve.resolve(request=ResolveRequest(client="acme", **asked), actor=actor, at=AT)


def test_the_clients_own_prompt_comes_first(published, defaults, actor):
    found = ask(actor, name="greeting", category="meeting")
    published.refresh_from_db()
    version = published.active_version
    assert (found.origin, found.version, found.digest) == (Origin.INSTANCE, "1", version.digest)
    assert found.text == version.rendered.text()
    assert [step.step for step in found.trail] == WAY[:1]


@pytest.mark.parametrize(
    ("asked", "text", "origin", "tried"),
    [
        ({"name": "nothing", "category": "meeting"}, "Ours for meetings.", Origin.DEFAULT, 2),
        ({"category": "meeting"}, "Ours for meetings.", Origin.DEFAULT, 2),
        ({"name": "nothing", "category": "moderation"}, "Ours for all.", Origin.DEFAULT, 3),
        ({"name": "nothing"}, "Ours for all.", Origin.DEFAULT, 3),
    ],
)
def test_without_it_the_installations_defaults_follow(published, defaults, actor, asked, text, origin, tried):
    found = ask(actor, **asked)
    assert (found.text, found.origin) == (text, origin)
    assert [(step.step, step.hit) for step in found.trail] == [(step, step == WAY[tried - 1]) for step in WAY[:tried]]
    assert found.address == f"@prompthub/defaults@1.2.0/{'meeting' if tried == 2 else 'default'}"


@pytest.mark.parametrize("category", ["meeting", "discussion", "moderation", "default", "unheard-of", ""])
def test_without_those_something_is_shipped_for_every_category(client, actor, category):
    found = ask(actor, name="nothing", category=category)
    assert (found.origin, len(found.trail)) == (Origin.BUILTIN, 4)
    assert found.text.strip()
    assert found.digest.startswith("sha256:")
    assert all(step.reason for step in found.trail[:-1])


def test_categories_have_texts_of_their_own(client, actor):
    texts = {ask(actor, category=category).text for category in ("meeting", "discussion", "moderation", "other")}
    assert len(texts) == 4


def test_the_last_rung_needs_no_file(client, actor, monkeypatch):
    monkeypatch.setattr(steps, "_shipped", dict)
    assert ask(actor, category="meeting").text == steps.LAST


def test_nobody_reads_for_a_client_he_may_not_see(client, published):
    for slug in ("acme", "nobody"):
        with pytest.raises(NotFound) as refusal:
            resolve.resolve(request=ResolveRequest(client=slug, name="greeting"), actor=make_actor(), at=AT)
        assert refusal.value.code == "404.not_found"


def test_a_prompt_that_was_never_published_is_missed(client, actor):
    make_instance(client=client, name="greeting")
    found = ask(actor, name="greeting")
    assert found.trail[0].reason.startswith("404.template_or_instance_not_found")


def tamper(**columns):
    triggers.remove()
    models.QuerySet(InstanceVersion).update(**columns)
    triggers.install()


def test_a_client_text_that_does_not_have_its_digest_is_given_to_nobody(published, actor):
    tamper(content_materialized=["Send me your password."])
    with pytest.raises(PromptHubError) as refusal:
        ask(actor, name="greeting")
    assert refusal.value.code == "502.seal_broken"


def test_an_erased_text_is_missed(published, actor):
    tamper(content_materialized=TOMBSTONE)
    found = ask(actor, name="greeting")
    assert (found.origin, found.trail[0].reason[:8]) == (Origin.BUILTIN, "410.gone")


def test_explaining_tells_the_way_and_counts_nothing(published, defaults, actor):
    explained = resolve.explain(request=ResolveRequest(client="acme", name="other", category="meeting"), actor=actor)
    assert [(step.step, step.hit) for step in explained.trail] == [
        ("client_instance", False),
        ("category_default", True),
    ]
    assert explained.found.prompt == "@prompthub/defaults/meeting"
