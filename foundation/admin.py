"""What every app's admin is made of: rows are read here, and changed by verbs alone.

Django's own saving and deleting are switched off, so that nothing changes without its audit line. A
:func:`decision` is a button instead: a page that asks what the verb needs to know, calls it, and tells what
came of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold import widgets
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from foundation.metrics import count_error
from foundation.models import Change, ChangeCounter, IdempotencyKey
from prompthub_kernel.errors import Invalid, PromptHubError
from prompthub_kernel.strict_json import strict_json


def can_be(field: Any, text: str) -> bool:
    """Whether a text in an address or a form can be a value of that column; asking for another breaks."""
    try:
        return "\0" not in text and field.to_python(text) is not None
    except (ValidationError, ValueError):
        return False


class Unshown(widgets.UnfoldAdminTextareaWidget):  # type: ignore[misc] # Unfold has no types
    """A field that never shows what was typed into it, not even beside an error."""

    def format_value(self, value: Any) -> None:
        """Nothing."""
        return


class JsonField(forms.CharField):
    """JSON, held to what every door asks of it. ``{}`` is a value, not nothing; left empty it is None."""

    empty_values = [None, ""]

    def to_python(self, value: Any) -> Any:
        """What was typed, as a value. Raises ValidationError that says what is wrong and where, never the value."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return strict_json(text.encode("utf-8", "surrogatepass"))
        except Invalid as error:
            found = error.problems[0]
            raise ValidationError(f"{found.pointer}: {found.detail}" if found.pointer else found.detail) from None

    def prepare_value(self, value: Any) -> str | None:
        """A stored value as indented JSON; what was typed stays as it was typed."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class JsonMapping(JsonField):
    """A JSON object."""

    def to_python(self, value: Any) -> Any:
        """The object. Raises ValidationError for any other JSON."""
        found = super().to_python(value)
        if found is not None and not isinstance(found, dict):
            raise ValidationError("This is a JSON object: {…}.")
        return found


class Confirm(forms.Form):
    """Asks nothing but whether one is sure; the base of forms that ask more. ``row`` is what the decision is about."""

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, **more)
        self.row = row

    def tell(self, error: PromptHubError) -> None:
        """Show an error beside the fields it is about (by JSON pointer), else above the form."""
        placed = False
        for problem in error.problems:
            name, _, rest = problem.pointer.removeprefix("/").partition("/")
            if name in self.fields:
                self.add_error(name, f"{rest}: {problem.detail}" if rest else problem.detail)
                placed = True
        if not placed:
            details = [f"{problem.pointer}: {problem.detail}" for problem in error.problems]
            self.add_error(None, [error.detail, *details])


class _Unchanged:
    """Rows that a page shows and never writes: whoever may change them does so by a decision."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class ReadOnly(_Unchanged, ModelAdmin):  # type: ignore[misc] # Unfold has no types
    """Rows to be read. Whoever may change them does so by a decision."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = False
    compressed_fields = True

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row of that id; none for an id with a NUL, which PostgreSQL takes in no text."""
        return None if "\0" in object_id else super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> NoReturn:
        """Refused: simple-history's page of an old state would otherwise save it."""
        raise PermissionDenied

    def delete_model(self, request: HttpRequest, obj: Any) -> NoReturn:
        """Refused."""
        raise PermissionDenied

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> NoReturn:
        """Refused."""
        raise PermissionDenied

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """A row's page; with the button to earlier states where there are any."""
        kept = hasattr(self.model, "history")
        return super().changeform_view(request, object_id, form_url, {"show_history": kept, **(extra_context or {})})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whatever is shown, computed columns too."""
        return self.fields or super().get_readonly_fields(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The decisions that this row's present state allows."""
        offered: list[Any] = super().get_actions_detail(request, object_id)
        if not any(getattr(each.method, "when", None) for each in offered):
            return offered
        row = self.get_object(request, unquote(str(object_id)))
        allows = [getattr(each.method, "when", None) for each in offered]
        return [each for each, allow in zip(offered, allows, strict=True) if row is None or allow is None or allow(row)]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list. Raises IncorrectLookupParameters, which leads to the whole list, for what no column can hold."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """An action over chosen rows. One over what cannot be a row is refused."""
        if not all(can_be(self.opts.pk, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            messages.error(request, "What was chosen is not in this list; nothing was changed. Choose again.")
            return None
        answer: HttpResponse | None = super().response_action(request, queryset)
        return answer

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """The row a decision is about. Raises Http404 for one this person does not see."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def elsewhere(self, request: HttpRequest, sentence: str) -> HttpResponse:
        """Tell the sentence on the list: the row's own page is gone."""
        messages.success(request, sentence)
        return redirect(self.page())

    def page(self, row: Any = None) -> str:
        """The address of a row's page, without one that of the list."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{name}_changelist") if row is None else reverse(f"{name}_change", args=[quote(row.pk)])


class Endless(ReadOnly):
    """Rows of a table that only grows: pages without counting it."""

    paginator = InfinitePaginator
    list_disable_select_all = True


class Lines(_Unchanged, TabularInline):  # type: ignore[misc] # Unfold has no types
    """Rows under another row, to be read."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the row above sees its lines."""
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whatever is shown."""
        return self.fields or ()


def decision(
    title: str,
    *,
    text: str = "",
    form: type[Confirm] = Confirm,
    icon: str | None = None,
    variant: ActionVariant = ActionVariant.DEFAULT,
    when: Callable[[Any], bool] | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """A button over a row (``actions_detail``) or a list (``actions_list``) that calls one verb.

    The decorated method takes the request, the row (for a list None) and the form's values; it returns the
    sentence to show, or a response. A GET only ever asks: the verb runs on a POST with its CSRF token.
    """

    def decorate(verb: Callable[..., Any]) -> Any:
        @wraps(verb)
        def view(self: ReadOnly, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
            row = None if object_id is None else self.row(request, object_id)
            asked = form(request.POST if request.method == "POST" else None, row=row)
            if asked.is_valid():
                try:
                    answer = verb(self, request, row, asked.cleaned_data)
                except PromptHubError as error:
                    count_error(error=error)
                    asked.tell(error)
                else:
                    if isinstance(answer, HttpResponse):
                        return answer
                    messages.success(request, answer)
                    return redirect(self.page(row))
            context = {
                **self.admin_site.each_context(request),
                "title": title,
                "subtitle": str(row) if row is not None else None,
                "text": text,
                "form": asked,
                "row": row,
                "opts": self.opts,
                "back": self.page(row),
                "danger": variant is ActionVariant.DANGER,
            }
            return TemplateResponse(request, "prompthub/admin/decision.html", context)

        path = verb.__name__.replace("_", "-")
        offered = action(description=title, url_path=path, icon=icon, variant=variant)(view)
        offered.when = when
        return offered

    return decorate


def as_text(value: Any) -> SafeString | str:
    """A prompt's text, or JSON, as it is: escaped, in a block of its own."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return format_html('<pre class="ph-text">{}</pre>', text)


def written(column: str, title: str) -> Callable[[Any, models.Model], SafeString | str]:
    """A column of an admin page that shows a text or JSON column of the row as it is."""

    def show(self: Any, row: models.Model) -> SafeString | str:
        return as_text(getattr(row, column))

    shown: Callable[[Any, models.Model], SafeString | str] = display(description=title)(show)
    return shown


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(Endless):
    list_display = ("key", "actor", "status", "created_at")
    search_fields = ("key",)
    ordering = ("-id",)
    fields = ("actor", "key", "request_digest", "status", "created_at")


@admin.register(Change)
class ChangeAdmin(Endless):
    list_display = ("number", "topic", "key")
    search_fields = ("=number", "key")
    ordering = ("-number",)
    fields = ("number", "word", "topic", "key")


@admin.register(ChangeCounter)
class ChangeCounterAdmin(ReadOnly):
    list_display = ("id", "number")
    search_fields = ("=id",)
    fields = ("id", "number")
