"""What the model is told and how its answer is read.

The draft, the variables and the instruction are material between tags that nobody could have written into them: each
suggestion has its own mark. Values of variables are not told at all, so secrets cannot be.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from assist.models import Suggestion
from assist.ports import Message
from prompthub_kernel import rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema

BUILTIN = Path(__file__).parent / "builtin" / "refine.md"
_WORDS = VariablesSchema.parse(
    {
        "type": "object",
        "properties": {"mark": {"type": "string"}, "engine": {"type": "string"}, "format": {"type": "string"}},
        "required": ["mark", "engine", "format"],
    }
)
_FENCE = re.compile(r"```[\w-]*\n(.*)\n```", re.DOTALL)


class Reply(NamedTuple):
    """What the model wrote: the suggested text, None where it is not in the form that was asked for, and its notes."""

    text: str | None
    notes: str


def mark_of(suggestion: Suggestion) -> str:
    """The end of this suggestion's tags: 48 random bits, made after the text they enclose."""
    return suggestion.id.hex[-12:]


def messages(*, suggestion: Suggestion) -> list[Message]:
    """The built-in prompt, and the material."""
    sealed, mark = suggestion.instance.template_version, mark_of(suggestion)
    told = {"mark": mark, "engine": sealed.engine, "format": sealed.format}
    system = rendering.render(body=_builtin(), variables=_WORDS, values=told).text()
    parts = [("variables", _variables(sealed.variables)), ("prompt", suggestion.base)]
    if suggestion.previous is not None:
        parts.append(("previous-suggestion", suggestion.previous.text))
    parts.append(("instruction", suggestion.instruction))
    material = "\n".join(f"<{name}-{mark}>\n{text}\n</{name}-{mark}>" for name, text in parts)
    return [Message("system", system), Message("user", material)]


def partial(*, answer: str, mark: str) -> str:
    """The suggested text as far as it has come."""
    _, found, rest = answer.partition(f"<prompt-{mark}>")
    return rest.partition(f"</prompt-{mark}>")[0].lstrip("\n") if found else ""


def read(*, answer: str, mark: str, base: str) -> Reply:
    """The answer's parts. White space at the end of the text, and ends of lines, are made those of ``base``."""
    answer = answer if "\r" in base else answer.replace("\r\n", "\n")
    notes = _between(answer, "notes", mark)
    text = _between(answer, "prompt", mark)
    if text is None:
        return Reply(None, (notes or "").strip())
    text = text.strip("\n")
    if (fenced := _FENCE.fullmatch(text.strip())) and not base.lstrip().startswith("```"):
        text = fenced[1]
    ending = base[len(base.rstrip()) :]
    return Reply(text.rstrip() + ending if text.strip() else "", (notes or "").strip())


def _between(answer: str, name: str, mark: str) -> str | None:
    """What stands between a pair of tags, None unless there is exactly one pair."""
    begin, end = f"<{name}-{mark}>", f"</{name}-{mark}>"
    if answer.count(begin) != 1 or answer.count(end) != 1 or answer.index(end) < answer.index(begin):
        return None
    return answer[answer.index(begin) + len(begin) : answer.index(end)]


def _variables(schema: VariablesSchema) -> str:
    """Names, types and descriptions: never a value, nor a default."""
    told = []
    for name, declared in schema.schema["properties"].items():
        words = {"name": name}
        if isinstance(declared, dict):
            words |= {key: declared[key] for key in ("type", "description") if isinstance(declared.get(key), str)}
        if name in schema.secret_names:
            words["kept"] = "secret"
        if name in schema.runtime_names:
            words["filled_in_by"] = "the provider"
        told.append(words)
    return json.dumps(told, indent=1, ensure_ascii=False)


@cache
def _builtin() -> PromptBody:
    return PromptBody.parse(content_md=BUILTIN.read_text("utf-8"), content_json=None)
