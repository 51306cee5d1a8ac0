"""A caller of the API and a small world to call it about."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from gateway import throttling
from publishing.adapters import memory
from tests import factories

ALL = ("read", "draft", "publish", "deploy", "reveal", "admin")


class Caller:
    """Calls the API as one actor; paths are those below ``/api/v1/`` unless they begin with a slash."""

    def __init__(self, token: str | None = None) -> None:
        self.browser = Browser(raise_request_exception=False)
        self.token = token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            given.setdefault("Authorization", f"Bearer {self.token}")
        more: dict[str, Any] = {}
        if body is not None:
            more = {"data": body if isinstance(body, bytes) else json.dumps(body), "content_type": "application/json"}
        return self.browser.generic(method, path if path.startswith("/") else f"/api/v1/{path}", headers=given, **more)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)


@pytest.fixture(autouse=True)
def _fresh():
    throttling.forget()
    memory.clear()


@pytest.fixture
def admin(db) -> Caller:
    """An administrator of the installation, by token."""
    return Caller(factories.make_token(scopes=ALL, superuser=True)[1])


@pytest.fixture
def caller(db):
    """``caller(role, place…)``: a service whose account holds a role at each of the places."""

    def make(role: str | None = None, *places: Any, scopes=ALL, **limits: Any) -> Caller:
        roles = dict.fromkeys(places, role) if role else {}
        return Caller(factories.make_token(scopes=scopes, roles=roles, **limits)[1])

    return make


@pytest.fixture
def world(db) -> SimpleNamespace:
    """A client with a prompt that goes to one place of one target."""
    client = factories.make_client(slug="acme")
    project = factories.make_project(slug="prompts")
    template = factories.make_template_version(project=project, name="greeting", label="1")
    instance = factories.make_instance(
        client=client, template_version=template, variables={"company": "Acme"}, name="greeting"
    )
    target = factories.make_target(client=client, name="memory")
    placement = factories.make_placement(instance=instance, target=target, location={"slot": "greeting"})
    return SimpleNamespace(
        client=client, project=project, template=template, instance=instance, target=target, placement=placement
    )
