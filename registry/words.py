"""The words by which bundles and their prompts are found, kept beside them as they change."""

from __future__ import annotations

import re
import unicodedata

from registry.models import Bundle, SearchWord

MAX_LENGTH = 40
MAX_WORDS = 40
_WORD = re.compile(r"[^\W_]+")


def of(*texts: str) -> list[str]:
    """The words of some texts, each once, in a form in which case and accents do not count."""
    found: dict[str, None] = {}
    for text in texts:
        plain = unicodedata.normalize("NFKD", text.casefold())
        plain = unicodedata.normalize("NFKD", plain.casefold())  # taken apart, ℌ is a capital H
        letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
        found |= dict.fromkeys(word[:MAX_LENGTH] for word in _WORD.findall(letters))
    return list(found)[:MAX_WORDS]


def keep_bundle(*, bundle: Bundle) -> None:
    """Have a bundle found by its address and its title, and no longer by what they were before."""
    _keep(bundle, "", of(bundle.slug, bundle.project.slug, bundle.title))


def keep_prompt(*, bundle: Bundle, name: str) -> None:
    """Have a prompt found by its name and its bundle's address."""
    _keep(bundle, name, of(name, bundle.slug, bundle.project.slug))


def drop_prompt(*, bundle: Bundle, name: str) -> None:
    """Have a prompt no longer found."""
    SearchWord.objects.filter(bundle=bundle, prompt=name).delete()


def _keep(bundle: Bundle, prompt: str, words: list[str]) -> None:
    SearchWord.objects.filter(bundle=bundle, prompt=prompt).delete()
    SearchWord.objects.bulk_create(
        SearchWord(word=word.encode(), project_id=bundle.project_id, bundle=bundle, prompt=prompt) for word in words
    )
