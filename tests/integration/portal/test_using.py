"""Lines that read a prompt from a program are shown beside it, and what they ask for is answered."""

from __future__ import annotations

import ast
import html
import re
import shlex

import pytest
from django.test import Client as Browser
from django.urls import reverse

from instances import drafts
from portal.presenters import using
from publishing import publish
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance():
    made = factories.make_instance(client=factories.make_client(name="Acme"), name="Grüße & \"more\" 'desk'")
    publish.publish(instance=made, by=SYSTEM, at=AT)
    return drafts.get(key=made.pk, actor=SYSTEM)


@pytest.fixture
def ask(instance):
    _, secret = factories.make_token(scopes=("read",), roles={instance.client: Role.VIEWER})

    def read(path):
        browser = Browser(headers={"host": "localhost", "authorization": f"Bearer {secret}"})
        return browser.get(path.removeprefix("https://localhost"), secure=True)

    return read


def lines(instance):
    return {one.key: one.code for one in using.snippets(instance=instance, origin="https://localhost/")}


def test_the_line_for_a_shell_is_answered_with_the_active_text(instance, ask):
    words = shlex.split(lines(instance)["curl"].replace("\\\n", ""))
    assert words[:3] == ["curl", "-H", "Authorization: Bearer $PROMPTHUB_TOKEN"]
    answer = ask(words[3])
    assert answer.status_code == 200
    assert answer.json()["content_materialized"] == ["You are warm and speak for Acme."]


def test_the_lines_of_python_give_the_same_text(instance, ask, monkeypatch):
    seen = []

    class Answer:
        def __init__(self, request):
            self.request = request

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            return None

        def read(self):
            seen.append(self.request.get_header("Authorization"))
            return ask(self.request.full_url).content

    code = lines(instance)["python"]
    ast.parse(code)
    monkeypatch.setenv("PROMPTHUB_TOKEN", "phub_of_mine")
    monkeypatch.setattr("urllib.request.urlopen", lambda request, timeout: Answer(request))
    found = {}
    exec(compile(code, "snippet", "exec"), found)
    assert found["text"] == "You are warm and speak for Acme."
    assert seen == ["Bearer phub_of_mine"]


def test_the_page_of_a_prompt_offers_them_without_a_token(signed_in, world):
    where = reverse("portal:prompt", kwargs={"client": world.client.slug, "instance": world.instance.pk})
    page = html.unescape(signed_in(Role.VIEWER).get(where).content.decode())
    assert "Use it in a program" in page
    assert ("Nothing is active yet" in page) is (world.instance.active_version_id is None)
    assert re.search(r"https?://[^/]+/api/v1/resolve\?client=" + world.client.slug, page)
    assert "phub_" not in page
