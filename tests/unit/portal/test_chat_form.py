"""A chat prompt as cards: what they hold, in which order, and the messages they make."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.http import QueryDict

from portal.forms import chat
from portal.forms.chat import MOST_CARDS, ChatForm, rearranged
from prompthub_kernel.body import PromptBody

MESSAGES = [
    {"role": "system", "content": "Be kind.\nBe brief."},
    {"type": "placeholder", "name": "history"},
    {"role": "placeholder", "name": "rest"},
    {"role": "user", "name": "ana", "content": "Hi {{ company }}"},
]


def body(messages):
    return PromptBody.parse(content_md=None, content_json=messages, format="chat")


def prompt(messages=MESSAGES, *, template=({"role": "user", "content": "Hello"},)):
    version = SimpleNamespace(body=body(list(template)), engine="jinja2", format="chat")
    return SimpleNamespace(body=body(list(messages)), template_version=version, revision=3)


def sent(*cards, **more):
    """What a browser sends for these (key, fields)."""
    given = QueryDict(mutable=True)
    given["revision"] = "3"
    for key, fields in cards:
        given.appendlist("card", key)
        for word, value in {"role": "user", "name": "", "content": "", "spelling": "", **fields}.items():
            given[f"{word}-{key}"] = value
    given.update(more)
    return given


def as_sent(form):
    """What a browser sends for a form that nobody touched."""
    rows = ((row.key, {word: getattr(row, word).value() for word in chat.FIELDS}) for row in form.rows)
    return sent(*rows)


def keys(given):
    return given.getlist("card")


def test_a_form_that_nobody_touched_makes_the_messages_it_shows():
    instance = prompt()
    form = ChatForm(as_sent(ChatForm(instance=instance)), instance=instance)

    assert form.is_valid(), form.errors
    assert form.document() == MESSAGES
    assert form.body.digest() == instance.body.digest()


def test_the_templates_own_messages_are_no_text_of_the_prompts():
    form = ChatForm(sent(("0", {"content": "Hello"})), instance=prompt())

    assert form.is_valid()
    assert form.body is None


def test_lines_end_plainly_and_names_lose_their_spaces():
    form = ChatForm(sent(("0", {"content": "\r\none\r\n two ", "name": " ana "})), instance=prompt())

    assert form.is_valid()
    assert form.document() == [{"role": "user", "name": "ana", "content": "\none\n two "}]


def test_the_order_of_the_keys_is_the_order_of_the_messages():
    form = ChatForm(sent(("7", {"content": "seven"}), ("2", {"content": "two"})), instance=prompt())

    assert [one["content"] for one in form.document()] == ["seven", "two"]
    assert [(row.number, row.first, row.last) for row in form.rows] == [(1, True, False), (2, False, True)]


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"role": "placeholder"}, "name-0", "A name is"),
        ({"role": "placeholder", "name": "history", "content": "typed"}, "content-0", "A placeholder has no text"),
        ({"role": "nobody"}, "role-0", "Select a valid choice"),
        ({"name": "no spaces please"}, "name-0", "A name is"),
    ],
)
def test_what_is_wrong_with_a_message_is_told_beside_it(fields, place, words):
    form = ChatForm(sent(("0", fields)), instance=prompt())

    assert not form.is_valid()
    assert form.errors.keys() == {place}
    assert words in form.errors[place][0]
    assert form.body is None


def test_no_message_at_all_is_told_at_the_top():
    form = ChatForm(sent(), instance=prompt())

    assert not form.is_valid()
    assert "empty" in form.non_field_errors()[0]


@pytest.mark.parametrize("spelling", ["", "nonsense", "[1]", '{"role": "user"}', '{"content": "x"}'])
def test_a_placeholder_whose_spelling_is_not_one_is_written_plainly(spelling):
    form = ChatForm(sent(("0", {"role": "placeholder", "name": "history", "spelling": spelling})), instance=prompt())

    assert form.document() == [{"type": "placeholder", "name": "history"}]


@pytest.mark.parametrize(
    ("move", "order", "focus"),
    [
        ("up:2", ["0", "2", "1"], ("2", "up")),
        ("up:1", ["1", "0", "2"], ("1", "down")),
        ("up:0", ["0", "1", "2"], ("0", "down")),
        ("down:0", ["1", "0", "2"], ("0", "down")),
        ("down:1", ["0", "2", "1"], ("1", "up")),
        ("remove:1", ["0", "2"], ("2", "content")),
        ("remove:2", ["0", "1"], ("1", "content")),
        ("add:user", ["0", "1", "2", "3"], ("3", "content")),
        ("add:placeholder", ["0", "1", "2", "3"], ("3", "name")),
        ("up:9", ["0", "1", "2"], ("", "")),
        ("", ["0", "1", "2"], ("", "")),
    ],
)
def test_a_button_changes_the_order_and_says_where_the_focus_goes(move, order, focus):
    given = sent(("0", {}), ("1", {}), ("2", {}))

    changed, wanted = rearranged(given, move)

    assert (keys(changed), wanted) == (order, focus)
    assert keys(given) == ["0", "1", "2"]
    assert changed["revision"] == "3"


def test_the_last_message_can_be_removed_and_a_new_one_has_the_role_asked_for():
    empty, focus = rearranged(sent(("0", {})), "remove:0")
    assert (keys(empty), focus) == ([], ("", ""))

    for word, role in (("system", "system"), ("placeholder", "placeholder"), ("nobody", "user")):
        assert rearranged(empty, f"add:{word}")[0]["role-0"] == role


def test_there_are_never_more_cards_than_a_form_can_send():
    many = sent(*((str(number), {}) for number in range(MOST_CARDS)))

    assert len(keys(rearranged(many, "add:user")[0])) == MOST_CARDS
    assert len(ChatForm(sent(*((str(number), {}) for number in range(150))), instance=prompt()).cards) == MOST_CARDS


def test_keys_that_are_none_of_ours_are_left_out():
    given = sent(("0", {"content": "kept"}), ("a b", {}), ("x" * 9, {}), ("0", {"content": "kept"}))

    assert [card.key for card in ChatForm(given, instance=prompt()).cards] == ["0"]


def test_cards_suit_a_chat_that_a_browser_gives_back_as_it_was():
    assert chat.suits(body(MESSAGES))
    assert not chat.suits(body([{"role": "user", "content": "a\rb"}]))
    assert not chat.suits(body([{"role": "user", "content": "x"}] * (MOST_CARDS + 1)))
    assert not chat.suits(PromptBody.parse(content_md=None, content_json={"a": 1}))
    assert not chat.suits(PromptBody.parse(content_md="text", content_json=None))


def test_the_form_of_a_document_keeps_the_revision_that_was_shown():
    form = ChatForm.holding(MESSAGES, revision="2", instance=prompt())

    assert form.is_valid()
    assert (form.cleaned_data["revision"], form.document()) == (2, MESSAGES)


def test_the_blank_card_is_a_message_of_the_user_without_a_text():
    row = ChatForm(instance=prompt()).blank

    assert (row.key, row.role.value(), row.content.value(), row.content.html_name) == (
        chat.BLANK,
        "user",
        "",
        f"content-{chat.BLANK}",
    )
