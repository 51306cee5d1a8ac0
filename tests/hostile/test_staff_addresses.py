"""No address of the staff's door breaks, whatever stands where an id belongs."""

from __future__ import annotations

import uuid

import pytest
from django.contrib import admin
from django.urls import URLPattern, reverse
from django.utils.http import urlencode

from tests import factories
from tests.integration.admin.rooms import address, browser_of, build, registered

pytestmark = pytest.mark.django_db

IDS = ("x", "a%00b", "%FF", "-1", "9" * 400, "☃", str(uuid.UUID(int=0)))
QUERIES = ("a\0b", "-1", "9" * 400, "☃'")


@pytest.fixture
def staff(db):
    found = browser_of(factories.make_user(superuser=True))
    found.raise_request_exception = False
    return found


def named():
    """The names of all addresses of models' pages, with how many ids each takes."""
    prefixes = {f"{model._meta.app_label}_{model._meta.model_name}_" for model, _ in registered()}
    patterns = [one for one in admin.site.get_urls() if not isinstance(one, URLPattern)]
    for group in patterns:
        for one in getattr(group, "url_patterns", ()):
            if one.name and any(one.name.startswith(prefix) for prefix in prefixes):
                yield one.name, one.pattern.regex.groups


def below(path, ids):
    """The address with raw, still quoted ids in the places of the marks."""
    for mark, key in ids.items():
        path = path.replace(mark, key)
    return path


def test_no_id_breaks_a_page(staff):
    build()
    broken, asked = set(), 0
    for name, places in named():
        marks = [f"mark{number}" for number in range(places)]
        where = reverse(f"admin:{name}", args=marks)
        for key in IDS if places else ():
            asked += 1
            path = below(where, dict.fromkeys(marks, key))
            for status in (staff.get(path).status_code, staff.post(path).status_code if key == "x" else 404):
                if status not in {302, 403, 404}:
                    broken.add((name, key[:40], status))
    assert broken == set()
    assert asked > 500


@pytest.mark.parametrize(
    ("what", "ids"), [("history", ("x",)), ("history", ("%00",)), ("simple_history", ("row", "x"))]
)
def test_what_cannot_be_a_row_has_no_earlier_states(staff, what, ids):
    for model, _ in registered():
        if not hasattr(model, "history"):
            continue
        build()
        row = model._default_manager.first() or factories.make_token()[0]
        marks = [f"mark{number}" for number in range(len(ids))]
        given = {mark: str(row.pk) if key == "row" else key for mark, key in zip(marks, ids, strict=True)}
        assert staff.get(below(address(model, what, *marks), given)).status_code == 404, model


def test_no_search_or_filter_breaks_a_list(staff):
    build()
    broken = set()
    for model, page in registered():
        listed = address(model, "changelist")
        words = [each[0] if isinstance(each, tuple) else each for each in page.list_filter]
        names = [each if isinstance(each, str) else each.parameter_name for each in words]
        queries = ("q", "p", "o", *names, *(f"{name}__exact" for name in names))
        for name in queries:
            for typed in QUERIES:
                if (status := staff.get(f"{listed}?{urlencode({name: typed})}").status_code) >= 500:
                    broken.add((model.__name__, name, typed[:40], status))
    assert broken == set()


@pytest.mark.parametrize("chosen", ["x", "\0", "-1", "9" * 400, str(uuid.UUID(int=0)), ""])
def test_an_action_over_what_is_not_in_the_list_is_refused(staff, chosen):
    from publishing.models import Delivery

    build()
    given = {"action": "replay_chosen", "_selected_action": chosen}
    page = staff.post(address(Delivery, "changelist"), given, follow=True)
    assert page.status_code == 200
    assert Delivery.objects.count() == 1
    if chosen in {"x", "\0"}:
        assert "Choose again" in " ".join(str(message) for message in page.context["messages"])
