"""The text of a draft as a form: what was typed, and the body it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from instances.models import PromptInstance
from portal import problems, sentences
from portal.forms.schema_fields import strictly
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, PromptHubError

PLACES = {"/content_md": "text", "/content_json": "text", "/format": "text"}


class TextForm(forms.Form):
    """``body`` is what was typed, None when that is the template's own text: then the prompt has none of its own.

    ``revision`` is the one the person was shown, ``session`` joins everything saved while one page was open.
    """

    shape = "text"

    text = forms.CharField(
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"class": "ph-input ph-editor-text", "rows": 18, "spellcheck": "false"}),
    )
    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, given: Mapping[str, Any] | None = None, *, instance: PromptInstance) -> None:
        super().__init__(given, initial={"text": instance.body.source(), "revision": instance.revision})
        self.instance = instance
        self.body: PromptBody | None = None
        self.fields["text"].label = _("Text of the prompt")

    def clean_text(self) -> str:
        """The text with plain line ends. What cannot be this prompt's text is told with its line."""
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        template = self.instance.template_version
        document: Any = None
        if template.body.document is not None:
            try:
                json.loads(text)
            except json.JSONDecodeError as error:
                line = _("This is not JSON: line %(line)s, column %(column)s.")
                raise forms.ValidationError(line, params={"line": error.lineno, "column": error.colno}) from None
            except (ValueError, RecursionError):
                pass  # the strict reading says what it is
            document = strictly(text)
        try:
            body = PromptBody.parse(
                content_md=text if document is None else None,
                content_json=document,
                engine=template.engine,
                format=template.format,
            )
        except Invalid as error:
            raise forms.ValidationError([sentences.said(problem.detail) for problem in error.problems]) from None
        self.body = None if body.digest() == template.body.digest() else body
        return text

    def lock(self) -> None:
        """Show it, and take nothing."""
        self.fields["text"].widget.attrs["readonly"] = True

    def tell(self, error: PromptHubError) -> None:
        """Show a coded error beside the text."""
        problems.into_form(self, error, fields=PLACES)
