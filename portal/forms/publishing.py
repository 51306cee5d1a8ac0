"""What a person decides when publishing: where it goes, why, and what they were shown before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.presenters.reviewing import Goal


class GoalsField(forms.TypedMultipleChoiceField):
    """``names`` are those of targets that may have been there before."""

    names: Mapping[str, str] = MappingProxyType({})

    def validate(self, value: Any) -> None:
        """What cannot be chosen any more is told by its name."""
        forms.MultipleChoiceField.validate(self, [one for one in value if self.valid_value(one)])
        gone = [self.names.get(one, one) for one in value if not self.valid_value(one)]
        if gone:
            raise forms.ValidationError(
                _("%(names)s: switched off meanwhile, or this prompt goes there no more. Look at the targets again."),
                params={"names": ", ".join(gone)},
            )


class PublishForm(forms.Form):
    """``revision`` and ``expected`` are the draft and the active version (none: empty) that the person was shown.

    ``confirm`` publishes over a version that somebody else made active; it holds for the one in ``expected`` alone.
    ``names`` are those of targets by key, for what was taken away meanwhile.
    """

    revision = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    expected = forms.UUIDField(required=False, widget=forms.HiddenInput)
    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)
    target = GoalsField(coerce=uuid.UUID, required=False, label=_("Targets"))
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
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(given, initial={"revision": revision, "expected": expected, "reason": reason})
        choices = [(str(goal.target.pk), goal.target.name) for goal in goals if goal.target.enabled]
        self.fields["target"].choices = choices  # type: ignore[attr-defined]
        self.fields["target"].names = names  # type: ignore[attr-defined]
