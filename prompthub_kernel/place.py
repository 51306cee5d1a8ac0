"""Where a piece of an address stands, so that a refusal can point at the character that is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from prompthub_kernel.errors import Invalid, Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text that is read comes from.

    ``pointer`` is a JSON Pointer into the request, ``start`` how many characters of the whole stand before it.
    """

    pointer: str = ""
    start: int = 0

    def after(self, characters: int) -> Place:
        """The place so many characters further on."""
        return Place(self.pointer, self.start + characters)

    def unreadable(self, code: str, detail: str) -> Invalid:
        """The refusal of what stands here: ``400.address_invalid`` with the reason and the character, from 1.

        ``code`` is the reason as a word. Neither it nor ``detail`` repeats what was sent.
        """
        character = self.start + 1
        return Invalid(
            "400.address_invalid",
            f"Character {character}: {detail}",
            problems=[Problem(self.pointer, code, detail)],
            context={"character": character},
        )

    def require_length(self, text: object, most: int) -> str:
        """The text, when it is one of 1 to ``most`` characters; refused otherwise, before anything reads it."""
        if not isinstance(text, str):
            raise self.unreadable("type", "This is not a text.")
        if not text:
            raise self.unreadable("empty", "Something is missing here.")
        if len(text) > most:
            raise self.after(most).unreadable("length", f"At most {most} characters are read here.")
        return text


NOWHERE = Place()
"""A text that stands for itself."""
