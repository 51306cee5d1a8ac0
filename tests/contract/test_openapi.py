"""The document tells what the code does: no more, no less, and the same as was reviewed."""

from __future__ import annotations

import json
import re

import jsonschema_rs
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

import contracts
from gateway.openapi import SEED_PATHS
from gateway.v1 import publishing
from prompthub_kernel.errors import CODES

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document():
    return json.loads((contracts.FOLDER / "openapi.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def made():
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


def addresses():
    """Path and methods of every view below the two prefixes, by the URL configuration."""
    found = {}
    for part in get_resolver().url_patterns:
        prefix = str(part.pattern)
        if prefix in {"prompt/", "api/v1/"}:
            for entry in part.url_patterns:
                view = getattr(entry.callback, "cls", None)
                path = "/" + prefix + re.sub(r"<\w+:(\w+)>", r"{\1}", str(entry.pattern))
                methods = {method for method in METHODS if hasattr(view, method)}
                if view is not None and getattr(view, "permissions", None):
                    found[path] = methods
    return found


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_the_one_that_was_reviewed(document, made):
    assert made == document, "the API changed: run `make openapi` and look at the difference"


def test_the_document_is_valid(document):
    validate_schema(document)
    assert document["openapi"] == "3.1.0"


def test_the_document_has_exactly_the_addresses_of_the_url_configuration(document):
    wanted = {path: methods for path, methods in addresses().items() if path.startswith("/api/v1/")}
    told = {path: set(methods) for path, methods in document["paths"].items() if path.startswith("/api/v1/")}
    assert told == wanted
    assert len(told) >= 40


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/v1/instances/{instance_id}/diff", "get", "200"),
        ("/prompt/instances/{instance_id}/diff", "get", "200"),
        ("/api/v1/instances/{instance_id}/preview", "post", "200"),
        ("/api/v1/instances/{instance_id}/suggestions", "get", "200"),
        ("/api/v1/instances/{instance_id}/suggestions", "post", "202"),
        ("/api/v1/suggestions/{suggestion_id}", "get", "200"),
        ("/api/v1/suggestions/{suggestion_id}/accept", "post", "200"),
        ("/api/v1/suggestions/{suggestion_id}/reject", "post", "200"),
        ("/api/v1/clients/{client}/refine", "get", "200"),
        ("/api/v1/clients/{client}/refine", "patch", "200"),
    ],
)
def test_what_the_portal_does_with_a_draft_programs_can_do_too(document, path, method, status):
    operation = document["paths"][path][method]
    [content] = operation["responses"][status]["content"].values()
    assert content["schema"]
    assert operation["summary"]
    assert {"401", "404"} <= set(operation["responses"])
    taking = path.rpartition("/")[2] in {"preview", "suggestions", "accept"} and method == "post"
    assert taking == ("requestBody" in operation) or method == "patch"


def test_the_seeds_paths_are_told_and_every_address_is_at_both_prefixes(document):
    assert {path for path in document["paths"] if path.startswith("/prompt/")} == SEED_PATHS
    both = addresses()
    assert {path.removeprefix("/prompt/") for path in both if path.startswith("/prompt/")} == {
        path.removeprefix("/api/v1/") for path in both if path.startswith("/api/v1/")
    }


def test_every_operation_has_a_name_of_its_own_and_tells_its_problems(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(document):
        codes = operation["x-problem-codes"]
        assert set(codes) <= CODES.keys(), path
        statuses = {status for status in operation["responses"] if status >= "400"}
        assert statuses == {code[:3] for code in codes}, path
        assert {"401", "403", "405", "406", "422", "429", "503"} <= statuses, path
        assert ("requestBody" in operation) <= ({"400", "413", "415"} <= statuses), path
        assert "500" not in statuses, path
        assert method != "post" or "Idempotency-Key" in [p["name"] for p in operation["parameters"]], path


def test_waiting_for_a_provider_tells_every_adapters_code(document):
    told = document["paths"]["/prompt/instances/{instance_id}/publish"]["post"]["x-problem-codes"]
    assert set(publishing.FAILURES) <= set(told)


def test_every_shape_and_body_is_a_json_schema(document):
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(json.loads(json.dumps(schema))), name


def test_every_reference_in_the_document_leads_somewhere(document):
    for reference in set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(document))):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step.replace("~1", "/").replace("~0", "~")]


def test_the_document_is_served_to_everybody(document):
    response = Client().get("/api/v1/openapi.json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.json() == document


def test_the_docs_page_needs_nothing_from_elsewhere_and_no_inline_code(db):
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert sources
    assert [source for source in sources if not source.startswith("/")] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", text) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", text) == []
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
    files = [source.removeprefix(settings.STATIC_URL) for source in sources if source.startswith(settings.STATIC_URL)]
    assert [name for name in files if finders.find(name) is None] == []
    script = next(source for source in sources if "script" in source and not source.startswith(settings.STATIC_URL))
    answered = Client().get(script.replace("&amp;", "&"))
    assert answered.headers["Content-Type"].startswith("application/javascript")
    assert "/api/v1/openapi.json" in answered.content.decode()
