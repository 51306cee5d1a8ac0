"""A pack of two releases in front of which hot reads stand, and a token that may read it."""

from __future__ import annotations

import pytest

from gateway import kept, throttling
from resolver import cache, usage
from tenancy.policy import Role
from tests.factories import make_bundle, make_project, make_token
from tests.factories.shelf import cut_release, point
from tests.integration.gateway.hot_reads.front import Front


@pytest.fixture(autouse=True)
def _unforgotten(monkeypatch):
    cache.forget()
    usage.forget()
    throttling.forget()
    for module in (cache, kept):  # a slow machine does not make memories old
        monkeypatch.setattr(module, "GOOD_SECONDS", 600.0)


@pytest.fixture
def project():
    return make_project(slug="local")


@pytest.fixture
def bundle(project):
    return make_bundle(project=project, slug="onboarding", kind="pack")


@pytest.fixture
def one(bundle):
    return cut_release(bundle, "1.0.0", {"welcome": "Welcome, é!", "system": "S1"}, compatibility={"models": ["m"]})


@pytest.fixture
def two(bundle, one):
    return cut_release(bundle, "2.0.0", {"welcome": "Hello {{ name }}"}, schema={"properties": {"name": {}}})


@pytest.fixture
def stable(bundle, one):
    return point(bundle, "stable", one)


@pytest.fixture
def token(project):
    return make_token(roles={project: Role.VIEWER})


@pytest.fixture
def front(stable, two, token):
    return Front(token[1])
