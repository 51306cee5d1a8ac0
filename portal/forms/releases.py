"""Forms of releases: which one is cut, and what is said of one later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms.bundles import CodedForm, DraftForm
from portal.presenters.registry_words import REASON
from prompthub_kernel.semver import MAX_LENGTH
from registry.models import Bundle, Member
from registry.releases import MAX_MESSAGE_LENGTH, MAX_NOTES_LENGTH

VERSION = {"class": "ph-input", "autocomplete": "off", "spellcheck": "false"}


class CutForm(DraftForm):
    """A version for the draft that was shown at ``revision``."""

    version = forms.CharField(
        label=_("Version"),
        max_length=MAX_LENGTH,
        widget=forms.TextInput(attrs=VERSION),
        help_text=_("Three numbers, as 1.4.0; with a variant 1.4.0-gpt4, with a note 1.4.0+tokens.1500."),
    )
    notes = forms.CharField(
        label=_("What changed, and why"),
        required=False,
        max_length=MAX_NOTES_LENGTH,
        widget=forms.Textarea(attrs={"class": "ph-input", "rows": 3}),
        help_text=_("For those who use it. Stands with the release for ever."),
    )

    def __init__(self, given: Mapping[str, Any] | None = None, *, bundle: Bundle, version: str = "") -> None:
        super().__init__(given, bundle=bundle, initial={"version": version})


class MarkForm(CodedForm):
    """Why a release is retired, yanked or taken back."""

    reason = forms.ChoiceField(
        label=_("Reason"), choices=list(REASON.items()), widget=forms.Select(attrs={"class": "ph-input"})
    )
    message = forms.CharField(
        label=_("Message"),
        required=False,
        max_length=MAX_MESSAGE_LENGTH,
        widget=forms.Textarea(attrs={"class": "ph-input", "rows": 3}),
        help_text=_("What to use instead. Everybody who reads this release is told."),
    )


class PromptForm(forms.Form):
    """Which prompt of a draft is looked at."""

    prompt = forms.ChoiceField(label=_("Prompt"), choices=(), widget=forms.Select(attrs={"class": "ph-input"}))

    def __init__(self, chosen: str, *, members: list[Member]) -> None:
        super().__init__(initial={"prompt": chosen})
        names = [(member.name, member.name) for member in members]
        self.fields["prompt"].choices = names  # type: ignore[attr-defined]
