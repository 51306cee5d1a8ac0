"""How admin and portal look: django-unfold's settings."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "PromptHub",
    "SITE_HEADER": "PromptHub",
    "SITE_SUBHEADER": "Prompts on their way to the provider",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
}
