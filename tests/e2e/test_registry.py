"""A release's way in a real browser: cut, proposed, approved by another, rolled back; and two who move at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.e2e.hub import Hub

HERE = "/projects/local/bundles/"


@dataclass(frozen=True)
class Shelf:
    """A bundle of its own, made by the API; ``page`` is its address in the portal."""

    hub: Hub
    slug: str

    @property
    def page(self) -> str:
        return f"{HERE}{self.slug}/"

    @property
    def _api(self) -> str:
        return f"/api/v1/projects/local/bundles/{self.slug}"

    def write(self, text: str, version: str) -> None:
        """A sealed text, the next release's prompt ``greeting``."""
        name = f"{self.slug}-greeting"
        self.hub.post("/prompt/templates", {"name": name, "version": version, "content_md": text})
        revision = self.hub.get(self._api)["revision"]
        self.hub.call("PUT", f"{self._api}/members/greeting", {"revision": revision, "template": name})

    def cut(self, version: str) -> None:
        """Cut it."""
        self.hub.post(f"{self._api}/releases", {"version": version})

    def channel(self, name: str, policy: str = "live") -> None:
        """A channel that points nowhere yet."""
        self.hub.post(f"{self._api}/channels", {"name": name, "policy": policy})

    def now(self, name: str) -> str:
        """The version that a channel gives."""
        found: str = self.hub.get(f"{self._api}/channels/{name}")["release"]["version"]
        return found


@pytest.fixture
def shelf(hub: Hub):
    """Makes a bundle with the release 1.0.0."""

    def make(slug: str) -> Shelf:
        hub.post("/api/v1/projects/local/bundles", {"slug": slug, "title": f"Story of {slug}"})
        made = Shelf(hub, slug)
        made.write("Be kind.\n", "1")
        made.cut("1.0.0")
        return made

    return make


def message(page, text):
    """What the page shows of what was just done; readers are told the same a moment later."""
    return page.locator("#toasts > .ph-message", has_text=text)


def cut_in_the_browser(page, version):
    page.get_by_role("link", name="Next release").click()
    expect(page.get_by_label("Version")).to_have_value(version)
    expect(page.get_by_text("The text of this prompt changed.")).to_be_visible()
    page.get_by_label("What changed, and why").fill("Kinder")
    page.get_by_role("button", name="Cut this release for ever").click()
    expect(message(page, f"Release {version} is cut.")).to_be_visible()


def propose(page, version, reason):
    page.get_by_label("Release").select_option(version)
    page.get_by_role("button", name="Propose …").click()
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name=f"Propose {version}").click()
    expect(message(page, "Proposed. Somebody else has to approve it.")).to_be_visible()


def approve(window, path):
    page = window.go(path)
    expect(page.get_by_role("heading", name="What callers get differently")).to_be_visible()
    page.get_by_label("Comment").fill("Reads well")
    page.get_by_role("button", name="Approve: goes live now").click()
    expect(message(page, "Approved: the channel was moved.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_release_is_cut_proposed_approved_by_another_and_rolled_back(visit, shelf, kept, scripts):
    story = shelf(f"story-{scripts}".lower())
    story.channel("stable", "review")
    story.write("Be very kind.\n", "2")
    author, reviewer = visit("operator", scripts=scripts), visit("demo", scripts=scripts)
    page = author.go(story.page)
    cut_in_the_browser(page, "1.0.1")
    channel = f"{story.page}channels/stable/"
    for version in ("1.0.0", "1.0.1"):
        propose(author.go(channel), version, f"Time for {version}")
        expect(page.get_by_text("Nobody approves their own proposal")).to_be_visible()
        waiting = page.url.removeprefix(author.url)
        assert author.axe() == [] if scripts else True
        approve(reviewer, waiting)
        assert story.now("stable") == version
    page = author.go(channel)
    expect(page.get_by_text("1.0.0 → 1.0.1")).to_be_visible()
    page.get_by_role("link", name="Roll back to 1.0.0").click()
    expect(page.locator("del").first).to_contain_text("very")
    page.get_by_role("button", name="Propose 1.0.0").click()
    approve(reviewer, page.url.removeprefix(author.url))
    assert story.now("stable") == "1.0.0"
    if scripts:
        assert author.violations() == []
        assert reviewer.violations() == []


def test_a_live_channel_goes_back_with_one_button_after_the_reverse_difference(visit, shelf):
    story = shelf("story-live")
    story.channel("live")
    story.write("Be brisk.\n", "2")
    story.cut("1.0.1")
    window = visit("operator")
    for version in ("1.0.0", "1.0.1"):
        page = window.go(f"{story.page}channels/live/")
        page.get_by_label("Release").select_option(version)
        page.get_by_role("button", name="Move it there …").click()
        page.get_by_role("button", name=f"Move it to {version}: goes live").click()
        expect(message(page, f"live gives {version} now.")).to_be_visible()
    page.get_by_role("link", name="Roll back to 1.0.0").click()
    expect(page.locator("ins")).to_contain_text("kind")
    page.get_by_role("button", name="Roll back to 1.0.0: goes live now").click()
    expect(message(page, "live gives 1.0.0 now.")).to_be_visible()
    assert story.now("live") == "1.0.0"
    assert window.violations() == []


def test_of_two_who_move_a_channel_at_once_the_slower_one_is_told_and_decides(visit, shelf):
    story = shelf("story-two")
    story.channel("live")
    for version in ("2", "3"):
        story.write(f"Be kind, {version} times.\n", version)
        story.cut(f"1.0.{int(version) - 1}")
    mine, theirs = visit("operator"), visit("demo")
    move = f"{story.page}channels/live/move/?to="
    page = mine.go(f"{move}1.0.1")
    other = theirs.go(f"{move}1.0.2")
    other.get_by_role("button", name="Move it to 1.0.2: goes live").click()
    expect(message(other, "live gives 1.0.2 now.")).to_be_visible()
    page.get_by_role("button", name="Move it to 1.0.1: goes live").click()
    told = page.get_by_text(re.compile(r"demo moved the channel to 1\.0\.2 on .*, while you were looking"))
    expect(told).to_be_visible()
    assert mine.axe() == []
    assert story.now("live") == "1.0.2"
    expect(page.get_by_role("heading", name="What callers get differently: 1.0.2 → 1.0.1")).to_be_visible()
    page.get_by_role("button", name="Move it to 1.0.1: goes live").click()
    expect(message(page, "live gives 1.0.1 now.")).to_be_visible()
    assert story.now("live") == "1.0.1"


def test_a_draft_that_two_change_keeps_what_the_slower_one_typed(visit, shelf):
    story = shelf("story-draft")
    mine, theirs = visit("operator"), visit("demo")
    page, other = mine.go(story.page), theirs.go(story.page)
    other.get_by_role("textbox", name="Title").fill("Their title")
    other.get_by_role("button", name="Save title and description").click()
    expect(other.get_by_role("heading", level=1)).to_contain_text("Their title")
    page.get_by_role("textbox", name="Title").fill("My title")
    page.get_by_role("button", name="Save title and description").click()
    expect(page.get_by_role("alert")).to_contain_text("The bundle was changed meanwhile.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Their title")
    expect(page.get_by_role("textbox", name="Title")).to_have_value("My title")
    page.get_by_role("button", name="Save title and description").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("My title")
