"""What can be compared of a client's prompt, and what differs."""

from __future__ import annotations

import uuid

import pytest

from instances import comparing, drafts
from instances.comparing import Kind, Level
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, NotFound
from tests.factories import (
    make_actor,
    make_instance,
    make_instance_version,
    make_publication,
    make_template_version,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt(at, system):
    instance = make_instance()
    own = PromptBody.parse(content_md="You are {{ tone }} and speak as {{ company }}.", content_json=None)
    return drafts.edit(instance=instance, revision=1, body=own, by=system, at=at)


def between(prompt, base, target, level, actor):
    found = [comparing.side(instance=prompt, word=word, level=level, actor=actor) for word in (base, target)]
    return comparing.compare(base=found[0], target=found[1]).to_json()


def test_a_draft_is_compared_with_its_template_as_written_and_rendered(prompt, system):
    assert "speak as {{ company }}" in str(between(prompt, "template", "draft", Level.SOURCE, system))
    assert "speak as Acme" in str(between(prompt, "template", "draft", Level.RENDERED, system))
    assert between(make_instance(), "template", "draft", Level.SOURCE, system)["hunks"] == []


def test_documents_are_compared_by_place_at_both_levels(at, system):
    version = make_template_version(
        content_json=[{"role": "system", "content": "Be {{ how }}."}],
        variables_schema={"properties": {"how": {"type": "string", "default": "kind"}}},
    )
    instance = make_instance(template_version=version, variables={})
    instance = drafts.edit(instance=instance, revision=1, variables={"how": "brief"}, by=system, at=at)
    version = make_instance_version(instance=instance)
    instance = drafts.edit(instance=version.instance, revision=2, variables={"how": "calm"}, by=system, at=at)

    assert between(instance, "version:1", "draft", Level.SOURCE, system)["changed"] == []
    (changed,) = between(instance, "version:1", "draft", Level.RENDERED, system)["changed"]
    assert (changed["pointer"], changed["new"]) == ("/0/content", "Be calm.")


def test_a_side_tells_when_who_and_with_which_values(prompt, system, at):
    publication = make_publication(version=make_instance_version(instance=prompt))
    prompt = drafts.get(key=prompt.id, actor=system)

    active = comparing.side(instance=prompt, word="active", level=Level.SOURCE, actor=system)

    assert (active.kind, active.name, active.at) == (Kind.ACTIVE, "1", publication.version.created_at)
    assert active.variables == {"company": "Acme", "tone": "warm"}
    assert active.secret_revision == 0
    assert active.digest == publication.version.digest
    template = comparing.side(instance=prompt, word="template", level=Level.SOURCE, actor=system)
    assert template.variables == {"tone": "warm"}


def test_of_secrets_a_side_names_only_which_are_set(system):
    version = make_template_version(
        content_md="Key {{ key }}", variables_schema={"properties": {"key": {"type": "string", "x-secret": True}}}
    )
    instance = make_instance(template_version=version, variables={"key": "s3cret-pass"})

    side = comparing.side(instance=instance, word="draft", level=Level.RENDERED, actor=system)

    assert side.secrets == {"key"}
    assert side.secret_revision == 1
    assert "s3cret-pass" not in repr(side)


@pytest.mark.parametrize("word", ["draft", "template", "active"])
def test_a_secret_that_is_not_set_is_no_part_of_any_side(word, at, system):
    version = make_template_version(
        content_md="A{{ key }}B", variables_schema={"properties": {"key": {"type": "string", "x-secret": True}}}
    )
    instance = make_instance(template_version=version, variables={})
    make_publication(version=make_instance_version(instance=instance))
    prompt = drafts.get(key=instance.pk, actor=system)

    side = comparing.side(instance=prompt, word=word, level=Level.RENDERED, actor=system)

    assert (side.text, side.secrets) == ("AB", frozenset())
    edited = drafts.edit(instance=prompt, revision=1, variables={"key": "s3cret-pass"}, by=system, at=at)
    found = between(edited, "active", "draft", Level.RENDERED, system)
    assert "••••••" in str(found["hunks"])
    assert "s3cret-pass" not in str(found)


def test_another_version_of_the_same_template_is_a_side_and_no_other_template(prompt, system):
    template = prompt.template_version.template
    older = make_template_version(project=template.project, name=template.name, content_md="Hey.")
    own = comparing.side(
        instance=prompt, word=f"template:{prompt.template_version_id}", level=Level.SOURCE, actor=system
    )

    side = comparing.side(instance=prompt, word=f"template:{older.id}", level=Level.SOURCE, actor=system)

    assert (side.text, own.text) == ("Hey.", "You are {{ tone }} and speak for {{ company }}.")
    with pytest.raises(NotFound):
        comparing.side(instance=prompt, word=f"template:{make_template_version().id}", level=Level.SOURCE, actor=system)


@pytest.mark.parametrize("word", ["active", "version:9", f"template:{uuid.UUID(int=7)}"])
def test_a_side_that_is_not_there_is_missing(prompt, system, word):
    with pytest.raises(NotFound):
        comparing.side(instance=prompt, word=word, level=Level.SOURCE, actor=system)


@pytest.mark.parametrize("word", ["", "drafts", "version:0", "version:x", "version:", "template:x", "confirmed:x"])
def test_a_word_that_names_no_side_is_refused(prompt, system, word):
    with pytest.raises(Invalid) as refused:
        comparing.side(instance=prompt, word=word, level=Level.SOURCE, actor=system)
    assert refused.value.code == "422.request_invalid"


def test_a_stranger_sees_no_side(prompt):
    with pytest.raises(NotFound):
        comparing.side(instance=prompt, word="draft", level=Level.SOURCE, actor=make_actor())


def test_a_sealed_text_that_is_no_document_is_compared_as_text():
    assert comparing.shown(text="{oops", format="json") == ("{oops", None)
