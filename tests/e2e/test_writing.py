"""Writing in a real browser: message cards and the variables that are offered, by keyboard and without scripts."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.e2e.hub import ASKS, Prompt

MESSAGES = [
    {"role": "system", "content": "Be kind to {{ company }}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "Hi"},
]


@pytest.fixture
def chat(hub, request):
    """A chat prompt of its own."""
    name = re.sub(r"\W+", "-", request.node.name)[:40].strip("-")
    template = {"name": name, "version": "1", "content_json": MESSAGES, "format": "chat", "variables_schema": ASKS}
    key = hub.post("/prompt/templates", template)["templateId"]
    body = {"client": "acme", "template_id": key, "name": name, "variables": {"company": "Acme"}}
    return Prompt(hub, name, hub.post("/prompt/instances", body)["instanceId"])


def texts(page):
    return page.locator("[data-card] textarea").evaluate_all("boxes => boxes.map(box => box.value)")


def roles(page):
    return page.locator("[data-card] select").evaluate_all("boxes => boxes.map(box => box.value)")


def message(page, number):
    return page.get_by_role("group", name=f"Message {number}", exact=True)


def saved(page):
    expect(page.locator("#draft-status")).to_contain_text("Saved")


def test_messages_are_moved_added_and_removed_by_keyboard_in_place(visit, chat):
    window = visit("operator")
    page = window.go(chat.page)
    told = page.locator(".ph-cards [data-told]")
    up = message(page, 3).get_by_role("button", name="Move up Message 3")
    up.focus()
    page.keyboard.press("Enter")
    expect(told).to_have_text("Message 3 is now message 2 of 3.")
    expect(message(page, 2).get_by_role("button", name="Move up Message 2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(message(page, 1).get_by_role("button", name="Move down Message 1")).to_be_focused()
    assert texts(page) == ["Hi", "Be kind to {{ company }}.", ""]
    saved(page)
    assert [one.get("role") for one in chat.now()["content_json"]] == ["user", "system", None]

    message(page, 3).get_by_role("button", name="Remove Message 3").click()
    expect(told).to_have_text("Message 3 is removed, 2 are left.")
    undo = page.get_by_role("button", name="Put it back")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    assert roles(page) == ["user", "system", "placeholder"]
    page.get_by_role("button", name="Add a message").click()
    expect(message(page, 4).get_by_role("textbox", name="Text of the message")).to_be_focused()
    page.keyboard.type("And you?")
    expect(page.get_by_role("region", name="As it would be sent")).to_contain_text("And you?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("The draft is saved.")
    assert chat.now()["content_json"][3] == {"role": "user", "content": "And you?"}
    assert window.violations() == []
    assert window.axe() == []


def test_a_message_is_dragged_by_its_grip(visit, chat):
    window = visit("operator")
    page = window.go(chat.page)
    told = page.locator(".ph-cards [data-told]")
    grips = page.locator("[data-card] [data-grip]")
    grips.nth(2).drag_to(message(page, 1), target_position={"x": 40, "y": 4})
    expect(told).to_have_text("Message 3 is now message 1 of 3.")
    assert texts(page) == ["Hi", "Be kind to {{ company }}.", ""]
    saved(page)
    assert [one.get("role") for one in chat.now()["content_json"]] == ["user", "system", None]
    page.get_by_role("button", name="Add a message").click()
    expect(grips).to_have_count(4)
    expect(grips.nth(3)).to_be_visible()
    assert window.violations() == []
    assert window.axe() == []


def test_the_same_cards_without_scripts(visit, chat):
    page = visit("operator", scripts=False).go(chat.page)
    boxes = page.locator("[data-card] textarea")
    message(page, 3).get_by_role("textbox", name="Text of the message").fill("Hello {{ company }}")
    message(page, 3).get_by_role("button", name="Move up Message 3").click()
    expect(message(page, 2).get_by_role("button", name="Move up Message 2")).to_be_focused()
    expect(boxes).to_have_count(3)
    assert texts(page) == ["Be kind to {{ company }}.", "Hello {{ company }}", ""]
    page.get_by_role("button", name="Add a placeholder").click()
    message(page, 4).get_by_role("textbox", name="Name").fill("more")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("The draft is saved.")
    assert chat.now()["content_json"][1]["content"] == "Hello {{ company }}"
    assert chat.now()["content_json"][3] == {"type": "placeholder", "name": "more"}
    page.get_by_role("button", name="As JSON").click()
    text = page.get_by_label("Text of the prompt")
    expect(text).to_have_value(re.compile(r"\]\s*$"))
    assert len(json.loads(text.input_value())) == 4
    page.get_by_role("button", name="As messages").click()
    expect(boxes).to_have_count(4)


def test_two_braces_offer_the_variables_by_keyboard(visit, hub):
    prompt = hub.prompt("offering")
    window = visit("operator")
    page = window.go(prompt.page)
    text = page.get_by_label("Text of the prompt")
    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("Call {{")
    offers = page.get_by_role("listbox", name="Variables")
    expect(offers.get_by_role("option")).to_have_count(2)
    expect(page.locator(".ph-editor [data-hint]")).to_contain_text("2 variables. company.")
    assert window.violations() == []
    assert window.axe() == []
    page.keyboard.press("ArrowDown")
    chosen = offers.get_by_role("option", selected=True)
    expect(chosen).to_contain_text("tone")
    expect(text).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("How the client is called")
    page.keyboard.press("Enter")
    expect(offers).to_be_hidden()
    expect(text).to_have_value(re.compile(r"Call \{\{ company \}\}$"))

    page.keyboard.type(" in {{ to")
    expect(offers.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(text).to_have_value(re.compile(r"in \{\{ tone \}\}$"))
    expect(text).to_be_focused()
    page.keyboard.press("Control+z")
    expect(text).to_have_value(re.compile(r"in \{\{ to$"))
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(text).not_to_be_focused()


def test_escape_closes_the_offers_until_other_braces_are_typed(visit, hub):
    page = visit("operator").go(hub.prompt("escaping").page)
    text = page.get_by_label("Text of the prompt")
    text.fill("")
    page.keyboard.type("{{")
    offers = page.get_by_role("listbox", name="Variables")
    expect(offers).to_be_visible()
    page.keyboard.press("Escape")
    expect(offers).to_be_hidden()
    page.keyboard.type(" c")
    expect(offers).to_be_hidden()
    page.keyboard.type("ompany }} {% if to")
    offers.get_by_role("option", name="tone").click()
    expect(text).to_have_value("{{ company }} {% if tone")


def test_unknown_variables_are_marked_inside_a_card(visit, chat):
    page = visit("operator").go(chat.page)
    message(page, 3).get_by_role("textbox", name="Text of the message").fill("Dear {{ nobody }} of {{ company }}")
    ink = message(page, 3).locator(".ph-editor-ink")
    expect(ink.locator("u")).to_have_text("{{ nobody }}")
    expect(ink.locator("b")).to_have_text("{{ company }}")
    expect(page.locator("#notes")).to_contain_text("Not declared by the template: nobody")
    expect(page.locator("#notes")).to_contain_text("Message 3, line 1")


def test_what_is_shown_can_be_copied_unfolded_and_left_unwrapped(visit, hub):
    prompt = hub.prompt(
        "copying", text="# {{ company }}\n\n" + "".join(f"Rule {n}.\n" for n in range(30)) + "{{ tone }}\n"
    )
    prompt.publish()
    hub.call(
        "PATCH",
        f"/api/v1/instances/{prompt.key}",
        {"revision": prompt.now()["revision"], "content_md": "New {{ company }}\n"},
    )
    window = visit("operator")
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = window.go(f"{prompt.page}?version=1")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("[data-said]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()").startswith("# Acme")
    page.get_by_role("searchbox").fill("nothing like this")
    expect(page.get_by_role("navigation", name="Versions").get_by_role("link")).to_have_count(0)

    page = window.go(f"{prompt.page}diff/?base=version:1&target=draft&view=unified")
    page.get_by_role("button", name="Copy as patch").click()
    expect(page.locator("[data-said]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()").startswith("--- a/version:1")
    wrap = page.get_by_role("button", name="Wrap lines")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".ph-diff-lines").first).to_have_css("table-layout", "auto")
    page.reload()
    expect(wrap).to_have_attribute("aria-pressed", "false")
    assert window.violations() == []
    assert window.axe() == []


def test_folded_lines_are_unfolded_all_at_once(visit, hub):
    text = "# {{ company }}\n" + "".join(f"Rule {n}.\n" for n in range(30)) + "{{ tone }}\n"
    prompt = hub.prompt("folding", text=text)
    changed = {
        "revision": prompt.now()["revision"],
        "content_md": text.replace("# ", "## ").replace("{{ tone", "Be {{ tone"),
    }
    hub.call("PATCH", f"/api/v1/instances/{prompt.key}", changed)
    page = visit("operator").go(f"{prompt.page}diff/?base=template&target=draft&view=unified")
    line = page.get_by_text("Rule 15.")
    expect(line).to_be_hidden()
    page.get_by_role("button", name="Unfold all").click()
    expect(line).to_be_visible()


def test_what_could_not_be_sent_is_told_and_sent_again(visit, hub):
    window = visit("operator")
    prompt = hub.prompt("unsent")
    page = window.go(prompt.page)
    page.route("**/draft/", lambda route: route.abort())
    text = page.get_by_label("Text of the prompt")
    text.fill("While the server is away")
    expect(page.locator("#draft-status")).to_contain_text("Not saved: the server did not answer.")
    page.unroute("**/draft/")
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    assert prompt.now()["content_md"] == "While the server is away"
    expect(text).to_have_value("While the server is away")


def test_what_is_written_after_the_session_ended_stays_where_it_is(visit, hub):
    window = visit("operator")
    page = window.go(hub.prompt("signed-out").page)
    window.context.clear_cookies(name="sessionid")
    page.get_by_label("Text of the prompt").fill("Without a session")
    expect(page.locator("#draft-status")).to_contain_text("the session has ended")
    expect(page.get_by_label("Text of the prompt")).to_have_value("Without a session")
    expect(page.get_by_label("Password")).to_have_count(0)


def test_what_is_written_while_it_is_being_saved_is_asked_about(visit, hub):
    window = visit("operator")
    page = window.go(hub.prompt("slowly").page)
    held = []
    page.route("**/draft/", lambda route: held.append(route) if not held else route.abort())
    text = page.get_by_label("Text of the prompt")
    with page.expect_request("**/draft/"):
        text.fill("One")
    text.press_sequentially(" two")
    held[0].continue_()
    expect(page.locator("[data-saved]")).to_be_visible()
    assert page.evaluate(
        "() => { const leaving = new Event('beforeunload', {cancelable: true});"
        " window.dispatchEvent(leaving); return leaving.defaultPrevented; }"
    )
