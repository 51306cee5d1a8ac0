"""What staff decide goes through the verbs: rows and audit together, through the door ``admin``."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from audit.models import AuditEvent
from foundation.models import Mutability
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing.models import Delivery, Placement, Target
from templates_app import drafts as template_drafts
from templates_app.models import TemplateDraft, TemplateVersion
from tenancy import policy
from tenancy.models import Client, Project, ServiceToken
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import address, browser_of, bury, decide, decided, ours, registered, told, wrong

pytestmark = pytest.mark.django_db


@pytest.fixture
def memory(world):
    """A prompt on a provider in memory: no address, no network."""
    target = factories.make_target(client=world.client, adapter="memory")
    return factories.make_placement(instance=world.instance, target=target)


def test_no_page_adds_saves_or_deletes(staff, world):
    for model, page in registered():
        assert staff.post(address(model, "add"), {}).status_code == 403, model
        row = model._default_manager.order_by("-pk").first()
        if row is None:
            continue
        shown = staff.get(address(model, "change", row.pk)).content.decode()
        assert 'name="_save"' not in shown, model
        assert "deletelink" not in shown, model
        assert staff.post(address(model, "change", row.pk), {}).status_code == 403, model
        assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        assert "delete_selected" not in page.get_actions(staff.get("/admin/").wsgi_request), model


def test_sealed_rows_have_no_decisions_either():
    pages = dict(registered())
    for model in ours():
        if model in pages and model.mutability is not Mutability.MUTABLE:
            assert (pages[model].actions_detail, pages[model].actions_list) == ((), ()), model


def test_pages_of_libraries_do_not_get_in():
    class Stock(admin.ModelAdmin):
        pass

    site = admin.site
    before = set(site._registry)
    site.register(AuditEvent, Stock)
    assert set(site._registry) == before


def test_asking_changes_nothing(staff, world, memory):
    """Every button's page is shown by GET, and that is all a GET does."""
    before = AuditEvent.objects.count()
    for model, page in registered():
        row = model._default_manager.order_by("-pk").first()
        for name in page.actions_list:
            assert staff.get(address(model, name)).status_code == 200
        for name in page.actions_detail if row else ():
            asked = staff.get(address(model, name, row.pk))
            assert asked.status_code == 200, (model, name)
            assert "csrfmiddlewaretoken" in asked.content.decode()
    assert AuditEvent.objects.count() == before


def test_buttons_that_the_row_does_not_allow_are_not_offered(staff, world):
    shown = staff.get(address(Target, "change", world.target.pk)).content.decode()
    assert ("Switch off" in shown, "Switch on" in shown) == (True, False)


def test_a_buried_delivery_is_replayed_from_the_list(staff, memory):
    buried = bury(memory)
    listed = address(Delivery, "changelist")
    chosen = {"action": "replay_chosen", "_selected_action": [str(buried.pk), str(factories.make_delivery().pk)]}
    page = staff.post(listed, chosen, follow=True)
    again = Delivery.objects.get(replay_of=buried)
    assert (again.state, again.ordinal) == ("pending", buried.ordinal)
    assert "is sent again" in told(page)
    assert "Only a buried delivery is replayed" in told(page)
    assert decided("delivery.replay") == ["root"]


def test_of_the_chosen_ones_those_are_replayed_that_one_may(world, memory):
    mine, theirs = bury(memory), bury(factories.make_placement(target=factories.make_target(adapter="memory")))
    member = factories.make_user(staff=True)
    factories.make_actor(user=member, roles={world.client: "publisher", theirs.placement.target.client: "viewer"})
    chosen = {"action": "replay_chosen", "_selected_action": [str(mine.pk), str(theirs.pk)]}
    page = told(browser_of(member).post(address(Delivery, "changelist"), chosen, follow=True))
    assert "is sent again" in page
    assert "permission 'publish'" in page
    assert list(Delivery.objects.exclude(replay_of=None).values_list("replay_of", flat=True)) == [mine.pk]


def test_a_buried_delivery_is_replayed_from_its_page_once(staff, memory):
    buried = bury(memory)
    assert "sent again" in told(decide(staff, Delivery, "replay", buried))
    assert "A newer delivery" in str(wrong(decide(staff, Delivery, "replay", buried)))
    assert Delivery.objects.filter(replay_of=buried).count() == 1


def test_a_delivery_that_was_replayed_is_not_offered_again_and_names_its_replay(staff, memory):
    buried = bury(memory)
    shown = address(Delivery, "change", buried.pk)
    button = address(Delivery, "replay", buried.pk)
    assert button in staff.get(shown).content.decode()
    decide(staff, Delivery, "replay", buried)
    page = staff.get(shown).content.decode()
    assert button not in page
    assert address(Delivery, "change", Delivery.objects.get(replay_of=buried).pk) in page


def test_dead_letters_are_those_that_nothing_newer_replaced(staff, memory):
    buried = bury(memory)
    listed = address(Delivery, "changelist") + "?dead=yes"
    assert list(staff.get(listed).context["cl"].queryset) == [buried]
    decide(staff, Delivery, "replay", buried)
    assert list(staff.get(listed).context["cl"].queryset) == []


def test_a_waiting_delivery_is_given_up(staff, memory):
    delivery = factories.make_delivery(placement=memory)
    assert "is pending" in str(wrong(decide(staff, Delivery, "bury", delivery)))
    factories.make_attempt(delivery=delivery, outcome="try_again")
    decide(staff, Delivery, "bury", delivery)
    delivery.refresh_from_db()
    assert delivery.state == "buried"
    assert decided("delivery.bury") == ["root"]


def test_whoever_may_not_publish_is_refused_by_the_verb(world, memory):
    buried = bury(memory)
    member = factories.make_user(username="viewer", staff=True)
    factories.make_actor(user=member, roles={world.client: "viewer"})
    theirs = browser_of(member)
    page = decide(theirs, Delivery, "replay", buried)
    assert "needs the permission" in str(wrong(page))
    chosen = {"action": "replay_chosen", "_selected_action": [str(buried.pk)]}
    assert "permission 'publish'" in told(theirs.post(address(Delivery, "changelist"), chosen, follow=True))
    assert not Delivery.objects.filter(replay_of=buried).exists()


def test_another_clients_row_is_not_there(world, memory):
    buried = bury(memory)
    member = factories.make_user(staff=True)
    factories.make_actor(user=member, roles={factories.make_client(): "administrator"})
    assert decide(browser_of(member), Delivery, "replay", buried).status_code == 404


def test_publishing_from_a_placement(staff, world, memory):
    page = decide(staff, Placement, "publish", memory, reason="from the staff's door")
    assert "are on their way" in told(page)
    assert decided("instance.publish") == ["root"]
    assert "runs already" in told(decide(staff, Placement, "publish", memory))


def test_a_placement_is_removed(staff, memory):
    decide(staff, Placement, "remove", memory)
    memory.refresh_from_db()
    assert memory.removed_at is not None
    assert decided("placement.remove") == ["root"]


def test_clients_are_made_renamed_and_archived(staff):
    assert "slug" in wrong(decide(staff, Client, "create", slug="Not a slug", name="X"))
    decide(staff, Client, "create", slug="zephyr", name="Zephyr")
    turned = wrong(decide(staff, Client, "create", slug="turned", name="Zephyr \u202egnp"))
    assert "turn the direction of writing" in str(turned)
    client = Client.objects.get(slug="zephyr")
    assert "turn the direction" in str(wrong(decide(staff, Client, "rename", client, name="\u2067Zephyr")))
    decide(staff, Client, "rename", client, name="Zephyr & Sons")
    decide(staff, Client, "archive", client)
    client.refresh_from_db()
    assert (client.name, client.archived_at is None) == ("Zephyr & Sons", False)
    assert decided("client.create") == decided("client.rename") == decided("client.archive") == ["root"]


def test_projects_are_made_and_opened(staff):
    decide(staff, Project, "create", slug="shared", name="Shared", visibility="private")
    project = Project.objects.get(slug="shared")
    decide(staff, Project, "change_visibility", project, visibility="public")
    project.refresh_from_db()
    assert project.visibility == "public"
    assert decided("project.visibility.set") == ["root"]


def test_roles_are_given_and_taken(staff, world):
    person = factories.make_user(username="olivia")
    assert "account" in wrong(decide(staff, Client, "give_role", world.client, account="nobody", role="editor"))
    decide(staff, Client, "give_role", world.client, account="olivia", role="editor")
    assert policy.grants(place=world.client, actor=SYSTEM)[person] == {policy.Role.EDITOR}
    assert "olivia: editor" in staff.get(address(Client, "change", world.client.pk)).content.decode()
    decide(staff, Client, "take_role", world.client, account="olivia", role="editor")
    assert person not in policy.grants(place=world.client, actor=SYSTEM)
    assert decided("grant.add") == decided("grant.revoke") == ["root"]


def test_a_token_is_shown_once(staff):
    given = {"name": "CI", "service": "ci", "scopes": ["read", "publish"], "clients": "", "projects": "", "days": "30"}
    page = decide(staff, ServiceToken, "issue", **given)
    [secret] = re.findall(r"phub_[0-9a-z]{12}_[A-Za-z0-9_-]{43}", page.content.decode())
    assert "no-store" in page.headers["Cache-Control"]
    token = ServiceToken.objects.get(name="CI")
    assert (token.account.get_username(), token.scopes) == ("service:ci", ["publish", "read"])
    later = staff.get(address(ServiceToken, "change", token.pk)).content.decode()
    assert secret not in later
    decide(staff, ServiceToken, "revoke", token)
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert decided("token.issue") == decided("token.revoke") == ["root"]


def test_credentials_are_taken_and_never_shown(staff, world):
    fresh = "whsec_" + "bmV3LXNpZ25pbmctc2VjcmV0LW9mLTMyLWJ5dGVz"
    refused = decide(
        staff, Target, "rotate_credentials", world.target, credentials='{"signing_secret": "tooshort-secret"}'
    )
    assert "signing_secret" in str(wrong(refused))
    assert "tooshort-secret" not in refused.content.decode()
    page = decide(staff, Target, "rotate_credentials", world.target, credentials=f'{{"signing_secret": "{fresh}"}}')
    assert fresh not in page.content.decode()
    assert Target.objects.get(pk=world.target.pk).credential_values == {"signing_secret": fresh}
    assert decided("target.credentials.rotate") == ["root"]


def test_targets_are_made_changed_and_switched(staff, world):
    given = {"client": world.client.slug, "name": "mem", "adapter": "memory", "settings": "{}", "credentials": ""}
    decide(staff, Target, "create", **given)
    target = Target.objects.get(name="mem")
    assert "Nothing was asked" in told(decide(staff, Target, "test", target))
    factories.make_placement(instance=world.instance, target=target)
    assert "1 places were asked" in told(decide(staff, Target, "test", target))
    decide(staff, Target, "change_settings", target, settings='{"fail": ["refused"]}')
    decide(staff, Target, "disable", target)
    target.refresh_from_db()
    assert (target.settings, target.enabled) == ({"fail": ["refused"]}, False)
    decide(staff, Target, "enable", target)
    assert Target.objects.get(pk=target.pk).enabled
    for action in ("target.create", "target.change", "target.disable", "target.enable"):
        assert decided(action) == ["root"], action


def test_a_prompts_variables_are_edited_and_its_secrets_kept(staff, world):
    given = {"variables": '{"company": "Acme & Co"}', "secrets": "", "revision": "1"}
    assert "revision 2" in told(decide(staff, PromptInstance, "edit", world.instance, **given))
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert (row.variables, row.secret_values) == ({"company": "Acme & Co"}, {"booking_key": "booking-key-0451-abc"})
    assert "changed meanwhile" in str(wrong(decide(staff, PromptInstance, "edit", world.instance, **given)))
    secret = {**given, "revision": "2", "secrets": '{"booking_key": "booking-key-0452-def"}'}
    page = decide(staff, PromptInstance, "edit", world.instance, **secret)
    assert "booking-key" not in page.content.decode()
    row.refresh_from_db()
    assert row.secret_values == {"booking_key": "booking-key-0452-def"}
    wrong_kind = decide(staff, PromptInstance, "edit", world.instance, **{**secret, "secrets": '["booking-key-9"]'})
    assert "JSON object" in str(wrong(wrong_kind))
    assert "booking-key-9" not in wrong_kind.content.decode()
    assert decided("instance.draft.edit") == ["root", "root"]


def test_a_prompt_is_archived(staff, world):
    decide(staff, PromptInstance, "archive", world.instance)
    assert PromptInstance.objects.get(pk=world.instance.pk).status == "archived"
    assert decided("instance.archive") == ["root"]


def test_a_template_draft_is_edited_sealed_and_thrown_away(staff, world):
    schema = '{"type": "object", "properties": {"company": {"type": "string"}}}'
    hostile = decide(
        staff, TemplateDraft, "edit", world.draft, text="{{ nobody }}", variables_schema=schema, revision="1"
    )
    assert "not declared" in str(wrong(hostile))
    decide(
        staff,
        TemplateDraft,
        "edit",
        world.draft,
        text="Good day, {{ company }}.",
        variables_schema=schema,
        revision="1",
    )
    decide(staff, TemplateDraft, "seal", world.draft, label="1.0")
    assert TemplateVersion.objects.get(label="1.0").content_md == "Good day, {{ company }}."
    assert not TemplateDraft.objects.filter(pk=world.draft.pk).exists()
    assert decided("template.draft.edit") == decided("template.version.seal") == ["root"]


def test_a_document_of_a_template_draft_is_edited(staff, world):
    draft = template_drafts.create(
        project=world.template_version.template.project,
        name="chat",
        body=PromptBody.parse(content_md=None, content_json=[{"role": "system", "content": "Hello."}]),
        variables=VariablesSchema.parse({"type": "object", "properties": {}}),
        by=SYSTEM,
        at=AT,
    )
    given = {"text": '[{"role": "system", "content": "Good day."}]', "variables_schema": "{}", "revision": "1"}
    decide(staff, TemplateDraft, "edit", draft, **given)
    draft.refresh_from_db()
    assert draft.content_json == [{"role": "system", "content": "Good day."}]
    decide(staff, TemplateDraft, "discard", draft)
    assert not TemplateDraft.objects.filter(pk=draft.pk).exists()
    assert decided("template.draft.discard") == ["root"]


def test_accounts_are_made_and_changed(staff, root):
    users = get_user_model()
    assert "password" in wrong(decide(staff, users, "create", name="olivia", password="12345678"))
    decide(staff, users, "create", name="olivia", password="long-enough-and-odd-7", staff="on")
    olivia = users.objects.get(username="olivia")
    assert (olivia.is_staff, olivia.is_superuser, olivia.check_password("long-enough-and-odd-7")) == (True, False, True)
    assert "name" in wrong(decide(staff, users, "create", name="olivia", password="long-enough-and-odd-8"))
    decide(staff, users, "set_password", olivia, password="another-odd-one-9-x")
    decide(staff, users, "change_standing", olivia, staff="on")
    olivia.refresh_from_db()
    assert (olivia.is_active, olivia.check_password("another-odd-one-9-x")) == (False, True)
    assert "Somebody else" in str(wrong(decide(staff, users, "change_standing", root, staff="on")))
    assert decided("account.create") == decided("account.password.set") == decided("account.standing.set") == ["root"]


def test_ones_own_password_is_changed_by_the_verb(staff, root):
    url = reverse("admin:password_change")
    assert staff.get(url).status_code == 200
    given = {"old_password": "correct", "new_password1": "a-new-and-odd-one-5", "new_password2": "a-new-and-odd-one-5"}
    assert staff.post(url, given).status_code == 302
    root.refresh_from_db()
    assert root.check_password("a-new-and-odd-one-5")
    assert staff.get("/admin/").status_code == 200, "the session that changed it goes on"
    assert decided("account.password.set") == ["root"]
