"""Accounts and sign-in attempts at the staff's door: theirs are libraries' models, so they are shown by the roof."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone
from unfold import widgets

from foundation.admin import Confirm, Endless, ReadOnly, decision
from tenancy import accounts
from tenancy.admin import who


def _switch(label: str) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, widget=widgets.UnfoldBooleanSwitchWidget)


class NewPassword(Confirm):
    password = forms.CharField(
        strip=False, widget=widgets.UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    )


class NewAccount(NewPassword):
    name = forms.CharField(max_length=150, widget=widgets.UnfoldAdminTextInputWidget)
    staff = _switch("May enter here, and sees what its roles let it see")
    superuser = _switch("May do everything")
    field_order = ("name", "password", "staff", "superuser")


class Standing(Confirm):
    active = _switch("May sign in")
    staff = _switch("May enter here, and sees what its roles let it see")
    superuser = _switch("May do everything")

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, row=row, **more)
        self.initial = {"active": row.is_active, "staff": row.is_staff, "superuser": row.is_superuser}


@admin.register(get_user_model())
class AccountAdmin(ReadOnly):
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("username",)
    ordering = ("username",)
    fields = ("username", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    actions_list = ("create",)
    actions_detail = ("change_standing", "set_password")

    @decision("New account", form=NewAccount, icon="person_add")
    def create(self, request: HttpRequest, row: None, values: dict[str, Any]) -> str:
        account = accounts.create(**values, by=who(request), at=timezone.now())
        return f"{account.get_username()} can sign in. Give it roles at clients and projects."

    @decision("Change standing", form=Standing, icon="badge")
    def change_standing(self, request: HttpRequest, row: Any, values: dict[str, Any]) -> str:
        accounts.set_standing(account=row, **values, by=who(request), at=timezone.now())
        return "Its standing is changed."

    @decision("Set a password", form=NewPassword, icon="password", text="Every session of the account ends.")
    def set_password(self, request: HttpRequest, row: Any, values: dict[str, Any]) -> str:
        accounts.set_password(account=row, password=values["password"], by=who(request), at=timezone.now())
        return "The password is set."


@admin.register(AccessAttempt)
class FailedSignInAdmin(Endless):
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "=ip_address")
    ordering = ("-id",)
    fields = ("attempt_time", "username", "ip_address", "user_agent", "path_info", "failures_since_start")


@admin.register(AccessLog, AccessFailureLog)
class SignInAdmin(Endless):
    list_display = ("attempt_time", "username", "ip_address", "user_agent")
    search_fields = ("username", "=ip_address")
    ordering = ("-id",)
    fields = ("attempt_time", "username", "ip_address", "user_agent", "path_info")
