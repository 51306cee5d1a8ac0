"""Suggestions of the scripted model."""

from __future__ import annotations

from unittest import mock

from assist import refine, runs
from assist.llm.scripted import Scripted
from assist.models import Suggestion
from assist.ports import LlmPort
from instances.models import PromptInstance
from tests.factories.acting import AT, SYSTEM
from tests.factories.instance import make_instance


def make_suggestion(
    *,
    instance: PromptInstance | None = None,
    instruction: str = "Say goodbye at the end.",
    previous: Suggestion | None = None,
    port: LlmPort | None = None,
    run: bool = True,
) -> Suggestion:
    """A suggestion that is ready; with ``run`` False nobody has asked the model yet."""
    instance = instance or make_instance()
    instance.refresh_from_db()
    with mock.patch("assist.llm.chosen", return_value=port or Scripted()):
        row = refine.suggest(
            instance=instance,
            instruction=instruction,
            revision=instance.revision,
            previous=previous,
            by=SYSTEM,
            at=AT,
        )
        if run:
            assert runs.run(suggestion_id=row.id, by=SYSTEM, at=AT)
    return refine.get(key=row.id, actor=SYSTEM)
