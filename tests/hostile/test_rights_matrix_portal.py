"""Who may do what on every page and form of the portal: made from the URL configuration, so that none can be forgotten.

Each cell is one request of one kind of person, about their own client and about a foreign one. What is allowed ends in
a page and, where it writes, in the ledger under that person's name; what is not writes nothing.
"""

from __future__ import annotations

import uuid
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.urls import Resolver404, resolve, reverse

from audit.models import AuditEvent
from publishing import drift
from publishing.adapters import memory
from tenancy import policy, tokens
from tenancy.policy import ROLE_GIVES, Permission, Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.hostile.portal_requests import (
    CELLS,
    DECIDED_BELOW,
    FRAMED,
    LISTINGS,
    OWN_ALONE,
    ROUTES,
    TYPED,
    WRITES_NOTHING,
    address,
    make_sibling,
    nested,
    parts,
    permissions,
    send,
)
from tests.hostile.two_worlds import ids, make_world
from tests.integration.admin.rooms import browser_of

GIVEN = {
    **{str(role): gives for role, gives in ROLE_GIVES.items()},
    "staff": frozenset[Permission](),  # may enter /admin/, and has no grant at any client
    "service": ROLE_GIVES[Role.PUBLISHER],  # the account of a token, if somebody got it a session
}
"""Kind of person → what they may do at their own client; nothing at the foreign one."""
OBJECTS = [cell for cell in CELLS if cell[0] not in LISTINGS]
PAGES = [name for name, method in CELLS if method == "GET"]


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    """Both worlds and everybody's browser, made once for all tests here, in a transaction that is undone at the end."""
    memory.clear()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        own, foreign = make_world("own"), make_world("foreign")
        people = {kind: _person(kind, own) for kind in GIVEN}
        yield own, foreign, make_sibling(own), {**people, "root": browser_of(factories.make_user(superuser=True))}
        transaction.set_rollback(True)


def _person(kind, world):
    account = tokens.service_account(name="matrix") if kind == "service" else factories.make_user(staff=kind == "staff")
    role = Role.PUBLISHER if kind == "service" else kind
    if role in ROLE_GIVES:
        for place in (world.client, world.project):
            policy.grant(role=Role(role), place=place, to=account, by=SYSTEM, at=AT)
    found = browser_of(account)
    found.account = account
    return found


@pytest.fixture
def worlds(_built, db):
    return _built[:2]


@pytest.fixture
def sibling(_built, db):
    return _built[2]


@pytest.fixture
def people(_built, db):
    """Browsers by kind of person, and that of an administrator of the installation."""
    return _built[3]


@pytest.fixture(scope="module")
def stranger():
    """The browser of nobody; like the others made once, as each looks for all static files first."""
    return Browser()


@pytest.fixture(scope="module")
def seen():
    """Pages about one's own client that were asked for already: what is only looked at changes nothing."""
    return {}


class Asked:
    """One answer, followed to its page, and what was written by it; all of it is undone."""

    def __init__(self, browser, name, method, world, **other):
        with transaction.atomic():
            before = AuditEvent.objects.latest("pk").pk
            answer = self.first = send(browser, name, method, world, **other)
            self.asked = answer.request["PATH_INFO"] + answer.request["QUERY_STRING"]
            told = answer.content
            for _ in range(3):
                if answer.status_code != 302 or answer.headers["Location"].startswith("/login/"):
                    break
                answer = browser.get(answer.headers["Location"])
                told += answer.content
            self.status, self.told = answer.status_code, told.decode(errors="replace")
            rows = AuditEvent.objects.filter(pk__gt=before).exclude(actor_kind="system")
            self.wrote = [(row.actor_id, row.door) for row in rows]
            transaction.set_rollback(True)

    def __repr__(self):
        return f"{self.first.status_code} {self.status} {self.wrote} {' '.join(self.told[:9000].split())[-400:]!r}"


def asked_for(seen, people, kind, name, method, world):
    """What this person is told about their own client; asked once where it is only looked at."""
    key = kind, name, method
    if key not in seen or method != "GET":
        seen[key] = Asked(people[kind], name, method, world)
    return seen[key]


def expected(kind, name, method):
    """The status of the page about one's own client or project."""
    if name not in OWN_ALONE and (name in LISTINGS or needed(name, method) in GIVEN[kind]):
        return 200
    return 403 if Permission.VIEW in GIVEN[kind] else 404


def needed(name, method):
    """The permission without which it is refused."""
    return DECIDED_BELOW.get((name, method), permissions(name)[method])


def told_of(world, asked):
    """Ids of a world that an answer holds and the address asked for does not."""
    return [word for word in ids(world) if word in asked.told and word not in asked.asked]


def test_every_address_declares_its_rights_and_has_a_place_in_the_matrix(worlds):
    assert [name for name in ROUTES if not permissions(name)] == []
    assert all(isinstance(permission, Permission) for name in ROUTES for permission in permissions(name).values())
    assert [address(name, worlds[0]) for name in ROUTES], "every part of every address is known"
    assert set(TYPED) <= set(CELLS)
    assert len(CELLS) >= 60


@pytest.mark.parametrize(("name", "method"), OBJECTS)
def test_each_may_do_what_they_may_at_their_own_and_find_nothing_at_a_foreign_client(
    worlds, people, seen, name, method
):
    own, foreign = worlds
    wrong = {}
    for kind in GIVEN:
        browser = people[kind]
        mine = asked_for(seen, people, kind, name, method, own)
        theirs = Asked(browser, name, method, foreign)
        if mine.status != expected(kind, name, method):
            wrong[kind, "own"] = mine
        writes = mine.status == 200 and method == "POST" and name not in WRITES_NOTHING
        if bool(mine.wrote) != writes or set(mine.wrote) - {(str(browser.account.pk), "portal")}:
            wrong[kind, "own, written"] = mine
        if mine.status != 200 and "<main" not in mine.told:
            wrong[kind, "own, told"] = mine
        if theirs.first.status_code != 404 or theirs.wrote or told_of(foreign, theirs):
            wrong[kind, "foreign"] = theirs
    assert wrong == {}


@pytest.mark.parametrize(("name", "method"), [cell for cell in CELLS if cell[0] in LISTINGS])
def test_lists_hold_only_what_one_may_see(worlds, people, seen, name, method):
    own, foreign = worlds
    wrong = {}
    for kind, gives in GIVEN.items():
        mine = asked_for(seen, people, kind, name, method, own)
        theirs = Asked(people[kind], name, method, foreign) if (name, method) in TYPED else mine
        found = told_of(foreign, mine) + told_of(foreign, theirs) + (told_of(own, mine) if not gives else [])
        if mine.status != 200 or theirs.status != 200 or found or theirs.wrote:
            wrong[kind] = mine, theirs, found
        if bool(mine.wrote) != (method == "POST" and permissions(name)[method] in gives):
            wrong[kind, "written"] = mine
    assert wrong == {}


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_who_is_not_signed_in_is_led_to_the_door_and_nothing_is_done(worlds, stranger, name, method):
    for world in worlds:
        asked = Asked(stranger, name, method, world)
        if asked.first.status_code == 401:  # what was written is kept in the sign-in form
            assert told_of(world, asked) == []
            assert b'type="password"' in asked.first.content
        else:
            assert asked.first.status_code == 302
            assert asked.first.headers["Location"].startswith(f"{reverse('portal:login')}?next=/")
        assert asked.wrote == []


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_an_administrator_of_the_installation_may_do_everything(worlds, people, name, method):
    asked = Asked(people["root"], name, method, worlds[1])
    assert asked.status == (403 if name in OWN_ALONE else 200), asked


def test_a_service_has_no_way_in(worlds, people):
    account = people["service"].account
    for password in ("", "!", account.password):
        answer = Browser().post(reverse("portal:login"), {"username": account.get_username(), "password": password})
        assert answer.status_code == 200
        assert "_auth_user_id" not in answer.client.session


# ── Rows that belong to somebody or something else ───────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "method"), [cell for cell in CELLS if cell[0] in FRAMED])
def test_a_row_of_a_foreign_client_is_not_found_below_ones_own(worlds, people, name, method):
    own, foreign = worlds
    theirs = parts(foreign)
    theirs["ordinal"] = 2_000_000  # a number is nobody's: what counts is that the prompt has none of that number
    named = ROUTES[name].pattern.converters
    # Whoever sees both clients is told nothing by rights: the address itself must fit together.
    browser = people["root" if len(named) > 1 else "administrator"]
    for part in named:
        asked = Asked(browser, name, method, own, **{part: theirs[part]})
        assert asked.first.status_code == 404, (part, asked)
        assert asked.wrote == [], part


@pytest.mark.parametrize(
    ("name", "part", "method"), [(name, part, method) for name, part in nested() for method in permissions(name)]
)
def test_a_row_of_another_prompt_or_target_of_the_same_client_is_not_found_here(
    worlds, sibling, people, name, part, method
):
    asked = Asked(people["administrator"], name, method, worlds[0], **{part: parts(sibling)[part]})
    assert asked.first.status_code == 404, asked
    assert asked.wrote == []


def _crossed(own, foreign):
    """Ids of somebody else in queries and forms: route, method, what is typed, and the status."""
    version, template, target = foreign.version.pk, foreign.template.pk, str(foreign.target.pk)
    revision = own.instance.revision
    publishing = {"revision": revision, "expected": own.version.pk, "target": [target]}
    return [
        ("prompt_new", "GET", {"template": template}, 404),
        ("prompt_new", "POST", {"template": template, "name": "x", "variable-company": "A", "revision": 1}, 404),
        ("prompt", "GET", {"version": version}, 404),
        ("compare", "GET", {"base": f"version:{version}", "target": "draft"}, 422),
        ("compare", "GET", {"base": "template", "target": f"template:{template}"}, 404),
        ("patch", "GET", {"base": f"template:{template}", "target": "draft"}, 404),
        ("publish", "POST", publishing, 422),
        ("publish_checks", "GET", {"version": version}, 404),
        ("publication", "POST", {"delivery": foreign.buried.pk}, 404),
        ("refine", "POST", {"instruction": "Be brief.", "revision": revision, "previous": foreign.suggestion.pk}, 404),
        ("target_place", "POST", {"instance_id": foreign.instance.pk, "location-slot": "new"}, 422),
        ("bulk_publish", "POST", {"prompt": foreign.instance.pk}, 200),
        ("bulk_archive", "POST", {"prompt": foreign.instance.pk}, 200),
        ("bulk_publish", "GET", {"prompt": foreign.instance.pk}, 200),
        ("replay_many", "POST", {"delivery": foreign.buried.pk}, 200),
        ("target_place", "GET", {"prompt": foreign.instance.pk}, 200),
        ("deliveries", "GET", {"client": foreign.client.slug}, 200),
        ("deliveries", "GET", {"target": target}, 200),
        ("deliveries", "GET", {"instance": foreign.instance.pk}, 200),
        ("drifts", "GET", {"client": foreign.client.slug}, 200),
        ("audit", "GET", {"client": foreign.client.slug}, 200),
        ("audit", "GET", {"subject": foreign.instance.pk}, 200),
        ("audit_csv", "GET", {"client": foreign.client.slug}, 200),
        ("audit_json", "GET", {"subject": foreign.instance.pk}, 200),
        ("search", "GET", {"q": foreign.instance.name}, 200),
    ]


def test_ids_of_somebody_else_in_queries_and_forms_lead_nowhere(worlds, people):
    own, foreign = worlds
    wrong = []
    for name, method, given, status in _crossed(own, foreign):
        typed = {str(value) for value in given.values()}
        with transaction.atomic():
            before = AuditEvent.objects.count()
            ask = people["administrator"].get if method == "GET" else people["administrator"].post
            answer = ask(address(name, own), given)
            page = answer.content.decode()
            told = [word for word in ids(foreign) if word in page and not any(word in text for text in typed)]
            if answer.status_code != status or told or AuditEvent.objects.count() != before:
                wrong.append((name, method, given, answer.status_code, told))
            transaction.set_rollback(True)
    assert wrong == []


def test_what_is_nowhere_and_what_is_foreign_are_told_alike(worlds, people):
    own, foreign = worlds
    nowhere = {"client": "nowhere", "instance": uuid.UUID(int=7)}

    def page(**other):
        path = address("prompt", own, **other)
        html = people["viewer"].get(path).content.decode().replace(path, "")
        return [line for line in html.splitlines() if "csrfmiddlewaretoken" not in line and "ph-code" not in line]

    assert page(client=foreign.client.slug, instance=foreign.instance.pk) == page(**nowhere)


# ── What a page offers ───────────────────────────────────────────────────────────────────────────────────


class Offers(HTMLParser):
    """The ways on that a page's own part offers: ``(method, path)``; what is switched off is none."""

    def __init__(self, html, path):
        super().__init__()
        self.path, self.found = path, set()
        self._inside, self._form, self._forms = False, None, {}
        self._buttons = []
        self.feed(html)
        for form, action in self._buttons:
            method, target = self._forms.get(form, form) if isinstance(form, str) else form
            self._add(method, action or target)

    def handle_starttag(self, tag, pairs):
        given = dict(pairs)
        if tag == "main":
            self._inside = True
        if not self._inside or "disabled" in given or given.get("aria-disabled") == "true":
            return
        if tag == "a" and given.get("href"):
            self._add("GET", given["href"])
        for method in ("get", "post"):
            if given.get(f"hx-{method}"):
                self._add(method.upper(), given[f"hx-{method}"])
        if tag == "form":
            self._form = (given.get("method", "get").upper(), given.get("action") or self.path)
            self._forms[given.get("id")] = self._form
        if tag == "button" and given.get("type", "submit") == "submit" and (self._form or given.get("form")):
            self._buttons.append((given.get("form") or self._form, given.get("formaction")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        if tag == "main":
            self._inside = False

    def _add(self, method, path):
        target = urlsplit(urljoin(self.path, path))
        try:
            match = resolve(target.path)
        except Resolver404:
            return
        if match.app_names == ["portal"] and match.url_name in ROUTES:
            self.found.add((match.url_name, method))


@pytest.mark.parametrize("name", sorted({*PAGES} - {"components"}))  # the gallery's ways on are made up
def test_a_page_offers_what_one_may_do_and_says_why_the_rest_is_not_to_be_done(worlds, people, seen, name):
    own, _ = worlds
    offered, pages = {}, {}
    for kind in map(str, Role):
        asked = asked_for(seen, people, kind, name, "GET", own)
        pages[kind] = asked.told
        offered[kind] = Offers(asked.told, address(name, own)).found if asked.status == 200 else None
    dead = {
        (kind, *way) for kind, found in offered.items() for way in found or () if expected(kind, way[0], way[1]) != 200
    }
    assert dead == set(), "a way on that is refused"
    silent = {
        (kind, *way)
        for kind, found in offered.items()
        for way in offered["administrator"] or ()
        if found is not None
        and way not in found
        and (wanted := permissions(way[0]).get(way[1])) not in GIVEN[kind]
        and f"Needs the permission “{wanted}”" not in pages[kind]
    }
    assert silent == set(), "a way on that is left out without a word"
