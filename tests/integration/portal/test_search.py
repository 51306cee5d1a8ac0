"""Search over names and texts, as far as the person may see."""

from __future__ import annotations

import pytest

from foundation.actors import Door, system
from portal.presenters import found
from tenancy import policy, tokens
from tenancy.models import Project
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.workbench import Workbench
from tests.integration.admin.rooms import SECRETS


def look_for(words, actor=None):
    return found.look_for(words=words, actor=actor or system())


def test_texts_are_found_with_the_words_around_them(operator, world):
    html = operator.get("/search/", {"q": "SPEAK FOR"}).content.decode()
    assert world.instance.name in html
    assert "<mark>Speak for</mark> {{ company }}" in html


def test_clients_and_names_are_found(world):
    hits = look_for(world.client.slug)
    assert [hit.title for hit in hits.clients] == ["Acme"]
    assert hits.clients[0].url == f"/clients/{world.client.slug}/prompts/"
    assert [hit.title for hit in look_for(world.instance.name).prompts] == [world.instance.name]


def test_of_a_template_the_newest_version_with_the_words_is_shown_once(db):
    first = factories.make_template_version(label="one", content_md="The lighthouse keeper.")
    for label, text in (("two", "The lighthouse itself."), ("three", "A boat.")):
        factories.make_template_version(
            project=first.template.project, name=first.template.name, label=label, content_md=text
        )
    [hit] = look_for("lighthouse").templates
    assert hit.second.endswith("· two")
    assert hit.snippet.after == " itself."


def test_what_is_not_yours_is_not_found(world, foreign):
    actor = factories.make_actor(roles={world.client: policy.Role.VIEWER})
    hits = look_for("front-desk", actor)
    assert [hit.title for hit in hits.prompts] == [world.instance.name]
    assert look_for(foreign.client.slug, actor).nothing
    assert look_for("Speak", factories.make_actor()).nothing


def test_secrets_are_never_found(world):
    assert look_for(SECRETS["booking_key"]).nothing


def test_nothing_asked_nothing_found_and_too_much(operator, db, monkeypatch):
    assert "What are you looking for?" in operator.get("/search/").content.decode()
    assert "Nothing found" in operator.get("/search/", {"q": "no such words"}).content.decode()
    monkeypatch.setattr(found, "SHOWN", 1)
    for _ in range(2):
        factories.make_client(name="Lighthouse")
    assert look_for("lighthouse").more
    assert len(look_for("lighthouse").clients) == 1


def test_markup_in_texts_stays_text(operator, world):
    client = world.client
    version = factories.make_template_version(content_md="<script>steal()</script> beacon", variables_schema={})
    factories.make_instance(client=client, template_version=version, variables={}, name="<i>x</i>")
    html = operator.get("/search/", {"q": "beacon"}).content.decode()
    assert "<script>steal" not in html
    assert "<i>x</i>" not in html
    assert "&lt;script&gt;steal()&lt;/script&gt; <mark>beacon</mark>" in html
    assert "<b>q</b>" not in operator.get("/search/", {"q": "<b>q</b>"}).content.decode()


def test_bundles_and_their_prompts_are_found_among_ones_own_and_the_public_ones(db):
    for slug, visibility in (("open", "public"), ("mine", "private"), ("theirs", "private")):
        work = Workbench(factories.make_project(slug=slug, name=slug.title(), visibility=visibility), "lighthouse")
        work.write("keeper", "Keep the light.", template=f"{slug}-keeper")
    account = factories.make_user()
    policy.grant(role=policy.Role.VIEWER, place=Project.objects.get(slug="mine"), to=account, by=SYSTEM, at=AT)
    hits = look_for("lightho", tokens.actor_for(account, door=Door.PORTAL)).bundles
    assert {hit.title: hit.second for hit in hits if hit.title.endswith("/lighthouse")} == {
        "@mine/lighthouse": "Mine",
        "@open/lighthouse": "Open, public",
    }
    assert "@mine/lighthouse/keeper" in {hit.title for hit in hits}
    assert hits[0].url.startswith("/projects/")
    assert look_for(" ".join(f"l{number}" for number in range(40))).bundles == []


@pytest.mark.parametrize(
    "words", ["ärzte", "ÄRZTE", "Ärzte", "zahnärztin", "ZAHNÄRZTIN", "übergröße", "МОСКВА", "ärz%"]
)
def test_capitals_do_not_count_in_any_alphabet(world, operator, words):
    version = factories.make_template_version(content_md="Zwei Ärzte, Москва. 5 ärz%", variables_schema={})
    flow = {"flow": "Für die Zahnärztin"}
    chat = factories.make_template_version(name="chat", content_json=flow, variables_schema={})
    other = factories.make_template_version(name="other", content_md="Arzt, Moskva, arz%", variables_schema={})
    for template, name in ((version, "Übergröße"), (chat, "chat"), (other, "other")):
        factories.make_instance(client=world.client, template_version=template, variables={}, name=name)
    names = {"zahnärztin": "chat"}.get(words.lower(), "Übergröße")
    assert [hit.title for hit in look_for(words).prompts] == [names]
    html = operator.get(f"/clients/{world.client.slug}/prompts/", {"q": words}).content.decode()
    assert [name for name in ("Übergröße", ">chat<", ">other<") if name in html] == [
        name for name in ("Übergröße", ">chat<") if names in name
    ]


def test_variables_are_found_as_they_are_written(world):
    version = factories.make_template_version(
        content_md="{{ who }}", variables_schema={"type": "object", "properties": {"who": {"type": "string"}}}
    )
    factories.make_instance(client=world.client, template_version=version, variables={"who": "Ärztin"}, name="asked")
    assert [hit.title for hit in look_for("äRZTIN").prompts] == ["asked"]
    assert look_for("\\u00c4").prompts == []


def test_the_place_is_told_past_letters_that_grow(world):
    assert found.snippet("Straße, İzmir, ŉ: hier", "HIER") == found.Snippet("Straße, İzmir, ŉ: ", "hier", "")
