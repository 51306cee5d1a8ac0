"""Drafts as they were: what an edit changed, from the history that is kept of each saved draft."""

from __future__ import annotations

from typing import Any

from foundation.actors import Actor
from foundation.models import TOMBSTONE
from instances.comparing import Kind, Level, Side
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from tenancy import policy
from tenancy.policy import Permission


def change(*, instance: PromptInstance, first: int, last: int, actor: Actor) -> tuple[Side, Side] | None:
    """The draft before revision ``first`` and as it was at ``last``, as written; None where one of them was not kept.

    Of what was saved while somebody was writing, only the state now is known.
    """
    policy.require(actor, Permission.VIEW, instance.client)
    kept = PromptInstance.history.filter(id=instance.pk).select_related("template_version__template")
    before = kept.filter(revision__lt=first).order_by("-revision", "-history_id").first()
    after: Any = kept.filter(revision__gte=first, revision__lte=last).order_by("-revision", "-history_id").first()
    if instance.revision == last and (after is None or after.revision < last):
        after = instance
    if before is None or after is None:
        return None
    return _side(before), _side(after)


def _side(row: Any) -> Side:
    """A kept draft, or the one there is. Of secrets nothing is kept."""
    body, schema = _body(row), row.template_version.variables
    return Side(
        word=f"revision:{row.revision}",
        kind=Kind.DRAFT,
        name=str(row.revision),
        level=Level.SOURCE,
        text=body.source(),
        document=body.document,
        at=row.updated_at,
        variables=schema.complete({name: value for name, value in row.variables.items() if name in schema.names}),
    )


def _body(row: Any) -> PromptBody:
    template = row.template_version
    if row.content_md is None and row.content_json is None:
        return template.body  # type: ignore[no-any-return]
    own = {"content_md": row.content_md, "content_json": row.content_json}
    try:
        return PromptBody.parse(**own, engine=template.engine, format=template.format)
    except Invalid:  # kept under rules that were looser than today's
        return PromptBody.parse(content_md=TOMBSTONE, content_json=None, engine=template.engine, format="text")
