"""Forms of channels: where one shall point, for whom and when; and what is decided about a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal import problems
from portal.forms.bundles import CodedForm
from prompthub_kernel.errors import PromptHubError
from registry.models import Channel

LOCAL = "%Y-%m-%dT%H:%M"
POINTERS = {"/version": "to", "/policy": "rule", "/comment": "comment", "/name": "name", "/reason": "reason"}


def _line(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "ph-input", "autocomplete": "off", **attrs})


class ChannelForm(CodedForm):
    """A new channel. ``rules`` are the policies that this person may give it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=127,
        widget=_line(placeholder="stable"),
        help_text=_("stable, production, or active@staging for an environment."),
    )
    rule = forms.ChoiceField(label=_("How it moves"), widget=forms.Select(attrs={"class": "ph-input"}), choices=())

    def __init__(self, given: Mapping[str, Any] | None = None, *, rules: Sequence[tuple[str, Any]]) -> None:
        super().__init__(given, auto_id="channel_%s")
        self.fields["rule"].choices = rules  # type: ignore[attr-defined]

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error."""
        problems.into_form(self, error, fields=POINTERS)


class ShareForm(CodedForm):
    """A part of the callers: a percentage, and segments by name."""

    percent = forms.IntegerField(
        label=_("Percent of the callers"),
        min_value=0,
        max_value=100,
        required=False,
        widget=forms.NumberInput(attrs={"class": "ph-input", "inputmode": "numeric"}),
        help_text=_("A caller that got it keeps getting it while the share grows."),
    )
    segments = forms.CharField(
        label=_("Segments"),
        required=False,
        max_length=2_000,
        widget=_line(placeholder="beta, staff"),
        help_text=_("Names that programs send; all of their callers get it. Separate them by commas."),
    )
    expected = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def clean_segments(self) -> list[str]:
        """The names, each once."""
        return list(dict.fromkeys(filter(None, (word.strip() for word in self.cleaned_data["segments"].split(",")))))

    @property
    def share(self) -> dict[str, Any]:
        """As the verbs take it; nothing for all callers."""
        percent, segments = self.cleaned_data["percent"], self.cleaned_data["segments"]
        if percent is None and not segments:
            return {}
        return {"percent": percent or 0, "segments": segments}

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error; a segment's is told at the field of all."""
        known = {**POINTERS, "/percent": "percent", "/segments": "segments", "/due_at": "due_at"}
        problems.into_form(self, error, fields=known)


class MoveForm(ShareForm):
    """Where a channel shall point. ``expected`` is the version it pointed at when the person looked, empty for none."""

    to = forms.CharField(max_length=200, widget=forms.HiddenInput)
    due_at = forms.DateTimeField(
        label=_("When (UTC)"),
        required=False,
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"class": "ph-input", "type": "datetime-local"}, format=LOCAL),
        help_text=_("Left empty: at once."),
    )
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        widget=_line(),
        help_text=_("Optional. Stands in the history, beside who and when."),
    )
    confirm = forms.BooleanField(label=_("Yes, this release, although it was yanked"), required=False)
    revision = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, given: Mapping[str, Any] | None = None, *, at: datetime, **more: Any) -> None:
        super().__init__(given, **more)
        self.at = at

    @property
    def apart(self) -> bool:
        """Whether something of what is seldom wanted was given: the page shows it open then."""
        return any(
            self[name].value() not in (None, "") or self[name].errors for name in ("percent", "segments", "due_at")
        )

    def clean_due_at(self) -> datetime | None:
        """A time to come, or none."""
        found: datetime | None = self.cleaned_data["due_at"]
        if found is not None and found <= self.at:
            raise forms.ValidationError(gettext("This time has passed."))
        return found


class DecisionForm(CodedForm):
    """What somebody decides about a proposal that was shown at ``revision``; ``confirm`` goes on although it moved."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    confirm = forms.BooleanField(required=False, label=_("Yes, from what is there now"))
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"class": "ph-input", "rows": 3}),
        help_text=_("Needed to reject: what would make it better."),
    )

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error."""
        problems.into_form(self, error, fields=POINTERS)


class PackForm(CodedForm):
    """Which release an environment shall run."""

    to = forms.CharField(max_length=200, label=_("Version"), widget=forms.HiddenInput)
    environment = forms.CharField(
        label=_("Environment"),
        required=False,
        max_length=63,
        widget=_line(placeholder="staging"),
        help_text=_("Left empty: “active”, for everybody who names none."),
    )
    reason = forms.CharField(label=_("Why"), required=False, max_length=500, widget=_line())
    confirm = forms.BooleanField(label=_("Yes, this release, although it was yanked"), required=False)

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error; what is wrong with the channel's name is the environment's."""
        problems.into_form(self, error, fields={**POINTERS, "/name": "environment", "": "environment"})


def rules(*, every: bool) -> list[tuple[str, Any]]:
    """The policies to choose from; without ``every`` only the one that anybody who publishes may give."""
    words = {
        Channel.Policy.LIVE: _("live: at once"),
        Channel.Policy.REVIEW: _("review: after somebody else approved"),
        Channel.Policy.LOCKED: _("locked: by a deploy token alone"),
    }
    return [(str(rule), word) for rule, word in words.items() if every or rule == Channel.Policy.LIVE]
