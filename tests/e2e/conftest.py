"""A real browser before the product as ``make run`` starts it: demo world, embedded worker, loopback provider.

Run on their own (``make test ARGS="--only browser"``): the driver keeps an event loop in the test's thread, in which
Django would refuse its database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e import pages
from tests.e2e.hub import Hub
from tests.e2e.unkind import Unkind
from tests.fakes.n8n_server import N8nServer
from tests.fakes.retell_server import RetellServer
from tests.services.browser import chromium
from tests.services.process import free_port
from tests.services.product import Product

AXE = Axe()
# Pages of the portal say when their scripts are at work; others have none to wait for.
CONNECTED = "html[data-connected], html:not(:has(script[src*='portal/js/main']))"
expect.set_options(timeout=20_000)  # milliseconds: the machine may be busy with the other sides
# Run in every page before its own scripts.
COLLECT = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.violations.push(event.violatedDirective + ' ' + (event.blockedURI || event.sample));
});
"""


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill the portal's sign-in form and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="session")
def unkind() -> Iterator[Unkind]:
    """A provider that takes nothing and says so in markup."""
    with Unkind() as running:
        yield running


@pytest.fixture(scope="session")
def n8n() -> Iterator[N8nServer]:
    """A stand-in of n8n."""
    with N8nServer() as running:
        yield running


@pytest.fixture(scope="session")
def retell() -> Iterator[RetellServer]:
    """A stand-in of Retell."""
    with RetellServer() as running:
        yield running


@pytest.fixture(scope="session")
def product(
    tmp_path_factory: pytest.TempPathFactory, unkind: Unkind, n8n: N8nServer, retell: RetellServer
) -> Iterator[Product]:
    """The demo world, served. Tests share it: each makes what it changes."""
    provider = free_port()
    allowed = f"127.0.0.1:{provider},{unkind.address},{n8n.address},{retell.address}"
    folder = tmp_path_factory.mktemp("state")
    with Product(folder, provider=provider, PROMPTHUB_LLM="scripted", PROMPTHUB_EGRESS_ALLOW=allowed) as running:
        yield running


@pytest.fixture(scope="session")
def kept(product: Product) -> dict[str, str]:
    """What the demo world keeps: its password and its token."""
    found: dict[str, str] = json.loads((product.folder / "demo.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def hub(product: Product, kept: dict[str, str]) -> Hub:
    """The API of the same product."""
    return Hub(product.url, kept["token"], product.provider)


@pytest.fixture(scope="session")
def session_of(browser: Browser, product: Product, kept: dict[str, str]) -> Callable[[str], Any]:
    """A signed-in session by the name of its account, signed in once: ``operator`` works for Acme, ``demo`` may all."""
    known: dict[str, Any] = {}

    def find(name: str) -> Any:
        if name not in known:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{product.url}/login/")
            sign_in(page, name, kept["password"])
            page.wait_for_url(f"{product.url}/")
            known[name] = context.storage_state()
            context.close()
        return known[name]

    return find


@pytest.fixture(scope="session")
def places(browser: Browser, product: Product, hub: Hub, session_of: Callable[[str], Any]) -> dict[str, str]:
    """What the addresses of ``tests.e2e.pages`` are filled in with."""
    context = browser.new_context(storage_state=session_of("operator"))
    found = pages.places(hub, lambda path: context.request.get(product.url + path).text())
    context.close()
    return found


@dataclass
class Visitor:
    """One person's browser window; what the page did that it must not do is kept in ``wrong``."""

    url: str
    context: BrowserContext
    page: Page
    scripts: bool = True
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the product and wait for it, and for what its scripts do with it."""
        self.page.goto(self.url + path, wait_until="load")
        if self.scripts:
            self.page.locator(CONNECTED).wait_for(state="attached")
        return self.page

    def axe(self) -> list[str]:
        """Violations of accessibility rules on the present page, with the elements."""
        found: list[Any] = AXE.run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
            for rule in found
            for node in rule["nodes"]
        ]

    def violations(self) -> list[str]:
        """What the content security policy stopped on the present page."""
        stopped: list[str] = json.loads(self.page.evaluate("JSON.stringify(window.violations)"))
        return stopped


@pytest.fixture
def visit(browser: Browser, product: Product, session_of: Callable[[str], Any]) -> Iterator[Any]:
    """Opens windows: ``visit("operator", width=360, dark=True, scripts=False)``; fails when its pages misbehaved."""
    opened: list[Visitor] = []

    def open_window(
        who: str = "", *, width: int = 1440, height: int = 900, dark: bool = False, scripts: bool = True
    ) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            storage_state=session_of(who) if who else None,
        )
        page = context.new_page()
        visitor = Visitor(product.url, context, page, scripts)
        if scripts:
            page.add_init_script(COLLECT)
        page.on("dialog", lambda dialog: (visitor.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: visitor.wrong.append(f"script: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((product.url, "data:", "about:", "blob:"))
                else visitor.wrong.append(f"another host: {request.url}")
            ),
        )
        page.on(
            "response",
            lambda answer: visitor.wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 500 else None,
        )
        opened.append(visitor)
        return visitor

    yield open_window
    wrong = [line for visitor in opened for line in visitor.wrong]
    for visitor in opened:
        visitor.context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: ``build/shots``, which no commit takes."""
    folder = Path(__file__).resolve().parents[2] / "build" / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
