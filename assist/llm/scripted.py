"""A model that is none, for demos and tests: it knows a few good edits by heart and needs no network.

It reads the same question and writes in the same form as a real one. An instruction that holds one of the words of
:data:`FAULTS` shows what happens when a model misbehaves.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from assist.ports import Ending, Finish, LlmError, Message

FAULTS = (
    *("[unavailable]", "[locked out]", "[breaks off]", "[malformed]", "[empty]", "[refuses]", "[too long]"),
    "[drops variables]",
)

# Phrases of the demo's prompts, and what a colleague would make of them.
_BY_HEART = (
    ("You answer the phone for", "You are the friendly first voice on the phone for"),
    ("- Greet the caller, and ask for their name.", "- Greet the caller warmly, and ask for their name first."),
    (
        "- Greet the caller, and ask for their name and what they need.",
        "- Greet the caller warmly. Ask for their name, then what they need, one question at a time.",
    ),
    ("- If you cannot help, offer a call back", "- If you cannot help, say so plainly and offer a call back"),
    ("If the line is bad, say so and offer to call again.", "If the line is bad, apologise and offer to call again."),
    ("You summarise orders for", "You write clear, complete summaries of orders for"),
    ("Write the opening of", "Write a short, lively opening for"),
)
_PIECE = re.compile(r"\S+\s*|\s+")


class Scripted:
    """Writes a suggestion word by word; ``pause`` seconds between the words make it look like a model at work."""

    name = "scripted"
    model = "scripted-1"

    def __init__(self, *, pause: float = 0.0) -> None:
        self._pause = pause

    def complete(self, *, messages: Sequence[Message], deadline: float) -> Iterator[str | Finish]:
        """The draft with better phrases, and a sentence that takes up the instruction."""
        question = messages[-1].text
        mark = re.findall(r"<instruction-([0-9a-f]+)>", question)[-1]
        instruction, text = _between(question, "instruction", mark), _between(question, "prompt", mark)
        answer, fault = _answer(text, instruction, mark), next((word for word in FAULTS if word in instruction), "")
        if fault == "[unavailable]":
            raise LlmError("The scripted model answered 429: it wants to be left in peace.", retry_after=1.0)
        if fault == "[locked out]":
            raise LlmError("The scripted model answered 401: it does not know the key.", again=False)
        answer = {
            "[malformed]": f"Sure! Here is your prompt:\n```json\n{json.dumps({'prompt': text})}\n```",
            "[empty]": "",
            "[refuses]": "I cannot help with that.",
            "[drops variables]": re.sub(r"\{\{.*?\}\}", "the usual", answer),
        }.get(fault, answer)
        pieces = _PIECE.findall(answer)
        for number, piece in enumerate(pieces):
            if fault == "[breaks off]" and 2 * number > len(pieces):
                raise LlmError("The scripted model broke off before the end of its answer.")
            time.sleep(self._pause)
            yield piece
        ending = {"[refuses]": Ending.REFUSED, "[too long]": Ending.TOO_LONG}.get(fault, Ending.COMPLETE)
        yield Finish(ending, self.model, input_tokens=len(_PIECE.findall(question)), output_tokens=len(pieces))


def _answer(text: str, instruction: str, mark: str) -> str:
    wish = " ".join(instruction.split()).rstrip(".")
    sentence = f"Above all: {wish[:1].lower()}{wish[1:]}."
    better, notes = _better(text, re.sub(r"[{}%#]", "", sentence))
    lines = "\n".join(f"- {note}" for note in notes)
    return f"<prompt-{mark}>\n{better}\n</prompt-{mark}>\n<notes-{mark}>\n{lines}\n</notes-{mark}>\n"


def _better(text: str, sentence: str) -> tuple[str, list[str]]:
    """The text with phrases known by heart replaced and a sentence added at its end, and what was done."""
    try:
        document = json.loads(text)
    except ValueError:
        improved, notes = _rephrased(text)
        return f"{improved.rstrip()}\n\n{sentence}\n", [*notes, "Added what you asked for, as a sentence of its own."]
    notes = _rephrase_document(document, sentence)
    return json.dumps(document, indent=2, ensure_ascii=False), notes


def _rephrased(text: str) -> tuple[str, list[str]]:
    notes = []
    for old, new in _BY_HEART:
        if old in text and new not in text:
            text = text.replace(old, new, 1)
            notes.append(f"“{old.strip('- ')}” says more now.")
    return text, notes


def _rephrase_document(document: Any, sentence: str) -> list[str]:
    """Change the first text of a document, or of chat messages, in its place."""
    for part in document if isinstance(document, list) else [document]:
        for key in ("content", *part) if isinstance(part, dict) else ():
            if key not in {"role", "type", "name"} and isinstance(part.get(key), str):
                improved, notes = _rephrased(part[key])
                part[key] = f"{improved} {sentence}"
                return [*notes, "Added what you asked for to the first message."]
    return ["There is no text to change."]


def _between(text: str, name: str, mark: str) -> str:
    return text.partition(f"<{name}-{mark}>\n")[2].partition(f"\n</{name}-{mark}>")[0]
