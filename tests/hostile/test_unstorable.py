"""A verb refuses what no database stores, whichever door it came by, with a code and the place."""

from __future__ import annotations

import pytest

from assist import refine
from instances import drafts, versions
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.variables import VariablesSchema
from publishing import publish, targets
from templates_app import drafts as template_drafts
from templates_app import versions as template_versions
from tenancy import accounts, clients, projects, tokens
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db

BODY = PromptBody.parse(content_md="Hello.", content_json=None)
NOTHING = VariablesSchema.parse(None)
ACTING = {"by": SYSTEM, "at": AT}


def variables(bad):
    version = factories.make_template_version(variables_schema={"properties": {"company": {"type": "string"}}})
    instance = factories.make_instance(template_version=version, variables={"company": "Acme"})
    drafts.edit(instance=instance, revision=1, variables={"company": bad}, **ACTING)


def secret(bad):
    schema = {"properties": {"company": {"type": "string"}, "key": {"type": "string", "x-secret": True}}}
    version = factories.make_template_version(variables_schema=schema)
    instance = factories.make_instance(template_version=version, variables={"company": "Acme", "key": "old-key-1"})
    drafts.edit(instance=instance, revision=1, variables={"company": "Acme", "key": bad}, **ACTING)


def target(bad, **changed):
    given = {"name": "one", "settings": {}, "credentials": {}, **changed}
    targets.create(client=factories.make_client(), adapter="memory", **given, **ACTING)


def published(bad):
    publish.publish(instance=factories.make_placement().instance, reason=bad, **ACTING)


def activated(bad):
    version = factories.make_instance_version()
    versions.activate(instance=version.instance, version=version, reason=bad, **ACTING)


def schema(bad):
    VariablesSchema.parse({"properties": {"company": {"type": "string", "description": bad}}})


VERBS = {
    "client, created": lambda bad: clients.create(slug="acme", name=bad, **ACTING),
    "client, renamed": lambda bad: clients.rename(client=factories.make_client(), name=bad, **ACTING),
    "project": lambda bad: projects.create(slug="shared", name=bad, **ACTING),
    "account": lambda bad: accounts.create(name=bad, password="correct horse battery", **ACTING),
    "password": lambda bad: accounts.create(name="olivia", password=f"correct horse {bad}", **ACTING),
    "token": lambda bad: tokens.issue(name=bad, account=factories.make_user(), scopes=["read"], **ACTING),
    "labels": lambda bad: tokens.issue(
        name="ci", account=factories.make_user(), scopes=["read"], labels={"team": bad}, **ACTING
    ),
    "service": lambda bad: tokens.service_account(name=bad),
    "prompt": lambda bad: drafts.create(
        client=factories.make_client(),
        template_version=factories.make_template_version(content_md="Hello.", variables_schema={}),
        variables={},
        name=bad,
        **ACTING,
    ),
    "variables": variables,
    "secret": secret,
    "text": lambda bad: PromptBody.parse(content_md=bad, content_json=None),
    "document": lambda bad: PromptBody.parse(content_md=None, content_json={"a": [bad]}),
    "variables schema": schema,
    "template": lambda bad: template_versions.register(
        project=factories.make_project(), name=bad, body=BODY, variables=NOTHING, **ACTING
    ),
    "template version": lambda bad: template_versions.register(
        project=factories.make_project(), name="hello", label=bad, body=BODY, variables=NOTHING, **ACTING
    ),
    "template draft": lambda bad: template_drafts.create(
        project=factories.make_project(), name=bad, body=BODY, variables=NOTHING, **ACTING
    ),
    "target": lambda bad: target(bad, name=bad),
    "settings": lambda bad: target(bad, settings={"fail": [bad]}),
    "credentials": lambda bad: target(bad, credentials={"key": bad}),
    "place": lambda bad: targets.place(
        instance=(instance := factories.make_instance()),
        target=factories.make_target(client=instance.client),
        location={"slot": bad},
        **ACTING,
    ),
    "publication": published,
    "activation": activated,
    "instruction": lambda bad: refine.suggest(
        instance=(instance := factories.make_instance()), revision=instance.revision, instruction=bad, **ACTING
    ),
}


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
@pytest.mark.parametrize("verb", VERBS)
def test_text_that_cannot_be_stored_is_refused_with_a_code(verb, bad):
    with pytest.raises(Invalid) as refusal:
        VERBS[verb](bad)
    assert refusal.value.problems
    assert bad not in str(refusal.value)
