"""The list of a client's prompts, and what is done to many of them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from instances import drafts
from instances.models import PromptInstance
from portal.presenters import prompts as shown
from publishing import publish
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def browser(client, db):
    from tests.integration.admin.rooms import browser_of

    account = factories.make_user(username="ana")
    factories.make_actor(user=account, roles={client: Role.PUBLISHER})
    return browser_of(account)


@pytest.fixture
def page(browser, client):
    def read(**query):
        answer = browser.get(reverse("portal:prompts", kwargs={"client": client.slug}), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return read


def published(instance):
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    return drafts.get(key=instance.pk, actor=SYSTEM)


def edited(instance, **changes):
    return drafts.edit(instance=instance, revision=instance.revision, by=SYSTEM, at=AT, **changes)


def lines(client, **query):
    filters = shown.Filters.read(query)
    return shown.page(client=client, actor=SYSTEM, filters=filters, number="1").object_list


def only(client, **query):
    return {line.instance.name: str(line.status.label) for line in lines(client, **query)}


class TestStatus:
    """Derived, so it cannot lie."""

    def test_a_prompt_goes_from_draft_to_active_to_changed_and_back(self, client):
        instance = factories.make_instance(client=client, name="desk")
        assert only(client) == {"desk": "draft"}
        instance = published(instance)
        assert only(client) == {"desk": "active"}
        instance = edited(instance, variables={"company": "Borealis"})
        assert only(client) == {"desk": "unpublished changes"}
        instance = edited(instance, variables={"company": "Acme"})
        assert only(client) == {"desk": "active"}, "changed back is not changed"
        drafts.archive(instance=instance, by=SYSTEM, at=AT)
        assert only(client) == {}
        assert only(client, status="archived") == {"desk": "archived"}

    def test_an_own_text_a_secret_or_another_template_is_a_change(self, client):
        from prompthub_kernel.body import PromptBody

        schema = {"type": "object", "properties": {"key": {"type": "string", "x-secret": True}}}
        first = factories.make_template_version(content_md="Use {{ key }}.", variables_schema=schema)
        second = factories.make_template_version(
            project=first.template.project,
            name=first.template.name,
            label="next",
            content_md="Please use {{ key }}.",
            variables_schema=schema,
        )
        made = [
            published(
                factories.make_instance(
                    client=client, template_version=first, variables={"key": "k-0451"}, name=f"prompt-{number}"
                )
            )
            for number in range(4)
        ]
        edited(made[0], body=PromptBody.parse(content_md="Do use {{ key }}.", content_json=None))
        edited(made[1], variables={"key": "k-0452"})
        edited(made[2], template_version=second)
        changed = "unpublished changes"
        assert only(client) == {"prompt-0": changed, "prompt-1": changed, "prompt-2": changed, "prompt-3": "active"}
        assert set(only(client, status="unpublished")) == {"prompt-0", "prompt-1", "prompt-2"}

    def test_a_chat_prompt_that_was_published_is_not_changed(self, client):
        version = factories.make_template_version(content_json=[{"role": "system", "content": "Be kind, ö."}])
        published(factories.make_instance(client=client, template_version=version, name="chat"))
        assert only(client) == {"chat": "active"}

    def test_behind_names_the_newest_version(self, client, page):
        first = factories.make_template_version(label="one")
        factories.make_instance(client=client, template_version=first, variables={"company": "A"}, name="old")
        newest = factories.make_template_version(
            project=first.template.project, name=first.template.name, label="two", content_md="Newer."
        )
        factories.make_instance(client=client, template_version=newest, variables={}, name="new")
        assert [line.instance.newest_label for line in lines(client)] == [None, "two"]
        assert set(only(client, behind="yes")) == {"old"}
        assert "behind two" in page()


class TestFilters:
    """They live in the address."""

    def test_words_are_looked_for_in_names_texts_and_variables_but_never_in_secrets(self, client):
        schema = {
            "type": "object",
            "properties": {"company": {"type": "string"}, "key": {"type": "string", "x-secret": True}},
        }
        version = factories.make_template_version(content_md="Mind the {{ company }}.", variables_schema=schema)
        values = {"company": "Lighthouse", "key": "hidden-0451"}
        factories.make_instance(client=client, template_version=version, variables=values, name="beacon")
        for words in ("BEACON", "mind the", "lighthouse"):
            assert set(only(client, q=words)) == {"beacon"}, words
        assert only(client, q="hidden-0451") == {}
        assert only(client, q="nothing like it") == {}

    def test_what_cannot_be_meant_is_left_aside(self):
        filters = shown.Filters.read({"q": "a\0b\n", "status": "no such", "sort": "id;drop", "behind": "maybe"})
        assert filters == shown.Filters(words="ab")
        assert filters.any

    def test_an_own_text_hides_the_templates(self, client):
        from prompthub_kernel.body import PromptBody

        version = factories.make_template_version(content_md="Walk softly.", variables_schema={})
        own = PromptBody.parse(content_md="Run fast.", content_json=None)
        factories.make_instance(client=client, template_version=version, body=own, name="own")
        assert only(client, q="softly") == {}
        assert set(only(client, q="run fast")) == {"own"}

    def test_the_order_turns_round(self, client, page):
        for name in ("b", "a", "c"):
            factories.make_instance(client=client, name=name)
        published(PromptInstance.objects.get(name="c"))
        assert list(only(client)) == ["a", "b", "c"]
        assert list(only(client, sort="-name")) == ["c", "b", "a"]
        assert next(iter(only(client, sort="-published"))) == "c"
        assert 'aria-sort="descending"' in page(sort="-name")

    def test_pages_keep_the_filters(self, client, page, monkeypatch):
        monkeypatch.setattr(shown, "PAGE", 2)
        for number in range(5):
            factories.make_instance(client=client, name=f"desk-{number}")
        second = page(q="desk", page="2")
        assert re.findall(r'<th scope="row"[^>]*><a href="[^"]+">([^<]+)', second) == ["desk-2", "desk-3"]
        assert "q=desk&amp;page=3" in second
        assert "3–4 of 5" in second
        assert "desk-4" in page(q="desk", page="999"), "a page too far is the last"

    def test_nothing_says_what_to_do_next(self, client, page):
        assert "No prompts yet" in page()
        factories.make_instance(client=client)
        assert "Nothing fits" in page(q="nothing like it")


def test_a_line_tells_where_it_went_who_published_it_and_drift(signed_in, world, page, client):
    from publishing.models import Drift

    placement = factories.make_placement(instance=factories.make_instance(client=client, name="desk"))
    delivery = factories.make_delivery(placement=placement)
    factories.make_attempt(delivery=delivery)
    html = page()
    assert placement.target.name in html
    assert ">delivered<" in html
    assert "by PromptHub" in html
    assert ">drift<" not in html
    Drift.objects.create(
        placement=placement, delivery=delivery, observed="x", observed_digest="sha256:" + "0" * 64, found_at=AT
    )
    assert ">drift<" in page()


def test_markup_in_names_and_targets_stays_text(client, page):
    instance = factories.make_instance(client=client, name="<b onclick=x>desk</b>")
    factories.make_placement(
        instance=instance, target=factories.make_target(client=client, name="<img src=x onerror=y>")
    )
    html = page()
    assert "<b onclick" not in html
    assert "<img src=x" not in html
    assert "&lt;b onclick=x&gt;desk&lt;/b&gt;" in html


@pytest.mark.parametrize("path", ["portal:prompts", "portal:clients", "portal:dashboard", "portal:search"])
def test_more_rows_ask_no_more_queries(path, browser, client, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def rows(count):
        for _ in range(count):
            factories.make_delivery(placement=factories.make_placement(instance=factories.make_instance(client=client)))

    address = reverse(path, kwargs={"client": client.slug} if path == "portal:prompts" else {})
    counts = []
    for more in (3, 9):
        rows(more)
        browser.get(address, {"q": "e"})
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address, {"q": "e"}).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[1] <= {"portal:dashboard": 11}.get(path, 8)
