"""Every page of the portal in a real browser: light and dark, wide and on a phone, by keyboard, under the policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.urls import urlpatterns
from tests.e2e.pages import ADDRESSES, NO_PAGES, who

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1440, "height": 900}
FIRST_PAGE_BYTES = 300_000


def sideways(page):
    """Pixels by which the page is wider than its window, and what sticks out."""
    return page.evaluate("""() => {
      const wide = document.documentElement.clientWidth;
      const over = document.documentElement.scrollWidth - wide;
      if (over <= 0) return [];
      const out = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > wide + 1);
      return [over, ...out.slice(0, 5).map(e => e.tagName + '.' + e.className)];
    }""")


def test_no_page_is_left_out():
    shown = {name.partition(".")[0] for name in ADDRESSES} - {"problem"}
    answering = {
        entry.name for entry in urlpatterns if hasattr(entry.callback.view_class, "get") and entry.name not in NO_PAGES
    }
    assert shown == answering


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_is_accessible_fits_a_phone_and_keeps_the_policy(visit, places, name, record_property):
    window = visit(who(name), **DESK)
    page = window.go(ADDRESSES[name].format(**places))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert ("There is nothing here" in page.content()) == (name == "problem")
    stopped = window.violations()  # axe puts a style of its own into the page, which is stopped too
    found = {"policy": stopped, "light, wide": window.axe(), "wide": sideways(page)}
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    page.reload()  # Chromium keeps some colours of the other theme until a page is loaded anew
    found |= {"policy, dark": window.violations(), "dark, phone": window.axe(), "phone": sideways(page)}
    record_property("looks", 2)
    record_property("parts", 2 * page.locator("[id^='part-']").count())
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(("account", "path"), [("", "/login/"), ("operator", "/")])
def test_the_first_page_is_light(visit, account, path, record_property):
    window = visit(account)
    session = window.context.new_cdp_session(window.page)
    received = []
    session.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    session.send("Network.enable")
    window.page.goto(window.url + path, wait_until="networkidle")
    assert len(received) > 3
    record_property("bytes", sum(received))
    assert sum(received) < FIRST_PAGE_BYTES


def test_the_keyboard_skips_to_the_page(visit):
    page = visit("operator").go("/clients/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#main").get_by_role("link").first).to_be_focused()


def test_the_focus_stays_where_it_was_when_a_part_of_the_page_changes(visit, places):
    window = visit("operator")
    page = window.go(ADDRESSES["publish"].format(**places))
    link = page.locator("#show-rendered")
    expect(link).not_to_have_attribute("aria-current", "true")
    link.focus()
    page.keyboard.press("Enter")
    expect(link).to_have_attribute("aria-current", "true")
    expect(link).to_be_focused()
    assert "show=" not in page.url, "a part was changed, not the page"
    assert window.axe() == []


def test_the_menu_of_a_phone_opens_by_keyboard(visit):
    window = visit("operator", **PHONE)
    page = window.go("/")
    menu = page.get_by_role("button", name="Menu")
    menu.focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    assert window.axe() == []
