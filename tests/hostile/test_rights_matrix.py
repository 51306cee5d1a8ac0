"""Who may do what, for every address of the API: made from the URL configuration, so that none can be forgotten."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import get_resolver

from gateway import throttling
from publishing import drift
from publishing.adapters import memory
from tenancy.policy import ROLE_GIVES, SCOPE_LETS, Permission, Role, Scope
from tests import factories
from tests.hostile.two_worlds import (
    DECIDED_BELOW,
    HEADERS,
    LISTINGS,
    OF_THE_INSTALLATION,
    OF_THE_MAKER,
    REQUESTS,
    WITHOUT_RESULTS,
    ids,
    make_world,
)
from tests.integration.gateway.conftest import ALL, Caller
from tests.problems import assert_problem

METHODS = ("get", "post", "put", "patch", "delete")


def _operations():
    """Operation → method, needed permission; of the addresses at ``/api/v1/`` (``/prompt/`` has the same views).

    That is the declared one, or what the row itself asks for where a view leaves it to it.
    """
    found = {}
    for part in get_resolver().url_patterns:
        if str(part.pattern) != "api/v1/":
            continue
        for entry in part.url_patterns:
            view = getattr(entry.callback, "cls", None)
            for method in METHODS:
                promise = getattr(getattr(view, method, None), "operation", None)
                if promise is not None:
                    declared = view.permissions[method.upper()]
                    found[promise.name] = (method.upper(), DECIDED_BELOW.get(promise.name, declared))
    return found


OPERATIONS = _operations()


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    """Both worlds, made once for all tests here, in a transaction that is undone after the last one."""
    memory.clear()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        yield make_world("own"), make_world("foreign")
        transaction.set_rollback(True)


@pytest.fixture
def worlds(_built, db):
    throttling.forget()
    return _built


def holder(world, role, *, scopes=ALL, **limits):
    roles = {world.client: role, world.project: role} if role else {}
    return Caller(factories.make_token(scopes=scopes, roles=roles, **limits)[1])


def ask(caller, name, world):
    """The answer; whatever it did is undone."""
    path, body = REQUESTS[name](world)
    with transaction.atomic():
        response = caller(OPERATIONS[name][0], path, body, **HEADERS.get(name, {}))
        transaction.set_rollback(True)
    return response


def allowed(name, role):
    permission = OPERATIONS[name][1]
    return role is not None and name not in OF_THE_INSTALLATION | OF_THE_MAKER and permission in ROLE_GIVES[Role(role)]


def test_every_operation_has_a_place_in_the_matrix():
    assert set(OPERATIONS) == set(REQUESTS)
    assert all(isinstance(permission, Permission) for _, permission in OPERATIONS.values())
    assert len(OPERATIONS) >= 60


@pytest.mark.parametrize("name", sorted(set(REQUESTS) - LISTINGS))
def test_each_role_may_do_what_it_says_at_its_own_and_nothing_at_a_foreign_client(worlds, name):
    own, foreign = worlds
    wrong = []
    for role in (None, *Role):
        caller = holder(own, role)
        mine, theirs = ask(caller, name, own), ask(caller, name, foreign)
        if name in OF_THE_INSTALLATION:
            assert_problem(mine, "403.permission_denied")
            continue
        if theirs.status_code != 404 or any(word.encode() in theirs.content for word in ids(foreign)):
            wrong.append((role, "foreign", theirs.status_code, theirs.content[:200]))
        if allowed(name, role):
            good = 200 <= mine.status_code < 300
        else:
            good = mine.status_code == (404 if role is None else 403)
        if not good:
            wrong.append((role, "own", mine.status_code, mine.content[:200]))
    assert wrong == []


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_listings_hold_only_what_one_may_see(worlds, name):
    own, foreign = worlds
    for role in (None, *Role):
        response = ask(holder(own, role), name, own)
        assert response.status_code == 200, (role, response.content)
        told = response.content.decode()
        assert [word for word in ids(foreign) if word in told] == [], role
        if name in WITHOUT_RESULTS:
            continue
        if not allowed(name, role):
            assert response.json()["results"] == []
        else:
            assert len(response.json()["results"]) >= 1, role


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_an_administrator_of_the_installation_may_do_everything_but_what_is_its_makers(worlds, name):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    response = ask(admin, name, worlds[0])
    if name in OF_THE_MAKER:
        assert_problem(response, "403.permission_denied")
    else:
        assert 200 <= response.status_code < 300, response.content


@pytest.mark.parametrize("name", sorted(name for name, told in OPERATIONS.items() if told[1] is not Permission.VIEW))
def test_a_token_without_the_scope_may_not_do_what_its_account_may(worlds, name):
    wanted = OPERATIONS[name][1]
    scopes = tuple(str(scope) for scope in Scope if wanted not in SCOPE_LETS[scope])
    narrow = Caller(factories.make_token(scopes=scopes, superuser=True)[1])
    assert_problem(ask(narrow, name, worlds[0]), "403.permission_denied")


@pytest.mark.parametrize("name", sorted(set(REQUESTS) - LISTINGS - OF_THE_INSTALLATION))
def test_a_token_limited_to_other_places_finds_nothing(worlds, name):
    own, foreign = worlds
    limits = {"clients": (foreign.client.slug,), "projects": (foreign.project.slug,)}
    response = ask(Caller(factories.make_token(scopes=ALL, superuser=True, **limits)[1]), name, own)
    assert response.status_code == 404, response.content


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_nobody_may_do_nothing(worlds, name):
    assert_problem(ask(Caller(), name, worlds[0]), "401.not_authenticated")


# ── Ids of somebody else, hidden in requests about one's own ─────────────────────────────────────────────


def _crossed(own, foreign):
    template, target, version = str(foreign.template.id), str(foreign.target.id), str(foreign.version.id)
    instance = f"instances/{own.instance.id}"
    revision = own.instance.revision
    create = {"client": own.client.slug, "template_id": template, "variables": {"company": "A"}}
    place = {"instance_id": str(own.instance.id), "target_id": str(own.target.id), "location": {"slot": "new"}}
    placements = f"clients/{own.client.slug}/placements"
    return {
        "a template for a new prompt": ("POST", "instances", create, 404),
        "a template for a draft": ("PATCH", instance, {"revision": revision, "template_id": template}, 404),
        "a template to compare with": ("GET", f"{instance}/diff?base={template}", None, 404),
        "a version to publish": ("POST", f"{instance}/publish", {"version": version}, 404),
        "a version to read": ("GET", f"{instance}/versions/{version}", None, 404),
        "a version to reveal": ("POST", f"{instance}/versions/{version}/reveal", None, 404),
        "a target to publish to": ("POST", f"{instance}/publish", {"targets": [target]}, 422),
        "a target to place on": ("POST", placements, {**place, "target_id": target}, 404),
        "a prompt to place": ("POST", placements, {**place, "instance_id": str(foreign.instance.id)}, 404),
        "deliveries to replay": (
            "POST",
            "deliveries/replay",
            {"deliveries": [str(own.buried.id), str(foreign.buried.id)]},
            404,
        ),
        "a client of the ledger": ("GET", f"audit?client={foreign.client.slug}", None, 404),
        "a bundle to lock": ("POST", "locks", {"requirements": {str(foreign.shelf.bundle.address): "*"}}, 422),
        "a bundle to need": (
            "PUT",
            f"projects/{own.project.slug}/bundles/{own.shelf.bundle.slug}/requirements/{foreign.shelf.base.address}",
            {"selector": "*", "revision": own.shelf.bundle.revision},
            422,
        ),
        "a release to activate": (
            "PUT",
            f"projects/{own.project.slug}/bundles/{own.shelf.bundle.slug}/channels/live",
            {"version": str(foreign.shelf.channels["live"].release_id)},
            400,
        ),
        "a bundle to read": ("GET", f"resolve?address={foreign.shelf.bundle.address}@1.0.0/welcome", None, 404),
        "a pack to read": ("GET", f"packs/{foreign.shelf.pack.address}/system", None, 404),
        "a project of the ledger": ("GET", f"audit?project={foreign.project.slug}", None, 404),
    }


def test_ids_of_somebody_else_lead_nowhere(worlds):
    own, foreign = worlds
    caller = holder(own, Role.ADMINISTRATOR)
    wrong = []
    for what, (method, path, body, status) in _crossed(own, foreign).items():
        with transaction.atomic():
            response = caller(method, path, body)
            transaction.set_rollback(True)
        if response.status_code != status:
            wrong.append((what, response.status_code, response.content[:200]))
    assert wrong == []


@pytest.mark.parametrize("path", ["deliveries", "instances", "drifts"])
def test_filters_by_a_foreign_client_find_nothing(worlds, path):
    own, foreign = worlds
    response = holder(own, Role.ADMINISTRATOR).get(f"{path}?client={foreign.client.slug}")
    assert response.json()["results"] == []
