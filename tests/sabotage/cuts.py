"""A cut in the source, and a safeguard that it takes away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cut:
    """``text`` in the file at ``path`` becomes ``instead``."""

    path: str
    text: str
    instead: str

    def applied(self, root: Path) -> str:
        """The file's source with the cut made. Raises LookupError unless the text is there exactly once."""
        source = (root / self.path).read_text(encoding="utf-8")
        found = source.count(self.text)
        if found != 1:
            raise LookupError(f"{self.path}: found {found} times, not once:\n{self.text}")
        return source.replace(self.text, self.instead)


@dataclass(frozen=True, slots=True)
class Safeguard:
    """What is taken away, and the test (a pytest node id) that must turn red without it."""

    name: str
    cuts: tuple[Cut, ...]
    test: str
