import difflib
import json
import subprocess
from collections import Counter

import pytest

from prompthub_kernel import diffing
from prompthub_kernel.aligning import Run, align
from prompthub_kernel.diffing import MAX_CHANGES, MAX_WARNINGS, apply, diff_document, diff_text, split_lines
from prompthub_kernel.errors import Conflict

OLD = "Hello\nYou are calm.\nNever lie to people.\nEnd\n"
NEW = "Hello\nYou are very calm.\nOne more line\nNever lie to the customer.\nEnd\n"
CHAT = [
    {"role": "system", "content": "Be calm."},
    {"role": "user", "content": "First"},
    {"role": "user", "content": "Second"},
]


def kinds(diff):
    return [(line.kind, line.old_line, line.new_line, line.text) for hunk in diff.hunks for line in hunk.lines]


def test_lines_are_added_removed_or_changed_word_by_word():
    diff = diff_text(old=OLD, new=NEW)
    assert diff.added == [{"line": 3, "text": "One more line\n"}]
    assert diff.removed == []
    assert diff.changed == [
        {
            "line": 2,
            "old_line": 2,
            "old": "You are calm.\n",
            "new": "You are very calm.\n",
            "words": [("equal", "You are"), ("added", " very"), ("equal", " calm.\n")],
        },
        {
            "line": 4,
            "old_line": 3,
            "old": "Never lie to people.\n",
            "new": "Never lie to the customer.\n",
            "words": [
                ("equal", "Never lie to"),
                ("removed", " people"),
                ("added", " the customer"),
                ("equal", ".\n"),
            ],
        },
    ]


def test_lines_with_little_in_common_are_removed_and_added():
    diff = diff_text(old="a\nGreet the caller by name\nz\n", new="a\nNever mention prices\nz\n")
    assert diff.removed == [{"line": 2, "text": "Greet the caller by name\n"}]
    assert diff.added == [{"line": 2, "text": "Never mention prices\n"}]
    assert diff.changed == []


def test_a_hunk_holds_the_lines_around_a_change():
    old = "".join(f"line {n}\n" for n in range(1, 21))
    new = old.replace("line 10\n", "line ten\n").replace("line 20\n", "")
    diff = diff_text(old=old, new=new, context=1)
    assert [(hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) for hunk in diff.hunks] == [
        (9, 3, 9, 3),
        (19, 2, 19, 1),
    ]
    assert kinds(diff) == [
        ("equal", 9, 9, "line 9\n"),
        ("removed", 10, None, "line 10\n"),
        ("added", None, 10, "line ten\n"),
        ("equal", 11, 11, "line 11\n"),
        ("equal", 19, 19, "line 19\n"),
        ("removed", 20, None, "line 20\n"),
    ]


def test_the_words_of_a_change_stand_on_the_lines_of_its_hunk():
    (hunk,) = diff_text(old="Be calm\nand kind.\n", new="Be very calm\nand kind.\n", context=0).hunks
    assert [line.words for line in hunk.lines] == [
        (("equal", "Be"), ("equal", " calm"), ("equal", "\n")),
        (("equal", "Be"), ("added", " very"), ("equal", " calm"), ("equal", "\n")),
    ]


def test_the_words_of_a_change_over_several_lines_stand_on_their_own_lines():
    old, new = "Always be calm and kind to the caller.\n", "Always be calm\nand very kind to the caller.\n"
    diff = diff_text(old=old, new=new)
    (change,) = diff.changed
    assert (change["old"], change["new"]) == (old, new)
    removed, first, second = diff.hunks[0].lines
    assert "".join(text for _, text in removed.words) == old
    assert "".join(text for _, text in first.words) == "Always be calm\n"
    assert "".join(text for _, text in second.words) == "and very kind to the caller.\n"


def test_lines_that_could_not_be_aligned_are_equal_where_their_words_are(monkeypatch):
    def only_words(old, new, **limits):
        return align(old, new, **limits) if limits else [Run(False, 0, len(old), 0, len(new))]

    monkeypatch.setattr(diffing, "align", only_words)
    old, new = "one\ntwo\nthree four five\nsix\n", "one\n2\nthree four five\nand then\nsix\n"
    diff = diff_text(old=old, new=new, context=0)
    assert apply(old=old, diff=diff) == new
    assert [(line.kind, line.text) for hunk in diff.hunks for line in hunk.lines] == [
        ("removed", "two\n"),
        ("added", "2\n"),
        ("added", "and then\n"),
    ]


def test_equal_texts_have_no_difference():
    diff = diff_text(old=OLD, new=OLD)
    assert not diff
    nothing = {"added": [], "removed": [], "changed": [], "hunks": [], "warnings": []}
    assert diff.to_json() == nothing | {"complete": True}
    assert diff.unified("a", "b") == ""
    assert apply(old=OLD, diff=diff) == OLD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "a"), ("a", ""), ("", "\n"), ("a", "a\n"), ("a\n", "a"), ("a\r\nb", "a\nb"), ("a\n\n\nb", "a\n\nb"),
        ("x\u2028y\n", "x\u2028z\n"), ("日本語です。\n", "日本語だ。\n"), ("a b c", "c b a"), (OLD, NEW),
        ("same\nlines\n" * 50, "lines\nsame\n" * 50), ("a  b\n", "a b\n"), ("😀 a", "😀😀 a"),
    ],
)  # fmt: skip
def test_applying_a_difference_gives_the_new_text(old, new):
    assert apply(old=old, diff=diff_text(old=old, new=new)) == new
    assert apply(old=old, diff=diff_text(old=old, new=new, context=0)) == new


@pytest.mark.parametrize("other", ["", "Hello\n", NEW, OLD.replace("Hello", "Hallo"), "x\n" + OLD])
def test_a_difference_applies_only_to_the_text_it_was_made_from(other):
    with pytest.raises(Conflict) as refused:
        apply(old=other, diff=diff_text(old=OLD, new=NEW))
    assert refused.value.code == "409.state_conflict"


def test_a_unified_difference_is_what_difflib_writes():
    ours = diff_text(old=OLD, new=NEW).unified("old", "new")
    head, hunk, *lines = ours.splitlines(keepends=True)[1:]
    assert ours.startswith("--- old\n+++ new\n")
    assert (head, hunk) == ("+++ new\n", "@@ -1,4 +1,5 @@\n")
    theirs = difflib.unified_diff(split_lines(OLD), split_lines(NEW), "old", "new")
    assert sorted(lines) == sorted(list(theirs)[3:])


def test_a_label_cannot_add_lines_to_a_unified_difference():
    assert diff_text(old="a", new="b").unified("x\n+++ y", "z\r\0").startswith("--- x +++ y\n+++ z  \n@@")


@pytest.mark.parametrize(
    ("old", "new"), [(OLD, NEW), ("a\nb\n", "a\nb"), ("a", "b\n"), ("", "a\n"), ("a\n" * 30, "a\n" * 9 + "b\n" * 3)]
)
def test_git_understands_a_unified_difference(tmp_path, old, new):
    prompt = tmp_path / "prompt"
    prompt.write_text(old)
    change = diff_text(old=old, new=new).unified("prompt", "prompt")
    subprocess.run(["git", "apply", "-p0"], cwd=tmp_path, input=change, text=True, check=True, capture_output=True)
    assert (prompt.read_text() if prompt.exists() else "") == new


def test_the_answer_is_json():
    answer = json.loads(json.dumps(diff_text(old=OLD, new=NEW).to_json()))
    assert set(answer) == {"added", "removed", "changed", "hunks", "warnings", "complete"}
    assert answer["hunks"][0]["lines"][1] == {
        "kind": "removed",
        "old_line": 2,
        "new_line": None,
        "text": "You are calm.\n",
        "words": [["equal", "You are"], ["equal", " calm.\n"]],
    }


@pytest.mark.parametrize(
    ("new", "kind", "character"),
    [
        ("a\nb \u202e c\n", "bidi", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\nb \u200b c\n", "zero_width", "U+200B ZERO WIDTH SPACE"),
        ("a\nb \U000e0041 c\n", "tag", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("a\nb \U000e0100 c\n", "tag", "U+E0100 VARIATION SELECTOR-17"),
        ("a\nb \u3164 c\n", "zero_width", "U+3164 HANGUL FILLER"),
    ],
)
def test_hidden_characters_that_come_in_are_told(new, kind, character):
    warnings = [{"line": 2, "column": 3, "kind": kind, "character": character}]
    assert diff_text(old="a\nb c\n", new=new).warnings == warnings
    assert diff_text(old=new, new=new + "d\n").warnings == []


def test_a_look_and_joined_emoji_are_not_hidden():
    assert diff_text(old="", new="☎\ufe0f 👩\u200d🔧 ❤\ufe0f\u200d🔥").warnings == []


def test_a_second_variation_selector_is_hidden_text():
    assert [found["column"] for found in diff_text(old="", new="a\ufe00\ufe01\ufe02").warnings] == [3, 4]


def test_warnings_are_capped():
    assert len(diff_text(old="", new="\u200b" * 500).warnings) == MAX_WARNINGS


def test_documents_are_compared_place_by_place():
    old = {"voice": "calm and slow", "rules": ["a", "b"], "limits": {"x/y": 1, "z": True}, "gone": None}
    new = {"voice": "calm and quick", "rules": ["b", "c"], "limits": {"x/y": 2, "z": 1}, "come": [0]}
    diff = diff_document(old=old, new=new)
    assert diff.added == [{"pointer": "/rules/1", "value": "c"}, {"pointer": "/come", "value": [0]}]
    assert diff.removed == [{"pointer": "/rules/0", "value": "a"}, {"pointer": "/gone", "value": None}]
    assert [(change["pointer"], change["old"], change["new"]) for change in diff.changed] == [
        ("/voice", "calm and slow", "calm and quick"),
        ("/limits/x~1y", 1, 2),
        ("/limits/z", True, 1),
    ]
    assert diff.changed[0]["words"] == [("equal", "calm and"), ("removed", " slow"), ("added", " quick")]


def test_the_hunks_of_documents_are_those_of_their_source():
    old, new = {"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]}
    diff = diff_document(old=old, new=new)
    assert apply(old=json.dumps(old, indent=2), diff=diff) == json.dumps(new, indent=2)


def test_a_message_that_only_moved_is_told_as_moved():
    diff = diff_document(old=CHAT, new=[CHAT[2], CHAT[0], CHAT[1]])
    assert (diff.added, diff.removed) == ([], [])
    assert diff.changed == [
        {"pointer": "/0", "old_pointer": "/2", "old": CHAT[2], "new": CHAT[2], "moved": True},
    ]


def test_a_message_that_moved_and_changed_is_matched_by_its_role():
    new = [CHAT[1], {"role": "system", "content": "Be very calm."}, CHAT[2], {"role": "assistant", "content": "Hi"}]
    diff = diff_document(old=CHAT, new=new)
    assert diff.added == [{"pointer": "/3", "value": new[3]}]
    assert diff.removed == []
    assert [(change["pointer"], change["old_pointer"]) for change in diff.changed] == [("/1/content", "/0/content")]


def test_a_message_in_the_place_of_one_with_another_role_is_new():
    diff = diff_document(old=CHAT[:2], new=[CHAT[0], {"role": "assistant", "content": "First"}])
    assert [entry["pointer"] for entry in diff.removed] == ["/1"]
    assert [entry["pointer"] for entry in diff.added] == ["/1"]


def test_numbers_that_are_equal_are_equal():
    assert not diff_document(old={"a": [1]}, new={"a": [1]})
    assert diff_document(old={"a": 1}, new={"a": 1.0}).changed == []


def test_documents_of_different_shapes_differ_as_a_whole():
    assert [change["pointer"] for change in diff_document(old={"a": 1}, new=[1]).changed] == [""]


def test_an_empty_text_that_moved_is_told_as_moved():
    [change] = diff_document(old=["", 1, 2], new=[1, 2, ""]).changed
    assert (change["pointer"], change["old_pointer"], change["moved"], change["words"]) == ("/2", "/0", True, [])


@pytest.mark.parametrize("kept", [0, 30_000], ids=["everything changed", "in two places"])
def test_a_difference_lists_no_more_lines_than_any_prompt_has_and_says_so(kept):
    kept_lines = "".join(f"{number}\n" for number in range(kept))
    old = "a b\n" * 9_000 + kept_lines + "c d\n" * 9_000
    new = "a x\n" * 9_000 + kept_lines + "c y\n" * 8_999 + "\u202ec y\n"
    found = diff_text(old=old, new=new)
    lines = Counter(line.kind for hunk in found.hunks for line in hunk.lines)
    assert (lines["removed"], lines["added"], found.complete) == (MAX_CHANGES, MAX_CHANGES, False)
    assert len(found.changed) + len(found.added) <= MAX_CHANGES
    assert [warning["line"] for warning in found.warnings] == [18_000 + kept], "wherever they stand"
    for use in (lambda: apply(old=old, diff=found), lambda: found.unified("a", "b")):
        with pytest.raises(Conflict, match="only the first are listed"):
            use()


def test_as_many_lines_as_are_listed_are_all_of_them():
    old, new = "a b\n" * MAX_CHANGES, "a c\n" * MAX_CHANGES
    found = diff_text(old=old, new=new)
    assert (found.complete, apply(old=old, diff=found)) == (True, new)
    assert not diff_text(old=old, new=f"{new}d\n").complete


def test_a_difference_of_documents_lists_so_many_places_of_each_kind():
    old, new = {str(name): 1 for name in range(MAX_CHANGES + 5)}, {str(name): 2 for name in range(MAX_CHANGES + 5)}
    found = diff_document(old=old, new=new)
    assert (len(found.changed), found.complete) == (MAX_CHANGES, False)
