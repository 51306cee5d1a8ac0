"""What is taken over word for word is the same once it is rendered."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel import literal
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema
from tests.property.effort import examples

SECRET = "kumquat-7319"
VARIABLES = VariablesSchema.parse({"properties": {"key": {"type": "string", "x-secret": True}, "name": {}}})
pieces = [
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "+",
    "~",
    " ",
    "\n",
    '"',
    "\\",
    "raw",
    "endraw",
    "name",
    "é",
]
texts = st.lists(st.sampled_from([*pieces, "include 'a'", "{% raw %}", SECRET]), max_size=8).map("".join)
keys = st.text('ab~/"é', max_size=3)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
documents = st.lists(values, min_size=1, max_size=4) | st.dictionaries(keys, values, min_size=1, max_size=4)


def meant(document, engine):
    """What a document means that was taken over and rendered; what is against taking it over, where something is."""
    body = PromptBody.parse(content_md=None, content_json=document, engine=engine, format="json")
    try:
        source = literal.as_source(body=body, secrets={SECRET: "key"})
    except Invalid as refused:
        return {problem.detail for problem in refused.problems}
    assert SECRET not in source.source()
    rendered = render(body=source, variables=VARIABLES, values={"name": "x", "key": SECRET})
    return json.loads(rendered.join({"key": SECRET}))


@examples(200, deadline=None)
@given(documents, st.sampled_from(["jinja2", "liquid"]))
def test_a_document_means_the_same_or_is_refused_for_the_end_of_a_raw_block(document, engine):
    assert meant(document, engine) in (document, {"it holds {% endraw %}"})
