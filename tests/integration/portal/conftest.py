"""An operator who is not staff, at a client with a row of everything; and a client that is nothing to them."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tenancy import policy
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import browser_of, build
from tests.once import once

_world, _foreign = once(build), once(build)


@pytest.fixture
def world(_world, db):
    return deepcopy(_world)


@pytest.fixture
def foreign(_foreign, db):
    """Another client with a row of everything."""
    return deepcopy(_foreign)


@pytest.fixture
def signed_in(world):
    """Makes a browser of somebody new with a role at the client."""

    def make(role=Role.PUBLISHER, *, client=None, **standing):
        account = factories.make_user(**standing)
        if role is not None:
            policy.grant(role=role, place=client or world.client, to=account, by=SYSTEM, at=AT)
        return browser_of(account)

    return make


@pytest.fixture
def operator(signed_in):
    """A publisher's browser."""
    return signed_in()
