"""Every address says who may use it, and a view makes one call downstairs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tenancy.policy import Permission
from tests.architecture.house import DOORS, PACKAGES, Source, at, dotted, parse, sources
from tests.architecture.test_verbs import VERBS, arguments, verbs

METHODS = ("get", "post", "put", "patch", "delete")
# Addresses without a caller's rights: probes, numbers, the description of the API, the way in and out of the portal
# and its language; the admin asks for itself.
OPEN = (
    "admin/",
    "healthz",
    "readyz",
    "metrics",
    "api/v1/openapi.json",
    "api/v1/docs",
    "prompt/openapi.json",
    "prompt/docs",
    "static/",
    "docs/errors/",
    "hooks/",
    "login/",
    "logout/",
    "language/",
)


def routes(patterns=None, before: str = "") -> Iterator[tuple[str, object]]:
    """Every address with the view class (or function) that answers it."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(entry.pattern).lstrip("^")
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            view = entry.callback
            yield path, getattr(view, "cls", None) or getattr(view, "view_class", None) or view


def undeclared(path: str, view: object) -> str | None:
    """What an address lacks; its view says ``permissions = {"GET": Permission.VIEW, …}`` for exactly its methods."""
    if path.startswith(OPEN):
        return None
    declared = getattr(view, "permissions", None)
    if not isinstance(declared, dict):
        return f"{path}: {getattr(view, '__name__', view)} declares no permissions"
    answered = {method.upper() for method in METHODS if hasattr(view, method)}
    if set(declared) != answered:
        return f"{path}: answers {sorted(answered)} but declares {sorted(declared)}"
    strange = [method for method, permission in declared.items() if not isinstance(permission, Permission)]
    return f"{path}: {strange} name no Permission" if strange else None


def test_every_address_declares_who_may_use_it():
    assert [problem for path, view in routes() if (problem := undeclared(path, view))] == []


def test_there_are_addresses_to_hold():
    assert len([path for path, _ in routes() if path.startswith("api/v1/")]) >= 15


def test_the_seeds_addresses_are_there():
    paths = {path for path, _ in routes()}
    assert {"prompt/templates", "prompt/instances"} <= paths


def _view(**attributes):
    return SimpleNamespace(__name__="Sample", **attributes)


@pytest.mark.parametrize(
    "view",
    [
        _view(get=1),
        _view(get=1, post=1, permissions={"GET": Permission.VIEW}),
        _view(get=1, permissions={"GET": Permission.VIEW, "POST": Permission.EDIT}),
        _view(get=1, permissions={"GET": None}),
    ],
)
def test_an_address_without_declared_rights_is_seen(view):
    assert undeclared("api/v1/samples", view) is not None


def test_an_address_with_declared_rights_is_let_through():
    assert undeclared("api/v1/samples", _view(get=1, permissions={"GET": Permission.VIEW})) is None


def _writing_verbs() -> set[str]:
    """``module.verb`` of every verb that is told who and when, as a door calls it."""
    return {
        f"{source.module.rpartition('.')[2]}.{verb.name}"
        for source in sources()
        if source.module in VERBS
        for verb in verbs(source)
        if {"by", "at"} <= arguments(verb)
    }


def busy_views(source: Source, writing: set[str]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name in METHODS:
                    written = [
                        dotted(call.func)
                        for call in ast.walk(method)
                        if isinstance(call, ast.Call) and ".".join(dotted(call.func).split(".")[-2:]) in writing
                    ]
                    if len(written) > 1:
                        yield at(source, method, f"{node.name}.{method.name} writes through {', '.join(written)}")


def test_a_view_makes_at_most_one_write_call():
    doors = sources(*sorted(DOORS & set(PACKAGES)))
    assert [problem for source in doors for problem in busy_views(source, _writing_verbs())] == []


def test_a_view_that_writes_twice_is_seen():
    code = "class V:\n    def post(self, request):\n        clients.create(x=1)\n        projects.create(x=1)\n"
    assert list(busy_views(parse(code, "gateway/v1/sample.py"), {"clients.create", "projects.create"})) != []
    assert {"clients.create", "publish.publish", "drafts.edit"} <= _writing_verbs()


def test_doors_touch_rows_only_through_verbs():
    """No ``Model.objects`` in a door: what is visible to whom is decided below."""
    direct = [
        at(source, node, dotted(node))
        for source in sources(*sorted(DOORS & set(PACKAGES)))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "_base_manager"}
    ]
    assert direct == []
