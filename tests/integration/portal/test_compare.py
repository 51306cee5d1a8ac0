"""Any two texts of a prompt beside each other."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from instances import drafts
from prompthub_kernel.body import PromptBody
from publishing import publish
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(operator, world):
    def get(name="compare", *, instance=None, status=200, **query):
        where = reverse(
            f"portal:{name}", kwargs={"client": world.client.slug, "instance": (instance or world.instance).pk}
        )
        answer = operator.get(where, query)
        assert answer.status_code == status, answer.content.decode()[-2000:]
        return answer.content.decode()

    return get


@pytest.fixture
def edited(world, at):
    body = PromptBody.parse(content_md="Speak only for {{ company }}. Book with {{ booking_key }}.", content_json=None)
    return drafts.edit(instance=world.instance, revision=1, body=body, by=SYSTEM, at=at)


def test_the_active_version_and_the_draft_are_compared_unless_asked_otherwise(read, edited):
    page = read()

    assert '<option value="active" selected>' in page
    assert '<option value="draft" selected>' in page
    assert "<ins> only</ins>" in page
    assert "1 change" in page
    assert 'id="change-1"' in page
    assert "1 variable is the same." in page


def test_a_prompt_that_never_ran_is_compared_with_its_template(read, world):
    page = read(instance=factories.make_instance(client=world.client))

    assert '<option value="template" selected>' in page
    assert "The text is the same on both sides." in page


def test_one_line_is_one_line_and_no_heading_stands_over_nothing(read, world, at):
    plain = factories.make_template_version(content_md="One.\n", variables_schema={})
    bare = factories.make_instance(client=world.client, template_version=plain, variables={})
    body = PromptBody.parse(content_md="One.\nTwo.\n", content_json=None)
    drafts.edit(instance=bare, revision=1, body=body, by=SYSTEM, at=at)
    page = read(instance=bare)

    assert "1 line added, 0 lines removed" in page
    assert '<p class="ph-label">Variables</p>' not in page


def test_every_side_can_be_chosen(read, world, edited):
    template = world.template_version.template
    other = factories.make_template_version(
        project=template.project, name=template.name, content_md="Other {{ company }}", variables_schema=SCHEMA
    )
    publish.publish(instance=edited, by=SYSTEM, at=AT)

    page = read()

    for word in ("draft", "active", "version:1", "version:2", "template", f"confirmed:{world.placement.pk}"):
        assert f'<option value="{word}"' in page
    assert f"template:{other.pk}" not in page  # a publisher of the client need not see the template's project
    assert "of the template is newer." in page


SCHEMA = {"properties": {"company": {"type": "string"}}}


def test_what_a_provider_changed_is_compared_as_it_is_there(read, world):
    page = read(base=f"confirmed:{world.placement.pk}", target="active", level="source")

    assert "<del> nobody</del>" in page
    assert "What a provider changed is known only as it is there" in page
    assert SECRETS["booking_key"] not in page


@pytest.mark.parametrize("view", ["unified", "split", "structure", "nonsense"])
@pytest.mark.parametrize("level", ["source", "rendered"])
def test_every_view_shows_the_change_at_every_level(read, edited, view, level):
    page = read(view=view, level=level)

    assert "<ins> only</ins>" in page
    assert ("Acme" in page.split("ph-diff-lines")[1]) == (level == "rendered")
    assert ("ph-diff-split" in page) == (view == "split")


def test_the_view_is_remembered(read, edited):
    read(view="split")

    assert "ph-diff-split" in read()
    assert "ph-diff-split" not in read(view="unified")
    assert "ph-diff-split" not in read()


def test_a_conversation_is_compared_by_messages(read, world, at):
    version = factories.make_template_version(
        content_json=[{"role": "system", "content": "A"}, {"role": "user", "content": "B"}], variables_schema={}
    )
    instance = factories.make_instance(client=world.client, template_version=version, variables={})
    body = PromptBody.parse(
        content_md=None, content_json=[{"role": "user", "content": "B"}, {"role": "system", "content": "A"}]
    )
    drafts.edit(instance=instance, revision=1, body=body, by=SYSTEM, at=at)

    page = read(instance=instance)

    assert "moved up 1" in page
    assert 'value="structure" checked' in page
    assert "ph-diff-lines" in read(instance=instance, view="unified")


def test_a_patch_is_downloaded(operator, world, edited):
    where = reverse("portal:patch", kwargs={"client": world.client.slug, "instance": world.instance.pk})

    answer = operator.get(where, {"base": "version:1", "target": "draft"})

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["Content-Type"].startswith("text/x-diff")
    assert answer.content.decode().startswith("--- a/version:1\n+++ b/draft\n@@ -1 +1 @@\n-Speak for")
    rendered = operator.get(where, {"base": "version:1", "target": "draft", "level": "rendered"}).content.decode()
    assert "Speak only for Acme" in rendered


def test_sides_that_are_not_there_are_told_calmly(read):
    read(target="version:9", status=404)
    read(target="nonsense", status=422)
    read("patch", base="version:9", status=404)


def test_the_swapped_and_the_whole_comparison_have_addresses(read, edited):
    page = read(base="version:1", target="draft")

    assert "?base=draft&amp;target=version%3A1" in page
    assert "ph-diff" in read(base="version:1", target="draft", whole="1", space="on")


def test_a_comparison_asks_as_much_of_many_versions_as_of_few(read, world, at):
    def count():
        with CaptureQueriesContext(connection) as queries:
            read(base="version:1")
        return len(queries)

    read()
    few = count()
    instance = world.instance
    for number in range(5):
        body = PromptBody.parse(content_md=f"{number} {{{{ company }}}}", content_json=None)
        instance = drafts.edit(instance=instance, revision=instance.revision, body=body, by=SYSTEM, at=at)
        publish.publish(instance=instance, by=SYSTEM, at=AT)

    assert count() == few
