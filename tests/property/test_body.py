from hypothesis import assume, given
from hypothesis import strategies as st

from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.pointer import split
from tests.property.effort import examples

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


def at(document, pointer):
    for step in split(pointer):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


@examples()
@given(
    st.none() | st.text() | JSON, st.none() | JSON, st.sampled_from(["jinja2", "liquid", "x"]), st.none() | st.text()
)
def test_anything_is_a_body_or_invalid(content_md, content_json, engine, shape):
    try:
        body = PromptBody.parse(content_md=content_md, content_json=content_json, engine=engine, format=shape)
    except Invalid as error:
        code, problems = error.code, error.problems
        assert code == "400.template_schema_invalid"
        assert problems
    else:
        assert PromptBody.parse(**body.as_fields()).digest() == body.digest()


@examples()
@given(st.lists(JSON, min_size=1, max_size=4) | st.dictionaries(st.text(), JSON, min_size=1, max_size=4))
def test_the_pointer_of_a_leaf_leads_to_it(document):
    try:
        body = PromptBody.parse(content_md=None, content_json=document, format="json")
    except Invalid:
        assume(False)
    leaves = list(body.leaves())
    assert all(at(document, pointer) == leaf for pointer, leaf in leaves)
    assert len({pointer for pointer, _ in leaves}) == len(leaves)
