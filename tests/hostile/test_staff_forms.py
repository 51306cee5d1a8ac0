"""Whatever is typed into a form of the staff, it is refused beside its field or stored as it was: no 5xx, no poison."""

from __future__ import annotations

import json

import pytest

from foundation.admin import JsonField
from foundation.fields import EncryptedText
from instances.models import PromptInstance
from prompthub_kernel.strict_json import storable_problem
from publishing.models import Target
from templates_app.models import TemplateDraft
from tests import factories
from tests.integration.admin.rooms import address, browser_of, build, ours, registered
from tests.integration.gateway.conftest import ALL, Caller

pytestmark = pytest.mark.django_db

JSON = {
    "half a surrogate pair": '{"url": "http://x.example/\\ud800"}',
    "NUL": '{"company": "\\u0000"}',
    "a key with NUL": '{"comp\\u0000any": "x"}',
    "NUL itself": '{"company": "a\0b"}',
    "not a number": '{"company": NaN}',
    "infinity": '{"company": 1e999}',
    "5000 digits": '{"company": ' + "9" * 5000 + "}",
    "900 levels": '{"company": ' + "[" * 900 + "]" * 900 + "}",
    "levels without an end": "[" * 100_000,
    "one key twice": '{"company": 1, "company": 2}',
    "no JSON": "{company}",
}
SHAPES = ("[]", '"text"', "5", "null", '[{"a": 1}]', '{"": null}', '{"company": {"a": [1]}}')
TEXTS = ("a\0b", "x" * 300_000, "9" * 400)


@pytest.fixture
def world(db):
    return build()


@pytest.fixture
def staff(db):
    found = browser_of(factories.make_user(superuser=True))
    found.raise_request_exception = False
    return found


def unfit():
    """Everything stored that could not be told to anybody."""
    found = []
    for model in ours():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(field, EncryptedText) and value:
                    value = json.loads(value) if value.startswith("{") else value
                if isinstance(value, str | dict | list) and storable_problem(value, max_depth=64) is not None:
                    found.append((model.__name__, field.name))
    return found


def asked(staff, where):
    """The fields of a decision's form, with what stands in them."""
    form = staff.get(where).context["form"]
    return form.fields, {name: form[name].value() for name in form.fields if form[name].value() is not None}


@pytest.mark.parametrize(
    ("model", "what", "field"),
    [
        (Target, "create", "settings"),
        (Target, "create", "credentials"),
        (Target, "change_settings", "settings"),
        (Target, "rotate_credentials", "credentials"),
        (PromptInstance, "edit", "variables"),
        (PromptInstance, "edit", "secrets"),
        (TemplateDraft, "edit", "variables_schema"),
    ],
)
def test_json_that_the_api_refuses_is_refused_beside_its_field(staff, world, model, what, field):
    row = {Target: world.target, PromptInstance: world.instance, TemplateDraft: world.draft}[model]
    where = address(model, what) if what == "create" else address(model, what, row.pk)
    given = {"client": world.client.slug, "name": "hostile", "adapter": "memory", "settings": "{}"}
    given |= asked(staff, where)[1]
    for why, typed in JSON.items():
        page = staff.post(where, {**given, field: typed})
        assert page.status_code == 200, why
        assert list(page.context["form"].errors) == [field], why
    assert unfit() == []


def test_every_form_refuses_or_stores_whatever_is_typed_into_each_field(staff, world):
    factories.make_user()  # the newest account: signing oneself out would end the test
    answers = set()
    for model, page in registered():
        row = model._default_manager.order_by("-pk").first()
        detail = [address(model, name, row.pk) for name in page.actions_detail] if row else []
        for where in [*(address(model, name) for name in page.actions_list), *detail]:
            fields, given = asked(staff, where)
            for name, field in fields.items():
                for typed in SHAPES if isinstance(field, JsonField) else TEXTS:
                    answers.add(staff.post(where, {**given, name: typed}).status_code)
            assert unfit() == [], where
    assert answers <= {200, 302, 404}  # 404: the row before has sealed the draft


def test_what_a_provider_account_was_refused_leaves_the_list_readable(staff, world):
    given = {"client": world.client.slug, "name": "poison", "adapter": "webhook", "credentials": ""}
    staff.post(address(Target, "create"), {**given, "settings": JSON["half a surrogate pair"]})
    caller = Caller(factories.make_token(scopes=ALL, roles={world.client: "administrator"})[1])
    assert caller.get(f"/api/v1/clients/{world.client.slug}/targets").status_code == 200
