"""How much one template may ask for: caps on its source, and ticks and bytes while it renders.

Every figure is counted, none is timed: the same template with the same values is always stopped at the same
place, on a busy machine as on an idle one. The caps are those of the security requirements ("allow-list +
budget, in process, deterministic").
"""

from __future__ import annotations

MAX_SOURCE_BYTES = 256 * 1024
"""Source of all templates of one prompt body, UTF-8."""
MAX_TAGS = 2_000
"""``{{ … }}``, ``{% … %}`` and comments of one prompt body."""
MAX_TOKENS = 8_000
"""Words, numbers, strings and signs of one prompt body; a stretch of plain text is one token."""
MAX_NESTING = 100
"""Blocks inside blocks; also links of one chain such as ``a + b + c``."""
MAX_BRACKETS = 16
"""Brackets inside brackets within one expression: parsers spend a dozen stack frames on each."""
MAX_TICKS = 100_000
"""Steps of one rendering: a node evaluated, an element visited, 256 characters read."""
MAX_OUTPUT_BYTES = 1024 * 1024
"""Text written by one rendering, UTF-8; also the longest text any step may build on the way."""
MAX_WORKING_BYTES = 8 * 1024 * 1024
"""Text built on the way by all steps of one rendering together."""
MAX_INTEGER_BITS = 128
MAX_DEPTH = 64
"""Lists and mappings inside one another, as values."""


class BudgetSpent(Exception):
    """The rendering asked for more than a prompt can need; the message says what it ran out of."""


class Budget:
    """What is left for one rendering. Every step of a template pays here before it does its work."""

    __slots__ = ("output_bytes", "ticks", "working_bytes")

    def __init__(self) -> None:
        self.ticks = MAX_TICKS
        self.output_bytes = MAX_OUTPUT_BYTES
        self.working_bytes = MAX_WORKING_BYTES

    def spend(self, ticks: int, output_bytes: int) -> None:
        """Pay for a stretch of template whose cost was counted when it was compiled."""
        self.ticks -= ticks
        self.output_bytes -= output_bytes
        if self.ticks < 0 or self.output_bytes < 0:
            self.refuse()

    def tick(self, count: int = 1) -> None:
        """Pay for ``count`` steps."""
        self.ticks -= count
        if self.ticks < 0:
            self.refuse()

    def scan(self, length: int) -> None:
        """Pay for reading ``length`` characters once."""
        self.ticks -= 1 + (length >> 8)
        if self.ticks < 0:
            self.refuse()

    def write(self, text: str) -> None:
        """Pay for one text that goes to the output."""
        self.output_bytes -= len(text) if text.isascii() else len(text.encode())
        if self.output_bytes < 0:
            self.refuse()

    def build(self, length: int) -> None:
        """Pay for building a text of ``length`` characters that is not yet output."""
        self.ticks -= 1 + (length >> 8)
        self.working_bytes -= length
        if self.ticks < 0 or self.working_bytes < 0 or length > MAX_OUTPUT_BYTES:
            self.refuse()

    def refuse(self) -> None:
        """Stop here. Raises :class:`BudgetSpent`."""
        if self.ticks < 0:
            raise BudgetSpent(f"the template takes more than {MAX_TICKS} steps")
        if self.output_bytes < 0:
            raise BudgetSpent(f"the text grows beyond {MAX_OUTPUT_BYTES} bytes")
        raise BudgetSpent(f"texts on the way grow beyond {MAX_WORKING_BYTES} bytes, or one beyond {MAX_OUTPUT_BYTES}")
