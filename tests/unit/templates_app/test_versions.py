"""Sealed versions of templates, and the draft they come from."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Refused
from prompthub_kernel.variables import VariablesSchema
from templates_app import drafts, numbering, versions
from templates_app.models import Template, TemplateDraft, TemplateVersion
from tenancy.policy import Role
from tests.factories import make_actor, make_project, make_template_version

pytestmark = pytest.mark.django_db
NAMES = VariablesSchema.parse({"type": "object", "properties": {"name": {"type": "string"}}})


def _body(text="Hello {{ name }}"):
    return PromptBody.parse(content_md=text, content_json=None)


def _register(project, by, at, *, text="Hello {{ name }}", label=None, name="greeting"):
    return versions.register(project=project, name=name, body=_body(text), variables=NAMES, label=label, by=by, at=at)


def test_the_same_name_label_and_content_are_one_version(at, system):
    project = make_project()
    first = _register(project, system, at, label="1.0")
    again = _register(project, system, at, label="1.0")
    assert (first.created, again.created) == (True, False)
    assert again.version.id == first.version.id
    assert AuditEvent.objects.filter(action="template.version.seal").count() == 1


def test_the_same_label_with_another_content_is_a_conflict_that_names_the_version(at, system):
    project = make_project()
    first = _register(project, system, at, label="1.0")
    with pytest.raises(Conflict) as refused:
        _register(project, system, at, label="1.0", text="Bye {{ name }}")
    assert (refused.value.code, refused.value.problems[0].pointer) == ("409.version_conflict", "/version")
    assert refused.value.context["template_id"] == str(first.version.id)
    assert TemplateVersion.objects.count() == 1


def test_without_a_label_versions_are_counted_and_unchanged_text_is_not_sealed_again(at, system):
    project = make_project()
    first = _register(project, system, at)
    same = _register(project, system, at)
    second = _register(project, system, at, text="Bye {{ name }}")
    third = _register(project, system, at)
    assert [found.version.label for found in (first, same, second, third)] == ["1", "1", "2", "3"]
    assert third.version.digest == first.version.digest
    assert third.version.id != first.version.id


def test_unchanged_text_takes_no_number(at, system):
    project = make_project()
    first = _register(project, system, at)
    for label in (None, "1"):
        assert not _register(project, system, at, label=label).created
    assert Template.objects.get().last_ordinal == 1
    assert _register(project, system, at, text="Bye {{ name }}").version.ordinal == first.version.ordinal + 1


def test_a_counted_label_avoids_one_a_caller_chose(at, system):
    project = make_project()
    _register(project, system, at, label="2")
    assert _register(project, system, at, text="Bye {{ name }}").version.label == "3"


def test_the_digest_covers_text_format_engine_and_variables():
    plain = versions.digest_of(body=_body(), variables=NAMES)
    others = [
        versions.digest_of(body=_body("Hello  {{ name }}"), variables=NAMES),
        versions.digest_of(
            body=_body(), variables=VariablesSchema.parse({"properties": {"name": {"type": "integer"}}})
        ),
        versions.digest_of(
            body=PromptBody.parse(content_md="Hello {{ name }}", content_json=None, engine="liquid"), variables=NAMES
        ),
        versions.digest_of(
            body=PromptBody.parse(content_md="Hello {{ name }}", content_json=None, format="text"), variables=NAMES
        ),
    ]
    assert len({plain, *others}) == 5
    assert plain == versions.digest_of(body=_body(), variables=NAMES)


@pytest.mark.parametrize(
    ("text", "code"), [("{{ nmae }}", "undeclared"), ("{% if %}", "syntax"), ("{{ range(9) }}", "guard")]
)
def test_a_text_that_cannot_be_used_is_refused_with_its_line(text, code, at, system):
    with pytest.raises(Invalid) as refused:
        _register(make_project(), system, at, text=text)
    problem = refused.value.problems[0]
    assert (refused.value.code, problem.pointer, problem.code) == ("400.template_schema_invalid", "/content_md", code)
    assert problem.detail.startswith("line 1: ")
    assert not TemplateVersion.objects.exists()


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_are_stored_as_line_feeds_and_the_same_text_is_the_same(ends, at, system):
    project = make_project()
    first = _register(project, system, at, text=f"Hello{ends}{{{{ name }}}}", label="1")
    again = _register(project, system, at, text="Hello\n{{ name }}", label="1")
    assert first.version.content_md == "Hello\n{{ name }}"
    assert (again.created, again.version.id) == (False, first.version.id)


def test_line_ends_of_a_draft_are_stored_as_line_feeds(at, system):
    chat = [{"role": "user", "content": "Hello\r\n{{ name }}"}]
    draft = drafts.create(
        project=make_project(), name="letter", body=_body("a\r\nb"), variables=NAMES, by=system, at=at
    )
    assert draft.content_md == "a\nb"
    body = PromptBody.parse(content_md=None, content_json=chat)
    edited = drafts.edit(template=draft.template, revision=1, body=body, variables=NAMES, by=system, at=at)
    assert edited.content_json == [{"role": "user", "content": "Hello\n{{ name }}"}]


def test_what_was_sealed_with_other_line_ends_keeps_them_and_its_digest(monkeypatch, system):
    with monkeypatch.context() as before:
        before.setattr(PromptBody, "with_line_feeds", lambda body: body)
        version = make_template_version(content_md="a\r\nb")
    read = versions.get(key=version.id, actor=system)
    assert read.body.text == "a\r\nb"
    assert versions.digest_of(body=read.body, variables=read.variables) == version.digest


def test_a_default_without_effect_is_refused(at, system):
    idle = VariablesSchema.parse({"$defs": {"d": {"default": "z"}}, "properties": {"name": {"$ref": "#/$defs/d"}}})
    with pytest.raises(Invalid) as refused:
        versions.register(project=make_project(), name="letter", body=_body(), variables=idle, by=system, at=at)
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/variables_schema/$defs/d/default", "default")


@pytest.mark.parametrize("name", ["", "n" * 201])
def test_a_name_nobody_can_use_is_refused(name, at, system):
    with pytest.raises(Invalid) as refused:
        _register(make_project(), system, at, name=name)
    assert refused.value.problems[0].pointer == "/name"


def test_editors_of_the_project_register_and_others_do_not(at):
    project = make_project()
    assert _register(project, make_actor(roles={project: Role.EDITOR}), at).created
    with pytest.raises(Refused):
        _register(project, make_actor(roles={project: Role.VIEWER}), at)
    with pytest.raises(NotFound):
        _register(project, make_actor(), at)


def test_a_version_is_found_by_those_who_see_its_project(system):
    version = make_template_version()
    assert versions.get(key=version.id, actor=system) == version
    assert list(versions.history(template=version.template)) == [version]
    assert versions.latest(template=version.template) == version
    with pytest.raises(NotFound) as refused:
        versions.get(key=version.id, actor=make_actor())
    assert refused.value.code == "404.template_or_instance_not_found"


def test_a_draft_is_edited_sealed_and_put_away(at, system):
    project = make_project()
    draft = drafts.create(project=project, name="greeting", body=_body(), variables=NAMES, by=system, at=at)
    edited = drafts.edit(
        template=draft.template, revision=1, body=_body("Bye {{ name }}"), variables=NAMES, by=system, at=at
    )
    version = versions.seal(template=draft.template, label="1.0", by=system, at=at)
    assert (edited.revision, version.content_md, version.label) == (2, "Bye {{ name }}", "1.0")
    assert not TemplateDraft.objects.exists()
    assert TemplateDraft.history.count() == 3
    assert list(AuditEvent.objects.filter(project_id=project.id).order_by("id").values_list("action", flat=True))[
        1:
    ] == [
        "template.draft.create",
        "template.draft.edit",
        "template.version.seal",
    ]


def test_an_edit_of_an_older_revision_loses(at, system):
    draft = drafts.create(project=make_project(), name="greeting", body=_body(), variables=NAMES, by=system, at=at)
    drafts.edit(template=draft.template, revision=1, body=_body("A {{ name }}"), variables=NAMES, by=system, at=at)
    with pytest.raises(Conflict) as refused:
        drafts.edit(template=draft.template, revision=1, body=_body("B {{ name }}"), variables=NAMES, by=system, at=at)
    assert (refused.value.code, refused.value.context) == ("409.draft_stale", {"revision": 2})
    assert TemplateDraft.objects.get().content_md == "A {{ name }}"


def test_a_template_has_one_draft(at, system):
    project = make_project()
    draft = drafts.create(project=project, name="greeting", body=_body(), variables=NAMES, by=system, at=at)
    with pytest.raises(Conflict):
        drafts.create(project=project, name="greeting", body=_body(), variables=NAMES, by=system, at=at)
    drafts.discard(template=draft.template, revision=1, by=system, at=at)
    assert drafts.create(project=project, name="greeting", body=_body(), variables=NAMES, by=system, at=at)
    assert AuditEvent.objects.filter(action="template.draft.discard").count() == 1


def test_sealing_needs_a_draft_and_a_free_label(at, system):
    version = make_template_version(label="1.0")
    with pytest.raises(NotFound):
        versions.seal(template=version.template, by=system, at=at)
    drafts.create(
        project=version.template.project,
        name=version.template.name,
        body=_body(),
        variables=NAMES,
        by=system,
        at=at,
    )
    with pytest.raises(Conflict):
        versions.seal(template=version.template, label="1.0", by=system, at=at)
    assert versions.seal(template=version.template, by=system, at=at).ordinal == 2


def test_the_newest_version_is_found_also_after_a_restore_left_numbers_out(at, system):
    """The template's counter is ahead of its versions then."""
    project = make_project()
    for text in ("One {{ name }}", "Two {{ name }}"):
        _register(project, system, at, text=text)
    assert [row.ordinal for row in versions.newest(actor=system)] == [2]
    numbering.skip(ahead=1000)
    assert [row.content_md for row in versions.newest(actor=system)] == ["Two {{ name }}"]
    assert list(versions.newest(actor=make_actor())) == []
