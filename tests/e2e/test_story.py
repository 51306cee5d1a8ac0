"""An operator's day in a real browser: edit, compare, refine, publish, replay, roll back; what others do meanwhile."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import sign_in

WISH = "Always say the opening hours"
GOES_LIVE = re.compile("goes live")


def save(page):
    page.locator("#editor").get_by_role("button", name="Save", exact=True).click()


def outcome(page):
    return page.locator("#outcome")


def settle(page, button):
    """Press a button, then follow the link that a page offers to those without scripts until it is gone.

    Each step is a page that has come: what the one before showed says nothing.
    """
    with page.expect_navigation():
        button.click()
    again = page.get_by_role("link", name="Look again now")
    for _ in range(200):
        if not again.count():
            return
        with page.expect_navigation():
            again.click()
    raise AssertionError("what was begun did not end")


def test_a_prompt_is_edited_compared_refined_published_replayed_and_rolled_back(visit, hub, kept):
    prompt = hub.prompt("story")
    prompt.goes_to("story-provider")
    prompt.publish(reason="The first one")
    prompt.goes_to("story-refuses-once", refuses_first=True)
    window = visit()
    page = window.go("/clients/acme/prompts/")
    sign_in(page, "operator", kept["password"])
    page.get_by_role("link", name="story", exact=True).click()

    text = page.get_by_label("Text of the prompt")
    text.fill(text.input_value() + "\nNever give medical advice.\n")
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    page.get_by_role("link", name="Variables").click()
    page.get_by_label("tone").select_option("brisk")
    save(page)
    expect(page.locator("#toasts")).to_contain_text("The draft is saved.")

    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("row", name="added Never give medical advice.")).to_be_visible()
    page.get_by_role("link", name="Refine").click()
    page.get_by_label("What should be better?").fill(WISH)
    page.get_by_role("button", name="Ask for a suggestion").click()
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_label("Text of the prompt")).to_have_value(re.compile(WISH[1:]))

    page.get_by_role("link", name="Review and publish").click()
    expect(page.locator("#checks")).to_have_text("Targets that can be asked were asked just now.")
    page.get_by_label("Why").fill("Says the hours")
    page.get_by_role("button", name=GOES_LIVE).click()
    expect(outcome(page)).to_contain_text("Published in part: 1 of 2 places")
    assert WISH[1:] in prompt.held()
    page.get_by_role("button", name="Replay story-refuses-once").click()
    expect(outcome(page)).to_contain_text("2 of 2 places have it")

    page.goto(f"{window.url}{prompt.page}?version=1")
    page.get_by_role("main").get_by_role("link", name="Roll back to this").click()
    page.get_by_role("button", name="Make version 1 live again").click()
    expect(outcome(page)).to_contain_text("2 of 2 places have it")
    assert prompt.held().endswith("Be warm.\n")
    page.goto(f"{window.url}{prompt.page}activity/")
    told = page.get_by_role("main")
    for words in ("operator published version 2: Says the hours", "accepted", "story-refuses-once", "version 1"):
        expect(told).to_contain_text(words)
    assert window.violations() == []


def test_the_same_is_done_without_scripts(visit, hub, kept):
    prompt = hub.prompt("plain")
    prompt.goes_to("plain-provider")
    prompt.publish()
    prompt.goes_to("plain-refuses-once", refuses_first=True)
    window = visit(scripts=False)
    page = window.go(prompt.page)
    sign_in(page, "operator", kept["password"])
    text = page.get_by_label("Text of the prompt")
    text.fill(text.input_value() + "\nNever give medical advice.\n")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="As it would be sent")).to_contain_text("Never give medical advice.")
    save(page)
    expect(page.locator("#toasts")).to_contain_text("The draft is saved.")
    page.get_by_role("link", name="Refine").click()
    page.get_by_label("What should be better?").fill(WISH)
    settle(page, page.get_by_role("button", name="Ask for a suggestion"))
    page.get_by_role("button", name="Accept all").click()
    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_role("row", name="added Never give medical advice.")).to_be_visible()
    settle(page, page.get_by_role("button", name=GOES_LIVE))
    expect(outcome(page)).to_contain_text("Published in part: 1 of 2 places")
    settle(page, page.get_by_role("button", name="Replay plain-refuses-once"))
    expect(outcome(page)).to_contain_text("2 of 2 places have it")
    assert WISH[1:] in prompt.held()
    page = window.go(f"{prompt.page}?version=1")
    page.get_by_role("main").get_by_role("link", name="Roll back to this").click()
    settle(page, page.get_by_role("button", name="Make version 1 live again"))
    assert "medical" not in prompt.held()


def test_who_publishes_over_somebody_else_is_told_and_decides(visit, hub):
    prompt = hub.prompt("contested")
    first = prompt.publish()
    prompt.edit(tone="brisk")
    prompt.publish()
    prompt.edit(company="Acme Dental")
    mine, theirs = visit("operator"), visit("demo")
    page = mine.go(f"{prompt.page}publish/")
    expect(page.get_by_role("button", name=GOES_LIVE)).to_be_visible()
    theirs.go(f"{prompt.page}rollback/{first}/").get_by_role("button", name="Make version 1 live again").click()
    expect(outcome(theirs.page)).to_contain_text("Version 1 is active here")

    page.get_by_role("button", name=GOES_LIVE).click()
    conflict = page.get_by_role("heading", name=re.compile("Version 1 became active on .*, by demo"))
    expect(conflict).to_be_visible()
    for way_out in ("Take over theirs", "Publish anyway…", "Cancel"):
        expect(page.locator(".ph-conflict").get_by_text(way_out, exact=True)).to_be_visible()
    assert prompt.now()["active_version"] == first
    page.get_by_role("button", name=re.compile("Publish anyway, over version 1")).click()
    expect(outcome(page)).to_contain_text("Version 3 is active here")
    assert mine.violations() == []


def test_two_tabs_never_overwrite_each_other_silently(visit, hub):
    prompt = hub.prompt("two-tabs")
    window = visit("operator")
    one = window.go(prompt.page)
    two = window.context.new_page()
    two.goto(window.url + prompt.page)
    one.get_by_label("Text of the prompt").fill("From the first tab, for {{ company }}.\n")
    save(one)
    expect(one.locator("#toasts")).to_contain_text("The draft is saved.")

    two.get_by_label("Text of the prompt").fill("From the second tab, for {{ company }}.\n")
    expect(two.locator("#draft-status")).to_contain_text("Yours is not saved.")
    two.get_by_role("button", name="See both").click()
    both = two.locator(".ph-conflict")
    expect(both.locator("del").first).to_contain_text("first")
    expect(both.locator("ins").first).to_contain_text("second")
    expect(two.get_by_label("Text of the prompt")).to_have_value("From the second tab, for {{ company }}.\n")
    assert "first tab" in prompt.now()["content_md"]
    two.get_by_role("button", name="Save mine over theirs").click()
    expect(two.locator("#toasts")).to_contain_text("The draft is saved.")
    assert "second tab" in prompt.now()["content_md"]


def test_the_client_of_others_is_not_there(visit, hub):
    foreign = hub.get("/api/v1/instances?client=borealis")["results"][0]["instanceId"]
    window = visit("operator")
    theirs = "/clients/borealis/prompts/"
    for path in (theirs, f"{theirs}{foreign}/", f"/clients/acme/prompts/{foreign}/"):
        answer = window.page.goto(window.url + path)
        assert answer.status == 404
        expect(window.page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
        assert "Borealis" not in window.page.content()
    assert window.axe() == []
