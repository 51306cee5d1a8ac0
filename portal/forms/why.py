"""What somebody wonders about: a client's prompt by name, or an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from foundation.actors import Actor
from portal import problems
from portal.presenters.targets import prompts
from prompthub_kernel.address import Address
from prompthub_kernel.errors import Invalid
from prompthub_kernel.place import Place
from prompthub_kernel.resolution import ResolveRequest
from tenancy.models import Client


def _line(**attrs: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "ph-input", "autocomplete": "off", "spellcheck": "false", **attrs})


class WhyForm(forms.Form):
    """After :meth:`is_valid`, ``asked`` is the request that a program would send."""

    name = forms.CharField(
        label=_("Prompt of this client"), required=False, max_length=200, widget=_line(list="prompts-known")
    )
    category = forms.CharField(
        label=_("Category"),
        required=False,
        max_length=200,
        widget=_line(),
        help_text=_("Chooses the default where the client has no such prompt."),
    )
    address = forms.CharField(
        label=_("Or an address"),
        required=False,
        max_length=400,
        widget=_line(placeholder="@repository/bundle@stable/prompt"),
    )
    key = forms.CharField(
        label=_("Key of the caller"),
        required=False,
        max_length=200,
        widget=_line(),
        help_text=_("Of a rollout: the same key always gets the same."),
    )
    segments = forms.CharField(label=_("Segments"), required=False, max_length=500, widget=_line(placeholder="beta"))

    def __init__(self, given: Mapping[str, Any] | None = None, *, client: Client, actor: Actor) -> None:
        super().__init__(given)
        self.client = client
        self.known = [name for _key, name in prompts(client=client, actor=actor)]
        self.asked = ResolveRequest()

    def clean(self) -> dict[str, Any]:
        """Read the address, or the name."""
        cleaned: dict[str, Any] = super().clean() or {}
        words = filter(None, (word.strip() for word in cleaned.get("segments", "").split(",")))
        common: dict[str, Any] = {"key": cleaned.get("key", ""), "segments": tuple(words)}
        if not (text := cleaned.get("address")):
            name, category = cleaned.get("name", ""), cleaned.get("category", "")
            self.asked = ResolveRequest(client=self.client.slug, name=name, category=category, **common)
            return cleaned
        try:
            self.asked = ResolveRequest(address=Address.parse(text, where=Place("/address")), **common)
        except Invalid as error:
            problems.into_form(self, error, fields={"/address": "address"})
        if cleaned.get("name"):
            self.add_error("address", gettext("A name or an address, one of the two."))
        return cleaned
