"""What decisions about targets and prompts ask for at the staff's door."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold import widgets

from foundation.admin import Confirm, JsonMapping, Unshown
from instances import versions
from publishing import adapters


class NewTarget(Confirm):
    """A provider account of a client."""

    client = forms.SlugField(help_text="The client's slug.", widget=widgets.UnfoldAdminTextInputWidget)
    name = forms.CharField(max_length=100, widget=widgets.UnfoldAdminTextInputWidget)
    adapter = forms.ChoiceField(
        choices=[(name, name) for name in sorted(adapters.REGISTRY)], widget=widgets.UnfoldAdminSelectWidget
    )
    settings = JsonMapping(required=False, widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 4}))
    credentials = JsonMapping(
        required=False,
        help_text="A JSON object. It is encrypted, and never shown again.",
        widget=Unshown(attrs={"rows": 3}),
    )


class NewSettings(Confirm):
    """All settings of a target, to be changed."""

    settings = JsonMapping(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 8}))
    credentials = JsonMapping(
        required=False,
        help_text="A JSON object with all of them, when an address leads to another host: the stored ones are not sent "
        "there. Else leave it empty, and the stored ones stay.",
        widget=Unshown(attrs={"rows": 3}),
    )

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, row=row, **more)
        self.initial = {"settings": row.shown_settings}


class NewCredentials(Confirm):
    """All credentials of a target, to be replaced."""

    credentials = JsonMapping(
        help_text="A JSON object with all of them. It is encrypted, and never shown again.",
        widget=Unshown(attrs={"rows": 3}),
    )


class OverDraft(Confirm):
    """Over the draft that the person was shown, and over what was never published in it only where that is ticked.

    ``revision`` is that draft's: what somebody else wrote since is not overwritten.
    """

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, row=row, **more)
        draft = row.placement.instance
        self.initial = {"revision": draft.revision}
        if versions.unpublished(instance=draft):
            self.fields["replace"] = forms.BooleanField(
                label="The draft has changes that were never published. Replace them.",
                widget=widgets.UnfoldBooleanSwitchWidget,
            )


class Reason(Confirm):
    """Why a prompt is published."""

    reason = forms.CharField(required=False, max_length=500, widget=widgets.UnfoldAdminTextInputWidget)
    confirm = forms.BooleanField(
        required=False,
        label="Go on even if another version became active since the draft was begun",
        widget=widgets.UnfoldBooleanSwitchWidget,
    )
