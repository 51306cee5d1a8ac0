"""Reads in front of the application: the same bytes from memory, from the database and from the application."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from foundation import broadcast
from gateway import hot, kept, throttling
from resolver import cache, usage
from resolver.models import UsageDaily
from tenancy import policy, tokens
from tenancy.models import Project, ServiceToken
from tenancy.policy import Role
from tests.factories import make_bundle, make_project, make_token
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release, mark, point
from tests.integration.gateway.hot_reads.front import ADDRESS, Front, finished

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESSES = [
    ADDRESS,
    "@local/onboarding@1.0.0/welcome",
    "@local/onboarding@latest/welcome",
    "@local/onboarding@%5E1/welcome",
    "@local/onboarding/welcome",
    "@local/onboarding@stable",
    "@local/onboarding@2.0.0",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_all_three_ways_give_the_same_bytes(front, address):
    answers = [front.ask(address), front.ask(address), front.ask(address, application=True)]
    assert front.ways[:2] == ["database", "memory"]
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].body == answers[1].body == answers[2].body
    assert answers[0].headers == answers[1].headers == answers[2].headers


@pytest.mark.parametrize("address", ADDRESSES[:2])
@pytest.mark.parametrize("spelled", ["{}", "W/{}", '"sha256:other", {}', "*"])
def test_all_three_ways_say_that_nothing_changed(front, address, spelled):
    tag = front.ask(address).every[b"etag"].decode()
    cache.forget()
    seen = {"if_none_match": spelled.format(tag)}
    answers = [front.ask(address, **seen), front.ask(address, **seen), front.ask(address, application=True, **seen)]
    assert front.ways[1:3] == ["database", "memory"]
    assert [(answer.status, answer.body) for answer in answers] == [(304, b"")] * 3
    told = [{name: value for name, value in answer.headers if name != b"content-length"} for answer in answers]
    assert told[0] == told[1] == told[2]


def test_an_answer_from_memory_goes_out_in_one_piece_where_the_connection_takes_it(front):
    told = front.ask()
    pieces = []

    def whole(head, body):
        pieces.append((head, body))
        return len(pieces) == 1

    scope = {**front.scope(f"address={ADDRESS}", x_correlation_id="a-job-of-mine"), "extensions": {hot.WHOLE: whole}}
    finished(front._app(scope, None, None))
    [(head, body)] = pieces
    lines = head.decode().split("\r\n")
    assert (lines[0], lines[-1], body) == ("HTTP/1.1 200 OK", "", told.body)
    named = sorted(tuple(part.encode() for part in line.split(": ", 1)) for line in lines[1:-1])
    assert named == sorted([*told.headers, (b"x-correlation-id", b"a-job-of-mine")])
    assert front.ask(scope=scope).body == told.body  # it was not taken, and goes the usual way
    assert len(pieces) == 2


def test_another_text_is_another_tag(front):
    tag = front.ask().every[b"etag"].decode()
    answer = front.ask("@local/onboarding@2.0.0/welcome", if_none_match=tag)
    assert answer.status == 200


def test_an_exact_version_is_good_for_ever_and_a_name_is_asked_again(front):
    assert front.ask().every[b"cache-control"] == b"private, no-cache"
    exact = front.ask("@local/onboarding@1.0.0/welcome")
    assert exact.every[b"cache-control"] == b"private, max-age=31536000, immutable"
    assert exact.every[b"vary"] == b"Authorization"


def test_from_memory_nothing_is_asked(front, django_assert_num_queries):
    front.ask()
    with django_assert_num_queries(0):
        assert front.ask().status == 200
    assert front.ways[-1] == "memory"


def test_from_the_database_little_is_asked(front, bundle, two, django_assert_num_queries):
    front.ask()
    point(bundle, "stable", two)
    with django_assert_num_queries(1):  # the channel with its release and text; who asks is known
        assert b"Hello" in front.ask().body
    assert front.ways[-1] == "database"


def test_a_move_is_read_at_once(front, bundle, one, two):
    for release in (two, one, two):
        front.ask()
        point(bundle, "stable", release)
        assert json.loads(front.ask().body)["version"] == release.version


def test_what_is_said_of_a_release_is_read_at_once(front, one):
    front.ask()
    mark(one, "retire", "security", "Leaks.")
    [warned] = json.loads(front.ask().body)["warnings"]
    assert warned == {"code": "retired", "reason": "security", "message": "Leaks."}


def test_a_memory_that_may_be_old_is_not_used(front, bundle, two, monkeypatch):
    front.ask()
    monkeypatch.setattr(broadcast, "_listeners", [])
    point(bundle, "stable", two)
    for module in (cache, kept):
        monkeypatch.setattr(module, "GOOD_SECONDS", 0.0)
    assert json.loads(front.ask().body)["version"] == "2.0.0"
    assert front.ways[-1] == "database"


def test_looking_at_the_counters_tells_what_moved_elsewhere(front, bundle, two, monkeypatch):
    front.ask()
    with monkeypatch.context() as deaf:
        deaf.setattr(broadcast, "_listeners", [])
        point(bundle, "stable", two)
    assert json.loads(front.ask().body)["version"] == "1.0.0"
    front.hot.look()
    assert json.loads(front.ask().body)["version"] == "2.0.0"


def test_without_the_database_the_application_tells_so(front, monkeypatch):
    front.ask()
    cache.forget()

    def dead(**_):
        raise OperationalError("gone")

    monkeypatch.setattr(broadcast, "since", dead)
    answer = front.ask()
    assert (front.ways[-1], answer.status) == ("application", 503)
    assert json.loads(answer.body)["code"] == "503.database_unavailable"


def refusals(front):
    """From now on, with the rights read again."""
    front.hot.look()
    answer = front.ask()
    assert front.ways[-1] == "application"
    return json.loads(answer.body)["code"]


def test_a_revoked_token_is_refused(front, token):
    front.ask()
    tokens.revoke(token=token[0], by=SYSTEM, at=AT)
    assert refusals(front) == "401.not_authenticated"


def test_a_right_that_was_taken_away_is_gone(front, token, project):
    front.ask()
    policy.revoke(role=Role.VIEWER, place=project, to=token[0].account, by=SYSTEM, at=AT)
    assert refusals(front) == "404.not_found"


def test_a_known_token_reads_what_was_not_read_yet_as_long_as_its_rights_are(front, token):
    front.ask()
    policy.revoke(role=Role.VIEWER, place=Project.objects.get(), to=token[0].account, by=SYSTEM, at=AT)
    assert front.ask("@local/onboarding@1.0.0/system").status == 200  # for a second at most, as from memory
    front.hot.look()
    assert (front.ask("@local/onboarding@1.0.0/welcome").status, front.ways[-1]) == (404, "application")


def test_without_a_look_at_the_rights_the_database_is_asked_for_them(front, token, monkeypatch):
    front.ask()
    tokens.revoke(token=token[0], by=SYSTEM, at=AT)
    monkeypatch.setattr(kept, "GOOD_SECONDS", 0.0)
    assert (front.ask("@local/onboarding@1.0.0/welcome").status, front.ways[-1]) == (401, "application")


def test_a_token_of_another_project_finds_nothing(front, project):
    front.ask()
    other = Front(make_token(roles={make_project(): Role.VIEWER})[1])
    other.hot.answers, other.hot.readers = front.hot.answers, front.hot.readers
    answer = other.ask()
    assert (other.ways, answer.status) == (["application"], 404)


def test_a_token_reads_from_memory_what_it_may_read(front):
    front.ask()  # in memory for those who may read it
    elsewhere = make_project(slug="elsewhere")
    shelf = make_bundle(project=elsewhere, slug="onboarding")
    point(shelf, "stable", cut_release(shelf, "1.0.0"))
    other = Front(make_token(roles={elsewhere: Role.VIEWER})[1])
    other.hot.answers, other.hot.readers = front.hot.answers, front.hot.readers
    for _ in range(2):
        assert other.ask("@elsewhere/onboarding@stable/welcome").status == 200  # now it is known as well
    front.ask()
    answer = other.ask()
    assert (other.ways, answer.status) == (["database", "memory", "application"], 404)


def test_a_token_is_checked_again_when_it_ends(stable, two, project):
    soon = timezone.now() + timedelta(hours=1)
    front = Front(make_token(roles={project: Role.VIEWER}, expires_at=soon)[1])
    front.ask()
    ServiceToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refusals(front) == "401.not_authenticated"


def test_a_token_that_ends_soon_is_not_remembered_for_longer(stable, two, project, monkeypatch):
    front = Front(make_token(roles={project: Role.VIEWER}, expires_at=timezone.now() + timedelta(seconds=30))[1])
    front.ask()
    [reader] = front.hot.readers._known.values()
    left = reader.until - kept.time.monotonic()
    assert 0 < left <= 30


def test_who_calls_too_often_is_told_by_the_application(front, settings):
    settings.API_RATE = "3/min"
    throttling.rate.cache_clear()
    statuses = [front.ask().status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert front.ways[3:] == ["application", "application"]


def test_reads_from_memory_are_counted(front, token):
    for _ in range(4):
        front.ask()
    front.ask("@local/onboarding@1.0.0")
    usage.flush()
    found = {(row.prompt, row.version, row.fetches) for row in UsageDaily.objects.filter(token=token[0])}
    assert found == {("@local/onboarding/welcome", "1.0.0", 5), ("@local/onboarding/system", "1.0.0", 1)}


def test_a_read_has_the_callers_correlation_id_or_one_of_its_own(front):
    front.ask()
    assert front.ask(x_correlation_id="a-job-of-mine").every[b"x-correlation-id"] == b"a-job-of-mine"
    assert len(front.ask().every[b"x-correlation-id"]) == 36
    assert len(front.ask(x_correlation_id="<no>").every[b"x-correlation-id"]) == 36


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (f"address={ADDRESS}&key=user-1", {}, 200),
        (f"key=user-1&address={ADDRESS}", {}, 200),
        (f"address={ADDRESS}&address={ADDRESS}", {}, 422),
        (f"address={ADDRESS}&other=1", {}, 422),
        ("", {}, 422),
        ("address=", {}, 400),
        ("address=%FF", {}, 422),
        ("address=@local", {}, 400),
        ("address=@local/nothing/x", {}, 404),
        ("address=@nowhere/onboarding/x", {}, 404),
        ("address=@local/onboarding@9.9.9/welcome", {}, 404),
        (f"address={ADDRESS}", {"authorization": ""}, 401),
        (f"address={ADDRESS}", {"authorization": "Bearer nothing"}, 401),
        (f"address={ADDRESS}", {"authorization": "Basic abc"}, 401),
        (f"address={ADDRESS}", {"accept": "text/html"}, 406),
        (f"address={ADDRESS}", {"content_length": "5"}, 200),
        (f"address={ADDRESS}", {"host": "elsewhere.example"}, 422),
    ],
)
def test_what_is_unusual_the_application_answers(front, query, headers, status):
    front.ask()
    answer = front.ask(query=query, **headers)
    assert (front.ways[-1], answer.status) == ("application", status)


def test_a_header_that_is_there_twice_is_unusual(front):
    scope = front.scope(f"address={ADDRESS}")
    scope["headers"].append((b"accept", b"*/*"))
    front.ask(scope=scope)
    assert front.ways == ["application"]


@pytest.mark.parametrize(
    ("path", "method", "query"), [("/api/v1/me", "GET", ""), (hot.PATH, "HEAD", f"address={ADDRESS}")]
)
def test_other_addresses_and_methods_are_not_looked_at(front, path, method, query):
    scope = {**front.scope(query), "path": path, "method": method}
    assert front.ask(scope=scope).status == 200
    assert front.ways == ["application"]


def test_where_https_is_asked_for_http_is_left_to_the_application(front, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert front.hot.asked(front.scope(f"address={ADDRESS}")) is None
    assert front.hot.asked(front.scope(f"address={ADDRESS}", x_forwarded_proto="https")).status == 200
    assert front.hot.asked({**front.scope(f"address={ADDRESS}"), "scheme": "https"}).status == 200


def test_over_https_browsers_are_told_to_stay_there(front, settings):
    settings.SECURE_HSTS_SECONDS = 100
    told = front.ask().every[b"strict-transport-security"]
    assert told == b"max-age=100; includeSubDomains; preload"


def test_a_token_without_the_right_scope_is_left_to_the_application(front, monkeypatch):
    monkeypatch.setattr(policy, "scopes_allow", lambda **_: False)
    assert front.ask().status == 403
    assert front.ways == ["application"]
