from __future__ import annotations

import pytest

from foundation.models import IdempotencyKey
from tenancy.models import Client
from tests.problems import assert_problem

BODY = {"slug": "bolt", "name": "Bolt"}


def test_the_same_key_and_request_give_the_same_answer_once(admin):
    first = admin.post("clients", BODY, Idempotency_Key="k")
    again = admin.post("clients", BODY, Idempotency_Key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Client.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(admin):
    assert_problem(admin.post("clients", {"slug": "bolt", "name": ""}, Idempotency_Key="k"), "422.request_invalid")
    admin.post("clients", BODY)
    assert_problem(admin.post("clients", BODY, Idempotency_Key="k"), "409.version_conflict")
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("change", [{"name": "Other"}, {"slug": "other"}])
def test_another_body_under_the_same_key_is_refused(admin, change):
    admin.post("clients", BODY, Idempotency_Key="k")
    refused = admin.post("clients", {**BODY, **change}, Idempotency_Key="k")
    assert_problem(refused, "422.idempotency_key_reused", "/headers/Idempotency-Key")


def test_another_address_under_the_same_key_is_refused(admin):
    admin.post("clients", BODY, Idempotency_Key="k")
    assert_problem(admin.post("projects", BODY, Idempotency_Key="k"), "422.idempotency_key_reused")


def test_keys_belong_to_their_caller(admin, caller, world):
    other = caller("editor", world.project, world.client)
    body = {"project": "prompts", "name": "one", "content_md": "Hi."}
    assert admin.post("templates", body, Idempotency_Key="k").status_code == 201
    assert other.post("templates", body, Idempotency_Key="k").status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "\x7f"])
def test_an_ill_formed_key_is_refused(admin, key):
    assert_problem(admin.post("clients", BODY, Idempotency_Key=key), "422.request_invalid", "/headers/Idempotency-Key")


def test_a_key_without_a_body_holds_too(admin, world):
    first = admin.post("clients/acme/archive", Idempotency_Key="k")
    again = admin.post("clients/acme/archive", Idempotency_Key="k")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"


def test_what_only_reads_is_done_again_and_stored_nowhere(admin, world):
    for _ in range(2):
        answer = admin.post(f"instances/{world.instance.id}/preview", Idempotency_Key="k")
        assert answer.status_code == 200
        assert "Idempotency-Replayed" not in answer.headers
    assert not IdempotencyKey.objects.exists()
