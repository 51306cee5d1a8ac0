"""What changed between two texts or two documents: for people, for programs, and as a patch.

Lines first, then words inside the lines that were replaced. :func:`apply` turns the old text and the difference
into the new text again, exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

from prompthub_kernel.aligning import SECONDS, Run, align, beginning, shared_ends, words
from prompthub_kernel.diffing_documents import Differences, compare
from prompthub_kernel.errors import Conflict
from prompthub_kernel.hidden_characters import hidden_characters

Kind = Literal["equal", "removed", "added"]
Word = tuple[Kind, str]
MAX_WARNINGS = 100
MAX_CHANGES = 10_000
"""Lines that went, lines that came, and places of a document, that are listed of each: more than a prompt has. A text
of 256 KiB can have a hundred thousand lines, and to tell what became of each takes hundreds of megabytes."""
_SERIES = 8
"""Words, signs and spaces in a row: enough to know a place in a long text by."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Line(NamedTuple):
    """A line of a hunk, with its line end if it has one; ``words`` says what changed within it, when it is known.

    Line numbers count from 1; ``old_line`` is ``None`` for an added line, ``new_line`` for a removed one.
    """

    kind: Kind
    old_line: int | None
    new_line: int | None
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changes with the equal lines around them, as in a unified diff.

    ``old_start`` and ``new_start`` are the numbers of the hunk's first line on either side, or, if it has no line
    on that side, of the line before it.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[Line, ...]


class _Piece(NamedTuple):
    """Some lines, what they became, and the words that say how; ``alike`` when they are worth comparing by words."""

    words: list[Word]
    old: list[str]
    new: list[str]
    alike: bool


class _Block(NamedTuple):
    """Lines of the old text, by index, and the lines that replace them."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """Seed 000's ``{added, removed, changed}``, with hunks and warnings.

    Of texts, ``added`` and ``removed`` list ``{"line", "text"}``, ``changed`` lists ``{"line", "old_line", "old",
    "new", "words"}`` where old and new may span lines and ``words`` are ``[kind, text]`` pairs. Of documents they
    list pointers and values (:func:`diff_document`). ``warnings`` list hidden characters that the new text brings
    in: ``{"line", "column", "kind", "character"}``, wherever they stand. Not ``complete`` where there are more changes
    than :data:`MAX_CHANGES`: the first are listed.
    """

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    hunks: tuple[Hunk, ...]
    warnings: list[dict[str, Any]]
    complete: bool = True

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.hunks or self.added or self.removed or self.changed)

    def to_json(self) -> dict[str, Any]:
        """The shape of the API's answers."""
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "hunks": [_hunk_json(hunk) for hunk in self.hunks],
            "warnings": self.warnings,
            "complete": self.complete,
        }

    def unified(self, old_label: str, new_label: str) -> str:
        """A unified diff that ``patch`` understands; empty when nothing changed. Raises as :func:`apply`."""
        _require_complete(self)
        if not self.hunks:
            return ""
        head = f"--- {_CONTROL.sub(' ', old_label)}\n+++ {_CONTROL.sub(' ', new_label)}\n"
        return head + "".join(_unified_hunk(hunk) for hunk in self.hunks)


def diff_text(*, old: str, new: str, context: int = 3) -> PromptDiff:
    """The difference of two texts by lines, and by words inside replaced lines; ``context`` equal lines around.

    Aligning is bounded in time: a rewrite too tangled to align in some 50 ms is reported as removed and added.
    """
    found = Differences([], [], [])
    olds, news = split_lines(old), split_lines(new)
    runs, rest = beginning([run for run in align(olds, news) if not run.same], most=MAX_CHANGES)
    blocks = list(_blocks(olds, news, runs, found))
    hunks = tuple(_hunks(olds, blocks, max(context, 0)))
    come = [(line.new_line, line.text) for block in blocks for line in block.lines if line.new_line is not None]
    come += [(index + 1, news[index]) for run in rest for index in range(run.new_start, run.new_end)]
    return PromptDiff(found.added, found.removed, found.changed, hunks, _warnings(come), complete=not rest)


def diff_document(*, old: Any, new: Any, context: int = 3) -> PromptDiff:
    """The difference of two JSON documents.

    ``added`` and ``removed`` list ``{"pointer", "value"}``; ``changed`` lists ``{"pointer", "old_pointer", "old",
    "new", "words"}``: pointers into the new and the old document, and word changes when both values are strings.
    Equal values of a list that only moved have ``"moved": true``. Chat messages are matched by what they say, then
    by role. Hunks are those of the indented JSON (:meth:`PromptBody.source`).
    """
    text = diff_text(old=_indented(old), new=_indented(new), context=context)
    found = compare(old, new)
    complete = text.complete and max(map(len, (found.added, found.removed, found.changed))) <= MAX_CHANGES
    found = Differences(*(part[:MAX_CHANGES] for part in (found.added, found.removed, found.changed)))
    texts = [change for change in found.changed if isinstance(change["old"], str) and isinstance(change["new"], str)]
    length = sum(len(change["old"]) + len(change["new"]) for change in texts)
    for change in texts:
        seconds = SECONDS * (len(change["old"]) + len(change["new"])) / max(length, 1)  # empty ones may have moved
        change["words"] = word_changes(change["old"], change["new"], seconds)
    return PromptDiff(found.added, found.removed, found.changed, text.hunks, text.warnings, complete)


def apply(*, old: str, diff: PromptDiff) -> str:
    """The new text. Raises ``409.state_conflict`` when the difference is not complete or starts from another text."""
    _require_complete(diff)
    source, result, at = split_lines(old), list[str](), 0
    for hunk in diff.hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        expected = [line.text for line in hunk.lines if line.kind != "added"]
        if start < at or source[start : start + len(expected)] != expected:
            raise Conflict("409.state_conflict", "This difference was not made from this text.")
        result += source[at:start]
        result += [line.text for line in hunk.lines if line.kind != "removed"]
        at = start + len(expected)
    return "".join(result + source[at:])


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with its line feed; nothing else ends a line, and joining them gives the text."""
    if text and text.find("\n", 0, -1) < 0:
        return [text]
    return _LINE.findall(text)


def _blocks(old: list[str], new: list[str], runs: list[Run], found: Differences) -> Iterator[_Block]:
    """What became of the runs, block by block; noted in ``found`` too."""
    sizes = [sum(map(len, old[run.old_start : run.old_end])) for run in runs]
    whole = sum(sizes) or 1
    for run, size in zip(runs, sizes, strict=True):
        yield from _replaced(old, new, run, SECONDS * size / whole, found)


def _replaced(old: list[str], new: list[str], run: Run, seconds: float, found: Differences) -> Iterator[_Block]:
    """A run of replaced lines as blocks: all removed lines of a block, then all its added ones."""
    at_old, at_new = start_old, start_new = run.old_start, run.new_start
    removed: list[Line] = []
    added: list[Line] = []
    for piece in _pieces(old[run.old_start : run.old_end], new[run.new_start : run.new_end], seconds):
        if piece.old == piece.new:  # the lines were too tangled to be aligned, their words were not
            yield _Block(start_old, at_old, start_new, at_new, removed + added)
            start_old, start_new = at_old + len(piece.old), at_new + len(piece.new)
            removed, added = [], []
        elif piece.alike:
            gone, come = "".join(piece.old), "".join(piece.new)
            change = {"line": at_new + 1, "old_line": at_old + 1, "old": gone, "new": come, "words": piece.words}
            found.changed.append(change)
            for number, line in enumerate(_by_line("added", piece.words, len(piece.old))):
                removed.append(Line("removed", at_old + number + 1, None, piece.old[number], line))
            for number, line in enumerate(_by_line("removed", piece.words, len(piece.new))):
                added.append(Line("added", None, at_new + number + 1, piece.new[number], line))
        else:
            for number, text in enumerate(piece.old, at_old + 1):
                removed.append(Line("removed", number, None, text))
                found.removed.append({"line": number, "text": text})
            for number, text in enumerate(piece.new, at_new + 1):
                added.append(Line("added", None, number, text))
                found.added.append({"line": number, "text": text})
        at_old, at_new = at_old + len(piece.old), at_new + len(piece.new)
    yield _Block(start_old, at_old, start_new, at_new, removed + added)


def _pieces(old: list[str], new: list[str], seconds: float) -> Iterable[_Piece]:
    """What some lines became, in pieces that begin at the beginning of a line on both sides."""
    if len(old) == len(new):
        pairs: list[_Piece] = []
        for left, right in zip(old, new, strict=True):
            changes = word_changes(left, right, seconds / len(old))
            if not _alike(changes, left, right):
                break
            pairs.append(_Piece(changes, [left], [right], alike=True))
        else:
            return pairs
    return map(_piece, _cut(word_changes("".join(old), "".join(new), seconds)))


def _piece(changes: list[Word]) -> _Piece:
    gone = "".join([text for kind, text in changes if kind != "added"])
    come = "".join([text for kind, text in changes if kind != "removed"])
    return _Piece(changes, split_lines(gone), split_lines(come), _alike(changes, gone, come))


def word_changes(old: str, new: str, seconds: float = SECONDS) -> list[Word]:
    """Two texts as words that are equal, removed or added; white space between two replaced words is replaced too."""
    first, last = shared_ends(old, new)
    while first and (_splits_word(old, first) or _splits_word(new, first)):
        first -= 1
    while last and (_splits_word(old, len(old) - last) or _splits_word(new, len(new) - last)):
        last -= 1
    changes = _middle_changes(old[first : len(old) - last], new[first : len(new) - last], seconds)
    if first:
        changes.insert(0, ("equal", old[:first]))
    if last:
        changes.append(("equal", old[len(old) - last :]))
    return _ending_with_lines(changes)


def _ending_with_lines(changes: list[Word]) -> list[Word]:
    """What came or went alone, as whole lines where it may as well be: a line and its end, not an end and a line."""
    for index in range(1, len(changes) - 1):
        (before, held), (kind, text), (after, rest) = changes[index - 1 : index + 2]
        if before == after == "equal" != kind and text[0] == rest[0] == "\n":
            changes[index - 1 : index + 2] = [(before, held + "\n"), (kind, text[1:] + "\n"), (after, rest[1:])]
    return [change for change in changes if change[1]]


def _splits_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at].isalnum() and (text[at - 1] == " " or text[at - 1].isalnum())


def _middle_changes(old: str, new: str, seconds: float) -> list[Word]:
    if not old or not new:
        return _changed(old, new)
    olds, news = words(old), words(new)
    result: list[Word] = []
    gone = come = ""
    for same, old_start, old_end, new_start, new_end in align(olds, news, seconds=seconds, series=_SERIES):
        left = "".join(olds[old_start:old_end])
        if not same or (gone and come and old_end < len(olds) and "\n" not in left and left.isspace()):
            gone += left
            come += left if same else "".join(news[new_start:new_end])
            continue
        result += [*_changed(gone, come), ("equal", left)]
        gone = come = ""
    return result + _changed(gone, come)


def _changed(gone: str, come: str) -> list[Word]:
    if gone and come:
        return [("removed", gone), ("added", come)]
    if gone:
        return [("removed", gone)]
    return [("added", come)] if come else []


def _cut(changes: list[Word]) -> Iterator[list[Word]]:
    """The changes, cut wherever both sides stand at the beginning of a line."""
    piece: list[Word] = []
    for kind, text in changes:
        if "\n" not in text:
            piece.append((kind, text))
        elif kind == "equal":
            for line in split_lines(text):
                piece.append((kind, line))
                if line[-1] == "\n":
                    yield piece
                    piece = []
        elif piece:
            piece.append((kind, text))
        else:
            whole = text.rindex("\n") + 1
            yield [(kind, text[:whole])]
            if text[whole:]:
                piece.append((kind, text[whole:]))
    if piece:
        yield piece


def _by_line(kind: Kind, piece: Sequence[Word], size: int) -> list[tuple[Word, ...]]:
    """The words on the side that does not have those of ``kind``, for each of its ``size`` lines."""
    if size == 1:
        return [tuple([word for word in piece if word[0] != kind])]
    lines: list[list[Word]] = [[] for _ in range(size)]
    at = 0
    for found, text in piece:
        if found != kind:
            for line in split_lines(text):
                lines[at].append((found, line))
                at += line[-1] == "\n"
    return [tuple(line) for line in lines]


def _alike(changes: Sequence[Word], gone: str, come: str) -> bool:
    """Whether a third of the shorter side stayed: then the one became the other, else it is gone and the other new."""
    stayed = sum([len(text) for kind, text in changes if kind == "equal"])
    return 0 < min(len(gone), len(come)) <= stayed * 3


def _hunks(old: list[str], blocks: list[_Block], context: int) -> Iterator[Hunk]:
    group: list[_Block] = []
    for block in blocks:
        if not block.lines:
            continue
        if group and block.old_start - group[-1].old_end > 2 * context:
            yield _hunk(old, group, context)
            group = []
        group.append(block)
    if group:
        yield _hunk(old, group, context)


def _hunk(old: list[str], blocks: list[_Block], context: int) -> Hunk:
    first, last = blocks[0], blocks[-1]
    before, after = min(context, first.old_start), min(context, len(old) - last.old_end)
    start = at = first.old_start - before
    shift = first.new_start - first.old_start  # from an equal line's old number to its new one
    lines: list[Line] = []
    for block in blocks:
        lines += [Line("equal", index + 1, index + shift + 1, old[index]) for index in range(at, block.old_start)]
        lines += block.lines
        at, shift = block.old_end, block.new_end - block.old_end
    lines += [Line("equal", index + 1, index + shift + 1, old[index]) for index in range(at, at + after)]
    new_start = first.new_start - before
    old_count, new_count = last.old_end + after - start, last.new_end + after - new_start
    return Hunk(start + bool(old_count), old_count, new_start + bool(new_count), new_count, tuple(lines))


def _require_complete(diff: PromptDiff) -> None:
    if not diff.complete:
        raise Conflict("409.state_conflict", f"More than {MAX_CHANGES:,} lines changed; only the first are listed.")


def _warnings(come: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    found = (
        {"line": number, "column": hidden.column, "kind": hidden.kind, "character": hidden.character}
        for number, text in come
        if not text.isascii()
        for hidden in hidden_characters(text)
    )
    return list(islice(found, MAX_WARNINGS))


def _hunk_json(hunk: Hunk) -> dict[str, Any]:
    return {
        "old_start": hunk.old_start,
        "old_count": hunk.old_count,
        "new_start": hunk.new_start,
        "new_count": hunk.new_count,
        "lines": [line._asdict() for line in hunk.lines],
    }


def _unified_hunk(hunk: Hunk) -> str:
    old, new = (
        str(start) if count == 1 else f"{start},{count}"
        for start, count in ((hunk.old_start, hunk.old_count), (hunk.new_start, hunk.new_count))
    )
    signs = {"equal": " ", "removed": "-", "added": "+"}
    missing = "\n\\ No newline at end of file\n"
    lines = (signs[line.kind] + (line.text if line.text.endswith("\n") else line.text + missing) for line in hunk.lines)
    return f"@@ -{old} +{new} @@\n" + "".join(lines)


def _indented(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
