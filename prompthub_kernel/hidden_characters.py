"""Characters a reader does not see but a language model reads: a change that carries them deserves a warning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_KINDS = {
    "bidi": "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    "zero_width": (
        "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb]"
    ),
    # One variation selector chooses a look; further ones, and the tags, have been used to hide whole texts.
    "tag": "[\U000e0000-\U000e0fff]|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]",
}
_HIDDEN = re.compile("|".join(f"(?P<{kind}>{characters})" for kind, characters in _KINDS.items()))
_EMOJI_JOINT = re.compile(
    "(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
)


_BLANK = frozenset({"\u2800", *map(chr, range(0xFE00, 0xFE10))})
"""An empty pattern of dots, and what only chooses a look: they show nothing, and belong to texts."""


class Hidden(NamedTuple):
    """One hidden character: ``column`` counts from 1, ``kind`` is ``bidi``, ``zero_width`` or ``tag``."""

    column: int
    kind: str
    character: str


def shows_something(text: str) -> bool:
    """Whether a reader sees anything of a text: not of white space, control and hidden characters alone."""
    return any(unicodedata.category(one)[0] not in "ZC" and one not in _BLANK for one in _HIDDEN.sub("", text))


def hidden_characters(line: str) -> Iterator[Hidden]:
    """The hidden characters of a line, named like ``U+202E RIGHT-TO-LEFT OVERRIDE``; joined emoji do not count."""
    joints = {match.start() for match in _EMOJI_JOINT.finditer(line)}
    for match in _HIDDEN.finditer(line):
        if match.start() not in joints:
            name = unicodedata.name(match[0], "")
            yield Hidden(match.start() + 1, str(match.lastgroup), f"U+{ord(match[0]):04X} {name}".rstrip())
