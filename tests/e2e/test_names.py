"""Names that end no line: pages stay as wide as their window, and tables show all their columns."""

from __future__ import annotations

import pytest

NAMES = {
    "95": ("Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaftsvorstand" * 2)[:95],
    "45": "support_receptionist_english_acme_dental_9056"[:45],
}
WIDTHS = (360, 768, 1440)


def too_wide(page):
    """Pixels by which the page is wider than its window, then each table than its place."""
    return page.evaluate("""() => {
      const places = [document.documentElement, ...document.querySelectorAll('main .ph-table-scroll')];
      return places.map(place => place.scrollWidth - place.clientWidth).filter(over => over > 0);
    }""")


@pytest.fixture(scope="session", params=NAMES)
def addresses(request, hub):
    """Pages that show one name of a prompt, its template and its target."""
    name = NAMES[request.param]
    assert len(name) == int(request.param)
    prompt = hub.prompt(name)
    prompt.goes_to(name)
    prompt.publish()
    prompt.edit(tone="brisk")
    target = next(row["id"] for row in hub.get("/api/v1/clients/acme/targets")["results"] if row["name"] == name)
    own = ("", "diff/?base=version:1&target=draft", "publish/", "publications/1/", "activity/")
    acme = "/clients/acme/"
    return [prompt.page + page for page in own] + [
        f"{acme}prompts/?q={name}",
        f"{acme}prompts/publish/?prompt={prompt.key}",
        f"{acme}targets/{target}/",
        f"{acme}targets/{target}/credentials/",
        "/deliveries/",
        "/audit/",
        f"/search/?q={name}",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_name_widens_no_page(visit, addresses, width):
    window = visit("demo", width=width)
    found = {address: too_wide(window.go(address)) for address in addresses}
    assert {address: wide for address, wide in found.items() if wide} == {}
