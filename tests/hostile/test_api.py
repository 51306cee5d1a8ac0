"""Whatever is sent to the API, it answers with a coded problem: no 5xx, and nothing half written."""

from __future__ import annotations

import json
import uuid

import pytest
from django.apps import apps
from django.db import transaction

import contracts
from gateway import throttling
from publishing import drift
from publishing.adapters import memory
from tests import factories
from tests.hostile.test_rights_matrix import OPERATIONS
from tests.hostile.two_worlds import HEADERS, REQUESTS, make_world
from tests.integration.gateway.conftest import ALL, Caller
from tests.problems import assert_problem

DOCUMENT = json.loads((contracts.FOLDER / "openapi.json").read_text("utf-8"))
TOLD = {
    operation["operationId"]: (path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for operation in methods.values()
}

IN_PATHS = (
    *(
        "%00",
        "a%00b",
        "%ED%A0%80",
        "%FF",
        "..%2f..",
        "%2e%2e",
        "1.5",
        "-1",
        "9" * 400,
        "a" * 5000,
        "'--",
        "%0a",
        "null",
    ),
    *("ACME", str(uuid.UUID(int=0)), str(uuid.uuid4()).upper(), "{}", "%7B%7D", "a;b", "☃", "a'b"),
)
IN_QUERIES = (
    *("", "%00", "a%00b", "%ED%A0%80", "%FF", "9" * 400, "-1", "1e999", "NaN", "true%00", "[]", "{}", "'", "☃"),
    *("a" * 5000, "null", str(uuid.UUID(int=0)), "../..", "%0d%0aX: y", "١"),
)
IN_BODIES = (
    *(None, True, False, 0, -1, 1.5, 10**19, -(10**19), 1e308, 2**31, 2**63, "", " ", "a" * 300_000, "☃\u202e"),
    *("\ud83d\ude00", [], [[]], {}, {"": None}, {"$ref": "#"}, {"$ref": "http://127.0.0.1/x"}, [None] * 101),
    *(
        {"a": {"b": {"c": [1, {"d": None}]}}},
        ["{{ 7 * 7 }}"],
        "{% for x in y %}",
        "{{ 'a' * 9999999 }}",
        "'; DROP TABLE",
    ),
    *(str(uuid.UUID(int=0)), "9999-99-99T99:99:99Z", "2999-12-31T23:59:59.999999+14:59", {"type": "object"}),
)


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    memory.clear()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        yield make_world("own")
        transaction.set_rollback(True)


@pytest.fixture
def world(_built, db, settings):
    settings.API_RATE = "1000000/s"
    throttling.forget()
    return _built


@pytest.fixture
def admin(world):
    return Caller(factories.make_token(scopes=ALL, superuser=True)[1])


def counts():
    """How many rows there are of everything that a request could write."""
    skipped = {"Session", "LogEntry", "ServiceToken", "HistoricalServiceToken"}
    return {
        model.__name__: model._base_manager.count()
        for model in apps.get_models()
        if model.__name__ not in skipped and model._meta.app_label.startswith("prompthub_")
    }


@pytest.fixture(autouse=True)
def _nothing_half_written(world, admin):
    """What is refused leaves no row behind."""
    before = counts()
    yield
    assert counts() == before


def ask(call):
    """The answer; what was accepted is undone, what was refused must have undone itself."""
    with transaction.atomic():
        response = call()
        transaction.set_rollback(response.status_code < 400)
    return response


def complaints(response, promise=None):
    """What is wrong with an answer to something hostile."""
    if response.status_code >= 500:
        return f"{response.status_code} {response.content[:300]!r}"
    if response.status_code >= 400 and response.headers["Content-Type"] != "application/problem+json":
        return f"{response.status_code} as {response.headers['Content-Type']}"
    if promise is not None and str(response.status_code) not in promise["responses"]:
        return f"{response.status_code} is not in the document"
    return None


@pytest.mark.parametrize("name", sorted(name for name in REQUESTS if "{" in TOLD[name][0]))
def test_a_hostile_word_in_an_address_finds_nothing(admin, world, name):
    template, promise = TOLD[name]
    body = REQUESTS[name](world)[1]
    wrong = []
    for word in IN_PATHS:
        path = template.partition("{")[0] + word + template.partition("}")[2].replace("{version_id}", word)
        response = ask(lambda: admin(OPERATIONS[name][0], path, body, **HEADERS.get(name, {})))  # noqa: B023
        if problem := complaints(response, promise):
            wrong.append((word[:40], problem))
        elif response.status_code not in {404, 405, 422}:
            wrong.append((word[:40], response.status_code))
    assert wrong == []


@pytest.mark.parametrize("name", sorted(name for name in REQUESTS if OPERATIONS[name][0] == "GET"))
def test_a_hostile_parameter_is_refused(admin, world, name):
    path = REQUESTS[name](world)[0].partition("?")[0]
    promise = TOLD[name][1]
    declared = [place["name"] for place in promise.get("parameters", ()) if place["in"] == "query"]
    wrong = []
    for parameter in (*declared, "unknown", "a%00b"):
        for word in IN_QUERIES:
            response = ask(lambda: admin.get(f"{path}?{parameter}={word}"))  # noqa: B023
            if problem := complaints(response, promise):
                wrong.append((parameter, word[:40], problem))
            elif parameter not in declared and response.status_code != 422:
                wrong.append((parameter, word[:40], response.status_code))
    assert wrong == []


def variants(body, schema):
    """The body with one member replaced, added or left out, and bodies of other kinds."""
    yield from ([], [body], "text", 7, None, True, {}, {**body, "unexpected": 1})
    for member in schema.get("properties", {}):
        for value in IN_BODIES:
            yield {**body, member: value}
        if member in body:
            yield {name: value for name, value in body.items() if name != member}


@pytest.mark.parametrize("name", sorted(name for name in REQUESTS if "requestBody" in TOLD[name][1]))
def test_a_hostile_body_is_refused_and_writes_nothing(admin, world, name):
    promise = TOLD[name][1]
    path, body = REQUESTS[name](world)
    reference = promise["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
    wrong = []
    for sent in variants(body or {}, schema):
        response = ask(lambda: admin(OPERATIONS[name][0], path, sent, **HEADERS.get(name, {})))  # noqa: B023
        if problem := complaints(response, promise):
            wrong.append((str(sent)[:200], problem))
    assert wrong == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name": "\x00"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": 1e999}',
        b'{"name": NaN}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"name": "a", "name": "b"}',
        b"\xef\xbb\xbf{}",
        b"{" + b" " * (11 * 2**20),
    ],
)
@pytest.mark.parametrize("name", ["register_template", "create_instance", "publish_instance", "issue_token"])
def test_a_body_that_is_no_json_of_ours_is_refused(admin, world, name, raw):
    response = ask(lambda: admin.post(REQUESTS[name](world)[0], raw))
    assert response.status_code in {400, 413}
    assert complaints(response, TOLD[name][1]) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Idempotency_Key": "\x00"},
        {"Idempotency_Key": "é"},
        {"Idempotency_Key": "k" * 5000},
        {"If_Match": 'W/"1"'},
        {"If_Match": '"99999999999999999999"'},
        {"If_Match": "*"},
        {"X_Correlation_ID": "\x00\r\n" + "a" * 500},
        {"Accept": "application/xml"},
        {"Accept": ";;;"},
        {"Accept": "a" * 5000},
        {"Authorization": "Bearer \x00"},
        {"Authorization": "Bearer " + "é" * 500},
        {"Authorization": "Token abc"},
        {"Cookie": 'sessionid="abcdefgh\\000"; csrftoken="\\000"'},
        {"Cookie": "sessionid=" + "a" * 5000},
        {"X_Forwarded_For": "\x00"},
    ],
)
@pytest.mark.parametrize("name", ["edit_instance", "publish_instance", "list_clients"])
def test_a_hostile_header_is_refused_or_ignored(admin, world, name, headers):
    path, body = REQUESTS[name](world)
    response = ask(lambda: admin(OPERATIONS[name][0], path, body, **headers))
    assert complaints(response, TOLD[name][1]) is None


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "é"],
)
def test_only_json_is_read(admin, world, media):
    response = admin.browser.generic(
        "POST",
        "/api/v1/clients",
        b'{"slug": "a", "name": "A"}',
        content_type=media,
        headers={"Authorization": f"Bearer {admin.token}"},
    )
    assert_problem(response, "415.media_type_unsupported")


@pytest.mark.parametrize(
    ("media", "coding"),
    [
        *((f"application/json; charset={charset}", "") for charset in ("latin-1", "utf-16", "US-ASCII", '""', "x")),
        *(("application/json", coding) for coding in ("gzip", "br", "Deflate", "identity, gzip", "x-own", "é")),
    ],
)
def test_a_body_in_another_charset_or_coding_is_refused_unread(admin, world, media, coding):
    given = {"Authorization": f"Bearer {admin.token}"} | ({"Content-Encoding": coding} if coding else {})
    body = b'{"slug": "a", "name": "A"}'
    response = admin.browser.generic("POST", "/api/v1/clients", body, content_type=media, headers=given)
    assert_problem(response, "415.media_type_unsupported")
    assert (response.headers["Accept"], response.headers["Accept-Encoding"]) == ("application/json", "identity")
    assert admin.get("clients/a").status_code == 404


HOSTILE_SCHEMAS = (
    {"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
    {"$schema": "http://127.0.0.1:1/x"},
    {"properties": {"a": {"pattern": "^(a+)+$", "type": "string"}}, "$defs": {"x": {"$ref": "#/$defs/x"}}},
    {"properties": {"a": {"$ref": "#/properties/a"}}},
    {"properties": {f"v{n}": {} for n in range(5000)}},
    {"properties": {"a": {"type": "string", "x-secret": True, "default": "hush"}}},
    {"properties": {"a": {"enum": list(range(100_000))}}},
    {"allOf": [{"$ref": "#"}]},
)


@pytest.mark.parametrize("schema", HOSTILE_SCHEMAS, ids=range(len(HOSTILE_SCHEMAS)))
def test_a_hostile_schema_is_refused(admin, world, schema):
    body = {"project": world.project.slug, "name": "new", "content_md": "Hi.", "variables_schema": schema}
    response = ask(lambda: admin.post("templates", body))
    assert_problem(response, "400.template_schema_invalid")


HOSTILE_TEMPLATES = (
    "{% for a in 'x' * 99999999 %}{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "{% include 'x' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ lipsum() }}",
    "{{" * 3000,
    "{% if a %}" * 500,
    "{{ a|attr('__class__') }}",
)


@pytest.mark.parametrize("source", HOSTILE_TEMPLATES, ids=range(len(HOSTILE_TEMPLATES)))
def test_a_hostile_template_is_refused(admin, world, source):
    response = ask(
        lambda: admin.post("templates", {"project": world.project.slug, "name": "new", "content_md": source})
    )
    assert_problem(response, "400.template_schema_invalid", "/content_md")
