"""Forms of a provider account and of its places, made from ``contracts/adapters/<adapter>.schema.json``.

The form reads and shows; the contract decides. Credentials are typed, never shown: not even beside an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import contracts
from portal import problems, sentences
from portal.forms.schema_fields import NOT_GIVEN, Offer, TextField, field_for
from prompthub_kernel.errors import PromptHubError
from publishing.models import Target

LABELS: dict[str, str | Promise] = {
    "base_url": gettext_lazy("Address"),
    "url": gettext_lazy("Address to post to"),
    "read_url": gettext_lazy("Address to read back from"),
    "max_body_bytes": gettext_lazy("Largest body in bytes"),
    "api_key": gettext_lazy("API key"),
    "signing_secret": gettext_lazy("Signing secret"),
    "previous_signing_secret": gettext_lazy("Previous signing secret"),
    "read_token": gettext_lazy("Token for reading back"),
    "workflow_id": gettext_lazy("Workflow id"),
    "node_id": gettext_lazy("Node id"),
    "parameter_path": gettext_lazy("Path of the parameter"),
    "replace_expression": gettext_lazy("Replace an expression"),
    "agent_id": gettext_lazy("Agent id"),
    "field": gettext_lazy("Field"),
    "name": gettext_lazy("Name"),
    "slot": gettext_lazy("Slot"),
    "fail": gettext_lazy("How the first sends end"),
}
"""Of what the contracts ask for; a test insists that nothing is missing."""
ADAPTERS: dict[str, tuple[str | Promise, str | Promise]] = {
    "n8n": (gettext_lazy("n8n"), gettext_lazy("Writes the prompt into a node of a workflow.")),
    "retell": (gettext_lazy("Retell"), gettext_lazy("Writes the prompt into the language model of an agent.")),
    "webhook": (gettext_lazy("Webhook"), gettext_lazy("Posts the prompt, signed, to an address of yours.")),
    "memory": (gettext_lazy("In memory"), gettext_lazy("Sends nothing anywhere: for trying things out.")),
}


class ContractForm(forms.Form):
    """Fields for some parts (``settings``, ``credentials``, ``location``) of an adapter's contract.

    After :meth:`is_valid`, ``parts`` holds what was typed, by part; what was left empty is not in it.
    """

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        adapter: str,
        parts: Sequence[str],
        stored: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(given, **more)
        self.adapter = adapter
        self.parts: dict[str, dict[str, Any]] = {part: {} for part in parts}
        self.pointers: dict[str, str] = {}
        for part in parts:
            self._add(part, (stored or {}).get(part, {}))

    def clean(self) -> dict[str, Any]:
        """Gather ``parts``."""
        cleaned: dict[str, Any] = super().clean() or {}
        for pointer, name in self.pointers.items():
            value = cleaned.get(name, NOT_GIVEN)
            if value is not NOT_GIVEN:
                _root, part, key = pointer.split("/")
                self.parts[part][key] = value
        return cleaned

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error beside the fields it is about."""
        known = {**self.pointers, **{f"/{name}": name for name in self.fields if "-" not in name}}
        problems.into_form(self, error, fields=known)

    def _add(self, part: str, stored: Mapping[str, Any]) -> None:
        definitions = contracts.load(f"adapters/{self.adapter}")["$defs"]
        schema = definitions[part]
        for key, property_schema in schema.get("properties", {}).items():
            shared = definitions.get(property_schema.get("$ref", "").removeprefix("#/$defs/"), {})
            told = {"title": str(LABELS.get(key, key)), "description": shared.get("description", ""), **property_schema}
            told["description"] = sentences.said(told["description"])
            if part == "credentials":
                told["x-secret"] = True
            offer = Offer(key, told, key in schema.get("required", ()))
            field = field_for(offer=offer, definitions=definitions, value=stored.get(key, NOT_GIVEN))
            if isinstance(field, TextField):  # names and ids: one line, however long they may be
                attrs = {name: value for name, value in field.widget.attrs.items() if name != "rows"}
                field.widget = forms.TextInput(attrs={**attrs, "class": "ph-input"})
            if key in stored and part != "credentials":
                field.initial = field.shown(stored[key])
            self.fields[f"{part}-{key}"] = field
            field.widget.is_required = False
            field.required = offer.required
            self.pointers[f"/{part}/{key}"] = f"{part}-{key}"


class TargetForm(ContractForm):
    """A new provider account."""

    name = forms.CharField(
        max_length=100, label=gettext_lazy("Name"), widget=forms.TextInput(attrs={"class": "ph-input"})
    )

    def __init__(self, given: Mapping[str, Any] | None = None, *, adapter: str) -> None:
        super().__init__(given, adapter=adapter, parts=("settings", "credentials"))
        self.fields["name"].help_text = _("What this target is called here.")


class SettingsForm(ContractForm):
    """The settings of a target. Its credentials are asked for as well, if any are set, and may be left empty."""

    def __init__(self, given: Mapping[str, Any] | None = None, *, target: Target) -> None:
        parts = ("settings", "credentials") if target.credentials else ("settings",)
        super().__init__(given, adapter=target.adapter, parts=parts, stored={"settings": target.shown_settings})
        anew = _("Only when an address leads to another host, where the stored ones are not sent. Else it stays.")
        for pointer, name in self.pointers.items():
            if pointer.startswith("/credentials/"):
                self.fields[name].required = False
                self.fields[name].help_text = anew


class PlaceForm(ContractForm):
    """Which prompt goes to which place of a target. ``prompts`` are pairs of an id and a name."""

    instance_id = forms.ChoiceField(
        label=gettext_lazy("Prompt"), widget=forms.Select(attrs={"class": "ph-input"}), choices=()
    )

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        adapter: str,
        prompts: Sequence[tuple[str, str]],
        **more: Any,
    ) -> None:
        super().__init__(given, adapter=adapter, parts=("location",), **more)
        choice = self.fields["instance_id"]
        choice.choices = [("", _("choose …")), *prompts]  # type: ignore[attr-defined]
