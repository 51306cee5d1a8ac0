"""What may become of a draft's text: read as a body, held to the rules, taken over change by change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from assist import parting
from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel import diffing, rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.diffing import Hunk, PromptDiff
from prompthub_kernel.errors import Conflict, Invalid, Problem
from publishing.adapters import answers


def body_of(*, instance: PromptInstance, source: str) -> PromptBody:
    """A source (:meth:`PromptBody.source`) as a body of the instance's format and engine.

    Raises ``400.template_schema_invalid``, with the pointer ``/text`` for what is not JSON where JSON is needed.
    """
    sealed = instance.template_version
    is_text = sealed.content_md is not None
    document = None if is_text else answers.parse(source.encode())
    if not is_text and not isinstance(document, dict | list):
        raise Invalid(
            "400.template_schema_invalid",
            "The text is not a JSON document.",
            problems=[Problem("/text", "json", "is not a JSON document")],
        )
    return PromptBody.parse(
        content_md=source if is_text else None, content_json=document, engine=sealed.engine, format=sealed.format
    )


def broken_rules(*, instance: PromptInstance, before: PromptBody, after: PromptBody) -> list[Problem]:
    """Why ``after`` may not take the place of ``before`` without a person having written it; empty when it may.

    It may not drop a variable that the text uses, rewrite the placeholder of one that the provider fills in, use one
    that is not declared, or bring a secret into the text; and it must render with the draft's own variables.
    """
    schema = instance.template_version.variables
    try:
        drafts.render(body=after, schema=schema, given=instance.variables, secrets=instance.secret_values)
    except Invalid as error:
        return list(error.problems)
    used, found = rendering.names_used(body=before), rendering.names_used(body=after)
    lost = _placeholders(before, schema.runtime_names & found) - _placeholders(after, schema.runtime_names)
    return [
        *(Problem("/text", "variable_dropped", f"`{name}` is used no more") for name in sorted(used - found)),
        *(
            Problem("/text", "placeholder_changed", f"the provider's `{written}` is written differently")
            for written in sorted(lost)
        ),
        *(
            Problem("/text", "secret_added", f"the secret `{name}` was not in the text")
            for name in sorted((found - used) & schema.secret_names)
        ),
    ]


def changes(*, old: str, new: str) -> PromptDiff:
    """What changed: one hunk, without equal lines around it, for each change that can be taken over by itself.

    Both are compared as if their last lines ended like the others: one that stays can be followed by one that came.
    """
    found = diffing.diff_text(old=_ended(old), new=_ended(new), context=0)
    return replace(found, hunks=tuple(part for hunk in found.hunks for part in parting.parted(hunk=hunk)))


def change_id(hunk: Hunk) -> str:
    """What a change is called, 16 hexadecimal digits: the same change of the same text has the same name."""
    said = (str(hunk.old_start), *(f"{line.kind}:{line.text}" for line in hunk.lines if line.kind != "equal"))
    return hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def with_changes(*, old: str, new: str, chosen: Collection[str]) -> str:
    """The old text with the chosen changes alone. Raises ``409.state_conflict`` for one that is none of its changes."""
    found = changes(old=old, new=new)
    known = {change_id(hunk): hunk for hunk in found.hunks}
    if unknown := [name for name in chosen if name not in known]:
        raise Conflict(
            "409.state_conflict",
            "This is no change of this suggestion. Look at its changes again.",
            problems=list(_unknown(chosen, unknown)),
        )
    if known.keys() <= set(chosen):
        return new
    taken = replace(found, hunks=tuple(known[name] for name in known if name in chosen))
    text = diffing.apply(old=_ended(old), diff=taken)
    return text if old == _ended(old) else text.removesuffix("\n")


def _ended(text: str) -> str:
    """The text with a line end at its end."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _placeholders(body: PromptBody, names: Collection[str]) -> set[str]:
    """What the provider fills in, as it is written: it is handed on so, letter by letter."""
    found = (re.findall(rf"{{{{\s*(?:{'|'.join(names)})\b[^{{}}]*}}}}", text) for _, text in body.leaves())
    return {written for leaf in found for written in leaf} if names else set()


def _unknown(chosen: Collection[str], unknown: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(chosen):
        if name in unknown:
            yield Problem(f"/changes/{index}", "unknown", "is no change of this suggestion")
