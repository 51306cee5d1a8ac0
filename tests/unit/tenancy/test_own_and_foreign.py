"""``policy``: what belongs to others is neither listed nor touched, and is told apart from what is only forbidden."""

from __future__ import annotations

import pytest

from prompthub_kernel.errors import NotFound, Refused
from tenancy import policy
from tenancy.models import Client, Project
from tenancy.policy import Permission, Role
from tests.factories import make_actor, make_client, make_project

pytestmark = pytest.mark.django_db
PLACES = pytest.mark.parametrize(("make", "model"), [(make_client, Client), (make_project, Project)])


@PLACES
@pytest.mark.parametrize("role", Role)
def test_visible_lists_places_where_a_role_was_granted_and_no_others(make, model, role):
    own, _foreign = make(), make()
    assert list(policy.visible(make_actor(roles={own: role}), model)) == [own]


@PLACES
def test_visible_lists_nothing_for_somebody_without_a_role(make, model):
    make()
    assert list(policy.visible(make_actor(), model)) == []


@PLACES
@pytest.mark.parametrize("role", Role)
def test_can_allows_what_the_role_gives_here_and_nothing_there(make, model, role):
    own, foreign = make(), make()
    actor = make_actor(roles={own: role})
    assert {permission for permission in Permission if policy.can(actor, permission, own)} == policy.ROLE_GIVES[role]
    assert not any(policy.can(actor, permission, foreign) for permission in Permission)


def test_require_says_missing_for_a_foreign_place_and_forbidden_for_a_visible_one():
    own, foreign = make_client(), make_client()
    actor = make_actor(roles={own: Role.VIEWER})
    with pytest.raises(NotFound):
        policy.require(actor, Permission.VIEW, foreign)
    with pytest.raises(Refused) as refusal:
        policy.require(actor, Permission.PUBLISH, own)
    assert refusal.value.code == "403.permission_denied"
