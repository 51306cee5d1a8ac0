"""The staff's site in a browser: it can be entered, and nothing on its pages runs against the security policy."""

from __future__ import annotations

import re

import pytest


def sign_in(page, product):
    name, password = re.search(r"Sign in at /admin/ as (\S+) with the password (\S+)", product.welcome).groups()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_staff_signs_in_and_looks_around_under_the_policy(visit, product, dark):
    window = visit(dark=dark)
    sign_in(window.go("/admin/"), product)
    stopped = {"": window.violations()}
    addresses = window.page.locator("nav a[href^='/admin/']").evaluate_all("links => links.map(a => a.pathname)")
    assert len(addresses) > 10
    for address in sorted(set(addresses)):
        window.go(address)
        stopped[address] = window.violations()
    assert {address: found for address, found in stopped.items() if found} == {}


def test_texts_and_digests_fit_a_phone(visit, product, places):
    window = visit(width=360)
    sign_in(window.go("/admin/"), product)
    addresses = [
        f"prompthub_publishing/drift/{places['drift']}",
        f"prompthub_publishing/delivery/{places['delivery']}",
        f"prompthub_instances/instanceversion/{places['version']}",
    ]
    wide = {}
    for address in addresses:
        page = window.go(f"/admin/{address}/change/")
        page.locator(".readonly").first.wait_for()
        wide[address] = page.evaluate("document.documentElement.scrollWidth")
    assert {address: width for address, width in wide.items() if width > 360} == {}
