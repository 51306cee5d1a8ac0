"""The text of a prompt before variables are put in: plain text, Markdown, a JSON document or chat messages."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.pointer import pointer, split

MAX_SOURCE_BYTES = 256 * 1024
"""Largest source of one body, UTF-8; for documents their canonical JSON."""
MAX_MESSAGES = 500
MAX_NAME_LENGTH = 64
ROLES = ("system", "developer", "user", "assistant", "tool")
MISSING_CONTENT = "The content of this message is missing; a list that is no chat has the format json."
_MESSAGE_KEYS = frozenset({"role", "content", "name"})
_PLACEHOLDER_KEYS = frozenset({"role", "type", "name"})


class BodyFormat(StrEnum):
    """How the text of a prompt is shaped."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    CHAT = "chat"


class Engine(StrEnum):
    """The template language a body is written in."""

    JINJA2 = "jinja2"
    LIQUID = "liquid"


@dataclass(frozen=True, slots=True)
class PromptBody:
    """Either ``text`` (formats text and markdown) or ``document`` (formats json and chat), never both.

    ``document`` is a JSON object or array, for chat a list of messages ``{"role", "content"[, "name"]}`` and
    placeholders ``{"type": "placeholder", "name"}`` (or ``"role": "placeholder"``) where a conversation goes.
    Read it, do not change it: the digest is taken over it.
    """

    format: BodyFormat
    engine: Engine
    text: str | None
    document: Any | None

    @classmethod
    def parse(
        cls,
        *,
        content_md: str | None,
        content_json: Any | None,
        engine: str = Engine.JINJA2,
        format: str | None = None,
    ) -> Self:
        """The body made of what was sent.

        Without ``format``, text is Markdown, a list that is meant as a chat is chat, any other document is json.
        Meant as a chat is a list of objects that all have a ``role`` or are placeholders, and of which at least one is
        a placeholder, has ``content``, or has a role of chat: what a message lacks is then told, not taken for
        something else. Raises :class:`Invalid` ``400.template_schema_invalid`` with pointers into the
        request (``/content_md``, ``/content_json/0/role`` …); templates themselves are checked by
        :func:`prompthub_kernel.rendering.check`.
        """
        problems: list[Problem] = []
        if engine not in Engine.__members__.values():
            problems.append(Problem("/engine", "enum", f"Engines are {_listed(Engine)}."))
        if format is not None and format not in BodyFormat.__members__.values():
            problems.append(Problem("/format", "enum", f"Formats are {_listed(BodyFormat)}."))
        if (content_md is None) == (content_json is None):
            problems.append(Problem("", "oneOf", "Exactly one of content_md and content_json is needed."))
        if problems:
            raise _invalid(problems)
        if content_md is not None:
            shape = BodyFormat(format or BodyFormat.MARKDOWN)
            problems = _text_problems(content_md, shape)
        else:
            shape = BodyFormat(format or (BodyFormat.CHAT if _is_meant_as_chat(content_json) else BodyFormat.JSON))
            problems = _document_problems(content_json, shape)
        if problems:
            raise _invalid(problems)
        return cls(shape, Engine(engine), content_md, copy.deepcopy(content_json))

    def with_line_feeds(self) -> Self:
        """The same with a line feed for every line end, of a document in all its strings but the keys.

        So every text is stored that is written anew. What is sealed keeps the line ends its digest was taken over.
        """
        return replace(self, text=_with_line_feeds(self.text), document=_with_line_feeds(self.document))

    def leaves(self) -> Iterator[tuple[str, str]]:
        """Every renderable string with its JSON Pointer into the document; one leaf at ``""`` for text.

        In a document all string values are renderable, keys are not; in chat only ``content`` is.
        """
        if self.text is not None:
            yield "", self.text
        elif self.format is BodyFormat.CHAT:
            for index, message in enumerate(self.document or ()):
                if "content" in message:
                    yield pointer([index, "content"]), message["content"]
        else:
            yield from _strings(self.document, ())

    def with_leaves(self, sources: Mapping[str, str]) -> Self:
        """The same with other renderable strings, by the pointers of :meth:`leaves`. Raises as :meth:`parse`."""
        fields = self.as_fields()
        if self.text is not None:
            fields["content_md"] = sources.get("", self.text)
        for at, source in sources.items() if self.text is None else ():
            *steps, last = split(at)
            place = fields["content_json"]
            for step in steps:
                place = place[int(step) if isinstance(place, list) else step]
            place[int(last) if isinstance(place, list) else last] = source
        return type(self).parse(**fields)

    def document_keys(self) -> Iterator[tuple[str, str]]:
        """Every key of a document with the JSON Pointer of its value. Keys are not renderable."""
        yield from _keys(self.document, ())

    def source(self) -> str:
        """What a person reads and compares: the text itself, or the document as indented JSON."""
        if self.text is not None:
            return self.text
        return json.dumps(self.document, indent=2, ensure_ascii=False)

    def digest(self) -> str:
        """``sha256:…`` over format, engine and content; the order of a document's keys does not matter."""
        content = self.text.encode() if self.text is not None else canonical_json(self.document)
        return sha256_digest(b"prompt-body/1", self.format.encode(), self.engine.encode(), content)

    def as_fields(self) -> dict[str, Any]:
        """The fields of the contracts: ``content_md``, ``content_json``, ``format``, ``engine``."""
        return {
            "content_md": self.text,
            "content_json": copy.deepcopy(self.document),
            "format": self.format.value,
            "engine": self.engine.value,
        }


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid("400.template_schema_invalid", problems[0].detail, problems=problems)


def _listed(words: type[StrEnum]) -> str:
    return ", ".join(word.value for word in words)


def _text_problems(text: Any, shape: BodyFormat) -> list[Problem]:
    if shape not in (BodyFormat.TEXT, BodyFormat.MARKDOWN):
        return [Problem("/format", "enum", "content_md is text or markdown.")]
    if not isinstance(text, str):
        return [Problem("/content_md", "type", "content_md is a string.")]
    if not text.strip():
        return [Problem("/content_md", "minLength", "The prompt is empty.")]
    if "\0" in text:
        return [Problem("/content_md", "pattern", "NUL characters cannot be stored.")]
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return [Problem("/content_md", "pattern", "The text holds half of a surrogate pair.")]
    if size > MAX_SOURCE_BYTES:
        return [Problem("/content_md", "maxLength", f"The text is larger than {MAX_SOURCE_BYTES} bytes.")]
    return []


def _document_problems(document: Any, shape: BodyFormat) -> list[Problem]:
    if shape not in (BodyFormat.JSON, BodyFormat.CHAT):
        return [Problem("/format", "enum", "content_json is json or chat.")]
    if not isinstance(document, dict | list):
        return [Problem("/content_json", "type", "content_json is an object or an array.")]
    if not document:
        return [Problem("/content_json", "minItems", "The prompt is empty.")]
    try:
        source = canonical_json(document)
    except Invalid as error:
        return [Problem("/content_json", "json", error.detail)]
    if b"\\u0000" in source and _holds_nul(document):
        return [Problem("/content_json", "pattern", "NUL characters cannot be stored.")]
    if len(source) > MAX_SOURCE_BYTES:
        return [Problem("/content_json", "maxLength", f"The document is larger than {MAX_SOURCE_BYTES} bytes.")]
    return _chat_problems(document) if shape is BodyFormat.CHAT else []


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(element) for key, element in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _is_meant_as_chat(document: Any) -> bool:
    return (
        isinstance(document, list)
        and all(isinstance(entry, dict) and ("role" in entry or _is_placeholder(entry)) for entry in document)
        and any("content" in entry or entry.get("role") in ROLES or _is_placeholder(entry) for entry in document)
    )


def _is_placeholder(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "placeholder" or entry.get("role") == "placeholder"


def _chat_problems(messages: Any) -> list[Problem]:
    if not isinstance(messages, list):
        return [Problem("/content_json", "type", "Chat is a list of messages.")]
    if len(messages) > MAX_MESSAGES:
        return [Problem("/content_json", "maxItems", f"Chat has at most {MAX_MESSAGES} messages.")]
    return [problem for index, message in enumerate(messages) for problem in _message_problems(index, message)]


def _message_problems(index: int, message: Any) -> Iterator[Problem]:
    at = f"/content_json/{index}"
    if not isinstance(message, dict):
        yield Problem(at, "type", "A message is an object.")
        return
    placeholder = _is_placeholder(message)
    for key in sorted(message.keys() - (_PLACEHOLDER_KEYS if placeholder else _MESSAGE_KEYS)):
        yield Problem(at + pointer([key]), "additionalProperties", "A message has role, content and name.")
    name = message.get("name")
    if (placeholder or "name" in message) and not _is_name(name):
        yield Problem(f"{at}/name", "pattern", f"A name is 1 to {MAX_NAME_LENGTH} letters, digits, _ or -.")
    if placeholder:
        return
    if message.get("role") not in ROLES:
        yield Problem(f"{at}/role", "enum", f"Roles are {', '.join(ROLES)}.")
    if "content" not in message:
        yield Problem(f"{at}/content", "required", MISSING_CONTENT)
    elif not isinstance(message["content"], str):
        yield Problem(f"{at}/content", "type", "The content of a message is a string.")


def _is_name(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME_LENGTH
        and name.isascii()
        and name.replace("_", "").replace("-", "").isalnum()
    )


def _with_line_feeds(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, dict):
        return {key: _with_line_feeds(element) for key, element in value.items()}
    return [_with_line_feeds(element) for element in value] if isinstance(value, list) else value


def _keys(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, element in value.items():
            yield pointer((*path, key)), key
            yield from _keys(element, (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _keys(element, (*path, index))


def _strings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer(path), value
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _strings(element, (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _strings(element, (*path, index))
