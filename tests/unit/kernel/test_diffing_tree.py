"""Two documents as one tree."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompthub_kernel.diffing_tree import Node, tree

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab ", max_size=4),
    lambda part: st.lists(part, max_size=5) | st.dictionaries(st.sampled_from("abc"), part, max_size=3),
    max_leaves=15,
)


def message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def side(node: Node, name: str) -> Any:
    """One of the two documents again, made of the tree alone."""
    whole = getattr(node, name)
    if not node.children:
        return whole
    skipped = "added" if name == "old" else "removed"
    parts = [child for child in node.children if child.change != skipped]
    if isinstance(whole, dict):
        return {child.key: side(child, name) for child in parts}
    return [side(child, name) for child in parts]


def unordered(value: Any) -> Any:
    """A document whose lists and objects have no order."""
    if isinstance(value, dict):
        return repr(sorted((key, unordered(part)) for key, part in value.items()))
    return repr(sorted(map(unordered, value))) if isinstance(value, list) else repr(value)


@given(old=JSON, new=JSON)
@settings(max_examples=200, deadline=None)
def test_a_tree_holds_the_new_document_in_its_order_and_the_old_one_up_to_order(old, new):
    found = tree(old=old, new=new)

    assert side(found, "new") == new
    assert unordered(side(found, "old")) == unordered(old)


def test_a_message_that_moved_says_how_far_and_keeps_its_edit():
    old = [message("system", "be kind"), message("user", "one"), message("assistant", "two"), message("user", "three")]
    new = [old[3], message("system", "be brief"), old[1], old[2]]

    children = tree(old=old, new=new).children

    assert [(child.change, child.moved) for child in children] == [
        ("equal", 3),
        ("changed", 0),
        ("equal", 0),
        ("equal", 0),
    ]
    content = next(child for child in children[1].children if child.key == "content")
    assert content.words == (("equal", "be"), ("removed", " kind"), ("added", " brief"))


def test_what_came_between_moves_nothing():
    children = tree(old=["a", "b"], new=["a", "new", "b"]).children

    assert [(child.change, child.key, child.moved) for child in children] == [
        ("equal", 0, 0),
        ("added", 1, 0),
        ("equal", 2, 0),
    ]


def test_a_removed_entry_stands_where_it_stood():
    children = tree(old=[1, 2, 3], new=[1, 3]).children

    assert [(child.change, child.value) for child in children] == [("equal", 1), ("removed", 2), ("equal", 3)]


@pytest.mark.parametrize(("old", "new"), [(1, True), (None, False), ("a", ["a"]), ({}, [])])
def test_values_of_another_kind_are_a_change_without_parts(old, new):
    found = tree(old=old, new=new)

    assert (found.change, found.children, found.value) == ("changed", (), new)


def test_members_are_matched_by_name():
    children = tree(old={"a": 1, "b": None}, new={"b": None, "c": 2}).children

    assert [(child.change, child.key) for child in children] == [("equal", "b"), ("added", "c"), ("removed", "a")]


def test_a_large_document_rewritten_takes_no_longer_than_its_comparison():
    old = [message("user", f"line {number} " * 20) for number in range(500)]
    new = [message("user", f"other {number} " * 20) for number in reversed(range(500))]
    started = time.process_time()

    assert tree(old=old, new=new).change == "changed"
    assert time.process_time() - started < 2.0
