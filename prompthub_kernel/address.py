"""Addresses of prompts: ``@repository/bundle@selector/prompt`` (seed 003).

``@anvil/core-prompts@2.1.0/welcome_message`` · ``@local/onboarding@stable/first_login`` ·
``@local/coach@active@staging/styles/calm``. The repository is a project's slug. Without a selector, as in
``@local/onboarding/first_login``, the bundle's ``latest`` is meant. A bundle's own address ends before the prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from prompthub_kernel import selector as selectors
from prompthub_kernel.place import NOWHERE, Place
from prompthub_kernel.selector import Selector, parse_selector

MAX_LENGTH = 512
"""Longer than any address that keeps the bounds of its parts."""
MAX_SLUG_LENGTH = 63
MAX_PROMPT_LENGTH = 128
MAX_PROMPT_SEGMENTS = 4

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class BundleAddress:
    """A bundle of a repository, and which of its releases; ``selector`` None leaves that open."""

    repository: str
    bundle: str
    selector: Selector | None = None

    def __str__(self) -> str:
        return self.name if self.selector is None else f"{self.name}@{self.selector}"

    @property
    def name(self) -> str:
        """``@repository/bundle``, which is what requirements and lock files call it."""
        return f"@{self.repository}/{self.bundle}"

    @classmethod
    def parse(cls, text: str, *, where: Place = NOWHERE) -> BundleAddress:
        """The address of a bundle, and of no prompt. Raises ``400.address_invalid``, as :meth:`Address.parse` does."""
        address, prompt, there = _read(text, where)
        if prompt is not None:
            raise there.unreadable("prompt", "This is the address of a bundle; no prompt is expected.")
        return address


@dataclass(frozen=True, slots=True)
class Address:
    """A prompt of a bundle."""

    repository: str
    bundle: str
    selector: Selector | None
    prompt: str

    def __str__(self) -> str:
        return f"{self.of_bundle}/{self.prompt}"

    @property
    def of_bundle(self) -> BundleAddress:
        """The address without the prompt."""
        return BundleAddress(self.repository, self.bundle, self.selector)

    @classmethod
    def parse(cls, text: str, *, variant: str = "", where: Place = NOWHERE) -> Address:
        """The address a text spells; ``variant`` is one given apart (see :func:`parse_selector`).

        Raises ``400.address_invalid`` with the character and the reason: ``type``, ``empty``, ``length``,
        ``repository``, ``bundle``, ``prompt``, or one of the selector.
        """
        found, prompt, there = _read(text, where, variant)
        if prompt is None:
            raise there.unreadable("prompt", "The name of the prompt is missing: @repository/bundle@selector/prompt.")
        return cls(found.repository, found.bundle, found.selector, read_prompt_name(prompt, where=there))


def read_slug(text: object, what: str, *, where: Place = NOWHERE) -> str:
    """The slug of a ``repository`` or a ``bundle``, without ``@``. Raises ``400.address_invalid`` for what is none."""
    if not isinstance(text, str) or len(text) > MAX_SLUG_LENGTH or not _SLUG.fullmatch(text):
        raise where.unreadable(what, f"A {what} is 1 to {MAX_SLUG_LENGTH} of a-z, 0-9 and -.")
    return text


def read_prompt_name(text: str, *, where: Place = NOWHERE) -> str:
    """A name of a prompt in its bundle: ``welcome_message``, ``styles/calm``. Raises ``400.address_invalid``."""
    where.require_length(text, MAX_PROMPT_LENGTH)
    segments = text.split("/")
    if len(segments) > MAX_PROMPT_SEGMENTS:
        raise where.unreadable("prompt", f"The name of a prompt has at most {MAX_PROMPT_SEGMENTS} parts between /.")
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            detail = "The name of a prompt is a-z and 0-9, with - and _ inside; / between parts."
            raise where.unreadable("prompt", detail)
        where = where.after(len(segment) + 1)
    return text


def _read(text: str, where: Place, variant: str = "") -> tuple[BundleAddress, str | None, Place]:
    """The bundle, and what stands behind it with its place; None without a further slash."""
    where.require_length(text, MAX_LENGTH)
    if text[0] != "@":
        raise where.unreadable("repository", "An address begins with @: @repository/bundle@selector/prompt.")
    repository, slash, rest = text[1:].partition("/")
    read_slug(repository, "repository", where=where.after(1))
    if not slash:
        raise where.after(len(text)).unreadable("bundle", "The bundle is missing: @repository/bundle@selector/prompt.")
    here = where.after(len(repository) + 2)
    front, slash, prompt = rest.partition("/")
    bundle, sign, selected = front.partition("@")
    read_slug(bundle, "bundle", where=here)
    if sign:
        selector: Selector | None = parse_selector(selected, variant=variant, where=here.after(len(bundle) + 1))
    else:
        selector = parse_selector(selectors.LATEST, variant=variant, where=here) if variant else None
    there = here.after(len(front) + 1)
    return BundleAddress(repository, bundle, selector), prompt if slash else None, there
