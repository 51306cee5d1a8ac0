"""A member of the staff, and a world with one row of everything that has a page."""

from __future__ import annotations

from copy import deepcopy

import pytest

from foundation.models import IdempotencyKey
from tests import factories
from tests.factories.acting import AT
from tests.integration.admin.rooms import browser_of, build
from tests.once import once


@pytest.fixture
def root():
    return factories.make_user(username="root", superuser=True)


@pytest.fixture
def staff(root):
    """A superuser's browser."""
    return browser_of(root)


def _build():
    built = build()
    token, built.token_secret = factories.make_token()
    built.token = token
    IdempotencyKey.objects.create(
        actor="user:1", key="k-1", request_digest="sha256:" + "0" * 64, status=201, answer={}, created_at=AT
    )
    factories.make_link()
    return built


_built = once(_build)


@pytest.fixture
def world(_built, db):
    return deepcopy(_built)
