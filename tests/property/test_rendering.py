"""Rendering against the engines' own implementations, and what holds for every template and every value."""
# ruff: noqa: E501 - a form of a template stands on one line

# fmt: off - a template stands on one line
from __future__ import annotations

import json

import jinja2
import liquid
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import Rendered, Secret, check, render
from prompthub_kernel.variables import VariablesSchema
from tests.property.effort import examples

VARIABLES = VariablesSchema.parse(
    {
        "properties": {name: {} for name in ("word", "number", "numbers", "words", "rows", "flag", "absent", "mapping")}
        | {"api_key": {"type": "string", "x-secret": True}, "guest": {"x-runtime": True}}
    }
)
STOCK_JINJA = jinja2.Environment(keep_trailing_newline=True)
STOCK_JINJA.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
STOCK_LIQUID = liquid.Environment()

plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="{}%#"), max_size=12)
texts = plain.filter(lambda text: not text.endswith("\\"))
literals = st.text(st.sampled_from("abc XYZ-_.,é"), max_size=6).map(lambda text: f"'{text}'")
rows = st.lists(st.fixed_dictionaries({"name": plain, "age": st.integers(0, 99)}), max_size=4)
values = st.fixed_dictionaries(
    {
        "word": plain,
        "number": st.integers(-1000, 1000),
        "numbers": st.lists(st.integers(-99, 99), max_size=5),
        "words": st.lists(plain, max_size=5),
        "rows": rows,
        "flag": st.booleans(),
        "mapping": st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), max_size=3),
    }
)


def ours(source, engine, given_values):
    body = PromptBody(format="text", engine=engine, text=source, document=None)
    return render(body=body, variables=VARIABLES, values=given_values).text()


def within_caps(source, engine, given_values):
    """What ours says; templates that grew beyond a cap are not counted as examples."""
    try:
        return ours(source, engine, given_values)
    except Invalid as error:
        assume(error.problems[0].code not in ("nesting", "budget"))
        raise


def formed(*forms):
    """Texts made of one of the forms, each part in braces drawn from the strategy beside it."""
    return st.one_of([st.tuples(*parts).map(lambda drawn, form=form: form.format(*drawn)) for form, *parts in forms])


# Jinja2, typed, so that what the engine itself refuses is seldom written.

j_ints = st.deferred(lambda: st.one_of(
    st.sampled_from(["number", "3", "-7", "loop.index", "words|length", "numbers|sum", "word|length", "'12'|int"]),
    formed(("({} + {})", j_ints, j_ints), ("({} * {})", j_ints, j_ints), ("({} - {})", j_ints, j_ints), ("-({})", j_ints)),
))  # fmt: skip
j_lists = st.deferred(lambda: st.one_of(
    st.sampled_from(["words", "words|sort", "words|unique|list", "words|reverse|list", "words[1:]", "words[::-1]",
                     "rows|map(attribute='name')|list", "mapping|list", "mapping.keys()|list", "word|list",
                     "rows|selectattr('age', 'gt', 40)|map(attribute='name')|list", "words|map('upper')|list",
                     "words|select('ne', word)|list", "rows|sort(attribute='age')|map(attribute='name')|list"]),
    formed(("[{}, {}]", j_texts, j_texts), ("({} + {})", j_lists, j_lists)),
))  # fmt: skip
j_texts = st.deferred(lambda: st.one_of(
    literals,
    st.just("word"),
    formed(
        ("({} ~ {})", j_texts, j_ints), ("({} + {})", j_texts, j_texts), ("{}|upper", st.just("word")),
        ("({})|lower", j_texts), ("({})|title", j_texts), ("({})|capitalize", j_texts), ("({})|trim", j_texts),
        ("({})|replace({}, {})", j_texts, literals, literals), ("({})|default({})", j_texts, j_texts),
        ("({})|truncate(7)", j_texts), ("({})|truncate(9, true, '~', 0)", j_texts), ("({})|center(9)", j_texts),
        ("({})|indent(2, true)", j_texts), ("({})|wordwrap(5)", literals.filter(lambda word: "-" not in word)),
        ("({})|join({})", j_lists, literals), ("({})[{}:]", j_texts, st.integers(-3, 3)),
        ("({} if {} else {})", j_texts, j_tests, j_texts), ("({} or {})", j_texts, j_texts), ("({})|string", j_ints),
        ("absent|default({})", j_texts), ("'%s-%03d'|format({}, {})", j_texts, j_ints), ("({})|escape|string", literals),
        ("({})|first", st.sampled_from(["word", "words"])), ("({})|last", st.sampled_from(["word", "words"])),
    ),
))  # fmt: skip
j_tests = st.deferred(lambda: st.one_of(
    st.sampled_from(["flag", "true", "absent", "absent is defined", "word is string", "number is odd", "mapping is mapping",
                     "word in words", "number in numbers", "'a' in mapping", "loop.first", "words", "none is none"]),
    formed(
        ("({} < {})", j_ints, j_ints), ("({} == {})", j_texts, j_texts), ("({} and {})", j_tests, j_tests),
        ("({} or {})", j_tests, j_tests), ("(not {})", j_tests), ("({} != {})", j_lists, j_lists),
        ("({} <= {} < {})", j_ints, j_ints, j_ints), ("({} in {})", j_texts, j_texts), ("({} > {})", j_texts, j_texts),
    ),
))  # fmt: skip
# In a block whose text is kept, Jinja takes a name that is assigned anywhere around it for undefined; ours does not,
# so only names that are never assigned are read there.
j_still = st.lists(texts | st.sampled_from([
    "{{ words|join }}", "{{ numbers|sum }}", "{% for row in rows %}{{ row.name }}{% endfor %}", "{% set number = 5 %}",
    "{% if flag %}{% set still = 1 %}{% endif %}",
]), max_size=4).map("".join)  # fmt: skip
j_blocks = st.deferred(lambda: st.one_of(
    texts,
    formed(
        ("{{{{ {} }}}}", st.one_of(j_texts, j_ints, j_tests, j_lists)),
        ("{{{{- {} -}}}}", j_texts), ("{{% if {} %}}{}{{% else %}}{}{{% endif %}}", j_tests, j_blocks, j_blocks),
        ("{{% if {} -%}} {} {{%- elif {} %}}{}{{% endif %}}", j_tests, j_blocks, j_tests, j_blocks),
        ("{{% for row in rows %}}{{{{ row.name }}}}{}{{% else %}}{}{{% endfor %}}", j_blocks, j_blocks),
        ("{{% for word in {} if word %}}{}{{{{ loop.revindex }}}}{{% endfor %}}", j_lists, j_blocks),
        ("{{% for k, v in mapping.items() %}}{{{{ k }}}}={{{{ v }}}}{}{{% endfor %}}", j_blocks),
        ("{{% set word = {} %}}{}", j_texts, j_blocks), ("{{% set kept %}}{}{{% endset %}}{{{{ kept }}}}", j_still),
        ("{{% with number = {} %}}{}{{% endwith %}}", j_ints, j_blocks), ("{{% filter upper %}}{}{{% endfilter %}}", j_still),
        ("{{% if {} %}}{{% set word = {} %}}{{% endif %}}{{{{ word }}}}", j_tests, j_texts), ("{}{}", j_blocks, j_blocks),
        ("{{# {} #}}", plain), ("{{% raw %}}{{{{ {} }}}}{{% endraw %}}", plain),
    ),
))  # fmt: skip


@examples(200, deadline=None)
@given(j_blocks, values)
def test_jinja_templates_say_what_jinja_itself_says(source, given_values):
    # In the engine `loop` is a name like any other; here it exists in loops alone.
    source = "{% for one in [1] %}" + source + "{% endfor %}"
    try:
        expected = STOCK_JINJA.from_string(source).render(**given_values)
    except (jinja2.TemplateError, TypeError):
        reject()
    assert within_caps(source, "jinja2", given_values) == expected


l_texts = st.one_of(literals, st.sampled_from(["word", "words.first", "rows.last.name", "absent"]))
l_ints = st.sampled_from(["number", "3", "-7", "words.size", "numbers[0]", "mapping.a"])
l_filters = formed(
    ("upcase",), ("downcase",), ("capitalize",), ("strip",), ("lstrip",), ("rstrip",), ("size",), ("squish",),
    ("append: {}", literals), ("prepend: {}", literals), ("replace: {}, {}", literals, literals), ("remove: {}", literals),
    ("replace_first: {}, {}", literals, literals), ("remove_first: {}", literals),
    ("slice: {}", st.integers(-3, 3)), ("slice: {}, 2", st.integers(-3, 3)), ("escape",),
    ("default: {}", literals), ("split: {} | join: '/'", literals), ("split: ' ' | first",), ("split: '' | reverse | join",),
    ("url_encode",), ("strip_newlines",), ("newline_to_br",),
)  # fmt: skip
l_number_filters = formed(
    ("plus: {}", l_ints.filter(lambda word: word != "mapping.a")), ("minus: 2",), ("times: 3",), ("divided_by: 4",), ("modulo: 3",),
    ("abs",), ("at_least: 5",), ("at_most: 5",), ("round",), ("ceil",), ("floor",), ("times: 1.5 | round: 1",),
)  # fmt: skip
l_lists = formed(
    ("words",), ("words | sort",), ("words | reverse",), ("words | uniq",), ("words | concat: words",), ("words | compact",),
    ("rows | map: 'name'",), ("rows | where: 'age', 3 | map: 'name'",), ("rows | sort: 'age' | map: 'name'",),
    ("words | sort_natural",), ("word | split: 'a'",),
)  # fmt: skip
l_primitive_tests = formed(
    ("flag",), ("absent",), ("{} == {}", l_texts, l_texts), ("{} != blank", l_texts), ("words contains word",),
    ("{} < 3", st.sampled_from(["number", "words.size"])), ("number >= {}", st.integers(-9, 9)), ("word contains 'a'",),
    ("{} == empty", st.sampled_from(["words", "word", "mapping", "absent"])), ("absent == nil",), ("forloop.first",),
)  # fmt: skip
l_tests = st.deferred(lambda: st.one_of(
    l_primitive_tests, formed(("{} and {}", l_primitive_tests, l_tests), ("{} or {}", l_primitive_tests, l_tests))
))  # fmt: skip
l_blocks = st.deferred(lambda: st.one_of(
    texts,
    formed(
        ("{{{{ {} }}}}", l_texts), ("{{{{ {} | {} }}}}", l_texts, l_filters), ("{{{{- {} | {} -}}}}", l_texts, l_filters),
        ("{{{{ {} | {} }}}}", st.sampled_from(["number", "7", "words.size"]), l_number_filters),
        ("{{{{ {} | join: {} }}}}", l_lists, literals), ("{{% if {} %}}{}{{% endif %}}", l_tests, l_blocks),
        ("{{% if {} -%}} {} {{%- elsif {} %}}{}{{% else %}}{}{{% endif %}}", l_tests, l_blocks, l_tests, l_blocks, l_blocks),
        ("{{% unless {} %}}{}{{% else %}}{}{{% endunless %}}", l_tests, l_blocks, l_blocks),
        ("{{% case number %}}{{% when 1, 2 %}}{}{{% when {} %}}{}{{% else %}}{}{{% endcase %}}", l_blocks, l_ints, l_blocks, l_blocks),
        ("{{% for row in rows %}}{{{{ row.name }}}}{}{{% else %}}{}{{% endfor %}}", l_blocks, l_blocks),
        ("{{% for word in words limit: {} offset: 1 %}}{}{{{{ forloop.rindex }}}}{{% endfor %}}", st.integers(1, 3), l_blocks),
        ("{{% for number in numbers reversed %}}{}{{% if number == 3 %}}{{% break %}}{{% endif %}}{{% endfor %}}", l_blocks),
        ("{{% for pair in mapping %}}{{{{ pair[0] }}}}{{% if pair[1] == 3 %}}{{% continue %}}{{% endif %}}{}{{% endfor %}}", l_blocks),
        ("{{% assign word = {} | {} %}}{}", l_texts, l_filters, l_blocks), ("{{% capture word %}}{}{{% endcapture %}}{{{{ word }}}}", l_blocks),
        ("{{% comment %}}{}{{% endcomment %}}", texts), ("{{% raw %}}{{{{ {} }}}}{{% endraw %}}", texts), ("{}{}", l_blocks, l_blocks),
        ("{{% # {} %}}", st.text("ab ", max_size=4)), ("{{% echo {} | {} %}}", l_texts, l_filters),
    ),
))  # fmt: skip


@examples(200, deadline=None)
@given(l_blocks, values)
def test_liquid_templates_say_what_python_liquid_says(source, given_values):
    source = "{% for one in rows %}" + source + "{% endfor %}"
    expected = STOCK_LIQUID.from_string(source).render(**given_values)
    assert within_caps(source, "liquid", given_values) == expected


@examples(100, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="{\r"), min_size=1), st.sampled_from(["jinja2", "liquid"])
)
def test_text_without_tags_stays_as_it_is(source, engine):
    assert ours(source, engine, {}) == source


fragments = st.sampled_from([
    "{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "\n", "'", '"', "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "=", "==", "~", "*",
    "**", "//", "%", "+", "<", "word", "number", "rows", "loop", "forloop", "api_key", "guest", "1", "1.5", "1e999", "if", "else", "elif",
    "elsif", "endif", "for", "in", "endfor", "set", "endset", "assign", "capture", "endcapture", "case", "when", "endcase", "raw",
    "endraw", "comment", "endcomment", "filter", "endfilter", "with", "endwith", "upper", "upcase", "join", "format", "map", "sort",
    "not", "and", "or", "is", "defined", "__class__", "include", "macro", "\\", "\\x", "\\u", "\x00", "\ud7ff", "é", "..", "limit", "reversed",
])  # fmt: skip


@examples(200, deadline=None)
@given(
    st.lists(fragments, max_size=30),
    st.sampled_from(["jinja2", "liquid"]),
    st.sampled_from(["", "{{ ", "{% if ", "{% for x in "]),
    values,
)
def test_whatever_is_written_ends_in_text_or_in_a_coded_error(pieces, engine, opening, given_values):
    source = opening + " ".join(pieces)
    try:
        said = ours(source, engine, given_values)
    except Invalid as error:
        said = f"{error.code} {error.problems[0].detail}"
    assert isinstance(said, str)
    if said.startswith(("400.", "422.")):
        assert said.split(" ")[:2] in (["400.template_schema_invalid", "line"], ["422.variables_invalid", "line"])


@examples(100, deadline=None)
@given(st.lists(st.sampled_from(["{{ word }}", "{{ api_key }}", "{{ guest }}", "text"]), min_size=1, max_size=8),
       plain | st.sampled_from(["{{ api_key }}", '{"secret": "api_key"}', "••••••"]), plain,
       st.sampled_from(["jinja2", "liquid"]))  # fmt: skip
def test_secrets_stand_where_the_template_has_them_and_nowhere_else(pieces, word, secret, engine):
    body = PromptBody(format="text", engine=engine, text="|".join(pieces), document=None)
    found = render(body=body, variables=VARIABLES, values={"word": word, "api_key": secret})
    expected = "|".join(pieces).replace("{{ api_key }}", "\0").replace("{{ word }}", word)
    assert found.text(mask="\0") == expected
    assert found.join({"api_key": secret}) == expected.replace("\0", secret)
    assert Rendered.from_json(json.loads(json.dumps(found.to_json()))).segments == found.segments
    assert sum(isinstance(segment, Secret) for segment in found.segments) == pieces.count("{{ api_key }}")


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | plain | st.sampled_from(["{{ word }}", "a {{ api_key }} b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=12,
).filter(lambda document: isinstance(document, dict) and document)


@examples(100, deadline=None)
@given(documents, plain, plain)
def test_a_rendered_document_is_the_document_with_its_strings_rendered(document, word, secret):
    body = PromptBody.parse(content_md=None, content_json=document, format="json")
    check(body=body, variables=VARIABLES)
    joined = render(body=body, variables=VARIABLES, values={"word": word}).join({"api_key": secret})
    assert json.loads(joined) == _filled(document, word, secret)


def _filled(value, word, secret):
    if isinstance(value, str):
        return value.replace("{{ word }}", "\0").replace("{{ api_key }}", secret).replace("\0", word)
    if isinstance(value, list):
        return [_filled(element, word, secret) for element in value]
    return {key: _filled(element, word, secret) for key, element in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
@examples(30, deadline=None)
@given(st.integers(1, 400))
def test_the_same_rendering_spends_the_same(engine, rounds):
    from prompthub_kernel import rendering

    made = []
    original = rendering.Budget
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "Budget", lambda: made.append(original()) or made[-1])
        for _ in range(2):
            ours("{% for n in numbers %}{{ n }}{% endfor %}", engine, {"numbers": list(range(rounds))})
    assert (made[0].ticks, made[0].output_bytes) == (made[1].ticks, made[1].output_bytes)
