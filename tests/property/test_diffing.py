from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.aligning import align
from prompthub_kernel.diffing import apply, diff_document, diff_text, word_changes
from tests.property.effort import examples

PIECES = st.sampled_from(
    ["a", "b", "the", " ", "  ", "\n", "\r\n", ".", "é", "日本", "\u2028", "\u200b", "😀", "{{ x }}"]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0]) | st.text("ab ", max_size=4)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@st.composite
def edits(draw):
    """A text and what became of it: parts cut out, put in, moved."""
    parts = draw(st.lists(PIECES, max_size=40))
    changed = list(parts)
    for _ in range(draw(st.integers(0, 4))):
        start, size = draw(st.integers(0, len(changed))), draw(st.integers(0, 5))
        changed[start : start + size] = draw(st.lists(PIECES, max_size=5))
    return "".join(parts), "".join(changed)


@examples(200)
@given(edits() | st.tuples(TEXTS, TEXTS), st.integers(0, 4))
def test_applying_a_difference_gives_the_new_text(texts, context):
    old, new = texts
    diff = diff_text(old=old, new=new, context=context)
    assert apply(old=old, diff=diff) == new
    assert bool(diff) is (old != new)


@examples(200)
@given(edits())
def test_every_line_that_differs_is_told_once(texts):
    old, new = texts
    diff = diff_text(old=old, new=new)
    lines = [line for hunk in diff.hunks for line in hunk.lines]
    gone = "".join(line.text for line in lines if line.kind == "removed")
    come = "".join(line.text for line in lines if line.kind == "added")
    told = sorted(
        [(entry["line"], entry["text"]) for entry in diff.removed] + [(c["old_line"], c["old"]) for c in diff.changed]
    )
    assert "".join(text for _, text in told) == gone
    told = sorted(
        [(entry["line"], entry["text"]) for entry in diff.added] + [(c["line"], c["new"]) for c in diff.changed]
    )
    assert "".join(text for _, text in told) == come


@examples(200)
@given(edits())
def test_words_spell_out_both_sides(texts):
    old, new = texts
    changes = word_changes(old, new)
    assert "".join(text for kind, text in changes if kind != "added") == old
    assert "".join(text for kind, text in changes if kind != "removed") == new
    for line in (line for hunk in diff_text(old=old, new=new).hunks for line in hunk.lines if line.words):
        assert "".join(text for _, text in line.words) == line.text


@examples(200)
@given(st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(0, 9), max_size=40))
def test_runs_cover_both_sequences(old, new):
    at_old = at_new = 0
    for run in align(old, new):
        assert (run.old_start, run.new_start) == (at_old, at_new)
        assert (old[run.old_start : run.old_end] == new[run.new_start : run.new_end]) or not run.same
        at_old, at_new = run.old_end, run.new_end
    assert (at_old, at_new) == (len(old), len(new))


@examples(20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 400), st.integers(0, 300))
def test_long_sequences_are_aligned_as_short_ones_are(choose, kinds, edited):
    old = [choose.randrange(kinds * 20) for _ in range(choose.choice([300, 1500, 7000]))]
    new = list(old)
    for _ in range(edited):
        start = choose.randrange(len(new))
        new[start : start + choose.randrange(4)] = [choose.randrange(kinds * 20) for _ in range(choose.randrange(4))]
    for series in (1, 4):
        result = []
        for run in align(old, new, series=series):
            assert (old[run.old_start : run.old_end] == new[run.new_start : run.new_end]) or not run.same
            result += new[run.new_start : run.new_end]
        assert result == new


@examples(200)
@given(DOCUMENTS, DOCUMENTS)
def test_documents_differ_where_they_differ(old, new):
    diff = diff_document(old=old, new=new)
    found = diff.added or diff.removed or diff.changed
    assert bool(found) is (not same(old, new))


def same(old, new):
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return old == new
