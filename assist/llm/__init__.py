"""The language models PromptHub can ask, by name. A new one: a module here, and its name below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from assist.llm.anthropic import Anthropic
from assist.llm.null import Null
from assist.llm.openai_compatible import OpenAiCompatible
from assist.llm.scripted import Scripted
from assist.ports import LlmPort

MAKERS: dict[str, Callable[[Mapping[str, Any]], LlmPort]] = {
    "null": lambda _: Null(),
    "scripted": lambda rules: Scripted(pause=rules["scripted_pause"]),
    "openai": lambda rules: OpenAiCompatible(url=rules["url"], key=rules["key"], model=rules["model"]),
    "anthropic": lambda rules: Anthropic(
        url=rules["url"], key=rules["key"], model=rules["model"], max_tokens=rules["max_tokens"]
    ),
}


def chosen() -> LlmPort:
    """The model of this installation."""
    rules: dict[str, Any] = settings.ASSIST
    return MAKERS[rules["llm"]](rules)
