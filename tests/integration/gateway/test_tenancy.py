from __future__ import annotations

import pytest

from audit.models import AuditEvent
from tenancy import clients, policy, tokens
from tenancy.models import Client, Project, ServiceToken
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.gateway.conftest import ALL, Caller
from tests.problems import assert_page, assert_problem, assert_shape


@pytest.mark.parametrize(("kind", "model", "shape"), [("clients", Client, "Client"), ("projects", Project, "Project")])
def test_a_client_or_project_is_created_once(admin, kind, model, shape):
    response = admin.post(kind, {"slug": "bolt", "name": "Bolt & Co"})
    assert response.status_code == 201
    assert_shape(response.json(), shape)
    assert model.objects.get(slug="bolt").name == "Bolt & Co"
    assert AuditEvent.objects.get(action=f"{kind[:-1]}.create").subject_label == "bolt"
    assert_problem(admin.post(kind, {"slug": "bolt", "name": "Other"}), "409.version_conflict", "/slug")
    assert_problem(admin.post(kind, {"slug": "Bolt!", "name": "Other"}), "422.request_invalid", "/slug")
    assert [row["slug"] for row in assert_page(admin.get(kind), shape)] == ["bolt"]
    assert admin.get(f"{kind}/bolt").json() == response.json()
    assert_problem(admin.get(f"{kind}/nobody"), "404.not_found")


def test_a_client_is_renamed_and_archived(admin, world):
    assert admin("PATCH", "clients/acme", {"name": "Acme GmbH"}).json()["name"] == "Acme GmbH"
    assert admin.post("clients/acme/archive").json()["archived_at"]
    assert Client.objects.get(slug="acme").archived_at is not None
    assert set(AuditEvent.objects.filter(subject_kind="client").values_list("action", flat=True)) == {
        "client.create",
        "client.rename",
        "client.archive",
    }
    assert_problem(admin.post("clients/acme/targets", {"name": "x", "adapter": "memory"}), "409.archived")
    assert_problem(admin("PATCH", "clients/acme", {"slug": "b", "name": "x"}), "422.request_invalid", "/slug")


def test_a_public_project_is_read_by_everybody(admin, caller, world):
    stranger = caller()
    assert_problem(stranger.get("projects/prompts"), "404.not_found")
    assert admin("PATCH", "projects/prompts", {"visibility": "public"}).json()["visibility"] == "public"
    assert stranger.get("projects/prompts").status_code == 200
    assert stranger.get(f"templates/{world.template.id}").status_code == 200
    assert_problem(stranger("PATCH", "projects/prompts", {"visibility": "private"}), "403.permission_denied")


@pytest.mark.parametrize("kind", ["clients", "projects"])
def test_a_role_is_given_and_taken_away(admin, world, kind):
    user = factories.make_user(username="ann")
    place = world.client if kind == "clients" else world.project
    path = f"{kind}/{place.slug}/grants"
    given = admin("PUT", path, {"account": "ann", "role": "editor"})
    assert_shape(given.json(), "Grants")
    assert given.json()["results"] == [{"account": "ann", "roles": ["editor"]}]
    assert admin.get(path).json() == given.json()
    assert admin("DELETE", f"{path}?account=ann&role=editor").status_code == 204
    assert admin.get(path).json() == {"results": []}
    assert policy.roles(factories.make_actor(user=user), place) == frozenset()
    actions = AuditEvent.objects.filter(action__startswith="grant.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["grant.add", "grant.revoke"]


def test_a_grant_that_does_not_fit_is_refused(admin, caller, world):
    path = "clients/acme/grants"
    assert_problem(admin("PUT", path, {"account": "nobody", "role": "editor"}), "422.request_invalid", "/account")
    assert_problem(admin("PUT", path, {"account": "nobody", "role": "king"}), "422.request_invalid", "/role")
    assert_problem(admin("DELETE", f"{path}?account=nobody"), "422.request_invalid", "/query/role")
    probing = caller("editor", world.client)
    assert_problem(probing("PUT", path, {"account": "nobody", "role": "editor"}), "403.permission_denied")
    assert_problem(probing.get(path), "403.permission_denied")


def test_a_token_is_shown_once_and_works(admin, world):
    body = {"name": "CI", "account": "ci", "scopes": ["read", "draft"], "clients": ["acme"], "labels": {"team": "x"}}
    response = admin.post("tokens", body, Idempotency_Key="t-1")
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert_shape(response.json(), "IssuedToken")
    secret = response.json()["token"]
    assert secret.startswith("phub_")
    assert_problem(admin.post("tokens", body, Idempotency_Key="t-1"), "409.token_already_shown")
    assert ServiceToken.objects.filter(name="CI").count() == 1
    admin("PUT", "clients/acme/grants", {"account": "service:ci", "role": "viewer"})
    me = admin("GET", "me", Authorization=f"Bearer {secret}").json()
    assert_shape(me, "Me")
    assert (me["account"], me["scopes"], me["clients"]) == ("service:ci", ["draft", "read"], ["acme"])
    assert admin("GET", "clients/acme", Authorization=f"Bearer {secret}").status_code == 200
    listed = admin.get("tokens")
    assert secret.encode() not in listed.content
    assert "CI" in [row["name"] for row in assert_page(listed, "Token")]
    assert admin("DELETE", f"tokens/{response.json()['id']}").status_code == 204
    assert_problem(admin("GET", "me", Authorization=f"Bearer {secret}"), "401.not_authenticated")
    assert set(AuditEvent.objects.filter(subject_label="CI").values_list("action", flat=True)) == {
        "token.issue",
        "token.revoke",
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["root"]}, "/scopes/0"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2030-13-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"clients": ["A b"]}, "/clients/0"),
        ({"account": "service:"}, "/account"),
        ({"account": "service:service:ci"}, "/account"),
        ({"name": "C\u202eI"}, "/name"),
        ({"name": "\u2066CI"}, "/name"),
    ],
)
def test_a_token_that_does_not_fit_is_refused(admin, change, pointer):
    body = {"name": "CI", "account": "ci", "scopes": ["read"]}
    assert_problem(admin.post("tokens", {**body, **change}), "422.request_invalid", pointer)


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59Z", "1999-12-31T23:59:59Z"])
def test_a_token_that_ends_in_another_millennium_is_told_which_years_there_are(admin, ends):
    refused = admin.post("tokens", {"name": "CI", "account": "ci", "scopes": ["read"], "expires_at": ends})
    [problem] = assert_problem(refused, "422.request_invalid", "/expires_at")["errors"]
    assert "2000 to 2999" in problem["detail"]


@pytest.mark.parametrize("account", ["walk", "service:walk"])
def test_an_account_is_taken_as_it_is_shown(admin, account):
    response = admin.post("tokens", {"name": "Walk", "account": account, "scopes": ["read"]})
    assert (response.status_code, response.json()["account"]) == (201, "service:walk")


@pytest.mark.parametrize("superuser", [False, True])
def test_a_token_for_a_place_that_will_be_gains_nothing_before_it_is_there(admin, world, superuser):
    body = {"name": "early", "account": "early", "scopes": list(ALL), "clients": ["later"], "projects": ["later"]}
    issued = admin.post("tokens", body)
    assert (issued.status_code, issued.json()["clients"]) == (201, ["later"])
    account = tokens.service_account(name="early")
    account.is_superuser = superuser
    account.save()
    early = Caller(issued.json()["token"])

    for path in ("clients", "projects", "templates", "instances", "deliveries", "drifts", "audit"):
        assert early.get(path).json()["results"] == []
    for path in ("clients/later", "clients/acme", "projects/prompts", f"instances/{world.instance.id}"):
        assert early.get(path).status_code == 404
    assert_problem(early.post("clients", {"slug": "later", "name": "Mine"}), "403.permission_denied")
    assert_problem(early.post("projects", {"slug": "later", "name": "Mine"}), "403.permission_denied")
    assert_problem(early.post("tokens", {**body, "clients": [], "projects": []}), "403.permission_denied")

    assert admin.post("clients", {"slug": "later", "name": "Later"}).status_code == 201
    assert [row["slug"] for row in early.get("clients").json()["results"]] == (["later"] if superuser else [])
    policy.grant(role=policy.Role.VIEWER, place=clients.get(key="later", actor=SYSTEM), to=account, by=SYSTEM, at=AT)
    assert [row["slug"] for row in early.get("clients").json()["results"]] == ["later"]


def test_tokens_are_for_administrators_of_the_installation(caller, world):
    owner = caller("administrator", world.client, world.project)
    assert_problem(owner.get("tokens"), "403.permission_denied")
    assert_problem(owner.post("tokens", {"name": "x", "account": "x", "scopes": ["read"]}), "403.permission_denied")
    assert_problem(owner.post("clients", {"slug": "x", "name": "x"}), "403.permission_denied")


def test_the_ledger_shows_what_its_reader_may_see(admin, caller, world):
    other = factories.make_client()
    reader = caller("viewer", world.client)
    rows = assert_page(reader.get("audit"), "AuditEvent")
    assert {row["subject"]["kind"] for row in rows} >= {"client", "instance", "target"}
    assert str(other.id) not in [row["subject"]["id"] for row in rows]
    assert "token.issue" not in [row["action"] for row in rows]
    assert "token.issue" in [row["action"] for row in assert_page(admin.get("audit"), "AuditEvent")]
    assert_problem(reader.get(f"audit?client={other.slug}"), "404.not_found")
    assert {row["action"] for row in assert_page(reader.get("audit?action=client.create"), "AuditEvent")} == {
        "client.create"
    }
    assert_problem(reader.get("audit?action=client.destroy"), "422.request_invalid", "/query/action")


def test_one_request_is_followed_by_its_correlation_id(admin, world):
    response = admin.post(f"instances/{world.instance.id}/publish", X_Correlation_ID="release-2026-01")
    assert response.headers["X-Correlation-ID"] == "release-2026-01"
    rows = assert_page(admin.get("audit?correlation_id=release-2026-01&client=acme"), "AuditEvent")
    assert [row["action"] for row in rows] == ["instance.publish", "instance.version.activate", "instance.version.seal"]
    mine = admin.get("me").json()["id"]
    filters = f"audit?actor={mine}&subject={world.instance.id}&project=prompts"
    assert assert_page(admin.get(filters), "AuditEvent") == []
