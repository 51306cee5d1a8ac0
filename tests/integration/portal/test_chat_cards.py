"""A chat prompt edited as cards without scripts: buttons show the form again, Save saves it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from instances import drafts
from prompthub_kernel.body import PromptBody
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import SYSTEM

pytestmark = pytest.mark.django_db
MESSAGES = [
    {"role": "system", "content": "Be kind to {{ company }}."},
    {"role": "placeholder", "name": "history"},
    {"role": "user", "content": "Hi"},
]


@pytest.fixture
def chat(world):
    version = factories.make_template_version(
        content_json=MESSAGES,
        variables_schema={"properties": {"company": {"type": "string", "default": "us", "description": "Who calls"}}},
    )
    return factories.make_instance(client=world.client, template_version=version, variables={})


@pytest.fixture
def at_chat(world, chat):
    def make(name="prompt"):
        return reverse(f"portal:{name}", kwargs={"client": world.client.slug, "instance": chat.pk})

    return make


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def fields_of(page):
    """What a browser would send for the form of this page, without a button."""
    form = page.partition('id="editor"')[2].partition("</form>")[0].partition("<template>")[0]
    found = {"card": re.findall(r'name="card" value="(\w+)"', form)}
    for name in ("revision", "part", "session", "shape"):
        found[name] = re.search(rf'name="{name}" value="([^"]*)"', form).group(1)
    for key in found["card"]:
        found[f"role-{key}"] = re.search(rf'name="role-{key}".*?<option value="(\w+)" selected', form, re.DOTALL).group(
            1
        )
        field = re.search(rf'<input type="text" name="name-{key}"[^>]*>', form).group(0)
        found[f"name-{key}"] = (re.search(r'value="([^"]*)"', field) or [None, ""])[1]
        found[f"content-{key}"] = re.search(
            rf'<textarea name="content-{key}"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
        )[1]
        kept = re.search(rf'<input type="hidden" name="spelling-{key}"[^>]*>', form).group(0)
        found[f"spelling-{key}"] = (re.search(r'value="([^"]*)"', kept) or [None, ""])[1].replace("&quot;", '"')
    return found


def contents(page):
    fields = fields_of(page)
    return [fields[f"content-{key}"] for key in fields["card"]]


def kept(chat):
    return drafts.get(key=chat.pk, actor=SYSTEM)


def test_messages_are_shown_as_cards_with_the_variables_to_use(signed_in, at_chat):
    page = page_of(signed_in(Role.EDITOR).get(at_chat()))

    assert contents(page) == ["Be kind to {{ company }}.", "", "Hi"]
    assert '<option value="placeholder" selected>' in page
    assert 'data-variable="company"' in page
    assert "Who calls" in page
    assert "{{ company }}" in page


def test_saving_cards_that_nobody_touched_changes_nothing(signed_in, at_chat, chat):
    browser = signed_in(Role.EDITOR)

    answer = browser.post(at_chat("draft"), fields_of(page_of(browser.get(at_chat()))))

    assert answer.status_code == 302
    assert kept(chat).revision == 1


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        ("up:2", ["Be kind to {{ company }}.", "Hi", ""]),
        ("down:0", ["", "Be kind to {{ company }}.", "Hi"]),
        ("remove:1", ["Be kind to {{ company }}.", "Hi"]),
        ("add:user", ["Be kind to {{ company }}.", "", "Hi", ""]),
    ],
)
def test_a_button_shows_the_form_again_and_saves_nothing(signed_in, at_chat, chat, move, expected):
    browser = signed_in(Role.EDITOR)
    fields = fields_of(page_of(browser.get(at_chat())))

    page = page_of(browser.post(at_chat("preview"), {**fields, "move": move}))

    assert contents(page) == expected
    assert page.count("autofocus") == 1
    assert "data-unsaved" in page
    assert kept(chat).revision == 1


def test_what_was_typed_and_moved_is_saved_with_the_next_press(signed_in, at_chat, chat):
    browser = signed_in(Role.EDITOR)
    fields = {
        **fields_of(page_of(browser.get(at_chat()))),
        "content-2": "Hello {{ company }}\r\nthere",
        "name-2": "ana",
    }
    moved = fields_of(page_of(browser.post(at_chat("preview"), {**fields, "move": "up:2"})))

    assert browser.post(at_chat("draft"), moved).status_code == 302
    assert kept(chat).content_json == [
        MESSAGES[0],
        {"role": "user", "name": "ana", "content": "Hello {{ company }}\nthere"},
        MESSAGES[1],
    ]


def test_the_preview_and_the_notes_are_of_the_cards_as_they_stand(signed_in, at_chat):
    browser = signed_in(Role.EDITOR)
    fields = {**fields_of(page_of(browser.get(at_chat()))), "content-2": "Dear {{ nobody }}"}

    page = page_of(browser.post(at_chat("preview"), fields, headers={"HX-Request": "true"}))
    assert "Message 3, line 1" in page
    assert "Not declared by the template:" in page
    fields["content-2"] = "Dear friend"
    assert "Dear friend" in page_of(browser.post(at_chat("preview"), fields, headers={"HX-Request": "true"}))


def test_what_is_wrong_with_a_message_comes_back_beside_it(signed_in, at_chat, chat):
    browser = signed_in(Role.EDITOR)
    fields = fields_of(page_of(browser.get(at_chat())))

    page = page_of(browser.post(at_chat("draft"), {**fields, "content-2": "Dear {{ nobody }}"}), 422)
    assert 'href="#id_content-2"' in page
    assert "Message 3: text: line 1: `nobody` is not declared" in page
    assert "Dear {{ nobody }}" in contents(page)
    page = page_of(browser.post(at_chat("draft"), {**fields, "name-1": ""}), 422)
    assert 'id="id_name-1-error"' in page
    assert "empty" in page_of(browser.post(at_chat("draft"), {**fields, "card": []}), 422)
    assert kept(chat).revision == 1


def test_cards_become_json_and_json_cards_with_what_was_typed(signed_in, at_chat, chat):
    browser = signed_in(Role.EDITOR)
    fields = {**fields_of(page_of(browser.get(at_chat()))), "content-2": "Typed"}

    page = page_of(browser.post(at_chat("preview"), {**fields, "show": "json"}))
    assert "&quot;content&quot;: &quot;Typed&quot;" in page
    assert 'name="card"' not in page
    given = {"part": "text", "revision": "1", "show": "cards"}
    text = '[{"role": "user", "content": "From JSON"}]'
    assert contents(page_of(browser.post(at_chat("preview"), {**given, "text": text}))) == ["From JSON"]
    page = page_of(browser.post(at_chat("preview"), {**given, "text": '[{"role":'}))
    assert "This is not JSON" in page
    assert kept(chat).revision == 1


def test_the_address_asks_for_json_and_what_cards_cannot_hold_is_json(signed_in, at_chat, chat, at, monkeypatch):
    browser = signed_in(Role.EDITOR)
    assert 'name="card"' not in page_of(browser.get(at_chat() + "?as=json"))
    messages = [{"role": "user", "content": "a\rb"}]
    body = PromptBody.parse(content_md=None, content_json=messages, format="chat")
    with monkeypatch.context() as before:  # line ends were kept once
        before.setattr(PromptBody, "with_line_feeds", lambda body: body)
        drafts.edit(instance=chat, revision=1, body=body, by=SYSTEM, at=at)

    page = page_of(browser.get(at_chat()))

    assert 'name="card"' not in page
    assert "As messages" in page


def test_two_who_write_cards_at_once_are_shown_both(signed_in, at_chat, chat, at):
    browser = signed_in(Role.EDITOR)
    fields = {**fields_of(page_of(browser.get(at_chat()))), "content-2": "Mine"}
    theirs = [*MESSAGES[:2], {"role": "user", "content": "Theirs"}]
    body = PromptBody.parse(content_md=None, content_json=theirs, format="chat")
    drafts.edit(instance=chat, revision=1, body=body, by=SYSTEM, at=at)

    page = page_of(browser.post(at_chat("draft"), fields), 409)

    both = page.partition('id="conflict-title"')[2].partition("</section>")[0]
    assert '<td class="ph-diff-text">Theirs</td>' in both
    assert '<td class="ph-diff-text">Mine</td>' in both
    assert contents(page)[2] == "Mine"
    assert browser.post(at_chat("draft"), fields_of(page)).status_code == 302
    assert kept(chat).content_json[2]["content"] == "Mine"


def test_who_may_only_look_gets_cards_without_buttons(signed_in, at_chat):
    page = page_of(signed_in(Role.VIEWER).get(at_chat()))

    assert page.count('name="card"') == 3
    assert 'name="move"' not in page
    assert page.count(" readonly") >= 6
    assert page.count("<select") == page.count(" disabled")


def test_markup_in_messages_never_becomes_markup(signed_in, at_chat, chat, at):
    messages = [{"role": "user", "content": "</textarea><script>alert(1)</script>"}]
    body = PromptBody.parse(content_md=None, content_json=messages, format="chat")
    drafts.edit(instance=chat, revision=1, body=body, by=SYSTEM, at=at)

    assert "<script>alert" not in page_of(signed_in(Role.EDITOR).get(at_chat()))
