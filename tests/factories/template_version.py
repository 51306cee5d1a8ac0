"""Sealed versions of templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from templates_app import versions
from templates_app.models import TemplateVersion
from tenancy.models import Project
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.project import make_project

GREETING = "You are {{ tone }} and speak for {{ company }}."
GREETING_VARIABLES = {
    "type": "object",
    "properties": {
        "tone": {"type": "string", "enum": ["warm", "brisk"], "default": "warm"},
        "company": {"type": "string"},
    },
    "required": ["company"],
}


def make_template_version(
    *,
    project: Project | None = None,
    name: str | None = None,
    label: str | None = None,
    content_md: str | None = None,
    content_json: Any = None,
    engine: str = "jinja2",
    variables_schema: Mapping[str, Any] | None = None,
) -> TemplateVersion:
    """A version; without text of its own a greeting with the variables ``company`` and ``tone``."""
    if content_md is None and content_json is None:
        content_md = GREETING
        variables_schema = GREETING_VARIABLES if variables_schema is None else variables_schema
    return versions.register(
        project=project or make_project(),
        name=name or unique("greeting"),
        label=label,
        body=PromptBody.parse(content_md=content_md, content_json=content_json, engine=engine),
        variables=VariablesSchema.parse(variables_schema),
        by=SYSTEM,
        at=AT,
    ).version
