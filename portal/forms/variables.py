"""The variables of a prompt as a form made from its template's JSON Schema (2020-12).

The form reads and shows; the schema decides. Secret variables are masked: left empty they keep their value, they are
taken away by a box of their own. What the provider fills in is not asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from portal import problems
from portal.forms.schema_fields import NOT_GIVEN, JsonTextField, Offer, SecretField, field_for
from portal.presenters.documents import written
from prompthub_kernel.errors import PromptHubError
from prompthub_kernel.variables import VariablesSchema

PREFIX = "variable-"
REMOVE = "remove-"
RESET = "reset"
AS_JSON = "variables_json"


class VariablesForm(forms.Form):
    """``values`` are the stored open values, ``secrets_set`` the names of secrets that have one.

    ``as_json`` asks for all open values in one JSON text. After :meth:`is_valid`, ``variables`` is what
    ``instances.drafts.edit`` takes: open values that were given, secrets that were typed, None for those taken away.
    ``reshaped``: it holds what was typed in its other shape, and not what is stored.
    """

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reshaped = False

    def __init__(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        schema: VariablesSchema,
        values: Mapping[str, Any],
        secrets_set: frozenset[str] = frozenset(),
        as_json: bool = False,
        revision: int = 1,
    ) -> None:
        super().__init__(given, initial={"revision": revision})
        self.schema, self.values, self.secrets_set, self.as_json = schema, values, secrets_set, as_json
        self.variables: dict[str, Any] = {}
        self.offers = {
            name: Offer(name, variable if isinstance(variable, dict) else {}, name in schema.required)
            for name, variable in schema.schema["properties"].items()
            if name not in schema.runtime_names
        }
        open_names = [name for name in self.offers if name not in schema.secret_names]
        if as_json and open_names:
            field = JsonTextField(label=_("Variables as JSON"), required=False)
            field.initial = field.shown({name: values[name] for name in open_names if name in values})
            self.fields[AS_JSON] = field
        for name in self.offers if not as_json else sorted(schema.secret_names):
            self._add(name)

    @property
    def runtime_names(self) -> list[str]:
        """What the provider fills in."""
        return sorted(self.schema.runtime_names)

    @property
    def undeclared(self) -> list[str]:
        """Stored values that the template does not ask for any more; saving leaves them out."""
        return sorted(self.values.keys() - self.offers.keys())

    @property
    def json_field(self) -> forms.BoundField | None:
        """The one JSON text, where it was asked for."""
        return self[AS_JSON] if AS_JSON in self.fields else None

    def rows(self) -> Iterator[Row]:
        """Every field with what its template says about it."""
        for name, offer in self.offers.items():
            if PREFIX + name in self.fields:
                yield Row(self, offer)

    def clean(self) -> dict[str, Any]:
        """Gather ``variables``."""
        cleaned: dict[str, Any] = super().clean() or {}
        if AS_JSON in self.fields:
            self._take_json(cleaned.get(AS_JSON))
        reset = str(self.data.get(RESET, ""))
        for name in self.offers:
            if PREFIX + name in self.fields and name != reset:
                self._take(name, cleaned.get(PREFIX + name, NOT_GIVEN))
        if self.errors:
            self._tell_the_rest()
        return cleaned

    def turned(self) -> VariablesForm:
        """What was typed, as one JSON text in place of fields or the other way; secrets have to be typed again.

        What cannot be read, or not be shown like that, stays as it is with its errors.
        """
        if not self.is_valid():
            return self
        typed = {name: value for name, value in self.variables.items() if name not in self.schema.secret_names}
        made = VariablesForm(
            schema=self.schema,
            values=typed,
            secrets_set=self.secrets_set,
            as_json=not self.as_json,
            revision=self.cleaned_data["revision"],
        )
        made.reshaped = True
        return made

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error beside the fields it is about."""
        problems.into_form(self, error, fields=self.places())

    def places(self) -> dict[str, str]:
        """Which pointer belongs to which field."""
        places = {f"/variables/{name}": PREFIX + name for name in self.offers if PREFIX + name in self.fields}
        return {"/variables": AS_JSON, **places} if AS_JSON in self.fields else places

    def _tell_the_rest(self) -> None:
        """What cannot be read keeps the others from the schema: it is asked here, so that all is told at once."""
        if AS_JSON in self.errors:
            return
        given = {name: value for name, value in self.variables.items() if value is not None}
        kept = {PREFIX + name for name in self.secrets_set - self.variables.keys()}
        places = self.places()
        for problem in self.schema.problems(given):
            field, sentence = problems.placed(problem, places)
            if field in self.fields and field not in self.errors and field not in kept:
                self.add_error(field, sentence)

    def _add(self, name: str) -> None:
        offer = self.offers[name]
        value = self.values.get(name, NOT_GIVEN)
        field = field_for(offer=offer, definitions=self.schema.schema.get("$defs", {}), value=value)
        if value is not NOT_GIVEN and not isinstance(field, SecretField):
            field.initial = field.shown(value)
        if isinstance(field, SecretField):
            field.widget.attrs["placeholder"] = _("set; type to replace it") if name in self.secrets_set else ""
        self.fields[PREFIX + name] = field
        if name in self.secrets_set:
            label = _("Take the value of %(name)s away") % {"name": field.label}
            self.fields[REMOVE + name] = forms.BooleanField(required=False, label=label)

    def _take_json(self, value: Any) -> None:
        if value is NOT_GIVEN or value is None:
            return
        if not isinstance(value, dict):
            self.add_error(AS_JSON, _("This is a JSON object: {…}."))
        elif hidden := sorted(value.keys() & self.schema.secret_names):
            kept = {name: given for name, given in value.items() if name not in hidden}  # what is shown again
            self.data = {**dict(self.data.items()), AS_JSON: JsonTextField().shown(kept)}
            self.add_error(AS_JSON, _("Secrets have fields of their own: %(names)s.") % {"names": ", ".join(hidden)})
        else:
            self.variables.update(value)

    def _take(self, name: str, value: Any) -> None:
        if name in self.schema.secret_names:
            if value is not NOT_GIVEN:
                self.variables[name] = value
            elif self.cleaned_data.get(REMOVE + name):
                self.variables[name] = None
        elif value is not NOT_GIVEN:
            self.variables[name] = value
        elif self.values.get(name, NOT_GIVEN) in ("", []) and f"{PREFIX}{name}" in self.data:
            self.variables[name] = self.values[name]  # nothing was there, and nothing is there still


class Row:
    """One variable of the form, for the template."""

    def __init__(self, form: VariablesForm, offer: Offer) -> None:
        self.name, self.required = offer.name, offer.required
        self.field = form[PREFIX + offer.name]
        self.secret = offer.name in form.schema.secret_names
        self.remove = form[REMOVE + offer.name] if REMOVE + offer.name in form.fields else None
        stored = form.values.get(offer.name, NOT_GIVEN)
        self.has_default = offer.default is not NOT_GIVEN
        self.differs = self.has_default and stored is not NOT_GIVEN and _spelled(stored) != _spelled(offer.default)
        self.default = written(offer.default) if self.has_default else ""


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
