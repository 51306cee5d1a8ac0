"""Markup that somebody stored never becomes a part of a page: it is read, not run. Nor does what an address holds."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import sign_in

MARKUP = (
    """"><svg onload="alert('svg')"></svg><img src="x" onerror="alert('img')"><script>alert('it')</script>"""
    """<i hx-get="/markup/" hx-trigger="load"></i>"""
)
SHORT = """"><img src=x onerror="alert('it')"><i hx-get=/markup/ hx-trigger=load>"""
FOREIGN = (
    "svg[onload], img[onerror], script:not([src]), [onload], [onerror], [hx-get='/markup/'], iframe, object, embed, "
    "base, a[href^='javascript' i], form[action^='javascript' i]"
)
ASKS = {
    "type": "object",
    "required": ["company"],
    "properties": {
        "company": {"type": "string", "title": f"Company {SHORT}", "description": MARKUP},
        "tone": {"type": "string", "enum": ["warm", SHORT], "default": "warm"},
        "notes": {"type": "object", "description": SHORT},
        "key": {"type": "string", "x-secret": True, "title": SHORT},
    },
}
TALK = [{"role": "system", "content": f"Be kind. {MARKUP}"}, {"role": "user", "name": "a", "content": SHORT}]
BESIDE = """
from datetime import timedelta
from django.utils.timezone import now
from foundation.actors import system
from publishing import drift
from publishing.models import Placement
from tenancy import clients
clients.create(slug="markup", name={name!r}, by=system(), at=now())
placement = Placement.objects.get(instance_id={key!r}, target__name={target!r})
assert drift.check(placement=placement, by=system(), at=now(), quiet=timedelta(0)) is not None
"""
PAGES = {
    "list": "/clients/acme/prompts/?q=markup",
    "clients": "/clients/",
    "prompts of a client": "/clients/markup/prompts/",
    "text": "{page}",
    "variables": "{page}?tab=variables",
    "variables as JSON": "{page}?tab=variables&as=json",
    "versions": "{page}?version=1",
    "difference": "{page}diff/?base=version:1&target=draft",
    "rendered difference": "{page}diff/?base=version:1&target=draft&level=rendered&view=split",
    "difference from what runs": "{page}diff/?base=confirmed:{place}&target=draft&level=rendered&view=unified",
    "difference of a conversation": "{chat}diff/?base=template&target=draft",
    "difference of a conversation, split": "{chat}diff/?base=template&target=draft&view=split",
    "conversation": "{chat}",
    "review": "{page}publish/",
    "review, asked": "{page}publish/?check=1",
    "publication": "{page}publications/1/",
    "rollback": "{page}rollback/{version}/",
    "archive": "{page}archive/",
    "suggestion": "{suggestion}",
    "refine": "{page}refine/",
    "activity": "{page}activity/",
    "deliveries": "/deliveries/",
    "delivery answered by a page": "/deliveries/{html}/",
    "delivery answered by a message": "/deliveries/{json}/",
    "drifts": "/drifts/",
    "drift": "/drifts/{drift}/",
    "targets": "/clients/acme/targets/",
    "target": "/clients/acme/targets/{target}/",
    "credentials": "/clients/acme/targets/{target}/credentials/",
    "place": "/clients/acme/targets/{target}/place/",
    "audit": "/audit/",
    "search": "/search/?q=svg",
    "search by text": "/search/?q=onerror",
}
REFLECTED = {
    "search": "/search/?q={}",
    "list": "/clients/acme/prompts/?q={}&status={}&sort={}&page={}",
    "template": "/clients/acme/prompts/new/?q={}",
    "deliveries": "/deliveries/?state={}&client={}&target={}&instance={}",
    "audit": "/audit/?actor={}&action={}&client={}&subject={}&correlation_id={}&since={}&until={}",
    "activity": "{page}activity/?actor={}&action={}&correlation_id={}&since={}",
    "difference": "{page}diff/?base={}&target={}&level={}&view={}",
    "tab": "{page}?tab={}&as={}",
    "version": "{page}?version={}",
    "place": "/clients/acme/targets/{target}/place/?prompt={}",
    "adapter": "/clients/acme/targets/new/?adapter={}",
    "nowhere": "/clients/{}/prompts/",
    "sign in": "/login/?next={}",
}


@pytest.fixture(scope="module")
def addresses(hub, product, unkind):
    """A prompt that holds markup wherever text may stand: published, refused in markup, edited there, and refined."""
    prompt = hub.prompt(
        f"markup {MARKUP}",
        text=f"{MARKUP} for {{{{ company }}}}, {{{{ tone }}}}\n",
        asks=ASKS,
        company=f"Acme {MARKUP}",
    )
    targets = {}
    for how in ("html", "json"):
        targets[how] = prompt.placed(f"{how} {SHORT}", {"url": f"{unkind.base_url}/{how}"}, {})
    running = f"runs {SHORT}"
    prompt.goes_to(running)
    with pytest.raises(HTTPError, match="502"):  # two of three refuse it
        prompt.publish(reason=MARKUP)
    prompt.edited_there(f"Edited there: {MARKUP}\n")
    beside = BESIDE.format(key=prompt.key, target=running, name=f"Client {MARKUP}")
    product.run("shell", "--no-imports", "--command", beside)
    prompt.edit(company=f"Changed {MARKUP}", notes={SHORT: MARKUP})
    path = f"/api/v1/instances/{prompt.key}"
    asked = hub.post(f"{path}/suggestions", {"instruction": MARKUP, "revision": prompt.now()["revision"]})
    chat = hub.chat(f"talk {SHORT}", before=TALK, after=[*TALK[:1], {"role": "assistant", "content": MARKUP}])
    deliveries = hub.get(f"/api/v1/deliveries?instance={prompt.key}")["results"]
    sent = {row["target"]["id"]: row["id"] for row in deliveries}
    [drift] = [row for row in hub.get("/api/v1/drifts")["results"] if row["instance_id"] == prompt.key]
    return {
        "page": prompt.page,
        "chat": chat.page,
        "version": hub.get(f"{path}/versions")["results"][0]["versionId"],
        "suggestion": f"{prompt.page}suggestions/{asked['id']}/",
        "target": targets["html"],
        "html": sent[targets["html"]],
        "json": sent[targets["json"]],
        "drift": drift["id"],
        "place": drift["placement_id"],
    }


def shown(page):
    """All the text of a page, that in its fields, and that a pointer over it brings up."""
    return page.evaluate("""() => [
      document.body.textContent,
      ...[...document.querySelectorAll('input, textarea, option')].map(e => e.value),
      ...[...document.querySelectorAll('[title], [placeholder], [aria-label]')].map(
        e => e.title + e.getAttribute('placeholder') + e.ariaLabel),
    ].join()""")


def test_the_markup_would_be_seen(visit):
    page = visit("").go("/login/")
    count = "([html, foreign]) => new DOMParser().parseFromString(html, 'text/html').querySelectorAll(foreign).length"
    assert [page.evaluate(count, [html, FOREIGN]) for html in (MARKUP, f'<p title="{SHORT}">', "<p>")] == [4, 2, 0]


def test_stored_markup_stays_text(visit, addresses, record_property):
    window, wrong = visit("demo"), {}
    for name, path in PAGES.items():
        page = window.go(path.format(**addresses))
        if name == "suggestion":
            expect(page.get_by_role("group", name="Change 1")).to_be_visible()
        nodes, stopped = page.locator(FOREIGN).count(), window.violations()
        if nodes or stopped or "onerror=" not in shown(page):  # the page shows what was stored
            wrong[name] = nodes, stopped
    record_property("pages", len(PAGES))
    assert wrong == {}


def test_markup_in_an_address_stays_text(visit, addresses, record_property):
    window, stranger, wrong = visit("demo"), visit(""), {}
    for name, path in REFLECTED.items():
        visitor = stranger if name == "sign in" else window
        page = visitor.go(path.replace("{}", quote(MARKUP, safe="")).format(**addresses))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        nodes, stopped = page.locator(FOREIGN).count(), visitor.violations()
        if nodes or stopped:
            wrong[name] = nodes, stopped
    record_property("pages", len(REFLECTED))
    assert wrong == {}


def test_typed_markup_stays_text_in_the_live_preview(visit, addresses):
    window = visit("operator")
    page = window.go(addresses["page"])
    page.get_by_label("Text of the prompt").fill(f"Typed {MARKUP}")
    expect(page.get_by_role("region", name="As it would be sent")).to_contain_text('Typed "><svg onload')
    expect(page.locator("#draft-status")).to_contain_text("Saved")
    assert page.evaluate("[htmx.config.allowEval, htmx.config.selfRequestsOnly]") == [False, True]
    assert page.locator(FOREIGN).count() == 0
    assert window.violations() == []


def test_markup_stays_text_beside_what_is_wrong_and_in_what_is_told(visit, hub):
    window = visit("demo")
    page = window.go("/clients/acme/targets/new/?adapter=webhook")
    page.get_by_label("Name").fill(SHORT)
    page.get_by_label("Address to post to").fill(MARKUP)
    page.get_by_role("button", name="Make the target").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert "onerror=" in shown(page)
    assert page.locator(FOREIGN).count() == 0
    page = window.go(f"{hub.prompt(f'gone {SHORT}').page}archive/")
    page.get_by_role("button", name="Archive it").click()
    expect(page.locator("#toasts")).to_contain_text("onerror=")
    assert page.locator(FOREIGN).count() == 0
    assert window.violations() == []


def test_a_page_of_another_site_can_neither_draw_the_portal_in_a_frame_nor_send_its_forms(visit, product):
    window = visit("operator")
    page = window.go("/clients/")
    page.goto("about:blank")
    page.set_content(f'<iframe src="{product.url}/clients/"></iframe>')
    expect(page.locator("iframe")).to_be_attached()
    page.wait_for_function("() => document.querySelector('iframe').contentDocument === null")
    assert "Clients" not in "".join(frame.content() for frame in page.frames[1:])
    page.set_content(f'<form method="post" action="{product.url}/logout/"><button>Go</button></form>')
    page.get_by_role("button", name="Go").click()
    page.wait_for_url(f"{product.url}/logout/")
    assert window.go("/clients/").url == f"{product.url}/clients/", "still signed in"


def test_signing_in_makes_a_new_session_and_leads_nowhere_else(visit, product, kept):
    window = visit()
    planted = {"name": "sessionid", "value": "planted00planted00planted00plant", "url": product.url}
    window.context.add_cookies([planted])
    page = window.go(f"/login/?{urlencode({'next': 'https://elsewhere.example/'})}")
    sign_in(page, "operator", kept["password"])
    page.wait_for_url(f"{product.url}/")
    [session] = [one for one in window.context.cookies() if one["name"] == "sessionid"]
    assert session["value"] != planted["value"]
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
