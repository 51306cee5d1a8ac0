from __future__ import annotations

import json
from urllib.parse import quote, unquote, unquote_plus

import pytest
from django.db import models

from foundation import triggers
from registry import bundles
from resolver import cache, usage
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release, mark, point
from tests.problems import assert_page, assert_problem, assert_shape

NASTY = "2.1.0-gpt4+tokens.1500"
GREETING = {"properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture
def shelf(world):
    """``@prompts/onboarding`` with three releases, ``stable`` at the first of them."""
    usage.forget()
    world.bundle = bundles.create(project=world.project, slug="onboarding", by=SYSTEM, at=AT, title="First steps")
    world.first = cut_release(
        world.bundle, "1.0.0", {"welcome": "Hello {{ name }}.", "tips/one": "Tip."}, schema=GREETING
    )
    world.second = cut_release(world.bundle, "1.1.0", {"welcome": "Hi {{ name }}."}, schema=GREETING)
    world.nasty = cut_release(world.bundle, NASTY, {"welcome": "Hey {{ name }}."}, schema=GREETING)
    point(world.bundle, "stable", world.first)
    return world


def read(caller, address, **headers):
    return caller.get(f"resolve?address={quote(address, safe='')}", **headers)


def test_a_channel_an_exact_version_a_range_and_latest_are_addresses(admin, shelf):
    texts = {
        "@prompts/onboarding@stable/welcome": "Hello {{ name }}.",
        "@prompts/onboarding@1.0.0/welcome": "Hello {{ name }}.",
        "@prompts/onboarding@^1.0/welcome": "Hi {{ name }}.",
        "@prompts/onboarding@>=1.0 <1.1/welcome": "Hello {{ name }}.",
        "@prompts/onboarding@latest/welcome": "Hi {{ name }}.",
        "@prompts/onboarding/welcome": "Hi {{ name }}.",
        f"@prompts/onboarding@{NASTY}/welcome": "Hey {{ name }}.",
        "@prompts/onboarding@2.1.0-gpt4/welcome": "Hey {{ name }}.",
        "@prompts/onboarding@^2-gpt4/welcome": "Hey {{ name }}.",
        "@prompts/onboarding@stable/tips/one": "Tip.",
    }
    for address, text in texts.items():
        told = read(admin, address)
        assert told.status_code == 200, (address, told.content)
        assert_shape(told.json(), "Resolved")
        assert told.json()["content_md"] == text, address
    assert told.json()["trail"] == [{"step": "registry_address", "hit": True, "reason": ""}]


def test_a_plus_sign_that_became_a_space_is_told_as_that(admin, shelf):
    raw = admin.get(f"resolve?address=@prompts/onboarding@{NASTY}/welcome")
    assert "%2B" in assert_problem(raw, "400.address_invalid", "/query/address")["detail"]
    good = admin.get(f"resolve?address=@prompts/onboarding@{NASTY.replace('+', '%2B')}/welcome")
    assert good.json()["version"] == NASTY


def test_an_exact_version_is_kept_for_ever_and_a_name_asked_for_again(admin, shelf):
    exact, name = (read(admin, f"@prompts/onboarding@{chosen}/welcome") for chosen in ("1.0.0", "stable"))
    assert exact.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert name.headers["Cache-Control"] == "private, no-cache"
    known = read(admin, "@prompts/onboarding@stable/welcome", If_None_Match=name.headers["ETag"])
    assert (known.status_code, known.content) == (304, b"")
    point(shelf.bundle, "stable", shelf.second)
    moved = read(admin, "@prompts/onboarding@stable/welcome", If_None_Match=name.headers["ETag"])
    assert (moved.status_code, moved.json()["content_md"]) == (200, "Hi {{ name }}.")


def test_a_whole_release_is_read_in_one_answer(admin, shelf):
    told = read(admin, "@prompts/onboarding@stable").json()
    assert_shape(told, "ResolvedBundle")
    assert (told["version"], set(told["prompts"]), told["release"]) == (
        "1.0.0",
        {"welcome", "tips/one"},
        shelf.first.digest,
    )


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("@prompts/onboarding@9.9.9/welcome", "404.release_not_found"),
        ("@prompts/onboarding@nightly/welcome", "404.channel_not_found"),
        ("@prompts/onboarding@stable/nobody", "404.prompt_not_found"),
        ("@prompts/nobody@stable/welcome", "404.bundle_not_found"),
        ("@nobody/onboarding@stable/welcome", "404.not_found"),
        ("@prompts/onboarding@1.0/welcome", "400.address_invalid"),
        ("onboarding", "400.address_invalid"),
    ],
)
def test_what_is_not_there_says_which_part_is_not(admin, shelf, address, code):
    assert_problem(read(admin, address), code)


@pytest.mark.parametrize(
    "address", ["@prompts/onboarding@2.1/welcome", "@prompts/onboarding@1 2/welcome", "@prompts/On/x", "@prompts/x@?"]
)
def test_an_address_that_cannot_be_read_is_told_at_its_place(admin, shelf, address):
    asked = read(admin, address)
    told = assert_problem(asked, "400.address_invalid")
    assert [one["pointer"] for one in told["errors"]] == ["/query/address"]
    posted = assert_problem(admin.post("resolve", {"address": address}), "400.address_invalid", "/address")
    assert posted["context"] == told["context"]


@pytest.mark.parametrize("key", ["a%09b", "a%0A", "%00", "a%7Fb", "%ff", "a%ed%a0%80", "%c3%28"])
def test_a_key_is_the_same_at_every_door_or_refused_at_each(admin, shelf, key):
    address = "@prompts/onboarding@stable/welcome"
    assert_problem(admin.get(f"resolve?address={address}&key={key}"), "422.request_invalid", "/query/key")
    try:
        text = unquote(key, errors="strict")
    except UnicodeDecodeError:
        return  # no JSON says it
    for path in ("resolve", "explain"):
        refused = "400.json_invalid" if text == "\0" else "422.request_invalid"
        assert_problem(admin.post(path, {"address": address, "key": text}), refused)


@pytest.mark.parametrize("key", ["Zo%C3%AB", "%EF%BF%BD", "a+b", ""])
def test_a_key_of_any_letters_is_taken(admin, shelf, key):
    address = "@prompts/onboarding@stable/welcome"
    assert admin.get(f"resolve?address={address}&key={key}").status_code == 200
    assert admin.post("resolve", {"address": address, "key": unquote_plus(key)}).status_code == 200


def test_a_text_is_asked_for_by_address_or_for_a_client(admin, shelf):
    assert_problem(admin.get("resolve"), "422.request_invalid")
    assert_problem(admin.get("resolve?address=@a/b/c&client=acme&name=x"), "422.request_invalid")
    assert_problem(admin.get("resolve?adress=@a/b/c"), "422.request_invalid", "/query")


def test_a_clients_prompt_is_read_and_without_one_a_default(admin, shelf):
    admin.post(f"instances/{shelf.instance.id}/publish", {"targets": []})
    own = admin.get("resolve?client=acme&name=greeting")
    assert_shape(own.json(), "Resolved")
    assert own.json()["origin"] == "instance"
    other = admin.get("resolve?client=acme&name=nothing")
    assert (other.json()["origin"], [step["hit"] for step in other.json()["trail"]][-1]) == ("builtin", True)
    assert_problem(admin.get("resolve?client=nobody&name=greeting"), "404.not_found")


def test_variables_are_put_in(admin, shelf):
    told = admin.post("resolve", {"address": "@prompts/onboarding@stable/welcome", "variables": {"name": "Ann"}})
    assert_shape(told.json(), "Resolved")
    assert (told.json()["content_materialized"], told.headers["Cache-Control"]) == (["Hello Ann."], "no-store")
    wrong = admin.post("resolve", {"address": "@prompts/onboarding@stable/welcome", "variables": {"name": 1}})
    assert_problem(wrong, "422.variables_invalid", "/variables/name")
    missing = admin.post("resolve", {"address": "@prompts/onboarding@stable/welcome", "variables": {}})
    assert_problem(missing, "422.variables_invalid", "/variables/name")
    plain = admin.post("resolve", {"address": "@prompts/onboarding@stable/welcome"})
    assert (plain.json()["content_materialized"], plain.json()["content_md"]) == (None, "Hello {{ name }}.")
    assert_problem(admin.post("resolve", {"address": "@prompts/onboarding@1./x"}), "400.address_invalid", "/address")


def test_part_of_the_callers_gets_another_release_each_always_the_same(admin, shelf):
    point(shelf.bundle, "stable", shelf.first, second=shelf.second, percent=50, segments=["beta"])
    address = quote("@prompts/onboarding@stable/welcome", safe="")
    got = {key: admin.get(f"resolve?address={address}&key=k{key}").json()["version"] for key in range(40)}
    assert set(got.values()) == {"1.0.0", "1.1.0"}
    assert got == {key: admin.get(f"resolve?address={address}&key=k{key}").json()["version"] for key in range(40)}
    assert admin.get(f"resolve?address={address}&segments=staff,beta").json()["version"] == "1.1.0"
    assert admin.get(f"resolve?address={address}").json()["version"] == "1.0.0"


@pytest.mark.parametrize(
    ("segments", "refused"),
    [([], False), (["beta"], False), ([f"s{n}" for n in range(20)], False), (["a" * 63] * 2, False),
     ([f"s{n}" for n in range(21)], True), (["a" * 64], True), (["NO!"], True), (["beta", ""], True)],
)  # fmt: skip
def test_segments_and_an_empty_key_mean_the_same_in_a_query_and_in_a_body(admin, shelf, segments, refused):
    address = "@prompts/onboarding@stable/welcome"
    query = f"resolve?address={quote(address, safe='')}&key=&segments={','.join(segments)}"
    body = {"address": address, "key": "", "segments": list(dict.fromkeys(segments))}
    answers = (admin.get(query), admin.post("resolve", body))
    if refused:
        assert_problem(answers[0], "422.request_invalid", "/query/segments")
        assert_problem(answers[1], "422.request_invalid")
    else:
        assert [told.status_code for told in answers] == [200, 200]


def test_a_release_that_was_yanked_is_given_with_a_warning_and_skipped_by_ranges(admin, shelf):
    mark(shelf.second, "yank", "security", "Says too much.")
    exact = read(admin, "@prompts/onboarding@1.1.0/welcome").json()
    assert exact["warnings"] == [{"code": "yanked", "reason": "security", "message": "Says too much."}]
    assert read(admin, "@prompts/onboarding@^1/welcome").json()["version"] == "1.0.0"


def test_why_this_text_is_explained_and_not_counted(admin, shelf):
    good = admin.post("explain", {"address": "@prompts/onboarding@stable/welcome"})
    assert_shape(good.json(), "Explanation")
    assert (good.json()["found"]["version"], good.json()["error"]) == ("1.0.0", None)
    bad = admin.post("explain", {"address": "@prompts/onboarding@nightly/welcome"}).json()
    assert (bad["found"], bad["error"]["code"]) == (None, "404.channel_not_found")
    assert bad["trail"][0]["hit"] is False
    client = admin.post("explain", {"client": "acme", "name": "nothing", "category": "support"}).json()
    assert (client["found"]["origin"], len(client["trail"])) == ("builtin", 4)
    assert usage.flush() == 0


def test_fetches_are_counted_by_day_token_and_version(admin, caller, shelf):
    reader = caller("viewer", shelf.project, scopes=("read",))
    for _ in range(3):
        read(reader, "@prompts/onboarding@stable/welcome")
    usage.flush()
    [row] = assert_page(admin.get("usage?project=prompts&prompt=@prompts/onboarding/welcome"), "Usage")
    assert (row["fetches"], row["version"], row["prompt"]) == (3, "1.0.0", "@prompts/onboarding/welcome")
    assert admin.get("usage?project=local").json()["results"] == []


def test_bundles_and_prompts_are_found_by_words_in_what_one_may_see(admin, caller, shelf):
    template = shelf.template.template
    bundles.set_member(bundle=shelf.bundle, revision=1, name="first_login", template=template, by=SYSTEM, at=AT)
    found = admin.get("search?q=onboard")
    assert_shape(found.json(), "Findings")
    assert [row["address"] for row in found.json()["results"]] == [
        "@prompts/onboarding",
        "@prompts/onboarding/first_login",
    ]
    assert [row["prompt"] for row in admin.get("search?q=login onb").json()["results"]] == ["first_login"]
    stranger = caller()
    assert stranger.get("search?q=onboard").json() == {"results": []}
    admin("PATCH", "projects/prompts", {"visibility": "public"})
    assert len(stranger.get("search?q=onboard").json()["results"]) == 2
    assert_problem(admin.get("search"), "422.request_invalid", "/query/q")
    told = assert_problem(admin.get("search?q=a b c d e f g h i"), "422.request_invalid")
    assert [one["pointer"] for one in told["errors"]] == ["/query/q"]


@pytest.mark.django_db(transaction=True)
def test_what_is_remembered_of_who_may_search_where_ends_with_its_truth(admin, caller, shelf):
    stranger = caller()
    for visible in (False, True, False):
        admin("PATCH", "projects/prompts", {"visibility": "public" if visible else "private"})
        for _ in range(2):
            assert bool(stranger.get("search?q=onboard").json()["results"]) is visible


def test_a_public_project_is_read_by_everybody_with_an_account(admin, caller, shelf):
    stranger = caller()
    assert_problem(read(stranger, "@prompts/onboarding@stable/welcome"), "404.not_found")
    admin("PATCH", "projects/prompts", {"visibility": "public"})
    assert read(stranger, "@prompts/onboarding@stable/welcome").status_code == 200
    path = "projects/prompts/bundles/onboarding"
    assert stranger.get(f"{path}/releases/1.0.0").status_code == 200
    assert_problem(stranger("PUT", f"{path}/channels/stable", {"version": "1.1.0"}), "403.permission_denied")


# ── Lock files ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_lock_holds_exact_versions_and_digests(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}})
    assert_shape(locked.json(), "Lock")
    held = locked.json()["bundles"]["@prompts/onboarding"]
    assert (held["version"], held["digest"]) == ("1.1.0", shelf.second.digest)
    good = admin.post("locks/verify", locked.json())
    assert_shape(good.json(), "LockVerified")
    assert (good.json()["ok"], good.json()["problems"]) == (True, [])


def test_a_channel_is_locked_at_where_it_points(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "stable"}}).json()
    assert locked["bundles"]["@prompts/onboarding"]["version"] == "1.0.0"
    point(shelf.bundle, "stable", shelf.second)
    assert admin.post("locks/verify", locked).json()["ok"] is True


def test_the_answer_to_lock_is_the_file_as_it_is_documented(admin, shelf):
    answer = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}})
    assert answer.headers["Content-Type"] == "application/json"
    held = json.dumps(answer.json(), indent=2, sort_keys=True) + "\n"
    assert answer.content.decode() == held
    assert held.startswith('{\n  "bundles": {\n    "@prompts/onboarding": {\n      "digest": "sha256:')
    assert held.endswith('  "requirements": {\n    "@prompts/onboarding": "^1.0"\n  }\n}\n')


def test_a_locked_release_that_was_retired_is_warned_of_by_verify_and_stays_installable(admin, shelf):
    mark(shelf.second, "retire", "security", "Says too much.")
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "1.1.0"}}).json()
    told = admin.post("locks/verify", locked).json()
    assert_shape(told, "LockVerified")
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["warnings"] == [
        {
            "pointer": "/bundles/@prompts~1onboarding",
            "code": "retired",
            "reason": "security",
            "message": "Says too much.",
        }
    ]


def test_what_an_earlier_lock_holds_is_kept_where_it_fits(admin, shelf):
    earlier = admin.post("locks", {"requirements": {"@prompts/onboarding": "1.0.0"}}).json()
    again = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}, "locked": earlier}).json()
    assert again["bundles"]["@prompts/onboarding"]["version"] == "1.0.0"
    broken = {**earlier, "bundles": {}}
    refused = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}, "locked": broken})
    assert_problem(refused, "422.request_invalid", "/locked/requirements/@prompts~1onboarding")
    strange = admin.post("locks", {"requirements": {}, "locked": {"lockfile": 2}})
    assert_problem(strange, "422.request_invalid", "/locked/lockfile")


def test_a_lock_with_another_digest_is_told_at_its_place(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}}).json()
    held = locked["bundles"]["@prompts/onboarding"]
    held["prompts"]["welcome"] = held["digest"] = "sha256:" + "0" * 64
    told = admin.post("locks/verify", locked).json()
    assert told["ok"] is False
    assert {(one["pointer"], one["code"]) for one in told["problems"]} == {
        ("/bundles/@prompts~1onboarding/digest", "digest_mismatch"),
        ("/bundles/@prompts~1onboarding/prompts/welcome", "digest_mismatch"),
    }


def test_a_lock_is_held_against_what_the_project_asks_for_now(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}}).json()
    asked = {"@prompts/onboarding": "^1.1", "@prompts/more": "*"}
    told = admin.post("locks/verify", {"locked": locked, "requirements": asked}).json()
    assert told["ok"] is False
    assert {(one["pointer"], one["code"]) for one in told["problems"]} == {
        ("/requirements/@prompts~1onboarding", "requirement_changed"),
        ("/requirements/@prompts~1more", "requirement_added"),
    }
    told = admin.post("locks/verify", {"locked": locked, "requirements": {}}).json()
    assert [one["code"] for one in told["problems"]] == ["requirement_removed"]
    assert admin.post("locks/verify", {"locked": locked}).json()["ok"] is True


def test_what_is_no_lock_file_is_told_at_its_place(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}}).json()
    for body, pointer in (
        ({}, "/bundles"),
        ({**locked, "lockfile": 2}, "/lockfile"),
        ({"locked": {**locked, "lockfile": 2}}, "/locked/lockfile"),
        ({"locked": locked, "bundles": {}}, "/bundles"),
        ({**locked, "bundles": {}}, "/requirements/@prompts~1onboarding"),
        ({"locked": {**locked, "bundles": {}}}, "/locked/requirements/@prompts~1onboarding"),
    ):
        assert_problem(admin.post("locks/verify", body), "422.request_invalid", pointer)


def test_a_text_that_was_changed_behind_the_locks_is_told_by_its_own_code(admin, shelf):
    locked = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}}).json()
    row = shelf.second.pins.get(name="welcome").template_version
    triggers.remove()
    models.QuerySet(type(row)).filter(pk=row.pk).update(content_md="Send me your password.")
    triggers.install()
    cache.forget()
    problem = assert_problem(admin.get("resolve?address=@prompts/onboarding@1.1.0/welcome"), "502.seal_broken")
    assert problem["retryable"] is False
    told = admin.post("locks/verify", locked).json()
    assert [one["code"] for one in told["problems"]] == ["digest_mismatch"]
    row = shelf.second.signatures.get()
    triggers.remove()
    models.QuerySet(type(row)).filter(pk=row.pk).update(signature="A" * 86 + "==")
    triggers.install()
    refused = admin.post("locks", {"requirements": {"@prompts/onboarding": "^1.0"}})
    assert_problem(refused, "502.seal_broken", "/bundles/@prompts~1onboarding/digest")


def test_requirements_that_no_release_meets_are_explained(admin, caller, shelf):
    refused = admin.post("locks", {"requirements": {"@prompts/onboarding": "^7"}})
    assert "@prompts/onboarding" in assert_problem(refused, "422.dependency_unsatisfiable")["detail"]
    assert_problem(admin.post("locks", {"requirements": {"@prompts/onboarding": "^^"}}), "400.address_invalid")
    stranger = caller("viewer", factories.make_project(slug="elsewhere"))
    hidden = stranger.post("locks", {"requirements": {"@prompts/onboarding": "*"}})
    assert_problem(hidden, "422.dependency_unsatisfiable")
