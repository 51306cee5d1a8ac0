"""G9: the difference of two prompts against diff-match-patch, and a complete rewrite.

    python -m benchmarks.g9_diff

The prompt is 10 kB of made-up prose in lines of about 75 characters; a tenth of its words are replaced, dropped or
doubled, all over the text (two lines of three change), or a tenth of its lines. diff-match-patch runs as it comes.
"""

from __future__ import annotations

import random
import sys

import diff_match_patch

from benchmarks.measuring import interleave, report
from prompthub_kernel.diffing import apply, diff_text


def prose(choose: random.Random, size: int) -> str:
    """Lines of words that are distributed as in a language: some often, most seldom."""
    syllables = ["ba", "co", "di", "fu", "ge", "la", "mo", "nu", "pe", "ri", "sa", "te", "vi", "xo"]
    vocabulary = ["".join(choose.choices(syllables, k=choose.randint(1, 4))) for _ in range(3_000)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    lines: list[str] = []
    while sum(map(len, lines)) + len(lines) < size:
        lines.append(" ".join(choose.choices(vocabulary, weights, k=12)) + ".\n")
    return "".join(lines)[:size]


def edited(choose: random.Random, text: str, *, separator: str) -> str:
    """The text with a tenth of its words (or lines) replaced, dropped or doubled."""
    parts = text.split(separator)
    for index in choose.sample(range(len(parts)), len(parts) // 10):
        parts[index] = choose.choice([parts[index][::-1], "", f"{parts[index]}{separator}{parts[index]}"])
    return separator.join(parts)


def main() -> int:
    """Measure and judge; 1 when a floor is missed."""
    choose = random.Random(9)
    peer = diff_match_patch.diff_match_patch()
    met = []
    old = prose(choose, 10_000)
    for what, separator in (("words", " "), ("lines", "\n")):
        new = edited(choose, old, separator=separator)
        if apply(old=old, diff=diff_text(old=old, new=new)) != new:
            raise SystemExit("the difference does not lead to the new text")
        print(f"10 kB, a tenth of its {what} edited")
        measured = interleave(
            {
                "diff_text": lambda new=new: diff_text(old=old, new=new),
                "diff-match-patch": lambda new=new: peer.diff_main(old, new),
            }
        )
        ratio = measured["diff-match-patch"].median / measured["diff_text"].median
        met.append(report(f"G9 diff, {what} edited", 20, ratio, aim=50))
    print("100 kB rewritten")
    old, new = prose(choose, 100_000), prose(random.Random(10), 100_000)
    measured = interleave({"diff_text": lambda: diff_text(old=old, new=new)}, round_seconds=0.2)
    met.append(report("G9 rewrite of 100 kB", 100, measured["diff_text"].median * 1e3, False, aim=60, unit="ms"))  # noqa: FBT003
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
