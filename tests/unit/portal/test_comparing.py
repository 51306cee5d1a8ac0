"""Two texts as pages show them."""

from __future__ import annotations

import re
import subprocess

import pytest
from django.template.loader import render_to_string

from instances.comparing import Kind, Level, Side
from portal.presenters import comparing
from portal.presenters.comparing import MAX_ROWS, MAX_WORDS, texts
from portal.templatetags.comparing import marked
from prompthub_kernel.diffing import MAX_CHANGES


def side(text, word="draft", **more):
    return Side(word=word, kind=Kind.DRAFT, name="1", level=Level.SOURCE, text=text, **more)


def rows(found):
    return [row for stretch in found.stretches if not stretch.folded for row in stretch.rows]


def drawn(found, *, split=False, more=""):
    return render_to_string("portal/parts/diff_text.html", {"comparison": found, "split": split, "more": more})


LONG = "".join(f"line {number}\n" for number in range(1, 41))


def test_rows_have_the_numbers_of_both_sides_and_the_words_that_changed():
    found = texts(old="one\ntwo words\nthree\n", new="one\ntwo signs\nthree\n")

    assert [(row.kind, row.old, row.new, row.sign) for row in rows(found)] == [
        ("equal", 1, 1, ""),
        ("removed", 2, None, "−"),
        ("added", None, 2, "+"),
        ("equal", 3, 3, ""),
    ]
    assert rows(found)[2].words == (("equal", "two"), ("added", " signs"))
    assert (found.changes, found.added, found.removed) == (1, 1, 1)


def test_what_did_not_change_is_folded_with_right_numbers_on_both_sides():
    found = texts(old=LONG, new="new\n" + LONG.replace("line 30\n", "line thirty\n"))

    folded = [stretch for stretch in found.stretches if stretch.folded]
    assert [(stretch.rows[0].old, stretch.rows[0].new, stretch.count) for stretch in folded] == [
        (4, 5, 23),
        (34, 35, 7),
    ]
    assert all(row.new - row.old == 1 for stretch in folded for row in stretch.rows)
    assert sum(stretch.count for stretch in found.stretches) == 40 + 1 + 1
    assert [row.change for row in rows(found) if row.change] == [1, 2]
    assert found.changes == 2


def test_a_few_unchanged_lines_are_not_folded():
    found = texts(old="a\nb\nc\nd\ne\n", new="a\nb\nc\nd\nE\n")

    assert not any(stretch.folded for stretch in found.stretches)


def test_lines_that_became_one_another_face_each_other():
    found = texts(
        old="alpha beta gamma\ngone for good\nsame end here\n",
        new="alpha beta delta\nsame end there\nwholly other 123\n",
    )
    pairs = [pair for stretch in found.stretches for pair in stretch.pairs]

    facing = [(pair.left and pair.left.old, pair.right and pair.right.new) for pair in pairs]
    assert (1, 1) in facing
    assert (3, 2) in facing
    assert (2, None) in facing


def test_every_line_of_both_sides_stands_once_in_the_split_view():
    found = texts(old="a\nb c d\ne\n", new="x\ny\nb c e\nz\n")
    pairs = [pair for stretch in found.stretches for pair in stretch.pairs]

    assert [pair.left.old for pair in pairs if pair.left] == [1, 2, 3]
    assert [pair.right.new for pair in pairs if pair.right] == [1, 2, 3, 4]
    assert sum(bool(pair.change) for pair in pairs) == found.changes


def test_a_missing_line_end_and_a_carriage_return_are_seen():
    found = texts(old="a\n", new="a\r\nb")

    assert [row.endless for row in rows(found)][-1]
    assert "␍" in "".join(text for row in rows(found) for _, text in row.words)
    assert "no line end" in drawn(found)


def test_white_space_can_be_ignored():
    old, new = "one  two\nthree\n", "one two \n\tthree\nfour\n"

    assert texts(old=old, new=new).removed == 2
    found = texts(old=old, new=new, ignore_space=True)
    assert (found.removed, found.added) == (0, 1)
    assert rows(found)[1].words == (("equal", "\tthree"),)


def test_the_same_text_has_no_change():
    found = texts(old=LONG, new=LONG)

    assert (found.changes, found.stretches) == (0, ())


def test_hidden_characters_that_come_in_are_told():
    found = texts(old="a\n", new="a\u200bb\n")

    page = render_to_string("portal/parts/diff_warnings.html", {"warnings": found.warnings})
    assert found.warnings
    assert "line 1, column 2" in page


def test_markup_is_shown_and_never_becomes_markup():
    hostile = '<script>alert(1)</script> <img src=x onerror="x"> </td></table>'
    found = texts(old="plain\n" + hostile, new=hostile.replace("1", "2") + "\n</pre>")

    for split in (False, True):
        page = drawn(found, split=split)
        assert "&lt;script&gt;" in page
        assert "<script" not in page
        assert "<img" not in page
        assert page.count("</table>") == page.count("<table")
    assert marked([("added", "<b>"), ("equal", "&")]) == "<ins>&lt;b&gt;</ins>&amp;"


def test_more_than_a_page_is_counted_and_linked():
    old = "".join(f"old {number}\n" for number in range(MAX_ROWS))
    new = "".join(f"neu! {number * 7}\n" for number in range(MAX_ROWS))
    found = texts(old=old, new=new)
    whole = texts(old=old, new=new, whole=True)

    assert len(rows(found)) <= MAX_ROWS
    assert found.hidden == len(rows(whole)) - len(rows(found))
    assert 'href="?whole=1"' in drawn(found, more="?whole=1")
    assert whole.hidden == 0


def test_changes_strewn_over_a_long_text_are_no_more_than_a_page_either():
    old = "".join(f"{number}\n" for number in range(20 * MAX_ROWS))
    found = texts(old=old, new=re.sub(r"(?m)^(.*[05])$", r"\1 changed", old))
    assert len(rows(found)) <= MAX_ROWS
    assert (found.hidden > MAX_ROWS, found.complete) == (True, True)
    assert len(found.stretches) <= MAX_ROWS
    assert "More lines changed" not in drawn(found)


def test_more_changes_than_are_compared_are_told():
    found = texts(old="a b\n" * (MAX_CHANGES + 1), new="a c\n" * (MAX_CHANGES + 1))
    assert (found.removed, found.added, found.complete) == (MAX_CHANGES, MAX_CHANGES, False)
    assert "More lines changed than are compared" in drawn(found)


def test_unchanged_lines_beyond_a_page_are_left_to_a_link():
    found = texts(old="x\n" + LONG * 100, new="y\n" + LONG * 100)

    assert found.stretches[-1].left_out == 4000 - 3
    assert 'href="?whole=1"' in drawn(found, more="?whole=1")
    assert texts(old="x\n" + LONG * 100, new="y\n" + LONG * 100, whole=True).stretches[-1].left_out == 0


def test_a_line_with_too_many_changes_is_replaced_as_a_whole():
    words = [(kind, f"w{number} ") for number in range(MAX_WORDS) for kind in ("equal", "added")]

    (only,) = comparing.spans(words)

    assert only == ("added", "".join(text for _, text in words))


def test_a_patch_names_both_sides():
    found = comparing.patch(base=side("a\n", "version:1"), target=side("b"))

    assert found.startswith("--- a/version:1\n+++ b/draft\n@@ -1 +1 @@\n-a\n+b\n\\ No newline")
    assert comparing.patch(base=side("a"), target=side("a")) == ""


@pytest.mark.parametrize("split", [False, True])
def test_a_hundred_kilobytes_are_drawn_the_same_each_time(split):
    lines = [f"line {number} with some words to read, nothing special here" for number in range(1_900)]
    old = "\n".join(lines)
    new = "\n".join(line.replace("some", "other") if number % 40 == 0 else line for number, line in enumerate(lines))
    assert len(old) > 95_000

    pages = {drawn(texts(old=old, new=new), split=split) for _ in range(2)}

    (page,) = pages
    assert page.count("<tr") == (1_900 if split else 1_900 + 48)


@pytest.mark.parametrize("end", ["", "\n"], ids=["without a last line end", "with it"])
def test_a_patch_of_more_than_is_compared_has_it_all(tmp_path, end):
    old, new = "a b\n" * (MAX_CHANGES + 1) + "end", "a c\n" * (MAX_CHANGES + 2) + f"end{end}"
    (tmp_path / "draft").write_text(old)
    change = comparing.patch(base=side(old), target=side(new))
    subprocess.run(["git", "apply", "-p1"], cwd=tmp_path, input=change, text=True, check=True, capture_output=True)
    assert (tmp_path / "draft").read_text() == new
