"""What a page says is so: after a save, while deliveries are under way, and about each of several prompts."""

from __future__ import annotations

import re

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


def test_what_was_offered_is_not_told_for_ever(visit, hub):
    page = visit("operator").go(hub.prompt("told-offers").page)
    text = page.get_by_label("Text of the prompt")
    hint = page.locator(".ph-editor [data-hint]")
    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("Call {{")
    expect(hint).to_contain_text("2 variables.")
    page.keyboard.press("Escape")
    expect(hint).to_have_text("")
    page.keyboard.type(" {{")
    page.keyboard.press("Enter")
    expect(hint).to_have_text("company")
    page.keyboard.type(" ")
    expect(hint).to_have_text("")


def test_the_tabs_of_a_prompt_stand_in_one_line_on_a_phone_in_german(visit, hub):
    window = visit("operator", width=360)
    window.page.set_extra_http_headers({"Accept-Language": "de"})
    page = window.go(hub.prompt("told-tabs").page)
    tabs = page.locator(".ph-tabs-list a")
    assert tabs.all_inner_texts()[2].strip() == "Vergleichen"
    assert len({box["y"] for box in (tab.bounding_box() for tab in tabs.all())}) == 1
    assert max(box["x"] + box["width"] for box in (tab.bounding_box() for tab in tabs.all())) <= 360


def test_the_way_past_the_navigation_is_seen_only_when_it_has_the_focus(visit):
    page = visit("operator", width=360).go("/clients/")
    skip = page.get_by_role("link", name="Skip to the page")
    hidden = "link => getComputedStyle(link).clipPath !== 'none'"
    assert skip.evaluate(hidden)
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    assert not skip.evaluate(hidden)


def test_each_of_several_prompts_tells_how_far_it_has_come(visit, hub):
    good, broken = hub.prompt("told-good"), hub.prompt("told-broken")
    good.goes_to("told-good-target")
    broken.goes_to("told-broken-target", refuses_first=True)
    window = visit("operator")
    page = window.go(f"/clients/acme/prompts/publish/?prompt={good.key}&prompt={broken.key}")
    page.get_by_label("Why").fill("Spring")
    page.get_by_role("button", name="Publish 2 prompts").click()
    expect(page.locator("[data-count]")).to_have_text("All were asked: 2 published, 0 without a change, 0 refused.")
    row = page.get_by_role("row")
    expect(row.filter(has_text="told-good").locator("[data-result]")).to_contain_text("delivered")
    expect(row.filter(has_text="told-broken").locator("[data-result]")).to_contain_text("given up")
    expect(row.filter(has_text="told-broken")).to_contain_text("told-broken-target: scripted to fail")
    assert window.violations() == []
    assert window.axe() == []
    row.filter(has_text="told-broken").get_by_role("link", name="Publication 1").click()
    expect(page.get_by_role("button", name="Replay")).to_be_visible()
    page.get_by_role("button", name="Replay").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("It is sent to told-broken-target again.")
    expect(page.locator("#progress")).to_be_focused()


def test_the_focus_stays_where_a_page_looks_again_by_itself(visit, hub):
    prompt = hub.prompt("told-focus")
    prompt.goes_to("told-focus-target", fails=["try_again"] * 30)
    prompt.publish(wait=False)
    window = visit("operator")
    page = window.page
    places = '<div id="progress" tabindex="-1">{}</div>'
    with_link = places.format('<a id="look-again" href="./">Look again now</a>').replace(">", ' hx-get="?seen=1">', 1)
    answers = [with_link.replace("hx-get", 'hx-trigger="every 1s" hx-swap="outerHTML" hx-get'), places.format("Sent.")]
    page.route(re.compile(r"publications/1/\?"), lambda route: route.fulfill(body=answers[0], content_type="text/html"))
    window.go(f"{prompt.page}publications/1/")
    link = page.get_by_role("link", name="Look again now")
    link.focus()
    expect(page.locator("#progress")).to_have_text("Look again now")
    expect(link).to_be_focused()
    answers.pop(0)
    expect(page.locator("#progress")).to_have_text("Sent.")
    expect(page.locator("#progress")).to_be_focused()
