"""What a model was asked, what it suggested, what became of that, for which clients it may be asked; and sessions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from assist import texts
from assist.states import LIVE, OPEN, SuggestionState
from foundation.ids import new_id
from foundation.models import Mutable, Sealed
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from prompthub_kernel.diffing import PromptDiff
from prompthub_kernel.errors import CODES
from registry.models import Release
from tenancy.models import Client

STATES = [(str(state), str(state)) for state in SuggestionState]


class Suggestion(Mutable):
    """A text suggested for a draft.

    ``revision`` is the draft's when it was asked for, ``base`` its source then and ``text`` the source suggested
    (:meth:`PromptBody.source`: plain text, or a document as indented JSON). ``progress`` is what has arrived while
    the model writes, not yet checked. Of a failed one, ``error_code``, ``error_detail`` and ``problems`` (pointer,
    code, detail) say why; ``notes`` are kept; ``again`` is whether the same question may be answered later. ``tries``
    fences workers, ``leased_until`` and ``rung_until`` are the database's time; ``retry_at`` is how long the model's
    provider asked to be left in peace.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(PromptInstance, on_delete=models.PROTECT, related_name="suggestions")
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="next")
    revision = models.PositiveIntegerField()
    instruction = models.TextField()
    base = models.TextField()
    text = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    progress = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=STATES, default=SuggestionState.ASKED)
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=200, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    problems = models.JSONField(default=list)
    again = models.BooleanField(default=True, db_default=True)
    retry_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    rung_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64)
    created_by_label = models.TextField()
    ended_at = models.DateTimeField(null=True)
    correlation_id = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in SuggestionState]), name="suggestion_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in LIVE]) ^ Q(ended_at__isnull=False),
                name="suggestion_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=SuggestionState.FAILED) ^ Q(error_code=""), name="suggestion_failed_has_code"
            ),
        )
        indexes = (
            models.Index(fields=("created_at",), condition=Q(state__in=[str(s) for s in OPEN]), name="suggestion_open"),
            models.Index(fields=("instance",), condition=Q(state=SuggestionState.READY), name="suggestion_ready"),
            models.Index(fields=("provider", "retry_at"), name="suggestion_patience"),
        )

    def __str__(self) -> str:
        return f"suggestion {self.id}"

    @property
    def standing(self) -> SuggestionState:
        """The state as it is now: a ready one whose draft was changed is stale, whether or not that is written yet."""
        state = SuggestionState(self.state)
        moved_on = state is SuggestionState.READY and self.instance.revision != self.revision
        return SuggestionState.STALE if moved_on else state

    @property
    def retryable(self) -> bool:
        """Whether asking the same again may succeed."""
        return bool(self.error_code) and CODES[self.error_code].retryable and self.again

    @property
    def body(self) -> PromptBody:
        """The suggested text in the draft's format and engine. Raises ``400.template_schema_invalid``."""
        return texts.body_of(instance=self.instance, source=self.text)

    @property
    def changes(self) -> PromptDiff:
        """What it changes: one hunk, without equal lines around it, for each change that can be accepted by itself."""
        return texts.changes(old=self.base, new=self.text)


class RefineSwitch(Mutable):
    """Whether a client's prompts may be shown to a model; without a row they may."""

    client = models.OneToOneField(Client, on_delete=models.PROTECT, primary_key=True, related_name="+")
    enabled = models.BooleanField()
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name_plural = "refine switches"

    def __str__(self) -> str:
        return f"{self.client}: {'on' if self.enabled else 'off'}"


class CoachSession(Sealed):
    """A coach's session: the release of a pack that it began with, and keeps until it ends (seed 001).

    ``style`` is empty when none was chosen.
    """

    erasable = ("started_by_label",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    style = models.CharField(max_length=63, blank=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=64)
    started_by_label = models.TextField()
    correlation_id = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"session {self.id}"
