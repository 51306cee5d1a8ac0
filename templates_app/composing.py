"""Texts that refer to other prompts: what is written, and the whole text that is sealed of it.

Templates know nothing of bundles and addresses: whoever seals such a text looks the others up and passes them in.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from prompthub_kernel import references
from prompthub_kernel.body import PromptBody
from prompthub_kernel.references import Reference, Text
from prompthub_kernel.variables import VariablesSchema
from templates_app.models import Template, TemplateDraft, TemplateVersion


@dataclass(frozen=True, slots=True)
class Written:
    """What the next version of a template is sealed from.

    That is its draft; without one the latest version as it was written, if it referred to other prompts, which may
    have changed; else there is nothing to seal and ``latest`` is what there is.
    """

    body: PromptBody
    variables: VariablesSchema
    references: tuple[Reference, ...]
    draft: TemplateDraft | None
    latest: TemplateVersion | None

    @property
    def settled(self) -> bool:
        """Whether there is nothing to seal."""
        return self.draft is None and not self.references


def written(*, templates: Iterable[Template]) -> dict[uuid.UUID, Written]:
    """What templates are written as, by id, in two queries; those without a draft and a version are left out."""
    keys = [template.pk for template in templates]
    drafts = {draft.template_id: draft for draft in TemplateDraft.objects.filter(template__in=keys)}
    newest = TemplateVersion.objects.filter(template=OuterRef("template")).order_by("-ordinal").values("ordinal")[:1]
    latest = {
        version.template_id: version
        for version in TemplateVersion.objects.filter(template__in=keys, ordinal=Subquery(newest)).order_by()
    }
    found: dict[uuid.UUID, Written] = {}
    for key in keys:
        draft, version = drafts.get(key), latest.get(key)
        if draft is not None:
            found[key] = _read(draft.body, draft.variables, draft, version)
        elif version is not None:
            found[key] = _read(source(version=version), version.variables, None, version)
    return found


def source(*, version: TemplateVersion) -> PromptBody:
    """A version's text as it was written, with its references."""
    if version.written is None:
        return version.body
    return PromptBody.parse(**version.written, engine=version.engine, format=version.format)


def columns(*, body: PromptBody, texts: Mapping[str, Text]) -> dict[str, Any]:
    """What a version remembers of a text that was put together: as it was written, and what was put in."""
    found = references.find(body)
    if not found:
        return {"written": None, "included": None}
    fields = body.as_fields()
    names = dict.fromkeys(str(reference.address) for reference in found)
    return {
        "written": {column: fields[column] for column in ("content_md", "content_json")},
        "included": [
            {"reference": name, "address": texts[name].address, "digest": texts[name].digest} for name in names
        ],
    }


def _read(
    body: PromptBody, variables: VariablesSchema, draft: TemplateDraft | None, latest: TemplateVersion | None
) -> Written:
    refers = draft is not None or (latest is not None and latest.written is not None)
    return Written(body, variables, tuple(references.find(body)) if refers else (), draft, latest)
