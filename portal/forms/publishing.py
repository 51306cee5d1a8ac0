"""What a person decides when publishing: where it goes, why, and what they were shown before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.presenters.reviewing import Goal


class PublishForm(forms.Form):
    """``revision`` and ``expected`` are the draft and the active version (none: empty) that the person was shown.

    ``confirm`` publishes over a version that somebody else made active; it holds for the one in ``expected`` alone.
    """

    revision = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    expected = forms.UUIDField(required=False, widget=forms.HiddenInput)
    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)
    target = forms.TypedMultipleChoiceField(coerce=uuid.UUID, required=False, label=_("Targets"))
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        help_text=_("Optional. Stands in the history, beside who and when."),
        widget=forms.TextInput(attrs={"class": "ph-input", "autocomplete": "off"}),
    )

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        goals: Sequence[Goal],
        revision: int,
        expected: uuid.UUID | None,
        reason: str = "",
    ) -> None:
        super().__init__(given, initial={"revision": revision, "expected": expected, "reason": reason})
        choices = [(str(goal.target.pk), goal.target.name) for goal in goals]
        self.fields["target"].choices = choices  # type: ignore[attr-defined]
