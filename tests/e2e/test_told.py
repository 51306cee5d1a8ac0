"""What a page says is so: after a save, while deliveries are under way, and about each of several prompts."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_heading_and_the_buttons_follow_what_was_saved_while_writing(visit, hub):
    prompt = hub.prompt("told-heading")
    prompt.publish()
    window = visit("operator")
    page = window.go(prompt.page)
    expect(page.get_by_role("heading", name="The template's text")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("active")
    text = page.get_by_label("Text of the prompt")
    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("Be quick.")
    expect(page.get_by_role("heading", name="This prompt's own text")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("unpublished changes")
    expect(text).to_be_focused()
    page.get_by_role("button", name="Use the template's text").click()
    expect(page.get_by_role("heading", name="The template's text")).to_be_visible()
    assert prompt.now()["content_md"] is None
    assert window.violations() == []
    assert window.axe() == []
