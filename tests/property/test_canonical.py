import json

from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.canonical import canonical_json
from tests.property.effort import examples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


@examples()
@given(JSON)
def test_the_spelling_says_the_same_value(value):
    assert json.loads(canonical_json(value)) == value


@examples()
@given(JSON)
def test_spelling_it_again_changes_nothing(value):
    once = canonical_json(value)
    assert canonical_json(json.loads(once)) == once


@examples()
@given(st.dictionaries(st.text(), JSON, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_matter(value, choose):
    keys = list(value)
    choose.shuffle(keys)
    assert canonical_json({key: value[key] for key in keys}) == canonical_json(value)
