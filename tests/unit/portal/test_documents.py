"""Documents, conversations and variables beside each other."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from instances.comparing import Kind, Level, Side
from portal.presenters import documents, showing
from portal.presenters.showing import Shape
from portal.presenters.values import compare_values


def side(document: Any = None, **more: Any) -> Side:
    more.setdefault("text", documents.written(document))
    return Side(word="draft", kind=Kind.DRAFT, name="1", level=Level.SOURCE, document=document, **more)


def message(role, content):
    return {"role": role, "content": content}


def test_an_outline_lists_what_changed_and_counts_the_rest():
    found = documents.documents(
        old={"a": 1, "b": {"c": "old words", "d": 2}, "e": [1]}, new={"a": 1, "b": {"c": "new words", "d": 2}, "f": [1]}
    )

    listed = [(place.change, place.depth, place.key, place.same, place.number) for place in found.places]
    assert listed == [
        ("equal", 0, "", 1, 0),
        ("changed", 0, "b", 0, 0),
        ("changed", 1, "c", 0, 1),
        ("equal", 1, "", 1, 0),
        ("added", 0, "f", 0, 2),
        ("removed", 0, "e", 0, 3),
    ]
    assert found.changes == 3
    page = render_to_string("portal/parts/diff_document.html", {"comparison": found})
    assert "<del>old</del><ins>new</ins>" in page
    assert 'id="change-3"' in page


def test_entries_that_moved_say_so():
    found = documents.documents(old=["a", "b", "c"], new=["c", "a", "b"])

    assert [(place.moved, place.sign, place.same) for place in found.places] == [(2, "↕", 0), (0, "", 2)]
    assert "moved up 2" in render_to_string("portal/parts/diff_document.html", {"comparison": found})


def test_too_many_places_are_counted():
    old = {f"k{number}": number for number in range(3_000)}
    new = {f"k{number}": number + 1 for number in range(3_000)}

    found = documents.documents(old=old, new=new)

    assert (len(found.places), found.hidden) == (documents.MAX_PLACES, 3_000 - documents.MAX_PLACES)
    assert documents.documents(old=old, new=new, whole=True).hidden == 0


def test_values_that_are_no_containers_are_compared_whole():
    found = documents.documents(old={"a": 1}, new=[1])

    assert [(place.change, place.new) for place in found.places] == [("changed", "[\n  1\n]")]
    assert documents.documents(old=[1], new=[1]).places == ()


def test_a_conversation_is_compared_message_by_message():
    old = [message("system", "Be kind."), message("user", "Hi"), message("assistant", "Hello")]
    new = [message("assistant", "Hello"), message("system", "Be brief."), {"type": "placeholder", "name": "history"}]

    shown = showing.show(base=side(old), target=side(new), format="chat")
    page = render_to_string("portal/parts/diff.html", {"shown": shown})

    assert shown.chat is not None
    assert [(one.change, one.moved) for one in shown.chat.messages] == [
        ("equal", 1),
        ("changed", 0),
        ("added", 0),
        ("removed", 0),
    ]
    assert shown.changes == 4
    assert "moved up 1" in page
    assert page.count('id="change-1"') == 1
    assert "<del> kind</del>" in page
    assert "history" in page


def test_a_message_that_changed_its_role_shows_both():
    shown = showing.show(base=side([message("user", "x")]), target=side([message("system", "x")]), format="chat")

    page = render_to_string("portal/parts/diff.html", {"shown": shown})
    assert "<del>user</del> <ins>system</ins>" in page or shown.changes == 2


def test_a_document_can_be_read_as_text_too():
    base, target = side({"a": 1}), side({"a": 2})

    assert showing.show(base=base, target=target, format="json").document is not None
    assert showing.show(base=base, target=target, format="json", shape=Shape.SPLIT).split
    assert showing.show(base=side(text="a"), target=target, format="json").shape is Shape.UNIFIED


def test_nothing_is_told_where_nothing_differs():
    shown = showing.show(base=side(text="a", variables={}), target=side(text="a", variables={}), format="text")

    assert shown.nothing
    assert "No differences." in render_to_string("portal/parts/diff.html", {"shown": shown})


def test_variables_are_compared_by_name_and_kind():
    base = side(text="", variables={"a": "one two", "b": 1, "c": [1], "same": True})
    target = side(text="", variables={"a": "one three", "b": True, "d": "new", "same": True})

    found = compare_values(base=base, target=target)

    assert found is not None
    assert [(one.name, one.change, one.retyped) for one in found.changes] == [
        ("a", "changed", False),
        ("b", "changed", True),
        ("c", "removed", False),
        ("d", "added", False),
    ]
    assert found.same == 1
    assert found.changes[0].old_words == (("equal", "one"), ("removed", " two"))
    page = render_to_string("portal/parts/diff_values.html", {"comparison": found})
    assert "<ins> three</ins>" in page
    assert "another kind of value" in page


def test_secrets_tell_only_that_they_changed():
    base = side(text="", variables={}, secrets=frozenset({"old"}), secret_revision=1)
    target = side(text="", variables={}, secrets=frozenset({"new"}), secret_revision=2)

    found = compare_values(base=base, target=target)

    assert found is not None
    assert found.secrets_changed
    assert [(one.name, one.change, one.secret) for one in found.changes] == [
        ("new", "added", True),
        ("old", "removed", True),
    ]
    page = render_to_string("portal/parts/diff_values.html", {"comparison": found})
    assert "set (secret)" in page
    assert "A secret got another value" in page
    assert compare_values(base=side(text=""), target=target) is None
    unknown = compare_values(base=side(text="", variables={}), target=side(text="", variables={}, secret_revision=2))
    assert unknown is not None
    assert not unknown.secrets_changed
