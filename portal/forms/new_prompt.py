"""What a new prompt is called."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class NameForm(forms.Form):
    """Left empty, the prompt is called like its template."""

    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("Left empty, it is called like its template."),
        widget=forms.TextInput(attrs={"class": "ph-input", "autocomplete": "off"}),
    )
