"""Every page of the portal as the demo world shows it, by a name; ``ADDRESSES`` are templates for :func:`places`.

A route that answers GET with a page and is not here fails ``test_no_page_is_left_out``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.e2e.hub import Hub

CLIENT = "/clients/acme/"
PROMPT = f"{CLIENT}prompts/{{prompt}}/"
TARGET = f"{CLIENT}targets/{{target}}/"

PROJECT = "/projects/local/"
BUNDLE = f"{PROJECT}bundles/"

NO_PAGES = {"logout", "patch", "publish_checks", "activity_csv", "activity_json", "audit_csv", "audit_json"}
NO_PAGES |= {"release_compare_chosen"}
"""Routes that answer with a file, a fragment or a redirect."""

ADDRESSES = {
    "login": "/login/",
    "dashboard": "/",
    "clients": "/clients/",
    "prompts": f"{CLIENT}prompts/",
    "prompts.filtered": f"{CLIENT}prompts/?q=nothing+like+this",
    "prompt_new": f"{CLIENT}prompts/new/",
    "prompt_new.form": f"{CLIENT}prompts/new/?template={{template}}",
    "bulk_publish": f"{CLIENT}prompts/publish/?prompt={{prompt}}",
    "bulk_archive": f"{CLIENT}prompts/archive/?prompt={{prompt}}",
    "prompt": PROMPT,
    "prompt.chat": "/clients/borealis/prompts/{chat}/",
    "prompt.chat_json": "/clients/borealis/prompts/{chat}/?as=json",
    "prompt.variables": f"{PROMPT}?tab=variables",
    "prompt.json": f"{PROMPT}?tab=variables&as=json",
    "prompt.versions": f"{PROMPT}?tab=versions",
    "prompt.version": f"{PROMPT}?version=1",
    "compare": f"{PROMPT}diff/?base=version:1&target=draft",
    "compare.split": f"{PROMPT}diff/?base=version:1&target=draft&level=rendered&view=split",
    "compare.chat": "/clients/borealis/prompts/{chat}/diff/?base=template&target=draft",
    "publish": f"{PROMPT}publish/",
    "publication": f"{PROMPT}publications/2/",
    "rollback": f"{PROMPT}rollback/{{version}}/",
    "move": f"{PROMPT}template/?to={{older}}",
    "archive": f"{PROMPT}archive/",
    "refine": f"{PROMPT}refine/",
    "suggestion": f"{PROMPT}suggestions/{{suggestion}}/",
    "activity": f"{PROMPT}activity/",
    "activity_change": f"{PROMPT}activity/{{event}}/",
    "client_settings": f"{CLIENT}settings/",
    "targets": f"{CLIENT}targets/",
    "target_new": f"{CLIENT}targets/new/",
    "target_new.form": f"{CLIENT}targets/new/?adapter=webhook",
    "target": TARGET,
    "target_credentials": f"{TARGET}credentials/",
    "target_place": f"{TARGET}place/",
    "why": f"{CLIENT}why/?name=acme-front-desk",
    "why.address": f"{CLIENT}why/?address=@local/support@stable/first-answer&key=a",
    "why.nothing": f"{CLIENT}why/?address=@local/support@stable/nothing",
    "projects": "/projects/",
    "project": PROJECT,
    "bundle_new": f"{PROJECT}new-bundle/",
    "templates": f"{PROJECT}templates/",
    "template": f"{PROJECT}templates/{{line}}/?version=2",
    "bundle": f"{BUNDLE}support/",
    "bundle_preview": f"{BUNDLE}support/preview/?prompt=first-answer",
    "cut": f"{BUNDLE}support/cut/",
    "cut.conflict": f"{BUNDLE}campaign/cut/",
    "releases": f"{BUNDLE}support/releases/",
    "release": f"{BUNDLE}coach/releases/1.1.0/",
    "release_prompt": f"{BUNDLE}support/releases/1.0.0/prompt/?name=first-answer",
    "release_retire": f"{BUNDLE}support/releases/1.0.0/retire/",
    "release_yank": f"{BUNDLE}support/releases/1.0.0/yank/",
    "release_revert": f"{BUNDLE}support/releases/2.0.0/revert/",
    "release_compare": f"{BUNDLE}support/compare/1.0.0..2.0.0/",
    "release_compare.split": f"{BUNDLE}onboarding/compare/1.0.0..1.1.0/?view=split",
    "dependants": f"{BUNDLE}support/used-by/",
    "channels": f"{BUNDLE}onboarding/channels/",
    "channel": f"{BUNDLE}support/channels/stable/",
    "channel.rollout": f"{BUNDLE}onboarding/channels/beta/",
    "channel.review": f"{BUNDLE}onboarding/channels/stable/",
    "channel.locked": f"{BUNDLE}support/channels/production/",
    "channel_move": f"{BUNDLE}support/channels/stable/move/?to=2.0.0",
    "channel_rollback": f"{BUNDLE}coach/channels/active/rollback/",
    "pack_activate": f"{BUNDLE}coach/activate/?to=1.0.0&environment=trial",
    "packs": "/packs/",
    "reviews": "/reviews/",
    "reviews.mine": "/reviews/?state=mine",
    "review": "/reviews/{review}/",
    "review_change": "/reviews/{review}/change/",
    "deliveries": "/deliveries/",
    "delivery": "/deliveries/{delivery}/",
    "drifts": "/drifts/",
    "drift": "/drifts/{drift}/",
    "audit": "/audit/",
    "search": "/search/?q=phone",
    "settings": "/settings/",
    "glossary": "/glossary/",
    "components": "/-/components/",
    "problem": f"{CLIENT}prompts/00000000-0000-0000-0000-000000000000/",
}
ANONYMOUS = {"login"}
ADMINISTRATORS = {
    "move",
    "prompt.chat",
    "prompt.chat_json",
    "compare.chat",
    "client_settings",
    "target_new",
    "target_new.form",
    "target",
    "target_credentials",
    "target_place",
    "deliveries",
    "delivery",
    "release_retire",
    "release_yank",
    "release_revert",
    "reviews",
    "channel.locked",
}
"""Looked at by an administrator of both clients; the others by somebody who works for one."""


def who(name: str) -> str:
    """The account that looks at a page; empty: nobody."""
    if name in ANONYMOUS:
        return ""
    return "demo" if name in ADMINISTRATORS else "operator"


def places(hub: Hub, read: Callable[[str], str]) -> dict[str, str]:
    """The demo world's keys, after an edit and a question to the model so that there is something to compare.

    ``read`` gives a page's HTML, as the operator sees it.
    """

    def newest(path: str, **wanted: str) -> Any:
        rows = hub.get(path)["results"]
        return next(row for row in rows if all(row[field] == value for field, value in wanted.items()))

    instances = "/api/v1/instances?client="
    key = newest(f"{instances}acme", name="acme-front-desk")["instanceId"]
    desk = hub.get(f"/api/v1/instances/{key}")
    values = {**desk["variables"], "tone": "formal", "opening_hours": "daily from eight to six"}
    values = {name: value for name, value in values.items() if name != "booking_key"}
    path = f"/api/v1/instances/{key}"
    text = "# Front desk of {{ company }}\n\nYou answer the phone for {{ company }}, in a {{ tone }} tone.\n\n"
    text += "- Greet the caller, and ask for their name and what they need.\n- Book with the key {{ booking_key }}.\n"
    text += "{% if opening_hours %}- We are open {{ opening_hours }}.\n{% endif %}"
    edited = hub.call("PATCH", path, {"revision": desk["revision"], "variables": values, "content_md": text})
    asked = hub.post(f"{path}/suggestions", {"instruction": "Make it friendlier", "revision": edited["revision"]})
    activity = read(f"{CLIENT}prompts/{key}/activity/")
    lines, mine = read(f"{PROJECT}templates/"), read("/reviews/?state=mine")
    versions = hub.get(f"/api/v1/templates/{desk['template']['templateId']}/versions")["results"]
    deliveries = hub.get("/api/v1/deliveries?client=borealis")["results"]
    return {
        "prompt": key,
        "chat": newest(f"{instances}borealis", name="borealis-orders")["instanceId"],
        "version": hub.get(f"{path}/versions")["results"][-1]["versionId"],
        "suggestion": asked["id"],
        "event": re.search(r"/activity/(\d+)/", activity).group(1),  # type: ignore[union-attr]
        "target": newest("/api/v1/clients/acme/targets", name="provider-on-this-machine")["id"],
        "older": versions[-1]["templateId"],
        "template": desk["template"]["templateId"],
        "delivery": max(deliveries, key=lambda row: row["state"] == "buried")["id"],
        "drift": newest("/api/v1/drifts")["id"],
        "line": re.search(r"/templates/([0-9a-f-]{36})/\">support/first-answer<", lines).group(1),  # type: ignore[union-attr]
        "review": re.search(r"/reviews/([0-9a-f-]{36})/", mine).group(1),  # type: ignore[union-attr]
    }
