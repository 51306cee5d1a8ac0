"""Bundles and prompts by the words of their names."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prompthub_kernel.errors import Invalid
from registry import search, words
from registry.models import SearchWord
from tenancy.policy import Role
from tests.factories import make_actor, make_project
from tests.factories.release import make_bundle
from tests.factories.workbench import Workbench
from tests.plans import plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench():
    bench = Workbench(make_project(slug="acme"), "support-desk")
    for name in ("welcome_message", "styles/calm", "styles/brisk"):
        bench.write(name, "Text.")
    return bench


def _found(text, actor, **more):
    return [found.address for found in search.find(text=text, actor=actor, **more)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("welcome", ["@acme/support-desk/welcome_message"]),
        ("wel", ["@acme/support-desk/welcome_message"]),
        ("WELCOME Message", ["@acme/support-desk/welcome_message"]),
        ("message desk", ["@acme/support-desk/welcome_message"]),
        ("styles calm", ["@acme/support-desk/styles/calm"]),
        ("styles acme", ["@acme/support-desk/styles/calm", "@acme/support-desk/styles/brisk"]),
        ("@acme/support-desk@1.0.0/styles/ca", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk@stable/welcome_message", ["@acme/support-desk/welcome_message"]),
        ("@acme/support-desk@active@staging/styles/calm", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk@>=1.0 <2.1 || ^3/styles/calm", ["@acme/support-desk/styles/calm"]),
        ("calm of @acme/support-desk@stable", []),
        ("calm @acme/support-desk@stable", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk@1.0.1 calm", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk@>=1.0 <2.1 || 3.x calm", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk@/calm", ["@acme/support-desk/styles/calm"]),
        ("@acme/support-desk/styles/ca", ["@acme/support-desk/styles/calm"]),
        (
            "desk",
            [
                "@acme/support-desk",
                *(f"@acme/support-desk/{name}" for name in ("welcome_message", "styles/calm", "styles/brisk")),
            ],
        ),
        ("elcome", []),
        ("", []),
        ("@/ -", []),
    ],
)
def test_words_find_what_they_begin(bench, system, text, addresses):
    assert _found(text, system) == addresses


def test_as_many_are_shown_as_are_wanted_bundles_first(bench, system):
    assert _found("desk", system, limit=2) == ["@acme/support-desk", "@acme/support-desk/welcome_message"]


def test_only_what_one_may_see_is_found(bench):
    stranger, viewer = make_actor(), make_actor(roles={bench.project: Role.VIEWER})
    assert _found("welcome", stranger) == []
    assert len(_found("welcome", viewer)) == 1
    bench.project.visibility = "public"
    bench.project.save()
    assert len(_found("welcome", stranger)) == 1


def test_of_many_projects_only_those_one_may_see_are_searched(bench, system, monkeypatch):
    make_project()
    monkeypatch.setattr(search, "FEW_PROJECTS", 0)
    assert len(_found("welcome", system)) == 1
    assert _found("welcome", make_actor()) == []
    assert len(_found("welcome", make_actor(roles={bench.project: Role.VIEWER}))) == 1


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": 101}, "/limit"),
        ({"text": "x" * 513}, "/text"),
        ({"text": "a b c d e f g h i"}, "/text"),
    ],
)
def test_questions_are_bounded(system, given, pointer):
    with pytest.raises(Invalid) as refused:
        search.find(**{"text": "a", "actor": system} | given)
    assert refused.value.problems[0].pointer == pointer


def test_as_many_queries_for_thousands_as_for_one(bench, system):
    def asked(text):
        with CaptureQueriesContext(connection) as queries:
            found = _found(text, system, limit=50)
        return len(queries), len(found)

    alone = asked("desk message")
    SearchWord.objects.bulk_create(
        SearchWord(word=word, project=bench.project, bundle=bench.bundle, prompt=f"more/message-{number}")
        for number in range(3_000)
        for word in (b"desk", b"message")
    )
    crowd = asked("desk message")
    assert (alone, crowd) == ((6, 1), (6, 50))


def test_what_a_word_begins_is_one_query_and_of_very_much_the_first_bundles_are_found(bench, system):
    def asked(text):
        with CaptureQueriesContext(connection) as queries:
            found = _found(text, system, limit=2)
        return len(queries), found

    shelf = "@acme/support-desk"
    assert asked("desk") == (2, [shelf, f"{shelf}/welcome_message"])  # the projects, the entries
    SearchWord.objects.bulk_create(
        SearchWord(word=b"cheap", project=bench.project, bundle=bench.bundle, prompt=f"prompt-{number}")
        for number in range(search.AT_ONCE)
    )
    SearchWord.objects.create(word=b"cheaper", project=bench.project, bundle=bench.bundle)
    assert asked("cheap") == (5, [shelf, f"{shelf}/prompt-0"])


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 50])
@pytest.mark.parametrize("prompt", ["", "reply"])
def test_names_with_many_words_of_one_beginning_hide_no_others(system, limit, prompt):
    project = make_project(slug="crowd")
    shelves = [make_bundle(project=project, slug=f"shelf-{number}") for number in range(4)]
    for bundle in shelves[:3]:
        SearchWord.objects.bulk_create(
            SearchWord(word=b"qv%02d" % number, project=project, bundle=bundle, prompt=prompt)
            for number in range(words.MAX_WORDS)
        )
    SearchWord.objects.create(word=b"qvz", project=project, bundle=shelves[3], prompt=prompt)
    tail = f"/{prompt}" if prompt else ""
    assert _found("qv", system, limit=limit) == [f"@crowd/shelf-{number}{tail}" for number in range(4)][:limit]


@pytest.mark.parametrize("title", ["ℌotel", "HOTEL", "Hôtel", "ＨＯＴＥＬ"])
def test_letters_that_are_the_same_are_found_however_they_are_written(title):
    assert words.of(title) == ["hotel"]


def test_the_index_is_used(bench, system):
    with CaptureQueriesContext(connection) as queries:
        _found("welcome", system)
    asked = next(
        query["sql"]
        for query in queries
        if "search_word" in query["sql"].lower() or "searchword" in query["sql"].lower()
    )
    assert "search_word" in plan(asked)
