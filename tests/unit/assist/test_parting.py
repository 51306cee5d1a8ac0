"""Changes that are taken one by one: neighbours stay apart, and no line loses its end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assist import parting, texts

OLD = "You answer the phone for Acme.\n- Be kind.\n- Offer a call back within one day."
NEW = "You are the voice on the phone for Acme.\n- Be kind.\n- Say so, offer a call back within one day.\n\nBe brief."
LINES = st.lists(st.sampled_from(["be kind", "be kind and quick", "say so", "", "say so twice", "x"]), min_size=1)
ENDS = st.sampled_from(["", "\n", "\n\n"])
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, ENDS).filter(str.strip)


def names(old, new):
    return [texts.change_id(hunk) for hunk in texts.changes(old=old, new=new).hunks]


def kinds(old, new):
    return ["".join(line.kind[0] for line in hunk.lines) for hunk in texts.changes(old=old, new=new).hunks]


def test_a_rewritten_line_and_what_was_added_below_it_are_two_changes():
    assert kinds(OLD, NEW) == ["ra", "ra", "aa"]
    first, rewritten, added = names(OLD, NEW)
    assert texts.with_changes(old=OLD, new=NEW, chosen=[added]) == f"{OLD}\n\nBe brief."
    taken = texts.with_changes(old=OLD, new=NEW, chosen=[rewritten])
    assert taken == OLD.replace("- Offer", "- Say so, offer")
    assert texts.with_changes(old=OLD, new=NEW, chosen=[first, rewritten, added]) == NEW


def test_two_rewritten_neighbours_are_two_changes():
    old, new = "- Be kind to them.\n- Be quick about it.\n", "- Be very kind to them.\n- Be very quick about it.\n"
    one, other = names(old, new)
    assert texts.with_changes(old=old, new=new, chosen=[one]) == "- Be very kind to them.\n- Be quick about it.\n"
    assert texts.with_changes(old=old, new=new, chosen=[other]) == "- Be kind to them.\n- Be very quick about it.\n"


def test_lines_that_have_nothing_in_common_are_one_change():
    assert kinds("Be kind to everybody.\nSmile.\n", "Never raise your voice.\n") == ["rra"]


def test_a_long_rewrite_is_one_change(monkeypatch):
    monkeypatch.setattr(parting, "MAX_PAIRS", 3)
    assert kinds("be kind\nbe quick\n", "be very kind\nbe very quick\n") == ["rraa"]


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [("stay", "stay\ncome\n", "stay"), ("stay\n", "stay\ncome", "stay\n"), ("go\nstay", "stay\n", "go\nstay")],
)
def test_without_a_change_the_text_is_as_it_was(old, new, kept):
    assert texts.with_changes(old=old, new=new, chosen=[]) == kept


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.data())
def test_whatever_is_taken_no_line_is_joined_to_its_neighbour(old, new, data):
    known = names(old, new)
    assert len(set(known)) == len(known)
    chosen = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    taken = texts.with_changes(old=old, new=new, chosen=chosen)
    assert set(taken.split("\n")) <= {*old.split("\n"), *new.split("\n")}
    if set(chosen) == set(known):
        assert taken == new
