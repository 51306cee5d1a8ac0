"""What an administrator sets up in the browser: provider accounts of n8n and Retell, and whether a model is asked."""

from __future__ import annotations

import re
import urllib.error

import pytest
from playwright.sync_api import expect

from tests.fakes.n8n_nodes import AGENT, assistant, message
from tests.fakes.n8n_server import FULL_KEY
from tests.fakes.retell_server import KEY

NEW = "/clients/acme/targets/new/"


def filled(page, fields):
    for label, words in fields.items():
        # What is needed has a star behind its label.
        page.get_by_label(re.compile(rf"^{label.replace('_', ' ')}( \*)?$")).fill(words)


def made(page, **fields):
    """Fill the form of a new target and send it."""
    filled(page, fields)
    page.get_by_role("button", name="Make the target").click()
    expect(page.locator("#toasts")).to_contain_text("The target is there.")


def placed(page, prompt, **fields):
    """Give the target of the page a prompt."""
    page.get_by_role("link", name="Place a prompt").click()
    page.get_by_role("combobox", name="Prompt").select_option(label=prompt.name)
    filled(page, fields)
    page.get_by_role("button", name="Place it").click()
    expect(page.locator("#toasts")).to_contain_text("The prompt has its place.")


def answered(page):
    page.get_by_role("button", name="Test the connection").click()
    return page.locator("#target-test")


def published(window, prompt):
    page = window.go(f"{prompt.page}publish/")
    page.get_by_role("button", name="Publish version 1: goes live now").click()
    return page


def test_a_prompt_goes_to_a_node_of_n8n(visit, hub, n8n):
    prompt, flow = hub.prompt("operating-n8n"), n8n.add(assistant(path="operating"))
    window = visit("demo")
    page = window.go(f"{NEW}?adapter=n8n")
    made(page, Name="n8n of ours", Address=n8n.base_url, API_key=FULL_KEY)
    placed(page, prompt, Workflow_id=flow.id, Node_id=AGENT, Path_of_the_parameter="options.systemMessage")
    expect(answered(page)).to_contain_text("can be written")
    assert window.axe() == []
    page = published(window, prompt)
    expect(page.locator("#outcome")).to_contain_text("1 of 1 place has it.")
    assert message(flow.nodes).startswith("# Help desk of Acme")
    assert FULL_KEY not in page.content()
    assert window.violations() == []


def test_a_node_that_is_not_there_is_told_where_it_is_looked_for(visit, hub, n8n):
    prompt, flow = hub.prompt("operating-lost"), n8n.add(assistant(path="operating-lost"))
    window = visit("demo")
    page = window.go(f"{NEW}?adapter=n8n")
    made(page, Name="n8n without a node", Address=n8n.base_url, API_key=FULL_KEY)
    placed(page, prompt, Workflow_id=flow.id, Node_id="no-such-node", Path_of_the_parameter="options.systemMessage")
    expect(answered(page)).to_contain_text("the workflow has no node with this id")
    page = published(window, prompt)
    expect(page.get_by_role("alert")).to_contain_text("A target's contract does not allow this text there.")
    expect(page.get_by_role("listitem").filter(has_text="n8n without a node")).to_contain_text(
        "the workflow has no node with this id"
    )
    assert prompt.now()["active_version"] is None
    assert window.axe() == []


def test_a_prompt_goes_to_an_agent_of_retell(visit, hub, retell):
    prompt, line = hub.prompt("operating-retell"), retell.add(general_prompt="You help.", begin_message="Hello?")
    window = visit("demo")
    page = window.go(f"{NEW}?adapter=retell")
    made(page, Name="Retell of ours", Address=retell.base_url, API_key=KEY)
    placed(page, prompt, Agent_id=line.agent_id, Field="general_prompt")
    expect(answered(page)).to_contain_text("can be written")
    page = published(window, prompt)
    expect(page.locator("#outcome")).to_contain_text("1 of 1 place has it.")
    assert retell.live(line)["general_prompt"].startswith("# Help desk of Acme")
    assert KEY not in page.content()
    assert window.violations() == []
    assert window.axe() == []


def test_one_of_two_targets_that_fails_is_seen_and_replayed(visit, hub):
    prompt = hub.prompt("operating-part")
    prompt.goes_to("part-well")
    prompt.goes_to("part-broken", refuses_first=True)
    window = visit("demo")
    page = published(window, prompt)
    expect(page.locator("#outcome")).to_contain_text("Published in part: 1 of 2 places have it.")
    broken = page.locator(".ph-goal").filter(has_text="part-broken")
    expect(broken).to_contain_text("given up")
    expect(broken).to_contain_text("scripted to fail")
    page.get_by_role("button", name="Replay part-broken").click()
    expect(page.locator("#outcome")).to_contain_text("2 of 2 places have it.")
    assert window.axe() == []


@pytest.fixture
def switched_off(visit, hub):
    """Refining switched off for Borealis, by the page."""
    window = visit("demo")

    def switch(on):
        page = window.go("/clients/borealis/settings/")
        page.get_by_role("checkbox").set_checked(on)
        page.get_by_role("button", name="Save").click()
        return page

    page = switch(on=False)
    expect(page.locator("#toasts")).to_contain_text("No model is asked any more.")
    yield window
    switch(on=True)


def test_what_is_switched_off_for_a_client_is_not_drawn_and_the_api_refuses(switched_off, hub):
    [row] = [one for one in hub.get("/api/v1/instances?client=borealis")["results"] if one["name"].endswith("desk")]
    where = f"/clients/borealis/prompts/{row['instanceId']}/"
    page = switched_off.go(where)
    expect(page.get_by_role("link", name="Review and publish")).to_be_visible()
    expect(page.get_by_role("link", name="Refine")).to_have_count(0)
    page = switched_off.go(f"{where}refine/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This is switched off")
    with pytest.raises(urllib.error.HTTPError) as refused:
        hub.post(f"/api/v1/instances/{row['instanceId']}/suggestions", {"instruction": "Shorter.", "revision": 1})
    assert (refused.value.code, b"403.feature_off" in refused.value.read()) == (403, True)
