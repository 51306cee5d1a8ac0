"""What a provider runs as a source for the draft, one that renders to exactly that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from foundation import redaction
from instances import versions
from instances.models import PromptInstance
from prompthub_kernel import literal
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid, Problem
from prompthub_kernel.pointer import split
from prompthub_kernel.strict_json import strict_json
from publishing.models import Drift


def as_body(*, drift: Drift, draft: PromptInstance) -> PromptBody:
    """The observed text, or document, in the draft's format; present and former secrets become placeholders again.

    Raises ``422.request_invalid`` for what is no valid document where the draft is one, and for a secret where no
    placeholder can stand; ``400.template_schema_invalid`` with the places of strings that cannot be taken over word for
    word; ``409.state_conflict`` while the secrets that were delivered are not known, or one of them is not set now.
    """
    publication, known = drift.delivery.publication, versions.secrets_ever(instance=draft)
    if publication.version.rendered.secret_names - versions.carried(publication=publication).keys():
        raise Conflict(
            "409.state_conflict", "It is not known which secrets were delivered there; edit the draft by hand."
        )
    try:
        found = _read(drift.observed, draft.body)
    except Invalid as refused:
        raise _without_secrets(refused, known) from None
    if redaction.tells("\n".join(key for _, key in found.document_keys()), secrets=known):
        raise _holds_secret("")
    places = {value: name for value, name in known.items() if name in draft.template_version.variables.secret_names}
    unset = {value: name for value, name in places.items() if name not in draft.secret_values}
    if any(value in text for value in unset for _, text in found.leaves()):
        raise Conflict(
            "409.state_conflict",
            "The provider's text holds a secret that is no longer set; set it again, or edit the draft by hand.",
        )
    source = literal.as_source(body=found, secrets=places)
    # The leaves by themselves, too: what is escaped in one of them already is escaped twice in the whole.
    if redaction.tells("\n".join([source.source(), *(text for _, text in source.leaves())]), secrets=known):
        raise _holds_secret(next((at for at, text in source.leaves() if redaction.tells(text, secrets=known)), ""))
    return source


def alters_line_ends(*, drift: Drift, draft: PromptInstance) -> bool:
    """Whether what is taken into the draft, where it can be, differs in its line ends from what the provider runs."""
    try:
        found = _read(drift.observed, draft.body)
    except Invalid:
        return False
    return found.with_line_feeds() != found


def _read(observed: str, shape: PromptBody) -> PromptBody:
    """What was observed, as it is, in the format and engine of ``shape``."""
    kind = {"engine": str(shape.engine), "format": str(shape.format)}
    if shape.document is None:
        return PromptBody.parse(content_md=observed, content_json=None, **kind)
    try:
        document = strict_json(observed.encode())
    except Invalid as refused:
        raise _no_document(replace(one, pointer=f"/content_json{one.pointer}") for one in refused.problems) from None
    try:
        return PromptBody.parse(content_md=None, content_json=document, **kind)
    except Invalid as refused:
        raise _no_document(refused.problems) from None


def _no_document(problems: Iterable[Problem]) -> Invalid:
    return Invalid(
        "422.request_invalid",
        "What the provider runs is no valid document of this prompt's format; put our text back, or edit the draft by "
        "hand.",
        problems=list(problems),
    )


def _without_secrets(refused: Invalid, known: Iterable[str]) -> Invalid:
    """The same error, whose pointers name no key of the provider's when one of those is a secret."""
    steps = "\n".join(step for problem in refused.problems for step in split(problem.pointer))
    if not redaction.tells(steps, secrets=known):
        return refused
    problems = [replace(problem, pointer=f"/{split(problem.pointer)[0]}") for problem in refused.problems]
    return Invalid(refused.code, refused.detail, problems=problems)


def _holds_secret(at: str) -> Invalid:
    """``at`` is where in a document the secret is; ``""`` for text, and where that cannot be told."""
    return Invalid(
        "422.request_invalid",
        "The provider's text holds a secret of this prompt where none can stand; edit the draft by hand.",
        problems=[
            Problem(
                f"/content_json{at}" if at else "",
                "secret",
                "a secret stands in it escaped, encoded, or without a variable for it",
            )
        ],
    )
