"""What a model is asked, and the switch that lets it be asked."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from assist.refine import LONGEST_INSTRUCTION
from portal.presenters.suggestion import QUICK

PLACES = {"/instruction": "instruction", "/revision": "instruction"}


class AskForm(forms.Form):
    """``quick`` is one of the ready instructions, asked for by its own button; ``previous`` what is to be improved."""

    instruction = forms.CharField(
        label=_("What should be better?"),
        required=False,
        max_length=LONGEST_INSTRUCTION,
        widget=forms.Textarea(attrs={"class": "ph-input ph-input-grow", "rows": 4}),
    )
    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    previous = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        """The instruction of the button that was pressed, and what was typed."""
        cleaned: dict[str, object] = super().clean() or {}
        quick = QUICK.get(self.data.get("quick", ""))
        if quick is not None:
            typed = str(cleaned.get("instruction") or "").strip()
            cleaned["instruction"] = "\n\n".join(dict.fromkeys(filter(None, (typed, quick[1]))))
        elif not str(cleaned.get("instruction") or "").strip() and "instruction" not in self.errors:
            self.add_error("instruction", _("Say what should be better, or take one of the ready wishes."))
        return cleaned


class SwitchForm(forms.Form):
    """Whether a client's prompts may be shown to a model."""

    enabled = forms.BooleanField(
        required=False,
        label=_("A model may be asked about this client's prompts"),
        help_text=_("It is shown the text of a draft and the names of its variables, never their values."),
    )
