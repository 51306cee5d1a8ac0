"""Taking changes over one by one comes to the same as taking the difference over."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from assist import texts
from prompthub_kernel import diffing

LINES = st.lists(st.sampled_from(["a", "b", "{{ x }}", "", "long line of words", "ä", "  "]), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


def names(old, new):
    return [texts.change_id(hunk) for hunk in texts.changes(old=old, new=new).hunks]


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_all_changes_are_the_whole_suggestion(old, new):
    assert texts.with_changes(old=old, new=new, chosen=names(old, new)) == new


def ended(text):
    return text if not text or text.endswith("\n") else f"{text}\n"


@settings(max_examples=200)
@given(TEXTS.map(ended), TEXTS.map(ended), st.randoms())
def test_some_changes_are_the_difference_made_of_them(old, new, random):
    chosen = [name for name in names(old, new) if random.random() < 0.5]
    found = texts.changes(old=old, new=new)
    some = replace(found, hunks=tuple(hunk for hunk in found.hunks if texts.change_id(hunk) in chosen))
    random.shuffle(chosen)
    assert texts.with_changes(old=old, new=new, chosen=chosen) == diffing.apply(old=old, diff=some)


@settings(max_examples=200)
@given(TEXTS, TEXTS, st.randoms())
def test_a_text_that_does_not_end_its_last_line_has_no_lines_joined(old, new, random):
    chosen = [name for name in names(old, new) if random.random() < 0.5]
    lines = texts.with_changes(old=old, new=new, chosen=chosen).split("\n")
    assert set(lines) <= {*old.split("\n"), *new.split("\n"), ""}


@settings(max_examples=200)
@given(TEXTS, TEXTS, st.randoms())
def test_what_was_not_chosen_can_be_taken_over_afterwards(old, new, random):
    chosen = [name for name in names(old, new) if random.random() < 0.5]
    half = texts.with_changes(old=old, new=new, chosen=chosen)
    assert texts.with_changes(old=half, new=new, chosen=names(half, new)) == new
    assert len(set(names(old, new))) == len(names(old, new))
