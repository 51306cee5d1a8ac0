"""What waits is taken back and changed by the account that asked for it, or by whoever may decide about it."""

from __future__ import annotations

import pytest

from tests import factories
from tests.factories.shelf import cut_release
from tests.integration.gateway.conftest import ALL, Caller
from tests.problems import assert_problem

LATER = "2040-01-01T00:00:00Z"
BUNDLE = "projects/prompts/bundles/support"


@pytest.fixture(params=["private", "public"])
def issued(request, admin, world):
    """``issued(account, role, *scopes)``: a token that the one administrator of the installation gives to a service."""
    bundle = factories.make_bundle(project=world.project, slug="support")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        cut_release(bundle, version)
    for name, rule in (("under-review", "review"), ("locked", "locked")):
        assert admin.post(f"{BUNDLE}/channels", {"name": name, "policy": rule}).status_code == 201
    assert admin("PATCH", "projects/prompts", {"visibility": request.param}).status_code == 200

    def issue(account, role, *scopes):
        given = admin.post("tokens", {"name": f"{account}-{scopes[0]}", "account": account, "scopes": scopes})
        assert given.status_code == 201, given.content
        if role:
            held = {"account": f"service:{account}", "role": role}
            assert admin("PUT", "projects/prompts/grants", held).status_code < 300
        return Caller(given.json()["token"])

    return issue


def test_a_token_that_only_reads_takes_nothing_back(admin, issued):
    publisher, deployer = issued("publisher", "publisher", *ALL), issued("deployer", "administrator", *ALL)
    proposal = publisher.post(f"{BUNDLE}/channels/under-review/proposals", {"version": "1.1.0"}).json()["id"]
    due = {"version": "1.1.0", "due_at": LATER, "reason": "the fix"}
    scheduled = deployer.post(f"{BUNDLE}/channels/locked/schedules", due).json()["id"]
    others = [issued("viewer", "viewer", "read"), issued("publisher", None, "read"), issued("deployer", None, "read")]
    for reader in others:
        for waiting in (proposal, scheduled):
            assert_problem(reader.post(f"activations/{waiting}/withdraw"), "403.permission_denied")
        change = {"revision": 1, "version": "1.2.0"}
        assert_problem(reader("PUT", f"proposals/{proposal}", change), "403.permission_denied")
    stranger = issued("stranger", None, "read")
    assert stranger.post(f"activations/{scheduled}/withdraw").status_code in {403, 404}
    states = [admin.get(f"activations/{waiting}").json()["state"] for waiting in (proposal, scheduled)]
    assert states == ["proposed", "scheduled"]
    assert publisher.post(f"activations/{proposal}/withdraw").json()["state"] == "withdrawn"
    assert deployer.post(f"activations/{scheduled}/withdraw").json()["state"] == "withdrawn"


def test_another_account_neither_changes_nor_takes_back_a_proposal(admin, issued):
    publisher, other = issued("publisher", "publisher", *ALL), issued("other", "publisher", *ALL)
    proposal = publisher.post(f"{BUNDLE}/channels/under-review/proposals", {"version": "1.1.0"}).json()["id"]
    change = {"revision": 1, "version": "1.2.0"}
    assert_problem(other("PUT", f"proposals/{proposal}", change), "403.permission_denied")
    assert_problem(other.post(f"activations/{proposal}/withdraw"), "403.permission_denied")
    told = admin.get(f"activations/{proposal}").json()
    assert (told["state"], told["release"]["version"], told["revision"]) == ("proposed", "1.1.0", 1)
    again = issued("publisher", None, "publish")
    assert again("PUT", f"proposals/{proposal}", change).json()["release"]["version"] == "1.2.0"


def test_tokens_of_one_issuer_approve_nothing_of_each_other(issued):
    publisher, reviewer = issued("publisher", "publisher", *ALL), issued("reviewer", "reviewer", *ALL)
    proposal = publisher.post(f"{BUNDLE}/channels/under-review/proposals", {"version": "1.1.0"}).json()["id"]
    assert_problem(reviewer.post(f"proposals/{proposal}/approve", {"revision": 1}), "403.permission_denied")
    assert reviewer.post(f"activations/{proposal}/withdraw").json()["state"] == "withdrawn"
