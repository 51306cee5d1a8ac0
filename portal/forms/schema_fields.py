"""One form field for each kind of variable a JSON Schema can declare.

A field only reads what was typed into JSON; whether it fits is the schema's to say, in one place for every door. A
field that was left empty gives :data:`NOT_GIVEN`: the template's default holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _

from portal import sentences
from prompthub_kernel.errors import Invalid
from prompthub_kernel.strict_json import strict_json

SHORT_TEXT = 120
"""Strings that may be longer get room for several lines."""
MOST_LINES = 5
"""Of those that cannot be read, told at once."""
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""RFC 8259, 6."""


class Nothing(Enum):
    """The value of a field that was left empty."""

    GIVEN = "nothing"


NOT_GIVEN: Final = Nothing.GIVEN


class SchemaField(forms.Field):
    """A field of one variable; ``shown`` turns the stored value into what the control holds."""

    def shown(self, value: Any) -> Any:
        """The value as text."""
        return value if isinstance(value, str) else _json(value)

    def to_python(self, value: Any) -> Any:
        """What was typed, as JSON; :data:`NOT_GIVEN` for nothing."""
        text = "" if value is None else str(value).replace("\r\n", "\n")
        return NOT_GIVEN if text == "" else self.read(text)

    def read(self, text: str) -> Any:
        """Text that is not empty, as JSON. Raises ValidationError for what cannot be this kind of value."""
        return text

    def validate(self, value: Any) -> None:
        """Left to the schema."""


class TextField(SchemaField):
    """A string; on several lines where it may be long."""

    def __init__(self, *, lines: bool, **more: Any) -> None:
        widget: forms.Widget
        if lines:
            widget = forms.Textarea(attrs={"class": "ph-input ph-input-grow", "rows": 2})
        else:
            widget = forms.TextInput(attrs={"class": "ph-input"})
        super().__init__(widget=widget, **more)


class NumberField(SchemaField):
    """A number, exactly as it was typed; as long as every door takes it."""

    def __init__(self, *, whole: bool, **more: Any) -> None:
        self.whole = whole
        attrs = {"class": "ph-input", "inputmode": "numeric" if whole else "decimal", "autocomplete": "off"}
        super().__init__(widget=forms.TextInput(attrs=attrs), **more)

    def read(self, text: str) -> Any:
        """An integer or a decimal number in JSON's spelling; spaces around it do not count."""
        if NUMBER.fullmatch(text.strip()) is None:
            raise forms.ValidationError(_("This is not a whole number.") if self.whole else _("This is not a number."))
        return strictly(text.strip())


class ChoiceField(SchemaField):
    """One of the values a schema lists, or a yes or no; each is kept as its JSON."""

    def __init__(self, *, choices: Mapping[str, Any], empty: str, **more: Any) -> None:
        self.values = {_json(value): value for value in choices.values()}
        options = [("", empty), *((_json(value), label) for label, value in choices.items())]
        super().__init__(widget=forms.Select(attrs={"class": "ph-input"}, choices=options), **more)

    def shown(self, value: Any) -> Any:
        """The value's JSON."""
        return _json(value)

    def read(self, text: str) -> Any:
        """The value of that JSON."""
        if text not in self.values:
            raise forms.ValidationError(_("This is not one of the values allowed."))
        return self.values[text]


class ListField(SchemaField):
    """A list of scalars, one on each line; empty lines do not count."""

    def __init__(self, *, entry: SchemaField, **more: Any) -> None:
        self.entry = entry
        super().__init__(widget=forms.Textarea(attrs={"class": "ph-input ph-input-grow", "rows": 3}), **more)

    def shown(self, value: Any) -> Any:
        """One entry on each line."""
        return "\n".join(map(str, map(self.entry.shown, value)))

    def read(self, text: str) -> Any:
        """The entries. What cannot be one is told with its line."""
        entries, wrong = [], []
        for number, line in enumerate(text.split("\n"), start=1):
            try:
                entries += [self.entry.read(line)] if line.strip() else []
            except forms.ValidationError as error:
                wrong += [_("Line %(line)s: %(reason)s") % {"line": number, "reason": one} for one in error.messages]
        if wrong:
            raise forms.ValidationError(wrong[:MOST_LINES])
        return entries or NOT_GIVEN


class JsonTextField(SchemaField):
    """Whatever JSON can say: objects, lists of lists, one of several forms."""

    def __init__(self, **more: Any) -> None:
        attrs = {"class": "ph-input ph-input-text ph-input-grow", "rows": 4, "spellcheck": "false"}
        super().__init__(widget=forms.Textarea(attrs=attrs), **more)

    def shown(self, value: Any) -> Any:
        """Indented JSON."""
        return json.dumps(value, indent=2, ensure_ascii=False)

    def read(self, text: str) -> Any:
        """The JSON value."""
        try:
            json.loads(text, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(_("This is not JSON: line %(line)s."), params={"line": error.lineno}) from None
        except (ValueError, RecursionError):
            pass  # the strict reading says what it is
        return strictly(text)


class SecretField(SchemaField):
    """A secret: what is typed replaces it, and it is never shown again, not even beside an error."""

    def __init__(self, **more: Any) -> None:
        attrs = {"class": "ph-input", "autocomplete": "new-password"}
        super().__init__(widget=forms.PasswordInput(attrs=attrs, render_value=False), **more)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a schema says about one variable beside its kind. ``default`` is :data:`NOT_GIVEN` where there is none."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def default(self) -> Any:
        """The value that holds when nothing is given."""
        return self.schema.get("default", NOT_GIVEN)


def field_for(*, offer: Offer, definitions: Mapping[str, Any], value: Any = NOT_GIVEN) -> SchemaField:
    """The field for a variable; ``value`` is the stored one, which must be showable in it.

    What no simple control can hold is edited as JSON: nested values, one of several forms, several types.
    """
    common = {
        "label": str(offer.schema.get("title") or offer.name),
        "required": False,
        "help_text": str(offer.schema.get("description", "")),
    }
    if offer.schema.get("x-secret"):
        return SecretField(**common)
    schema = _resolved(offer.schema, definitions)
    field = _simple(schema, offer, common)
    known = [given for given in (value, offer.default) if given is not NOT_GIVEN]
    if field is None or not all(_holds(field, given) for given in known):
        field = JsonTextField(**common)
    if offer.default is not NOT_GIVEN and not isinstance(field, ChoiceField):
        field.widget.attrs["placeholder"] = field.shown(offer.default)
    return field


def _simple(schema: Mapping[str, Any], offer: Offer, common: Mapping[str, Any]) -> SchemaField | None:
    if {"oneOf", "anyOf", "allOf", "not", "if", "$ref"} & schema.keys():
        return None
    empty = _empty_choice(offer)
    if "const" in schema:
        return ChoiceField(choices={_label(schema["const"]): schema["const"]}, empty=empty, **common)
    if "enum" in schema:
        labels = {_label(value): value for value in schema["enum"]}
        return ChoiceField(choices=labels, empty=empty, **common) if len(labels) == len(schema["enum"]) else None
    match schema.get("type"):
        case "boolean":
            return ChoiceField(choices={_("yes"): True, _("no"): False}, empty=empty, **common)
        case "array":
            entry = schema.get("items")
            kind = (
                entry.get("type") if isinstance(entry, dict) and not {"oneOf", "anyOf", "$ref"} & entry.keys() else ""
            )
            return (
                ListField(entry=_scalar(str(kind), {}, {}), **common)
                if kind in ("string", "integer", "number")  # it may be a list of them
                else None
            )
        case "string" | "integer" | "number" as kind:
            return _scalar(kind, schema, common)
    return None


def _scalar(kind: str, schema: Mapping[str, Any], common: Mapping[str, Any]) -> SchemaField:
    if kind != "string":
        return NumberField(whole=kind == "integer", **common)
    most = schema.get("maxLength")
    return TextField(lines=not {"format", "pattern"} & schema.keys() and (most is None or most > SHORT_TEXT), **common)


def _holds(field: SchemaField, value: Any) -> bool:
    """Whether a value survives being shown in a control and read again."""
    try:
        return value in ("", []) or _json(field.to_python(field.shown(value))) == _json(value)
    except (forms.ValidationError, TypeError):
        return False


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema that only points to a definition, as that definition."""
    found = definitions.get(str(schema.get("$ref", "")).removeprefix("#/$defs/"))
    return {**found, **{key: schema[key] for key in schema.keys() - {"$ref"}}} if isinstance(found, dict) else schema


def _empty_choice(offer: Offer) -> str:
    if offer.default is not NOT_GIVEN:
        return _("as the template says: %(value)s") % {"value": _label(offer.default)}
    return _("choose …") if offer.required else _("not set")


def _label(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value is not NOT_GIVEN else ""


def strictly(text: str) -> Any:
    """JSON as every door takes it. Raises ValidationError for repeated keys, NUL, numbers too long and the like."""
    try:
        return strict_json(text.encode("utf-8", "surrogatepass"))
    except Invalid as error:
        raise forms.ValidationError([sentences.said(problem.detail) for problem in error.problems]) from None


def _refuse(constant: str) -> Any:
    raise forms.ValidationError(_("This is not JSON."))
