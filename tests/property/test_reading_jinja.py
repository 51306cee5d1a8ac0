"""The lexer and parser that are quicker than Jinja's own read exactly what Jinja's own read."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import nodes

from prompthub_kernel import jinja_guard, rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.budget import MAX_SOURCE_BYTES
from prompthub_kernel.errors import Invalid
from prompthub_kernel.jinja_program import compile_jinja
from prompthub_kernel.program import TemplateRefused
from prompthub_kernel.variables import VariablesSchema
from tests.hostile.benign_templates import BENIGN
from tests.property.effort import examples

JINJA = jinja2.Environment(keep_trailing_newline=True, autoescape=False)
WORDS = (
    *(
        "a",
        "b.c",
        "é",
        "not",
        "in",
        "is",
        "and",
        "or",
        "if",
        "else",
        "none",
        "true",
        "defined",
        "1",
        "2.5",
        "'t'",
        '"u"',
    ),
    *("+", "-", "*", "**", "/", "//", "%", "~", "==", "!=", "<", ">=", "|", "|upper", "(", ")", "[", "]", "{", "}"),
    *(",", ":", ".", "=", "a.0", "b[1:2]", "f(a, k=1)", "x if y", "|default('z')"),
)
TEXTS = (
    "plain ",
    "{",
    "}",
    "{ {",
    "{}",
    "\n",
    "{% raw %}{{ a }}{% endraw %}",
    "{# note #}",
    "{{{ a }}}",
    "{%- if a %}",
)


def shape(found: Any) -> Any:
    """A tree as plain values: kinds and fields, without lines."""
    if isinstance(found, nodes.Node):
        return type(found).__name__, [(name, shape(part)) for name, part in found.iter_fields()]
    return [shape(part) for part in found] if isinstance(found, list | tuple) else found


def words(read: Any, source: str) -> Any:
    """All words, or where and why they end."""
    found: list[Any] = []
    try:
        found.extend(read(source))
    except jinja2.TemplateSyntaxError as error:
        return found, error.lineno, error.message
    return found


def as_jinja_reads(source: str) -> Any:
    try:
        return shape(JINJA.parse(source))
    except jinja2.TemplateSyntaxError:
        return "refused"


def as_we_read(source: str) -> Any:
    try:
        return shape(jinja_guard.parse(source, frozenset()).tree)
    except TemplateRefused:
        return "refused"


@given(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
@example("a not in b")
@example("not a in b")
@example("a if b else c if d")
@example("a, b")
@example("")
def test_an_expression_is_read_as_jinja_reads_it(expression):
    source = f"{{{{ {expression} }}}}"
    assert as_we_read(source) == as_jinja_reads(source)


@given(
    st.lists(
        st.sampled_from((*TEXTS, "{{ a|upper }}", "{{- b.c -}}", "{% endif %}", "{% for x in a %}", "{% endfor %}"))
    )
)
@example(["{", "{{ a }}"])
def test_text_around_tags_is_read_as_jinja_reads_it(pieces):
    source = "".join(pieces)
    assert as_we_read(source) == as_jinja_reads(source)


# Not those with a backslash: escapes that Python does not know are kept here, and warned of by Jinja.
@pytest.mark.parametrize("source", [one.source for one in BENIGN if one.engine == "jinja2" and "\\" not in one.source])
def test_prompts_are_read_as_jinja_reads_them(source):
    assert as_we_read(source) == as_jinja_reads(source) != "refused"


PIECES = (
    *(
        "{",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        " ",
        "\n",
        "\r\n",
        "a",
        "b.c",
        "'}}'",
        '"t"',
        "'",
        "\\",
        "(",
        ")",
    ),
    *(
        "}",
        "%",
        "raw",
        "endraw",
        "1.5",
        "é",
        "if",
        "{{ a }}",
        "{%- if a -%}",
        "{{- 'x' -}}",
        "{% raw %}",
        "{{-}}",
        "\t",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@examples(500)
@example("a \n{{- b -}} \n {%- if 'c' %}\n")
@example("{{ a }}{{ b\n}}{{ a }}")
@example("{{ a }} {{-}} \n")
@example("{{ ( }}")
def test_remembered_tags_give_the_words_that_jinjas_lexer_finds(source):
    found = words(jinja_guard._words, source)
    assert found == words(lambda text: jinja_guard._LEXER.tokeniter(text, None), source)
    assert found == words(jinja_guard._words, source), "remembered now"


@given(
    st.lists(st.sampled_from((*TEXTS, "{{ a|upper }}", "{{- b.c -}}", "{% if a %}", "{% endif %}", "{{ r }}"))),
    st.lists(st.sampled_from(("", "prose ", "\n", "{ }", "more\nlines")), min_size=20, max_size=20),
)
@example(["{{ a }}"], [""] * 20)
def test_what_stands_between_tags_decides_nothing(pieces, prose):
    """The premise of remembering accepted tags: sources with one structure are accepted or refused alike."""
    first = "".join(pieces)
    second = "".join(words if piece in {"plain ", "\n"} else piece for piece, words in zip(pieces, prose, strict=False))
    structure = jinja_guard.structure(first)
    if structure is None or structure != jinja_guard.structure(second):
        return
    assert _outcome(first) == _outcome(second)


def _outcome(source: str) -> Any:
    try:
        program = compile_jinja(source, secrets=frozenset(), runtime=frozenset({"r"}))
    except TemplateRefused as refused:
        return [(code, why) for _, code, why in refused.problems]
    return set(program.names), program.perhaps, program.count.tags, program.count.tokens


def test_a_text_is_checked_by_its_own_tags_and_its_own_size():
    variables = VariablesSchema.parse({"properties": {"a": {}}})

    def check(text):
        rendering.check(body=PromptBody.parse(content_md=text, content_json=None), variables=variables)

    check("Hello {{ a }}")
    check("Another text {{ a }}")
    for refused in ("Hello {{ b }}", "Hello {{ a }", "Hello {{ a }} " + "x" * MAX_SOURCE_BYTES, "{{ a }}{% endif %}"):
        with pytest.raises(Invalid):
            check(refused)
        with pytest.raises(Invalid):
            check(refused)
    with pytest.raises(Invalid):
        rendering.check(
            body=PromptBody.parse(content_md="Hello {{ a }}", content_json=None), variables=VariablesSchema.parse(None)
        )
