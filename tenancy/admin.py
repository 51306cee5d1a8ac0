"""Clients, projects and service tokens at the staff's door, and what the rooms above need to be shown there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold import widgets
from unfold.decorators import display
from unfold.enums import ActionVariant

from foundation import actors
from foundation.actors import Actor, Door
from foundation.admin import Confirm, Lines, ReadOnly, can_be, decision
from tenancy import clients, policy, projects, tokens
from tenancy.models import AccessEpoch, Client, ClientAlias, Project, ServiceToken
from tenancy.policy import Permission, Role, Scope

SLUG_HELP = "1 to 63 of a-z, 0-9 and '-'. It is its address and never changes."


def who(request: HttpRequest) -> Actor:
    """The signed-in person, come through the staff's door."""
    return tokens.actor_for(request.user, door=Door.ADMIN)  # type: ignore[arg-type]


class Placed(ReadOnly):
    """Rows of a client or a project: staff see those of the places where they have a role, superusers all."""

    place: str = "client"
    places: type[Client | Project] = Client

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Every member of the staff."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the row in the list; simple-history asks for rows that are not from there."""
        if not self.has_module_permission(request) or obj is None or request.user.is_superuser:
            return self.has_module_permission(request)
        return bool(self.get_queryset(request).filter(pk=obj.pk).exists())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows this person sees."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        places: Any = self.places
        return rows.filter(**{f"{self.place}__in": policy.visible(who(request), places)})


class Changes(HistoricalRecordContextHelper):  # type: ignore[misc] # simple-history has no types
    """The changes between two states of a row, as far as they may be shown."""

    def __init__(self, model: Any, historical_record: Any, shown_as: Mapping[str, Callable[[Any], Any]]) -> None:
        super().__init__(model, historical_record)
        self._shown_as = shown_as

    def prepare_delta_change_value(self, change: Any, value: Any) -> Any:
        """A value before it becomes text."""
        shown = self._shown_as.get(change.field)
        return shown(value) if shown else super().prepare_delta_change_value(change, value)


class History(SimpleHistoryAdmin):
    """A row's earlier states, to be read: they are not brought back here.

    ``shown_as`` says how columns are told whose values are not shown as they are.
    """

    shown_as: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    def get_historical_record_context_helper(
        self, request: HttpRequest, historical_record: Any
    ) -> HistoricalRecordContextHelper:
        """What tells the changes from one state to the next."""
        return Changes(self.model, historical_record, self.shown_as)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All of them. Raises Http404 for what cannot be a row."""
        if not can_be(self.opts.pk, unquote(object_id)):
            raise Http404
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """One earlier state. Raises Http404 for what cannot be one."""
        states: Any = self.model
        if not (can_be(self.opts.pk, object_id) and can_be(states.history.model._meta.pk, version_id)):
            raise Http404
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)


class NewClient(Confirm):
    slug = forms.CharField(max_length=63, help_text=SLUG_HELP, widget=widgets.UnfoldAdminTextInputWidget)
    name = forms.CharField(max_length=200, widget=widgets.UnfoldAdminTextInputWidget)


class NewName(Confirm):
    name = forms.CharField(max_length=200, widget=widgets.UnfoldAdminTextInputWidget)


class Grant(Confirm):
    account = forms.CharField(help_text="The account's sign-in name.", widget=widgets.UnfoldAdminTextInputWidget)
    role = forms.ChoiceField(
        choices=[(str(role), str(role).capitalize()) for role in Role], widget=widgets.UnfoldAdminSelectWidget
    )


class Visibility(Confirm):
    visibility = forms.ChoiceField(choices=Project.Visibility.choices, widget=widgets.UnfoldAdminSelectWidget)


class NewProject(NewClient, Visibility):
    field_order = ("slug", "name", "visibility")


class NewToken(Confirm):
    name = forms.CharField(max_length=200, widget=widgets.UnfoldAdminTextInputWidget)
    service = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{0,99}$",
        help_text="Its account is service:<this>, made when it is not there. Grant it roles at clients and projects.",
        widget=widgets.UnfoldAdminTextInputWidget,
    )
    scopes = forms.MultipleChoiceField(
        choices=[(str(scope), str(scope)) for scope in Scope],
        widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget,
    )
    clients = forms.CharField(
        required=False,
        help_text="Slugs, separated by spaces. Empty: not limited.",
        widget=widgets.UnfoldAdminTextInputWidget,
    )
    projects = forms.CharField(
        required=False,
        help_text="Slugs, separated by spaces. Empty: not limited.",
        widget=widgets.UnfoldAdminTextInputWidget,
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        label="Valid for days",
        help_text="Empty: until revoked.",
        widget=widgets.UnfoldAdminIntegerFieldWidget,
    )


class Granting(Placed):
    """What clients and projects share: people hold roles there."""

    place = "pk"

    @display(description="People")
    def people(self, row: Client | Project) -> str:
        held = policy.grants(place=row, actor=actors.system(Door.ADMIN))
        return "; ".join(f"{account}: {', '.join(sorted(roles))}" for account, roles in held.items())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who holds roles is shown to those who may give them."""
        allowed = obj is None or policy.can(who(request), Permission.ADMIN, obj)
        return self.fields if allowed else [name for name in self.fields or () if name != "people"]

    @decision("Give a role", form=Grant, icon="person_add")
    def give_role(self, request: HttpRequest, row: Any, values: dict[str, Any]) -> str:
        to = policy.holder(name=values["account"], place=row, actor=who(request))
        policy.grant(role=Role(values["role"]), place=row, to=to, by=who(request), at=timezone.now())
        return f"{to} is {values['role']} here."

    @decision("Take a role away", form=Grant, icon="person_remove")
    def take_role(self, request: HttpRequest, row: Any, values: dict[str, Any]) -> str:
        to = policy.holder(name=values["account"], place=row, actor=who(request))
        policy.revoke(role=Role(values["role"]), place=row, to=to, by=who(request), at=timezone.now())
        return f"{to} is not {values['role']} here any more."


class Aliases(Lines):
    model = ClientAlias
    verbose_name_plural = "Names in other systems"
    fields = ("kind", "value")
    show_change_link = False


@admin.register(Client)
class ClientAdmin(Granting):
    list_display = ("name", "slug", "created_at", "archived_at")
    list_filter = (("archived_at", admin.EmptyFieldListFilter),)
    search_fields = ("slug", "name")
    fields = ("name", "slug", "id", "created_at", "archived_at", "people")
    inlines = (Aliases,)
    actions_list = ("create",)
    actions_detail = ("rename", "give_role", "take_role", "archive")

    @decision("New client", form=NewClient, icon="add")
    def create(self, request: HttpRequest, row: None, values: dict[str, Any]) -> str:
        client = clients.create(**values, by=who(request), at=timezone.now())
        return f"{client.name} is a client now."

    @decision("Rename", form=NewName, icon="edit")
    def rename(self, request: HttpRequest, row: Client, values: dict[str, Any]) -> str:
        client = clients.rename(client=row, name=values["name"], by=who(request), at=timezone.now())
        return f"It is called {client.name} now."

    @decision(
        "Archive",
        text="It stays readable. Nothing new is written or published for it; what providers run stays as it is.",
        icon="archive",
        variant=ActionVariant.DANGER,
        when=lambda row: row.archived_at is None,
    )
    def archive(self, request: HttpRequest, row: Client, values: dict[str, Any]) -> str:
        clients.archive(client=row, by=who(request), at=timezone.now())
        return f"{row.name} is archived."


@admin.register(Project)
class ProjectAdmin(Granting):
    places = Project
    list_display = ("name", "slug", "visibility", "created_at")
    list_filter = ("visibility",)
    search_fields = ("slug", "name")
    fields = ("name", "slug", "id", "visibility", "created_at", "people")
    actions_list = ("create",)
    actions_detail = ("change_visibility", "give_role", "take_role")

    @decision("New project", form=NewProject, icon="add")
    def create(self, request: HttpRequest, row: None, values: dict[str, Any]) -> str:
        project = projects.create(**values, by=who(request), at=timezone.now())
        return f"{project.name} is a project now."

    @decision("Change visibility", form=Visibility, icon="visibility")
    def change_visibility(self, request: HttpRequest, row: Project, values: dict[str, Any]) -> str:
        project = projects.set_visibility(project=row, **values, by=who(request), at=timezone.now())
        return f"{project.name} is {project.visibility}."


@admin.register(ServiceToken)
class ServiceTokenAdmin(History, ReadOnly):
    list_display = ("name", "prefix", "account", "allows", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("account",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix")
    fields = (
        "name",
        "prefix",
        "account",
        "allows",
        "clients",
        "projects",
        "labels",
        "created_at",
        "created_by",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    actions_list = ("issue",)
    actions_detail = ("revoke",)

    @display(description="Scopes")
    def allows(self, row: ServiceToken) -> str:
        return ", ".join(row.scopes)

    @decision("Issue a token", form=NewToken, icon="key")
    def issue(self, request: HttpRequest, row: None, values: dict[str, Any]) -> HttpResponse:
        now, days = timezone.now(), values["days"]
        policy.require(who(request), Permission.ADMIN, None)
        token, secret = tokens.issue(
            name=values["name"],
            account=tokens.service_account(name=values["service"]),
            scopes=values["scopes"],
            clients=values["clients"].split(),
            projects=values["projects"].split(),
            expires_at=now + timedelta(days=days) if days else None,
            by=who(request),
            at=now,
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"The token {token.name}",
            "text": "Keep it now: it is shown this once and stored nowhere.",
            "secret": secret,
            "back": self.page(token),
        }
        return TemplateResponse(request, "prompthub/admin/once.html", context)

    @decision(
        "Revoke",
        text="It is refused from this moment on, for good.",
        icon="block",
        variant=ActionVariant.DANGER,
        when=lambda row: row.revoked_at is None,
    )
    def revoke(self, request: HttpRequest, row: ServiceToken, values: dict[str, Any]) -> str:
        tokens.revoke(token=row, by=who(request), at=timezone.now())
        return f"{row.name} is revoked."


@admin.register(AccessEpoch)
class AccessEpochAdmin(ReadOnly):
    """Under which word rights are remembered; another one after every change of who may do what."""

    list_display = ("value",)
    fields = ("value",)
