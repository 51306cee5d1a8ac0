"""Every page of every model at the staff's door."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.fields import EncryptedText
from tests import factories
from tests.integration.admin.rooms import SECRETS, address, browser_of, build, ours, registered

pytestmark = pytest.mark.django_db

# Shown on the page of the client, bundle or release that they belong to.
UNDER_ANOTHER = {
    "PublishedSecrets",  # under none: what is in it is shown nowhere
    *("ClientAlias", "Member", "Requirement"),
    *("Inclusion", "Pin", "ReleaseMark", "ReleaseRequirement", "ReleaseSignature"),
}
MODELS = [model for model, _ in registered()]
NAMES = [model.__name__ for model in MODELS]


def hidden(world):
    """What no page may ever say."""
    return [*SECRETS.values(), world.token_secret, world.token.secret_digest]


def test_every_model_of_ours_has_a_page():
    assert {model.__name__ for model in ours()} - UNDER_ANOTHER == {
        model.__name__ for model in MODELS if model in ours()
    }


def test_every_list_and_every_row_is_shown_without_secrets(staff, world):
    said = {}
    for model in MODELS:
        pages = [staff.get(address(model, "changelist"))]
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            pages.append(staff.get(address(model, "change", row.pk)))
        told = [secret for secret in hidden(world) for page in pages if secret in page.content.decode()]
        said[model.__name__] = ({page.status_code for page in pages}, told)
    assert said == dict.fromkeys(NAMES, ({200}, []))


def test_a_row_of_every_model_of_ours_was_looked_at(world):
    assert [model.__name__ for model in ours() if model in MODELS and not model._default_manager.exists()] == []


@pytest.mark.parametrize(("model", "page"), registered(), ids=NAMES)
def test_no_page_names_an_encrypted_column(model, page):
    encrypted = {field.name for field in model._meta.get_fields() if isinstance(field, EncryptedText)}
    shown = {*page.list_display, *(page.fields or ()), *page.search_fields}
    assert encrypted & shown == set()
    assert page.fields, "without a list Django would show every column"


def test_earlier_states_are_read_and_never_brought_back(staff, world):
    kept = [model for model in MODELS if hasattr(model, "history")]
    for model in kept:
        row = model._default_manager.order_by("-pk").first()
        one = address(model, "simple_history", row.pk, row.history.first().pk)
        pages = [staff.get(address(model, "history", row.pk)), staff.get(one)]
        assert {page.status_code for page in pages} == {200}, model
        assert not any(secret in page.content.decode() for secret in hidden(world) for page in pages), model
        assert staff.post(one, {}).status_code == 403, model
    assert {"PromptInstance", "ServiceToken", "Target", "TemplateDraft"} <= {model.__name__ for model in kept}


def test_a_list_asks_as_often_for_thirty_rows_as_for_three(staff):
    """View and rendering together: nothing is asked for per row."""

    def ask():
        counts = {}
        for model in MODELS:
            with CaptureQueriesContext(connection) as asked:
                assert staff.get(address(model, "changelist")).status_code == 200
            counts[model.__name__] = len(asked)
        return counts

    ask()  # content types and the like are remembered from now on
    for _ in range(3):
        build()
    few = ask()
    for _ in range(27):
        build()
    assert ask() == few


def test_a_rows_page_asks_as_often_for_thirty_lines_as_for_three(staff, world):
    from publishing.models import Target

    page = address(Target, "change", world.target.pk)

    def ask():
        with CaptureQueriesContext(connection) as asked:
            assert staff.get(page).status_code == 200
        return len(asked)

    def place(count):
        for _ in range(count):
            instance = factories.make_instance(client=world.client, name=None)
            factories.make_placement(instance=instance, target=world.target, location={"name": instance.name})

    ask()  # content types and the like are remembered from now on
    place(2)
    few = ask()
    place(10)
    assert ask() == few


def test_whoever_is_not_staff_is_sent_to_sign_in(world):
    visitor = browser_of(factories.make_user())
    for model in MODELS:
        answer = visitor.get(address(model, "changelist"))
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_staff_see_the_clients_where_they_have_a_role_and_nothing_else(world):
    other = build()
    member = factories.make_user(staff=True)
    factories.make_actor(user=member, roles={world.client: "viewer", world.template_version.template.project: "viewer"})
    theirs = browser_of(member)
    seen = 0
    for model, page in registered():
        answer = theirs.get(address(model, "changelist"))
        if not hasattr(page, "place"):
            assert answer.status_code == 403, model.__name__
            continue
        assert answer.status_code == 200
        rows = list(answer.context["cl"].queryset)
        assert rows, model.__name__
        seen += 1
        foreign = [row for row in model._default_manager.all() if row not in rows]
        assert foreign, model.__name__
        assert theirs.get(address(model, "change", rows[0].pk)).status_code == 200
        assert theirs.get(address(model, "change", foreign[0].pk)).status_code in {302, 403, 404}
        if hasattr(model, "history"):
            assert theirs.get(address(model, "history", foreign[0].pk)).status_code == 403
            state = foreign[0].history.first()
            assert theirs.get(address(model, "simple_history", foreign[0].pk, state.pk)).status_code == 403
    assert seen >= 10
    assert other.client.name


def test_the_overview_counts_what_needs_a_person(staff, world):
    page = staff.get(reverse("admin:index")).content.decode()
    assert "Places that run something else" in page
    assert "instance.publish" in page


def test_member_of_staff_gets_an_overview_without_the_ledger(world):
    member = browser_of(factories.make_user(staff=True))
    page = member.get(reverse("admin:index"))
    assert page.status_code == 200
    assert [figure.value for figure in page.context["figures"]] == [0, 0, 0]
    assert "instance.publish" not in page.content.decode()


@pytest.mark.parametrize(
    "query",
    ["?dead=yes", "?adapter=webhook", "?state__exact=delivered", "?q=front"],
)
def test_deliveries_are_filtered(staff, world, query):
    from publishing.models import Delivery

    page = staff.get(address(Delivery, "changelist") + query)
    assert page.status_code == 200
    assert page.context["cl"].queryset.count() == (0 if "dead" in query else 1)


def test_the_ledger_is_filtered_by_action(staff, world):
    from audit.models import AuditEvent

    page = staff.get(address(AuditEvent, "changelist") + "?action=instance.publish")
    assert {event.action for event in page.context["cl"].queryset} == {"instance.publish"}
