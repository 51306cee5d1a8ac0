"""Every error PromptHub can answer with, as one tree.

PromptHubError(code, detail, problems, context)
├─ Invalid      what was sent cannot be used as it is
├─ NotFound     it does not exist, or not for this caller
├─ Conflict     it collides with what is already there
├─ Refused      this caller may not, or not now
└─ Unavailable  something we depend on did not do its part

A code is ``<http status>.<name>``; the seeds' codes are kept verbatim (seed 000, "Error taxonomy").
Each door translates this tree once: problem+json at the API, form errors in the portal, an exit status
on the command line. Nobody invents a second vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place of the input.

    ``pointer`` is a JSON Pointer (RFC 6901) into the request body, ``""`` for the whole of it;
    ``code`` is a stable word (``required``, ``enum``, ``syntax`` …); ``detail`` a sentence that never
    repeats the offending value.
    """

    pointer: str
    code: str
    detail: str


class PromptHubError(Exception):
    """Root of the tree. ``code`` must be one of :data:`CODES` and belong to the class that is raised."""

    family: ClassVar[str] = ""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        problems: Sequence[Problem] = (),
        context: Mapping[str, Any] | None = None,
    ) -> None:
        meaning = CODES[code]
        if meaning.raised_as is not None and not isinstance(self, meaning.raised_as):
            raise ValueError(f"{code} is raised as {meaning.raised_as.__name__}, not {type(self).__name__}")
        super().__init__(detail or meaning.title)
        self.code = code
        self.detail = detail or meaning.title
        self.problems = tuple(problems)
        self.context = dict(context or {})

    @property
    def status(self) -> int:
        """HTTP status, the first three digits of the code."""
        return int(self.code[:3])

    @property
    def title(self) -> str:
        """What the code means, the same words every time."""
        return CODES[self.code].title

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later without being changed."""
        return CODES[self.code].retryable

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Invalid(PromptHubError):
    """What was sent cannot be used as it is: malformed, too large, or against a schema."""

    family = "invalid"


class NotFound(PromptHubError):
    """It does not exist, or not for this caller: a foreign client's id looks exactly like a missing one."""

    family = "not_found"


class Conflict(PromptHubError):
    """It collides with what is already there; the answer says with what."""

    family = "conflict"


class Refused(PromptHubError):
    """This caller may not do this, or not now."""

    family = "refused"


class Unavailable(PromptHubError):
    """Something we depend on did not do its part; nothing in the request needs fixing."""

    family = "unavailable"


class Meaning(NamedTuple):
    """What a code means to a reader and to a program."""

    title: str
    raised_as: type[PromptHubError] | None
    retryable: bool = False


CODES: dict[str, Meaning] = {
    "400.template_schema_invalid": Meaning("The template or its variables schema cannot be used", Invalid),
    "400.json_invalid": Meaning("The body is not JSON this service accepts", Invalid),
    "400.address_invalid": Meaning("The address, version or selector cannot be read", Invalid),
    "400.release_unknown": Meaning("The bundle has no release of that version", Invalid),
    "413.body_too_large": Meaning("The body is larger than this service accepts", Invalid),
    "415.media_type_unsupported": Meaning("The body's media type is not supported", Invalid),
    "422.request_invalid": Meaning("The request does not fit its contract", Invalid),
    "422.variables_invalid": Meaning("The variables do not fit the template's schema", Invalid),
    "422.dependency_cycle": Meaning("Bundles would need themselves", Invalid),
    "422.dependency_unsatisfiable": Meaning("No releases fit all requirements", Invalid),
    "422.dependency_private": Meaning("A public bundle would need a private one", Invalid),
    "422.bump_too_small": Meaning("The version is too low for what changed", Invalid),
    "422.release_not_in_bundle": Meaning("The release belongs to another bundle", Invalid),
    "422.style_unsupported": Meaning("The pack has no such style", Invalid),
    "422.idempotency_key_reused": Meaning("The idempotency key was used for another request", Invalid),
    "404.template_or_instance_not_found": Meaning("No such template or instance", NotFound),
    "404.bundle_not_found": Meaning("No such bundle", NotFound),
    "404.release_not_found": Meaning("No such release", NotFound),
    "404.channel_not_found": Meaning("No such channel", NotFound),
    "404.prompt_not_found": Meaning("No such prompt", NotFound),
    "404.not_found": Meaning("Nothing here", NotFound),
    "405.method_not_allowed": Meaning("This address does not take that method", Invalid),
    "406.not_acceptable": Meaning("No representation fits the Accept header", Invalid),
    "410.gone": Meaning("It was taken back for good", NotFound),
    "408.request_timeout": Meaning("The request did not arrive in time", Refused, retryable=True),
    "409.version_conflict": Meaning("Another version is already there", Conflict),
    "409.draft_stale": Meaning("The draft was changed meanwhile", Conflict),
    "409.sealed": Meaning("Sealed text cannot be changed", Conflict),
    "409.archived": Meaning("It is archived", Conflict),
    "409.in_use": Meaning("Something else still needs it", Conflict),
    "409.state_conflict": Meaning("Its present state does not allow this", Conflict),
    "409.review_required": Meaning("Somebody else has to approve this first", Conflict),
    "409.proposal_changed": Meaning("The proposal was changed since it was looked at", Conflict),
    "409.token_already_shown": Meaning("The token was already shown once", Conflict),
    "401.not_authenticated": Meaning("Who are you?", Refused),
    "403.permission_denied": Meaning("You may see this, but not do this", Refused),
    "403.channel_locked": Meaning("The channel is moved by deployments alone", Refused),
    "403.feature_off": Meaning("This feature is switched off", Refused),
    "429.rate_limited": Meaning("Too many requests", Refused, retryable=True),
    "502.adapter_publish_error_retell": Meaning("Retell did not confirm the prompt", Unavailable, retryable=True),
    "502.adapter_publish_error_n8n": Meaning("n8n did not confirm the prompt", Unavailable, retryable=True),
    "502.adapter_publish_error_webhook": Meaning("The webhook did not confirm the prompt", Unavailable, retryable=True),
    "502.adapter_publish_error_memory": Meaning(
        "The in-memory provider did not confirm the prompt", Unavailable, retryable=True
    ),
    "502.llm_unavailable": Meaning("The language model did not answer", Unavailable, retryable=True),
    "502.llm_answer_unusable": Meaning("The language model's answer cannot be used", Unavailable, retryable=True),
    "502.seal_broken": Meaning("What is kept is not what was sealed", Unavailable),
    "503.database_unavailable": Meaning("The database is not reachable", Unavailable, retryable=True),
    "503.server_stopping": Meaning("The server is stopping", Unavailable, retryable=True),
    "500.internal_error": Meaning("Something broke here; it has been reported", None),
}
