"""``make shots``: pictures of every page in ``build/shots``, wide, on a tablet and on a phone, light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import ADDRESSES, who

WIDTHS = {"wide": 1440, "tablet": 768, "phone": 360}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_has_its_pictures(visit, places, pictures, name):
    window = visit(who(name))
    page = window.go(ADDRESSES[name].format(**places))
    if name == "suggestion":
        expect(page.get_by_role("button", name="Accept all")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for look, width in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 900})
            page.reload()  # else some parts are drawn as they were at the width before
            shot = pictures / f"{name}.{look}.{theme}.png"
            page.screenshot(path=shot, full_page=True, animations="disabled")
            assert shot.stat().st_size > 5_000
