"""Markup that somebody stored never becomes a part of a page: it is read, not run."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MARKUP = """"><svg onload="alert('svg')"></svg><img src="x" onerror="alert('img')"><script>alert('it')</script>"""
FOREIGN = "svg[onload], img[onerror], script:not([src]), [onload], [onerror], iframe, object, embed, base"
PAGES = {
    "list": "/clients/acme/prompts/?q=markup",
    "text": "{page}",
    "variables": "{page}?tab=variables",
    "versions": "{page}?version=1",
    "difference": "{page}diff/?base=version:1&target=draft",
    "rendered difference": "{page}diff/?base=version:1&target=draft&level=rendered&view=split",
    "review": "{page}publish/",
    "publication": "{page}publications/1/",
    "suggestion": "{suggestion}",
    "activity": "{page}activity/",
    "deliveries": "/deliveries/",
    "audit": "/audit/",
    "search": "/search/?q=svg",
}


@pytest.fixture(scope="module")
def addresses(hub):
    """A prompt that holds markup wherever text may stand, published, given up and refined."""
    name = f"markup {MARKUP}"
    prompt = hub.prompt(name, text=f"{MARKUP} for {{{{ company }}}}, {{{{ tone }}}}\n", company=f"Acme {MARKUP}")
    prompt.goes_to("markup-target", refuses_first=True)
    prompt.publish(reason=MARKUP, wait=False)
    prompt.edit(company=f"Changed {MARKUP}")
    path = f"/api/v1/instances/{prompt.key}"
    asked = hub.post(f"{path}/suggestions", {"instruction": MARKUP, "revision": prompt.now()["revision"]})
    return {"page": prompt.page, "suggestion": f"{prompt.page}suggestions/{asked['id']}/"}


@pytest.mark.parametrize("name", PAGES)
def test_stored_markup_stays_text(visit, addresses, name):
    window = visit("operator")
    page = window.go(PAGES[name].format(**addresses))
    if name == "suggestion":
        expect(page.get_by_role("group", name="Change 1")).to_be_visible()
    told = page.evaluate(
        "[document.body.textContent, ...[...document.querySelectorAll('input')].map(e => e.value)].join()"
    )
    assert "onload=" in told, "the page shows what was stored"
    assert page.locator(FOREIGN).count() == 0
    assert window.violations() == []


def test_typed_markup_stays_text_in_the_live_preview(visit, addresses):
    window = visit("operator")
    page = window.go(addresses["page"])
    page.get_by_label("Text of the prompt").fill(f"Typed {MARKUP}")
    expect(page.get_by_role("region", name="As it would be sent")).to_contain_text('Typed "><svg onload')
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    assert page.locator(FOREIGN).count() == 0
    assert window.violations() == []
