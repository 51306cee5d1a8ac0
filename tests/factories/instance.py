"""Clients' prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from templates_app.models import TemplateVersion
from tenancy.models import Client
from tests.factories.acting import AT, SYSTEM
from tests.factories.client import make_client
from tests.factories.template_version import make_template_version


def make_instance(
    *,
    client: Client | None = None,
    template_version: TemplateVersion | None = None,
    variables: Mapping[str, Any] | None = None,
    name: str | None = None,
    body: PromptBody | None = None,
) -> PromptInstance:
    """A draft; without a template of its own the greeting, spoken for Acme."""
    if template_version is None:
        template_version = make_template_version()
        variables = {"company": "Acme"} if variables is None else variables
    return drafts.create(
        client=client or make_client(),
        template_version=template_version,
        variables=variables or {},
        name=name,
        body=body,
        by=SYSTEM,
        at=AT,
    )
