"""The editable side of a client's prompt."""

from __future__ import annotations

import pytest
from django.db import connection

from audit.models import AuditEvent
from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Refused
from tenancy import clients
from tenancy.policy import Role
from tests.factories import make_actor, make_client, make_instance, make_instance_version, make_template_version

pytestmark = pytest.mark.django_db
SECRET = "s3cret-pass-phrase"


def _own(text):
    return PromptBody.parse(content_md=text, content_json=None)


def _secretive(**more):
    return make_template_version(
        content_md="Key {{ key }} for {{ who }}",
        variables_schema={
            "type": "object",
            "properties": {"key": {"type": "string", "x-secret": True}, "who": {"type": "string", "default": "us"}},
            "required": ["key"],
        },
        **more,
    )


def test_a_prompt_is_called_like_its_template_with_a_number_when_that_is_taken():
    client, version = make_client(), make_template_version(name="greeting")
    made = [make_instance(client=client, template_version=version, variables={"company": "A"}).name for _ in range(3)]
    assert made == ["greeting", "greeting-2", "greeting-3"]


def test_a_wanted_name_that_is_taken_is_a_conflict():
    first = make_instance(name="front desk")
    with pytest.raises(Conflict) as refused:
        make_instance(client=first.client, name="front desk")
    assert refused.value.problems[0].pointer == "/name"


@pytest.mark.parametrize("name", ["", "n" * 201])
def test_a_name_nobody_can_use_is_refused(name):
    with pytest.raises(Invalid):
        make_instance(name=name)


@pytest.mark.parametrize(
    ("variables", "pointer"),
    [({}, "/variables"), ({"company": 1}, "/variables/company"), ({"company": "A", "x": 1}, "/variables/x")],
)
def test_wrong_variables_are_refused_where_they_stand(variables, pointer):
    with pytest.raises(Invalid) as refused:
        make_instance(template_version=make_template_version(), variables=variables)
    assert refused.value.code == "422.variables_invalid"
    assert refused.value.problems[0].pointer.startswith(pointer)
    assert not PromptInstance.objects.exists()


def test_a_secret_is_stored_encrypted_and_shown_nowhere(at, system):
    instance = make_instance(template_version=_secretive(), variables={"key": SECRET})
    assert (instance.variables, instance.secret_revision, instance.secret_values) == ({}, 1, {"key": SECRET})
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert SECRET not in str(cursor.fetchall()), table
    assert SECRET not in drafts.preview(instance=instance, actor=system).text()


def test_a_secret_left_out_keeps_its_value_and_null_takes_it_away(at, system):
    instance = make_instance(template_version=_secretive(), variables={"key": SECRET})
    kept = drafts.edit(instance=instance, revision=1, variables={"who": "you"}, by=system, at=at)
    assert (kept.secret_values, kept.secret_revision) == ({"key": SECRET}, 1)
    changed = drafts.edit(instance=instance, revision=2, variables={"key": "another one"}, by=system, at=at)
    assert (changed.secret_values, changed.secret_revision) == ({"key": "another one"}, 2)
    with pytest.raises(Invalid):
        drafts.edit(instance=instance, revision=3, variables={"key": None}, by=system, at=at)


def test_a_preview_takes_secrets_as_an_edit_does(at, system):
    template = make_template_version(
        content_md="A{{ key }}B", variables_schema={"properties": {"key": {"type": "string", "x-secret": True}}}
    )
    bare = make_instance(template_version=template, variables={})
    filled = make_instance(template_version=template, variables={"key": SECRET})
    for instance, variables, shown in (
        (bare, None, "AB"),
        (bare, {"key": None}, "AB"),
        (bare, {"key": SECRET}, "A••••••B"),
        (filled, {}, "A••••••B"),
        (filled, {"key": None}, "AB"),
    ):
        assert drafts.preview(instance=instance, actor=system, variables=variables).text() == shown
    required = make_instance(template_version=_secretive(), variables={"key": SECRET})
    with pytest.raises(Invalid) as refused:
        drafts.preview(instance=required, actor=system, variables={"key": None})
    assert [problem.pointer for problem in refused.value.problems] == ["/variables/key"]


def test_an_edit_writes_text_history_and_a_record_that_tells_no_text(at, system):
    instance = make_instance()
    edited = drafts.edit(instance=instance, revision=1, body=_own("For {{ company }} only"), by=system, at=at)
    assert drafts.preview(instance=edited, actor=system).text() == "For Acme only"
    assert PromptInstance.history.filter(id=instance.id).count() == 2
    event = AuditEvent.objects.get(action="instance.draft.edit")
    assert event.metadata == {"revision": 2}
    back = drafts.edit(instance=edited, revision=2, body=None, by=system, at=at)
    assert drafts.preview(instance=back, actor=system).text() == "You are warm and speak for Acme."


def test_an_edit_of_an_older_revision_loses(at, system):
    instance = make_instance()
    drafts.edit(instance=instance, revision=1, variables={"company": "B"}, by=system, at=at)
    with pytest.raises(Conflict) as refused:
        drafts.edit(instance=instance, revision=1, variables={"company": "C"}, by=system, at=at)
    assert refused.value.code == "409.draft_stale"
    assert PromptInstance.objects.get().variables == {"company": "B"}


def test_own_text_uses_declared_variables_and_the_templates_format(at, system):
    instance = make_instance()
    with pytest.raises(Invalid) as undeclared:
        drafts.edit(instance=instance, revision=1, body=_own("{{ nobody }}"), by=system, at=at)
    assert undeclared.value.problems[0].code == "undeclared"
    chat = PromptBody.parse(content_md=None, content_json=[{"role": "system", "content": "x"}])
    with pytest.raises(Invalid) as another:
        drafts.edit(instance=instance, revision=1, body=chat, by=system, at=at)
    assert another.value.problems[0].pointer == "/format"


def test_a_newer_template_version_is_told_and_taken(at, system):
    old = make_template_version(name="greeting")
    instance = make_instance(template_version=old, variables={"company": "Acme"})
    assert drafts.behind(instance=instance) is None
    new = make_template_version(
        project=old.template.project,
        name="greeting",
        content_md="Speak for {{ company }}.",
        variables_schema=old.variables_schema,
    )
    assert drafts.behind(instance=instance) == new
    taken = drafts.edit(instance=instance, revision=1, template_version=new, by=system, at=at)
    assert drafts.preview(instance=taken, actor=system).text() == "Speak for Acme."
    assert drafts.behind(instance=taken) is None


def test_a_new_name_is_free_or_a_conflict(at, system):
    first, second = make_instance(name="a"), None
    second = make_instance(client=first.client, name="b")
    with pytest.raises(Conflict):
        drafts.edit(instance=second, revision=1, name="a", by=system, at=at)
    assert drafts.edit(instance=second, revision=1, name="c", by=system, at=at).name == "c"


def test_what_is_saved_while_somebody_writes_is_recorded_but_keeps_no_history(at, system):
    instance = make_instance()
    kept = PromptInstance.history.count()

    saved = drafts.edit(instance=instance, revision=1, body=_own("For {{ company }}"), autosave=True, by=system, at=at)

    assert (saved.revision, PromptInstance.history.count()) == (2, kept)
    event = AuditEvent.objects.get(action="instance.draft.edit")
    assert event.metadata == {"revision": 2, "autosave": True}
    drafts.edit(instance=saved, revision=2, body=None, by=system, at=at)
    assert PromptInstance.history.count() == kept + 1


def test_a_preview_with_other_values_or_text_stores_nothing(system):
    instance = make_instance()
    shown = drafts.preview(instance=instance, actor=system, variables={"company": "Else"}, body=_own("{{ company }}!"))
    assert shown.text() == "Else!"
    assert PromptInstance.objects.get().content_md is None
    with pytest.raises(Invalid):
        drafts.preview(instance=instance, actor=system, body=_own("{{ nobody }}"))


def test_an_archived_prompt_is_not_edited_and_archiving_twice_is_recorded_once(at, system):
    instance = make_instance()
    archived = drafts.archive(instance=instance, by=system, at=at)
    assert archived.status == "archived"
    with pytest.raises(Conflict) as refused:
        drafts.edit(instance=instance, revision=2, variables={"company": "B"}, by=system, at=at)
    assert refused.value.code == "409.archived"
    assert AuditEvent.objects.filter(action="instance.archive").count() == 1


def test_nothing_new_is_written_for_an_archived_client(at, system):
    instance = make_instance()
    clients.archive(client=instance.client, by=system, at=at)
    instance.client.refresh_from_db()
    with pytest.raises(Conflict):
        drafts.edit(instance=instance, revision=1, variables={"company": "B"}, by=system, at=at)
    with pytest.raises(Conflict):
        make_instance(client=instance.client)


def test_rights_are_asked_before_anything_else(at):
    instance = make_instance()
    viewer, stranger = make_actor(roles={instance.client: Role.VIEWER}), make_actor()
    assert drafts.get(key=instance.id, actor=viewer) == instance
    with pytest.raises(Refused):
        drafts.edit(instance=instance, revision=1, variables={"company": "B"}, by=viewer, at=at)
    with pytest.raises(Refused):
        drafts.archive(instance=instance, by=viewer, at=at)
    with pytest.raises(NotFound):
        drafts.get(key=instance.id, actor=stranger)
    with pytest.raises(NotFound):
        drafts.preview(instance=instance, actor=stranger)


def test_a_draft_takes_over_its_own_versions_only(at, system):
    instance = make_instance()
    mine, other = make_instance_version(instance=instance), make_instance_version()
    instance.refresh_from_db()
    with pytest.raises(NotFound):
        drafts.edit(instance=instance, revision=1, based_on=other, by=system, at=at)
    assert drafts.edit(instance=instance, revision=1, based_on=mine, by=system, at=at).based_on == mine


def test_a_clients_own_text_cannot_refer_to_other_prompts(at, system):
    instance = make_instance()
    own = _own('{% include "@acme/base/style" %}')
    with pytest.raises(Invalid) as refused:
        drafts.edit(instance=instance, revision=instance.revision, body=own, by=system, at=at)
    assert (refused.value.problems[0].pointer, refused.value.problems[0].code) == ("/content_md", "reference")
    assert "Only templates of a bundle" in refused.value.detail


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
def test_line_ends_of_an_own_text_are_stored_as_line_feeds(engine, at, system):
    version = make_template_version(content_md="Hello.", engine=engine)
    body = PromptBody.parse(content_md="a\r\nb\rc", content_json=None, engine=engine)
    made = drafts.create(client=make_client(), template_version=version, variables={}, body=body, by=system, at=at)
    assert drafts.preview(instance=made, actor=system).text() == "a\nb\nc"
    assert drafts.preview(instance=made, actor=system, body=body).text() == "a\nb\nc"
    edited = drafts.edit(instance=made, revision=1, body=body, by=system, at=at)
    assert edited.content_md == "a\nb\nc"
