"""Prompts made of prompts: resolved when they are sealed, whole afterwards."""

from __future__ import annotations

import pytest

from prompthub_kernel.errors import Invalid, NotFound
from registry import dependencies, releases
from registry.models import Channel
from templates_app import drafts, versions
from templates_app.models import TemplateVersion
from tenancy.policy import Role
from tests.factories import make_actor, make_project
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db
TONE = {"tone": {"type": "string"}}


def include(address):
    return f'{{% include "{address}" %}}'


@pytest.fixture
def base():
    bench = Workbench(make_project(slug="acme"), "base")
    bench.write("greeting", "Hello, be {{ tone }}.", variables=TONE)
    bench.cut("1.0.0")
    bench.write("greeting", "Hi, be {{ tone }}.", variables=TONE)
    bench.cut("1.1.0")
    return bench


@pytest.fixture
def bench(base):
    return Workbench(base.project, "support")


def _sealed(release, name="a"):
    return releases.pins(release=release)[name]


def _refused(bench, version="1.0.0", **more):
    with pytest.raises(Invalid) as refused:
        bench.cut(version, **more)
    assert refused.value.code == "400.template_schema_invalid"
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_a_sealed_text_is_whole_and_remembers_what_was_put_in(bench, base):
    bench.write("a", f"First. {include('@acme/base@~1.0/greeting')} Last.", variables=TONE)
    version = _sealed(bench.cut("1.0.0"))
    greeting = _sealed(releases.get(bundle=base.bundle, version="1.0.0", actor=base.by), "greeting")
    assert version.content_md == "First. Hello, be {{ tone }}. Last."
    assert version.written["content_md"] == f"First. {include('@acme/base@~1.0/greeting')} Last."
    assert version.included == [
        {
            "reference": "@acme/base@~1.0/greeting",
            "address": "@acme/base@1.0.0/greeting",
            "digest": greeting.digest,
        }
    ]
    assert versions.intact(digest=version.digest, body=version.body, variables=version.variables_schema)


def test_a_text_without_references_remembers_none(base):
    version = TemplateVersion.objects.order_by("ordinal").first()
    assert (version.written, version.included) == (None, None)


@pytest.mark.parametrize(
    ("selector", "text"),
    [("@1.0.0", "Hello"), ("@^1", "Hi"), ("", "Hi"), ("@latest", "Hi"), ("@stable", "Hello")],
)
def test_a_reference_means_what_an_address_means(bench, base, at, selector, text):
    release = releases.get(bundle=base.bundle, version="1.0.0", actor=base.by)
    Channel.objects.create(bundle=base.bundle, name="stable", release=release, created_at=at, updated_at=at)
    bench.write("a", include(f"@acme/base{selector}/greeting"), variables=TONE)
    assert _sealed(bench.cut("1.0.0")).content_md == f"{text}, be {{{{ tone }}}}."


def test_without_a_selector_a_bundle_that_is_needed_gives_the_release_that_was_chosen(bench):
    bench.need("@acme/base", "~1.0")
    bench.write("a", include("@acme/base/greeting"), variables=TONE)
    assert _sealed(bench.cut("1.0.0")).included[0]["address"] == "@acme/base@1.0.0/greeting"


def test_prompts_of_one_draft_are_made_of_each_other_in_order(bench):
    bench.write("a", f"1 {include('@acme/support/b')}")
    bench.write("b", f"2 {include('@acme/support/c')}")
    bench.write("c", "3")
    release = bench.cut("1.0.0")
    assert _sealed(release).content_md == "1 2 3"
    assert _sealed(release).included == [
        {
            "reference": "@acme/support/b",
            "address": "@acme/support@1.0.0/b",
            "digest": _sealed(release, "b").digest,
        }
    ]


def test_what_a_prompt_is_made_of_is_looked_up_anew_at_every_cut(bench):
    bench.write("a", f"1 {include('@acme/support/b')}")
    bench.write("b", "2")
    bench.cut("1.0.0")
    bench.write("b", "3")
    second = bench.cut("1.0.1")
    assert _sealed(second).content_md == "1 3"
    assert _sealed(second).written["content_md"] == f"1 {include('@acme/support/b')}"
    assert _sealed(bench.cut("1.0.2")).pk == _sealed(second).pk  # nothing moved: nothing is sealed


def test_an_old_release_keeps_the_text_it_was_sealed_with(bench, base):
    bench.write("a", include("@acme/base@^1/greeting"), variables=TONE)
    first = bench.cut("1.0.0")
    base.write("greeting", "Good day, be {{ tone }}.", variables=TONE)
    base.cut("1.2.0")
    assert _sealed(first).content_md.startswith("Hi")
    assert _sealed(bench.cut("1.0.1")).content_md.startswith("Good day")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (include("@acme/base@^9/greeting"), "reference"),
        (include("@acme/base@nowhere/greeting"), "reference"),
        (include("@acme/base/farewell"), "reference"),
        (include("@acme/nothing/greeting"), "reference"),
        (include("@acme/support/b"), "reference"),
        (include("@acme/support/a"), "cycle"),
        ('{ {%- include "@acme/support/brace" %}', "seam"),
        (include("@acme/support/open") + "{{ tone }}", "seam"),
    ],
)
def test_what_cannot_be_put_in_is_refused_at_its_prompt(bench, text, code):
    bench.write("brace", "{ tone }}")
    bench.write("open", "Look: {")
    bench.write("a", text, variables=TONE)
    pointer = "/members/a" if code == "cycle" else "/members/a/content_md"
    assert _refused(bench) == [(pointer, code)]


def test_variables_of_what_is_put_in_have_to_be_declared(bench):
    bench.write("a", include("@acme/base/greeting"))
    assert _refused(bench) == [("/members/a/content_md", "undeclared")]


def test_only_text_of_the_same_language_can_be_put_in(bench, base):
    base.write("talk", document=[{"role": "user", "content": "Hi."}])
    base.write("liquid", "{{ tone }}", variables=TONE, engine="liquid")
    base.cut("1.2.0")
    bench.write("a", include("@acme/base/talk"))
    bench.write("b", include("@acme/base/liquid"), variables=TONE)
    assert _refused(bench) == [("/members/a/content_md", "format"), ("/members/b/content_md", "engine")]


def test_texts_can_be_put_into_chats_and_liquid(bench, base):
    base.write("liquid", "Be {{ tone }}.", variables=TONE, engine="liquid")
    base.cut("1.2.0")
    talk = [{"role": "system", "content": "Now: {%- include '@acme/base/liquid' -%}  !"}]
    bench.write("a", document=talk, variables=TONE, engine="liquid")
    assert _sealed(bench.cut("1.0.0")).content_json == [{"role": "system", "content": "Now:Be {{ tone }}.!"}]


def test_whose_texts_have_those_of_a_bundle_in_them_is_known(bench, base, system, at):
    bench.write("a", f"{include('@acme/base@1.0.0/greeting')} {include('@acme/base/greeting')}", variables=TONE)
    bench.write("b", include("@acme/support/a"), variables=TONE)
    release = bench.cut("1.0.0")

    def told(actor):
        rows = dependencies.dependants(bundle=base.bundle, actor=actor)
        return [
            (str(row.bundle.address), one.name, one.included.version, one.prompt)
            for row in rows
            for one in row.includes
        ]

    assert told(system) == [("@acme/support", "a", version, "greeting") for version in ("1.0.0", "1.1.0")]
    assert told(make_actor()) == []
    releases.revert(release=release, by=system, at=at)
    assert told(system) == []


def test_a_bundle_that_is_needed_and_put_in_is_told_once(bench, base, system):
    bench.need("@acme/base", "^1.0")
    bench.write("a", include("@acme/base/greeting"), variables=TONE)
    bench.cut("1.0.0")
    base.write("again", include("@acme/base@1.0.0/greeting"), variables=TONE)
    base.cut("1.2.0")  # its own texts are none of another bundle's
    [row] = dependencies.dependants(bundle=base.bundle, actor=system)
    assert (str(row.bundle.address), row.version) == ("@acme/support", "1.0.0")
    assert [(one.selector, one.resolved.version) for one in row.needs] == [("^1.0", "1.1.0")]
    assert [(one.name, one.included.version) for one in row.includes] == [("a", "1.1.0")]


def test_circles_and_long_chains_are_refused(bench):
    bench.write("a", include("@acme/support/b"))
    bench.write("b", include("@acme/support/a"))
    ((pointer, code),) = _refused(bench)
    assert (pointer in {"/members/a", "/members/b"}, code) == (True, "cycle")
    for number in range(17):
        bench.write(f"p{number}", include(f"@acme/support/p{number + 1}"))
    bench.write("p17", "end")
    bench.drop("a")
    bench.drop("b")
    assert {code for _, code in _refused(bench)} == {"depth"}


def test_texts_that_double_at_every_step_end_at_the_size_of_a_prompt(bench):
    bench.write("p0", "x" * 60_000)
    for number in range(5):
        bench.write(f"p{number + 1}", include(f"@acme/support/p{number}") * 2)
    assert ("/members/p3/content_md", "size") in _refused(bench)


def test_what_the_author_may_not_see_cannot_be_put_in(bench):
    secret = Workbench(make_project(slug="secret"), "vault")
    secret.write("key", "Secret.")
    secret.cut("1.0.0")
    bench.write("a", include("@secret/vault/key"))
    publisher = make_actor(roles={bench.project: Role.PUBLISHER})
    assert _refused(bench, by=publisher) == [("/members/a/content_md", "reference")]


def test_text_that_is_sealed_by_itself_cannot_refer_to_others(bench, at, system):
    template = bench.write("a", include("@acme/base/greeting"), variables=TONE)
    draft = drafts.get(key=template.pk, actor=system)
    assert draft.body.text == include("@acme/base/greeting")
    with pytest.raises(Invalid) as refused:
        versions.seal(template=template, by=system, at=at)
    assert (refused.value.problems[0].code, "sealed when it is released" in refused.value.detail) == ("reference", True)
    with pytest.raises(Invalid) as refused:
        versions.register(
            project=bench.project, name="other", body=draft.body, variables=draft.variables, by=system, at=at
        )
    assert refused.value.problems[0].code == "reference"


def test_a_preview_shows_the_whole_text(bench, system):
    bench.write("a", f"{include('@acme/support/b')} {include('@acme/base@1.0.0/greeting')}", variables=TONE)
    bench.write("b", "First.")
    bench.write("broken", include("@acme/nothing/x"))
    shown = releases.preview(bundle=bench.bundle, name="a", values={"tone": "kind"}, actor=system)
    assert shown.rendered.text() == "First. Hello, be kind."


def test_there_is_nothing_to_seal_in_a_settled_template(bench, at, system):
    template = bench.write("a", "Whole.")
    bench.cut("1.0.0")
    with pytest.raises(NotFound):
        versions.seal(template=template, texts={}, by=system, at=at)
