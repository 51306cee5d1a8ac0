"""Forms of a bundle's draft. Each names the revision that the person was shown; the verbs decide what is right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal import problems
from portal.forms.schema_fields import strictly
from prompthub_kernel.errors import PromptHubError
from registry.bundles import MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH
from registry.models import Bundle

STALE = "409.draft_stale"


def _line(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "ph-input", "autocomplete": "off", "spellcheck": "false", **attrs})


def _lines(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"class": "ph-input", "rows": rows, **attrs})


class CodedForm(forms.Form):
    """A form that shows a coded error beside the field its pointer begins with (``/name`` → ``name``)."""

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error."""
        problems.into_form(self, error, fields={f"/{name}": name for name in self.fields})


class DraftForm(CodedForm):
    """A change of a draft that was shown at ``revision``."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, given: Mapping[str, Any] | None = None, *, bundle: Bundle, **more: Any) -> None:
        initial = {"revision": bundle.revision, **more.pop("initial", {})}
        super().__init__(given, initial=initial, auto_id=f"{type(self).__name__.lower()}_%s", **more)

    def renew(self, *, bundle: Bundle) -> None:
        """Keep what was typed, on the draft as it is now."""
        self.data = {**dict(self.data.items()), "revision": str(bundle.revision)}


class NewBundleForm(CodedForm):
    """A bundle without prompts."""

    slug = forms.CharField(
        label=_("Name in addresses"),
        max_length=63,
        widget=_line(),
        help_text=_("Small letters, digits and hyphens. It can never be changed: others write it in their code."),
    )
    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE_LENGTH, required=False, widget=_line())
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=(
            (Bundle.Kind.SET, _("set: any prompts")),
            (Bundle.Kind.PACK, _("pack: the prompt “system” and styles, switched as one")),
        ),
        widget=forms.Select(attrs={"class": "ph-input"}),
    )
    description = forms.CharField(
        label=_("Description"), max_length=MAX_DESCRIPTION_LENGTH, required=False, widget=_lines(3)
    )


class AboutForm(DraftForm):
    """What people read of a bundle."""

    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE_LENGTH, widget=_line())
    description = forms.CharField(
        label=_("Description"), max_length=MAX_DESCRIPTION_LENGTH, required=False, widget=_lines(3)
    )

    def __init__(self, given: Mapping[str, Any] | None = None, *, bundle: Bundle) -> None:
        super().__init__(given, bundle=bundle, initial={"title": bundle.title, "description": bundle.description})


class MemberForm(DraftForm):
    """A template as a prompt of the bundle. ``templates`` are pairs of an id and a name."""

    name = forms.CharField(
        label=_("Name of the prompt"),
        max_length=200,
        widget=_line(),
        help_text=_("As programs read it. The name of one that is there replaces its template."),
    )
    template = forms.ChoiceField(label=_("Template"), choices=(), widget=forms.Select(attrs={"class": "ph-input"}))

    def __init__(
        self, given: Mapping[str, Any] | None = None, *, bundle: Bundle, templates: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(given, bundle=bundle)
        choices = [("", gettext("choose …")), *templates]
        self.fields["template"].choices = choices  # type: ignore[attr-defined]


class RequirementForm(DraftForm):
    """Another bundle that is needed, and in which versions."""

    required = forms.CharField(
        label=_("Bundle"), max_length=200, widget=_line(placeholder="@repository/bundle", list="bundles-known")
    )
    selector = forms.CharField(
        label=_("Versions"),
        max_length=200,
        widget=_line(placeholder="^1.0"),
        help_text=_("^1.2: from 1.2.0 on, below 2. ~1.2: 1.2 and its patches. 1.2.0: exactly that one."),
    )


class RemoveForm(DraftForm):
    """Something that the draft shall no longer have, by its name or its address."""

    name = forms.CharField(max_length=400, widget=forms.HiddenInput)


class CompatibilityForm(DraftForm):
    """What the next release goes with, as JSON."""

    compatibility = forms.CharField(
        label=_("As JSON"),
        required=False,
        widget=_lines(6, spellcheck="false"),
        help_text=_("Any JSON object: models, engine, minimum client. It is given to every reader of the release."),
    )

    def __init__(self, given: Mapping[str, Any] | None = None, *, bundle: Bundle) -> None:
        said = json.dumps(bundle.compatibility, indent=2, ensure_ascii=False) if bundle.compatibility else ""
        super().__init__(given, bundle=bundle, initial={"compatibility": said})
        self.fields["compatibility"].widget.attrs["class"] = "ph-input ph-input-text"

    def clean_compatibility(self) -> Any:
        """The JSON value; nothing is an empty object."""
        text = self.cleaned_data["compatibility"].strip()
        if not text:
            return {}
        value = strictly(text)
        if not isinstance(value, dict):
            raise forms.ValidationError(gettext("This is a JSON object: {…}."))
        return value
