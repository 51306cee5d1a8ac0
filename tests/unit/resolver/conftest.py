"""A project with a bundle of two releases, and someone who may read it."""

from __future__ import annotations

import pytest

from resolver import cache, usage
from tenancy import tokens
from tenancy.policy import Role
from tests.factories import make_bundle, make_project, make_token
from tests.factories.acting import AT
from tests.factories.shelf import cut_release, point


@pytest.fixture(autouse=True)
def _forgetful():
    """Each test begins with an empty memory."""
    cache.forget()
    usage.forget()


@pytest.fixture
def project(db):
    return make_project(slug="local")


@pytest.fixture
def bundle(project):
    return make_bundle(project=project, slug="onboarding")


@pytest.fixture
def one(bundle):
    return cut_release(bundle, "1.0.0")


@pytest.fixture
def two(bundle, one):
    return cut_release(bundle, "2.0.0")


@pytest.fixture
def stable(bundle, one, two):
    return point(bundle, "stable", one)


@pytest.fixture
def reader(project):
    """A service that may read the project."""
    _, secret = make_token(roles={project: Role.VIEWER})
    return tokens.authenticate(presented=secret, at=AT)
