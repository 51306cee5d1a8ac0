"""What a page tells when the server refuses it something: in one place, once, and nothing typed is lost."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import sign_in

NOT_SAVED = "Not saved: why is told at the top of the page. What was written is still here."


def one_page(page):
    """A page has one main part and one heading of the first level, whatever was refused."""
    return page.locator("main").count() == page.locator("h1").count() == page.locator("nav.ph-nav").count() == 1


def until(page, done, *, seconds=120):
    """Let the page's time pass, second by second, until something is so."""
    for _ in range(seconds):
        page.clock.run_for(1_000)
        if done():
            return
    raise AssertionError(f"not so after {seconds} seconds")


def archive(visit, prompt):
    page = visit("demo").go(f"{prompt.page}archive/")
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("status").first).to_contain_text("archived")


def ended(window):
    """The session ends, as it does after a while."""
    window.context.clear_cookies(name="sessionid")


def test_what_is_archived_meanwhile_is_told_once_while_somebody_writes(visit, hub):
    prompt = hub.prompt("refused-writing")
    window = visit("operator", width=360, dark=True)
    page = window.go(prompt.page)
    archive(visit, prompt)
    text = page.get_by_label("Text of the prompt")
    text.focus()
    page.keyboard.type("Mine ")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This is archived")
    expect(alert).to_contain_text("409.archived")
    expect(alert).to_be_in_viewport()
    expect(page.locator("#draft-status")).to_have_text(NOT_SAVED)
    expect(text).to_be_focused()
    assert "Mine " in text.input_value()
    assert one_page(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert window.violations() == []
    assert window.axe() == []
    alert.get_by_role("button", name="Put this message away").click()
    expect(alert).to_have_count(0)


def test_what_is_archived_meanwhile_is_told_on_the_review(visit, hub):
    prompt = hub.prompt("refused-review")
    prompt.publish()
    prompt.edit(tone="brisk")
    page = visit("operator").go(f"{prompt.page}publish/")
    archive(visit, prompt)
    page.get_by_role("link", name="rendered").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This is archived")
    assert one_page(page)
    alert.get_by_role("link", name="To refused-review").click()
    expect(page).to_have_url(hub.url + prompt.page)


def test_a_page_that_looks_by_itself_stops_where_that_cannot_help(visit, hub):
    prompt = hub.prompt("refused-looking")
    prompt.goes_to("refused-looking-target", fails=["try_again"] * 9)
    prompt.publish(wait=False)
    window = visit("operator")
    window.page.clock.install()
    page = window.go(f"{prompt.page}publications/1/")
    expect(page.get_by_text("This page looks again by itself.")).to_be_visible()
    with page.expect_response(lambda answer: answer.status == 401):
        ended(window)
        page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    expect(page.get_by_text("This page looks again by itself.")).to_be_hidden()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(30_000)
    assert asked == []
    assert window.axe() == []
    page.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(
        f"{window.url}/login/?next=%2Fclients%2Facme%2Fprompts%2F{prompt.key}%2Fpublications%2F1%2F"
    )


def test_a_page_that_looks_by_itself_tells_that_nothing_answers_until_something_does(visit, hub):
    prompt = hub.prompt("refused-silence")
    prompt.goes_to("refused-silence-target", fails=["try_again"] * 30)
    prompt.publish(wait=False)
    window = visit("operator")
    window.page.clock.install()
    page = window.go(f"{prompt.page}publications/1/")
    polls = re.compile(r"publications/1/\?")
    alert = page.get_by_role("alert")
    asked = []

    def refuse(route):
        asked.append(route)
        if len(asked) != 2:
            route.abort("connectionrefused")

    page.route(polls, refuse)
    until(page, lambda: len(asked) == 2)
    expect(alert).to_have_count(0)
    asked[1].abort("connectionrefused")
    expect(alert).to_contain_text("The server does not answer")
    expect(alert).to_contain_text("may be out of date")
    expect(page.get_by_text("This page looks again by itself.")).to_be_visible()
    assert window.axe() == []
    page.unroute(polls)
    until(page, lambda: alert.count() == 0)


def test_a_list_that_looks_by_itself_stops_too(visit, hub, kept):
    window = visit("demo")
    window.page.clock.install()
    page = window.go("/deliveries/")
    expect(page.get_by_role("button", name="Look again by itself")).to_be_visible()
    with page.expect_response(lambda answer: answer.status == 403):
        page.route("**/deliveries/*", lambda route: route.fulfill(status=403))
        page.clock.run_for(61_000)
    expect(page.get_by_role("alert")).to_contain_text("This was refused")
    expect(page.get_by_role("button", name="Look again by itself")).to_be_hidden()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(120_000)
    assert asked == []


def test_what_was_written_outlives_the_session_without_scripts(visit, hub, kept):
    prompt = hub.prompt("refused-session")
    window = visit("operator", scripts=False)
    page = window.go(prompt.page)
    page.get_by_label("Text of the prompt").fill("Call {{ company }}.\n\nSlowly.")
    ended(window)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("what you wrote is not saved")).to_be_visible()
    sign_in(page, "operator", "not the password at all")
    expect(page.get_by_text("what you wrote is not saved")).to_be_visible()
    sign_in(page, "operator", kept["password"])
    expect(page.get_by_role("heading", level=1)).to_have_text("What you wrote is not saved yet")
    expect(page.get_by_role("group", name="What you wrote")).to_contain_text("Slowly.")
    page.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_label("Text of the prompt")).to_have_value("Call {{ company }}.\n\nSlowly.")
    expect(page.get_by_text("It is not saved yet.")).to_be_visible()
    assert prompt.now()["content_md"] is None
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("The draft is saved.")
    assert prompt.now()["content_md"] == "Call {{ company }}.\n\nSlowly."


def test_coming_back_to_what_was_written_is_as_good_as_every_page(visit, hub, kept):
    prompt = hub.prompt("refused-resumed")
    window = visit("operator", width=360, dark=True)
    page = window.go(prompt.page)
    page.get_by_label("Text of the prompt").fill("Call {{ company }}.")
    ended(window)
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    for heading in ("Sign in", "What you wrote is not saved yet"):
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert window.violations() == []
        assert window.axe() == []
        if heading == "Sign in":
            sign_in(page, "operator", kept["password"])
    page.get_by_role("button", name="Go on with it").press("Enter")
    expect(page.get_by_label("Text of the prompt")).to_have_value("Call {{ company }}.")


def test_what_was_written_is_saved_after_signing_in_in_another_window(visit, hub, kept):
    prompt = hub.prompt("refused-window")
    window = visit("operator")
    page = window.go(prompt.page)
    ended(window)
    text = page.get_by_label("Text of the prompt")
    text.focus()
    page.keyboard.type("Mine. ")
    expect(page.locator("#draft-status")).to_contain_text("the session has ended")
    with page.expect_popup() as opened:
        page.get_by_role("alert").get_by_role("link", name="Sign in again").click()
    sign_in(opened.value, "operator", kept["password"])
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("refused-window")
    text.focus()
    page.keyboard.type("More. ")
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert "Mine. More. " in prompt.now()["content_md"]


def test_what_a_page_of_an_earlier_session_sends_is_not_lost(visit, hub, kept):
    prompt = hub.prompt("refused-stale")
    window = visit("operator", scripts=False)
    page = window.go(prompt.page)
    page.get_by_label("Text of the prompt").fill("Call {{ company }}, later.")
    ended(window)
    other = window.context.new_page()
    other.goto(f"{window.url}/login/")
    sign_in(other, "operator", kept["password"])
    other.wait_for_url(f"{window.url}/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What you wrote is not saved yet")
    expect(page.get_by_role("group", name="What you wrote")).to_contain_text("later.")
    assert prompt.now()["content_md"] is None
    page.get_by_role("button", name="Go on with it").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("The draft is saved.")
    assert prompt.now()["content_md"] == "Call {{ company }}, later."


def test_what_is_too_large_is_told_and_not_sent_again(visit, hub):
    window = visit("operator")
    window.page.clock.install()
    page = window.go(hub.prompt("refused-large").page)
    with page.expect_response(lambda answer: answer.status == 413):
        page.get_by_label("Text of the prompt").fill("x" * 1_100_000)
        page.clock.run_for(2_000)
    expect(page.get_by_role("alert")).to_contain_text("This is too large")
    expect(page.locator("#draft-status")).to_have_text(NOT_SAVED)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(20_000)
    assert asked == []


def test_what_was_done_is_said_when_the_page_has_come(visit, hub):
    page = visit("operator").go(hub.prompt("refused-told").page)
    page.get_by_label("Text of the prompt").fill("Short.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_title("The draft is saved. – Text · refused-told · PromptHub")
    expect(page.locator("#toasts > .ph-unseen")).to_have_text("The draft is saved.")


def test_the_keys_of_a_comparison_work_within_it_alone(visit, hub):
    prompt = hub.prompt("refused-keys")
    prompt.publish()
    hub.call("PATCH", f"/api/v1/instances/{prompt.key}", {"revision": 1, "content_md": "Other."})
    window = visit("operator")
    page = window.go(f"{prompt.page}diff/")
    here = page.locator("[data-place]")
    page.keyboard.press("n")
    expect(page.get_by_text("n and p work while the focus is in the comparison")).to_be_visible()
    expect(here).to_have_text("")
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("n")
    expect(here).to_contain_text("1 / ")
    expect(page.locator("#change-1")).to_be_focused()
    page.keyboard.press("p")
    expect(here).to_contain_text(" / ")
    assert window.axe() == []


def test_whoever_comes_back_from_signing_in_elsewhere_finds_it_saved(visit, hub, kept):
    prompt = hub.prompt("refused-back")
    window = visit("operator")
    page = window.go(prompt.page)
    ended(window)
    page.get_by_label("Text of the prompt").focus()
    page.keyboard.type("Mine. ")
    expect(page.locator("#draft-status")).to_contain_text("the session has ended")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    other = window.context.new_page()
    other.goto(f"{window.url}/login/")
    sign_in(other, "operator", kept["password"])
    other.wait_for_url(f"{window.url}/")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("The draft is saved.")
    assert "Mine. " in prompt.now()["content_md"]


def test_a_test_of_the_connection_keeps_the_focus(visit, hub):
    prompt = hub.prompt("refused-focus")
    key = prompt.placed("refused-focus-target", {"url": f"{hub.provider}/hook"}, {"name": prompt.name})
    page = visit("demo").go(f"/clients/acme/targets/{key}/")
    button = page.get_by_role("button", name="Test the connection")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#target-test")).to_contain_text("refused-focus")
    expect(button).to_be_focused()
    expect(page.locator("#target-test")).to_contain_text("not asked")
    expect(page.locator("#target-test")).not_to_contain_text("can be written")
