"""The sign-in form."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _


class SignIn(AuthenticationForm):
    """Name and password."""

    username = forms.CharField(
        label=_("Name"),
        widget=forms.TextInput(attrs={"class": "ph-input", "autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "ph-input", "autocomplete": "current-password"}),
    )
    error_messages = {
        "invalid_login": _("Name and password do not belong together. Look at both, and at the caps lock key."),
        "inactive": _("This account is switched off. An administrator can switch it on again."),
    }
