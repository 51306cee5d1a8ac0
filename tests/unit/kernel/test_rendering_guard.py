"""Where exactly the guard and the budget draw the line, and what filters say about arguments they cannot use."""
# ruff: noqa: E501 - a template stands on one line

from __future__ import annotations

import sys

import pytest

from prompthub_kernel import budget as budgets
from prompthub_kernel.body import PromptBody
from prompthub_kernel.budget import Budget, BudgetSpent
from prompthub_kernel.errors import Invalid
from prompthub_kernel.jinja_program import compile_jinja
from prompthub_kernel.liquid_program import compile_liquid
from prompthub_kernel.program import TemplateRefused
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema

NAMES = ("word", "words", "number", "mapping", "rows", "absent", "nothing", "no")
VARIABLES = VariablesSchema.parse({"properties": {name: {} for name in NAMES}})
VALUES = {
    "word": "abc",
    "words": ["b", "a", "b"],
    "number": 7,
    "mapping": {"b": 1, "a": 2},
    "rows": [{"name": "Bo", "age": 3}, {"name": "Al", "age": None}],
    "nothing": None,
    "no": False,
}
COMPILERS = {"jinja2": compile_jinja, "liquid": compile_liquid}


def say(source, engine="jinja2", **values):
    body = PromptBody(format="text", engine=engine, text=source, document=None)
    return render(body=body, variables=VARIABLES, values=VALUES | values).text()


def refusal(source, engine):
    with pytest.raises(TemplateRefused) as caught:
        COMPILERS[engine](source, secrets=frozenset(), runtime=frozenset())
    return caught.value.problems[0][1]


def accepted(source, engine):
    return COMPILERS[engine](source, secrets=frozenset(), runtime=frozenset())


@pytest.mark.parametrize("engine", COMPILERS)
def test_a_source_of_256_kib_is_the_largest(engine):
    assert accepted("é" * (128 * 1024), engine).count.size == 256 * 1024
    assert refusal("é" * (128 * 1024) + "x", engine) == "size"


@pytest.mark.parametrize("engine", COMPILERS)
def test_two_thousand_tags_are_the_most(engine):
    assert accepted("{{ word }}" * 2_000, engine).count.tags == 2_000
    assert refusal("{{ word }}" * 2_001, engine) == "tags"


@pytest.mark.parametrize(("engine", "word", "overhead"), [("jinja2", " ~ a", 3), ("liquid", ", a", 7)])
def test_eight_thousand_words_are_the_most(engine, word, overhead):
    begin = "{{ a" if engine == "jinja2" else "{% case a %}{% when a"
    end = " }}" if engine == "jinja2" else " %}{% endcase %}"
    times = (8_000 - overhead) // 2
    assert 7_990 < accepted(begin + word * times + end, engine).count.tokens <= 8_000
    assert refusal(begin + word * (times + 5) + end, engine) == "tokens"


@pytest.mark.parametrize("engine", COMPILERS)
def test_a_hundred_nested_blocks_are_the_most_and_render(engine):
    assert say("{% if word %}" * 100 + "x" + "{% endif %}" * 100, engine) == "x"
    assert refusal("{% if word %}" * 101 + "x" + "{% endif %}" * 101, engine) == "nesting"


def test_sixteen_nested_brackets_are_the_most():
    assert say("{{ " + "(" * 16 + "word" + ")" * 16 + " }}") == "abc"
    assert refusal("{{ " + "(" * 17 + "word" + ")" * 17 + " }}", "jinja2") == "nesting"
    assert say("{{ words" + "[mapping" * 15 + ".x]" + "]" * 14 + " }}", "liquid") == ""
    assert refusal("{{ words" + "[words" * 17 + "]" * 17 + " }}", "liquid") == "nesting"


def test_a_chain_of_a_hundred_links_is_the_longest():
    assert say("{{ number" + " + 1" * 99 + " }}") == "106"
    assert refusal("{{ number" + " + 1" * 100 + " }}", "jinja2") == "nesting"
    assert say("{{ word" + " | upcase" * 100 + " }}", "liquid") == "ABC"
    assert refusal("{{ word" + " | upcase" * 101 + " }}", "liquid") == "syntax"


@pytest.mark.parametrize("engine", COMPILERS)
def test_an_integer_of_128_bits_is_the_largest(engine):
    largest = 2**128 - 1
    assert say(f"{{{{ {largest} }}}}", engine) == str(largest)
    assert refusal(f"{{{{ {largest + 1} }}}}", engine) == "number"
    assert say("{{ number }}", engine, number=largest) == str(largest)
    with pytest.raises(Invalid) as caught:
        say("{{ number }}", engine, number=largest + 1)
    assert caught.value.problems[0].code == "budget"


@pytest.mark.parametrize("engine", COMPILERS)
def test_with_hardly_any_stack_left_a_template_ends_in_text_or_a_coded_error(engine):
    source = "{% if word %}" * 90 + "{{ word | default: word }}" * (engine == "liquid") + "x" + "{% endif %}" * 90
    codes = set()

    def deeper(levels):
        if levels:
            return deeper(levels - 1)
        return say(source + " " * len(codes), engine)

    depth = len_of_stack()
    for left in range(150, 900, 30):
        try:
            codes.add(deeper(sys.getrecursionlimit() - depth - left)[:1] + str(left))
        except Invalid as error:
            codes.add(error.problems[0].code)
    assert "nesting" in codes
    assert any(code.endswith("870") for code in codes)


def test_a_rendering_that_runs_out_of_stack_is_stopped_with_a_code():
    source = "{% if word %}" * 90 + "x" + "{% endif %}" * 90
    assert say(source) == "x"  # compiled now

    def deeper(levels):
        return deeper(levels - 1) if levels else say(source)

    with pytest.raises(Invalid) as caught:
        deeper(sys.getrecursionlimit() - len_of_stack() - 100)
    assert caught.value.problems[0].code == "budget"


def len_of_stack():
    frame, length = sys._getframe(), 0
    while frame:
        frame, length = frame.f_back, length + 1
    return length


@pytest.mark.parametrize(
    ("spend", "left"),
    [
        (lambda budget: budget.tick(5), (budgets.MAX_TICKS - 5, budgets.MAX_OUTPUT_BYTES, budgets.MAX_WORKING_BYTES)),
        (lambda budget: budget.spend(5, 6), (budgets.MAX_TICKS - 5, budgets.MAX_OUTPUT_BYTES - 6, budgets.MAX_WORKING_BYTES)),
        (lambda budget: budget.scan(512), (budgets.MAX_TICKS - 3, budgets.MAX_OUTPUT_BYTES, budgets.MAX_WORKING_BYTES)),
        (lambda budget: budget.write("aé"), (budgets.MAX_TICKS, budgets.MAX_OUTPUT_BYTES - 3, budgets.MAX_WORKING_BYTES)),
        (lambda budget: budget.build(256), (budgets.MAX_TICKS - 2, budgets.MAX_OUTPUT_BYTES, budgets.MAX_WORKING_BYTES - 256)),
    ],
)  # fmt: skip
def test_a_budget_counts_steps_and_bytes(spend, left):
    budget = Budget()
    spend(budget)
    assert (budget.ticks, budget.output_bytes, budget.working_bytes) == left


@pytest.mark.parametrize(
    ("spend", "why"),
    [
        (lambda budget: budget.tick(budgets.MAX_TICKS + 1), "steps"),
        (lambda budget: budget.spend(budgets.MAX_TICKS + 1, 0), "steps"),
        (lambda budget: budget.scan(budgets.MAX_TICKS * 256), "steps"),
        (lambda budget: budget.write("x" * (budgets.MAX_OUTPUT_BYTES + 1)), "text grows"),
        (lambda budget: budget.spend(0, budgets.MAX_OUTPUT_BYTES + 1), "text grows"),
        (lambda budget: budget.build(budgets.MAX_OUTPUT_BYTES + 1), "on the way"),
        (lambda budget: [budget.build(budgets.MAX_OUTPUT_BYTES) for _ in range(9)], "on the way"),
    ],
)
def test_a_budget_that_is_spent_says_on_what(spend, why):
    with pytest.raises(BudgetSpent, match=why):
        spend(Budget())


def test_an_output_of_exactly_one_mebibyte_is_the_largest():
    assert len(say("{{ word }}", word="x" * 2**20)) == 2**20
    with pytest.raises(Invalid) as caught:
        say("{{ word }}!", word="x" * 2**20)
    assert caught.value.problems[0].code == "budget"


@pytest.mark.parametrize(
    ("engine", "source", "text"),
    [
        ("jinja2", "{{ 'xxabcx'|trim('x') }}", "abc"),
        ("jinja2", "{{ 'a\nb\n\nc'|indent(1, blank=true) }}", "a\n b\n \n c"),
        ("jinja2", "{{ word|reverse }}", "cba"),
        ("jinja2", "{{ 2.1|round(method='ceil') }} {{ 2.98|round(1, 'floor') }}", "3.0 2.9"),
        ("jinja2", "{{ 'x'|float(1.5) }} {{ absent|items|list }} {{ words|min }} {{ [1, 1.0, true]|unique|list }}", "1.5 [] a [1]"),
        ("jinja2", "{{ [absent] }} {{ [] is eq [] }} {{ 'a' in mapping }} {{ 'a' in absent }}", "[Undefined] True True False"),
        ("jinja2", "{% filter upper|replace('A', '-') %}banana{% endfilter %}", "B-N-N-"),
        ("jinja2", "{{ ('9' ~ '9')|int }} {{ word|int(5) }} {{ '1.9'|int }} {{ 'ff'|int(0, 16) }}", "99 5 1 255"),
        ("jinja2", "{% for a in absent %}x{% endfor %}{{ number.x }}{{ number is not none }}", "True"),
        ("jinja2", "{{ rows|map(attribute='age', default=0)|list }} {{ rows|map(attribute='x', default=0)|list }}", "[3, None] [0, 0]"),
        ("jinja2", "{{ 'İ'|lower|length }} {{ 'ß'|upper }}", "2 SS"),
        ("jinja2", "{% for a in words %}{% filter upper %}{{ word }}{% if loop.first %}{% set word = 'q' %}{% endif %}{{ word }}{% endfilter %}{% endfor %}",
         "ABCQABCABCABCABC"),
        ("jinja2", "{{ word is lower }} {{ 'A' is upper }} {{ words|reject('eq', 'b')|list }} {{ words|select|list|length }}", "True True ['a'] 3"),
        ("jinja2", "{{ words[9] }}{{ word[7] }}{{ word|center(99)|float(2.5) }}", "2.5"),
        ("jinja2", "{{ word|center(99)|int(4) }}", "4"),
        ("liquid", "{{ 'one two' | truncatewords: 2 }} {{ 'one two' | truncatewords: 1 }} {{ 'abcde' | truncate: 5 }}", "one two one... abcde"),
        ("liquid", "{{ no | default: 'x' }} {{ no | default: 'x', allow_false: true }} {{ mapping | first | join }}", "x false b 1"),
        ("liquid", "{{ mapping }} {{ rows | reject: 'age' | map: 'name' }} {{ 5 | round: -1 }} {{ absent | join }}", '{"b": 1, "a": 2} Al 0 '),
        ("liquid", "{{ '' | split: 'x' | size }} {{ 'x' | split: 'x' | size }} {{ 'x' | plus: 1 }} {{ 2.567 | round: 2 }}", "0 0 1 2.57"),
        ("liquid", "{% if no == false %}1{% endif %}{% if nothing < 1 %}2{% endif %}{% if number == true %}3{% endif %}", "1"),
        ("liquid", "{{ words | last }}{{ word | last }}{{ words | slice: -2, 2 | join: '' }}{{ number.size }}", "bab"),
        ("liquid", "{% for w in words offset: 9 %}x{% else %}none{% endfor %}{% for c in word %}[{{ c }}]{% endfor %}", "none[abc]"),
        ("liquid", "{%- raw -%} a {%- endraw -%} b", "ab"),
    ],
)  # fmt: skip
def test_filters_say_what_they_should(engine, source, text):
    assert say(source, engine) == text


@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "{{ words|map(attribute='a,b')|list }}"),
        ("jinja2", "{{ words|map(attribute='_a')|list }}"),
        ("jinja2", "{{ mapping|dictsort(by='size') }}"),
        ("jinja2", "{{ number|round(1, 'up') }}"),
        ("jinja2", "{{ word|items }}"),
        ("jinja2", "{{ absent|tojson }}"),
        ("jinja2", "{{ words|tojson(indent=99) }}"),
        ("jinja2", "{{ word|truncate(1) }}"),
        ("jinja2", "{{ word|wordwrap(0) }}"),
        ("jinja2", "{{ '%s %s'|format(1) }}"),
        ("jinja2", "{{ '%s'|format(1, 2) }}"),
        ("jinja2", "{{ '%y'|format(1) }}"),
        ("jinja2", "{{ '%d'|format(word) }}"),
        ("jinja2", "{{ {1: 2} }}"),
        ("jinja2", "{{ number in word }}"),
        ("jinja2", "{{ word in number }}"),
        ("jinja2", "{{ number[1:2] }}"),
        ("jinja2", "{{ word[1.5:] }}"),
        ("jinja2", "{{ [1, 'a']|sort }}"),
        ("jinja2", "{{ 1e308 * 10 }}"),
        ("jinja2", "{{ 10 ~ 1e308 * 1e308 }}"),
        ("jinja2", "{{ 170141183460469231731687303715884105727 / 1e-300 }}"),
        ("jinja2", "{{ number|abs|length }}"),
        ("jinja2", "{{ word|abs }}"),
        ("jinja2", "{{ number|round(word) }}"),
        ("jinja2", "{% for a, b in rows %}{% endfor %}"),
        ("liquid", "{{ number | round: 99 }}"),
        ("liquid", "{{ word | slice: 'x' }}"),
        ("liquid", "{{ mapping | sort: 'a' | sort: 1.5 | concat: 1 }}"),
        ("liquid", "{% for w in words limit: word %}{% endfor %}"),
    ],
)
def test_filters_refuse_what_they_cannot_use(engine, source):
    with pytest.raises(Invalid) as caught:
        say(source, engine)
    assert caught.value.code == "422.variables_invalid"
    assert caught.value.problems[0].detail.startswith("line 1: ")


def test_values_nested_deeper_than_64_are_refused():
    deep = "x"
    for _ in range(64):
        deep = [deep]
    assert say("{{ word }}", word=deep).count("[") == 64
    with pytest.raises(Invalid) as caught:
        say("{{ word }}", word=[deep])
    assert caught.value.problems[0].pointer == "/variables/word"


@pytest.mark.parametrize(
    "source", ["{% set word.x %}{% endset %}", "{% set word.x = 1 %}", "{% for word.x in words %}{% endfor %}"]
)
def test_only_names_can_be_assigned_to(source):
    assert refusal(source, "jinja2") in ("guard", "syntax")


@pytest.mark.parametrize("literal", [r"'\x00'", r"'\0'", r"'\N{NULL}'", r"'\u0000'", r"'\ud83d'"])
@pytest.mark.parametrize(
    "source",
    [
        "A{{ LITERAL }}B",
        "{{ word|replace('a', LITERAL) }}",
        "{{ '%s'|format(LITERAL) }}",
        "{{ words|join(LITERAL) }}",
        "{{ words|join(d=LITERAL) }}",
        "{% set q = LITERAL %}{{ q }}",
        "{{ {'key': LITERAL}|tojson }}",
        "{{ {LITERAL: 1} }}",
        "{{ mapping[LITERAL] }}",
        "{% if word == LITERAL %}same{% endif %}",
    ],
)
def test_a_literal_that_no_database_stores_is_refused_when_the_template_is_saved(source, literal):
    assert refusal(source.replace("LITERAL", literal), "jinja2") == "syntax"


@pytest.mark.parametrize(("bad", "fault"), [("a\0b", "a NUL character"), ("a\ud83db", "half of a surrogate pair")])
@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "{% for key in mapping %}{{ key }}{% endfor %}"),
        ("liquid", "{% for pair in mapping %}{{ pair[0] }}{% endfor %}"),
        ("liquid", "{{ mapping | first | join: '=' }}"),
    ],
)
def test_a_rendered_text_that_no_database_stores_is_refused_however_it_came_about(engine, source, bad, fault):
    with pytest.raises(Invalid, match=r"^422\.variables_invalid") as caught:
        say(source, engine, mapping={bad: 1})
    assert [(problem.pointer, problem.code, problem.detail) for problem in caught.value.problems] == [
        ("/variables", "evaluation", f"line 1: a text holds {fault}")
    ]


@pytest.mark.parametrize("bad", ["a\0b", "a\ud83db"])
def test_a_string_of_a_document_that_no_database_stores_is_refused(bad):
    body = PromptBody.parse(content_md=None, content_json={"say": "{% for key in mapping %}{{ key }}{% endfor %}"})
    with pytest.raises(Invalid, match=r"^422\.variables_invalid"):
        render(body=body, variables=VARIABLES, values={"mapping": {bad: 1}})


@pytest.mark.parametrize("engine", COMPILERS)
@pytest.mark.parametrize("bad", ["a\0b", "a\ud83db"])
def test_a_value_that_no_database_stores_is_refused_under_its_name(engine, bad):
    with pytest.raises(Invalid) as caught:
        say("{{ word }}", engine, word=bad)
    assert caught.value.problems[0].pointer == "/variables/word"


def test_a_name_without_a_value_is_an_argument_of_format():
    assert say("{{ '%s-%03d'|format(absent, 7) }}") == "-007"
