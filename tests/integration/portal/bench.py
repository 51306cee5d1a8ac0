"""A project with a bundle of two releases, its channels and its people, for tests of the registry's pages."""

from __future__ import annotations

from types import SimpleNamespace

from django.contrib.auth import get_user_model
from django.urls import reverse

from foundation.actors import Door
from registry import bundles, channels
from tenancy import policy, tokens
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.integration.admin.rooms import browser_of

TONE = {"tone": {"type": "string", "default": "warm"}}


def build_bench(*, moved=True):
    """``desk`` has releases 1.0.0 and 2.0.0 (a variable was taken away); ``live`` and ``stable`` (under review) give
    2.0.0 after 1.0.0. ``person`` makes a browser of somebody with a role, ``actor`` is who sits before it.
    """
    project = factories.make_project(slug="voice", name="Voice")
    work = Workbench(project, "desk")
    work.write("greeting", "Be kind, in a {{ tone }} tone.", variables=TONE, template="greeting")
    one = work.cut("1.0.0")
    work.write("greeting", "Be very kind.")
    two = work.cut("2.0.0")
    live = channels.create(bundle=work.bundle, name="live", by=SYSTEM, at=AT)
    stable = channels.create(bundle=work.bundle, name="stable", by=SYSTEM, at=AT)
    for channel in (live, stable) if moved else ():
        channels.activate(channel=channel, to="1.0.0", by=SYSTEM, at=AT)
        channels.activate(channel=channel, to="2.0.0", by=SYSTEM, at=AT)
    stable = channels.set_policy(channel=stable, rule="review", by=SYSTEM, at=AT)

    def person(*roles, place=project, username=None):
        account = factories.make_user(**({"username": username} if username else {}))
        for role in roles or (Role.ADMINISTRATOR,):
            policy.grant(role=role, place=place, to=account, by=SYSTEM, at=AT)
        found = browser_of(account)
        found.account = account
        return found

    def address(name, **parts):
        known = {"project": project.slug, "bundle": work.bundle.slug, **parts}
        return reverse(f"portal:{name}", kwargs={key: value for key, value in known.items() if value is not None})

    return SimpleNamespace(
        project=project, work=work, one=one, two=two, live=live, stable=stable, person=person, address=address
    )


def actor_of(browser):
    """Who sits before a browser."""
    return tokens.actor_for(get_user_model().objects.get(pk=browser.account.pk), door=Door.PORTAL)


def draft_of(bench):
    """The bundle as it is now."""
    return bundles.get(repository="voice", slug="desk", actor=SYSTEM)


def page_of(answer, status=200):
    """The page, which came with that status."""
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def channel_of(bench, name):
    """A channel as it is now."""
    return channels.get(bundle=bench.work.bundle, name=name, actor=SYSTEM)
