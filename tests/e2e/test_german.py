"""The portal in German in a real browser: chosen by a plain form, and its longer words stay in their places."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.pages import ADDRESSES, who
from tests.e2e.test_pages import sideways

CUT_OFF = """() => [...document.querySelectorAll('.ph-badge, .ph-button, .ph-tabs a, h1, h2')].filter(element => {
  const frame = element.closest('.ph-table-scroll, .ph-panel, main, header');
  const scrolls = innerWidth > 500 && getComputedStyle(frame ?? element).overflowX === 'auto';
  return frame && !scrolls && element.getClientRects().length
    && element.getBoundingClientRect().right > frame.getBoundingClientRect().right + 1;
}).map(element => element.className + ': ' + element.textContent.trim().slice(0, 60))"""


def test_the_language_is_chosen_without_scripts_and_kept(visit):
    window = visit("operator", scripts=False)
    page = window.go("/clients/")
    page.get_by_role("button", name="Deutsch").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Kunden")
    assert page.url == f"{window.url}/clients/"
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(window.go("/glossary/").get_by_role("heading", level=1)).to_have_text("Glossar")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glossary")


def test_every_page_has_room_for_its_german_words(visit, places):
    wrong, windows = {}, {}
    for name, template in ADDRESSES.items():
        if who(name) not in windows:
            windows[who(name)] = visit(who(name))
            windows[who(name)].context.set_extra_http_headers({"Accept-Language": "de"})
        window = windows[who(name)]
        page = window.go(template.format(**places))
        expect(page.locator("html")).to_have_attribute("lang", "de")
        for width in (360, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if found := [*sideways(page), *page.evaluate(CUT_OFF)]:
                wrong[f"{name}, {width}"] = found
    assert "\n".join(f"{where}: {found}" for where, found in wrong.items()) == ""


def test_german_pages_are_accessible(visit, places):
    window = visit("operator")
    window.context.set_extra_http_headers({"Accept-Language": "de"})
    found = {}
    for name in ("dashboard", "prompt", "publish", "suggestion", "problem"):
        window.go(ADDRESSES[name].format(**places))
        found[name] = window.axe()
    assert {name: rules for name, rules in found.items() if rules} == {}
