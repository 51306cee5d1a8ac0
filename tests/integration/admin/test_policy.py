"""The content security policy holds on every page, the staff's too: scripts are files of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import unfold
from django.contrib.staticfiles import finders
from django.test import Client as Browser

from publishing.models import Delivery
from tests.integration.admin.rooms import address, registered

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|javascript:|<style", re.IGNORECASE)
SOURCES = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"')


def policy(answer):
    parts = (part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    return {part[0]: part[1] for part in parts}


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/nothing", "/api/v1/docs/", "/healthz"])
def test_everybodys_pages_allow_neither_inline_code_nor_inline_style(path):
    rules = policy(Browser(headers={"host": "localhost"}).get(path))
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "style-src-attr" not in rules


def test_staff_pages_allow_style_attributes_and_nothing_more(staff, world):
    rules = policy(staff.get("/admin/"))
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["style-src-attr"] == "'unsafe-inline'"


def test_no_page_asks_for_what_the_policy_forbids(staff, world):
    pages = ["/admin/", "/admin/password_change/", "/admin/login/"]
    for model, page in registered():
        pages.append(address(model, "changelist"))
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            pages += [address(model, "change", row.pk)]
            pages += [address(model, name, row.pk) for name in page.actions_detail]
        pages += [address(model, name) for name in page.actions_list]
    for path in pages:
        text = staff.get(path, follow=True).content.decode()
        assert INLINE.findall(text) == [], path
        for source in SOURCES.findall(text):
            assert re.match(r"/[^/]", source), (path, source)
            if source.startswith("/static/"):
                assert finders.find(source.removeprefix("/static/")), (path, source)


def test_pages_bring_the_build_of_alpine_that_needs_no_eval(staff, world):
    page = staff.get(address(Delivery, "changelist")).content.decode()
    assert "alpine-csp" in page
    assert "unfold/js/alpine/alpine.js" not in page
    build = finders.find("prompthub/vendor/alpine/alpine-csp-3.17.4.min.js")
    assert "new Function" not in Path(build).read_text(encoding="utf-8")
    assert "new AsyncFunction" not in Path(build).read_text(encoding="utf-8")


def test_the_skeleton_we_replace_is_still_the_one_we_know():
    """When Unfold changes its skeleton, ours has to be looked at: templates/unfold/layouts/skeleton.html."""
    theirs = (Path(unfold.__file__).parent / "templates/unfold/layouts/skeleton.html").read_text(encoding="utf-8")
    ours = (ROOT / "prompthub/templates/unfold/layouts/skeleton.html").read_text(encoding="utf-8")
    blocks = re.compile(r"{% block ([\w-]+) %}")
    portal = {"root", "assets", "told", "body", "overlays"}  # what the portal's pages, which share it, fill otherwise
    assert set(blocks.findall(ours)) == set(blocks.findall(theirs)) | portal
    includes = re.compile(r'{% include "([^"]+)"')
    assert set(includes.findall(theirs)) == set(includes.findall(ours))


def test_every_statement_in_unfolds_attributes_is_rewritten():
    """The CSP build evaluates one expression without globals; the shell rewrites what is more than that."""
    shell = (ROOT / "prompthub/static/prompthub/shell.js").read_text(encoding="utf-8")
    guarded = re.compile(r"^if \((.+)\) (\w+\(.*\));?$")
    attributes = re.compile(r'\sx-(?:on|bind):[\w.:-]+="([^"]*(?:;|window\.|localStorage|\bif \()[^"]*)"')
    left = []
    for template in (Path(unfold.__file__).parent / "templates").rglob("*.html"):
        if template.name == "skeleton.html" or "unfold_crispy" in template.parts:
            continue
        for expression in attributes.findall(template.read_text(encoding="utf-8")):
            plain = re.sub(r"{%.*?%}", "", expression).strip()
            one = plain.rstrip(";")
            statement = ";" in one or re.search(r"window\.|localStorage|\bif \(", one)
            if statement and plain not in shell and not guarded.match(plain):
                left.append((template.name, expression))
    assert left == []
