"""Checking and rendering bodies: names, secrets, runtime variables, documents, errors."""

from __future__ import annotations

import json

import pytest

from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import ProgramCache, Rendered, Secret, check, names_used, render
from prompthub_kernel.variables import VariablesSchema

VARIABLES = VariablesSchema.parse(
    {
        "properties": {
            "name": {"type": "string"},
            "tone": {"type": "string", "default": "warm"},
            "rows": {"type": "array"},
            "user": {"type": "object"},
            "api_key": {"type": "string", "x-secret": True},
            "guest": {"type": "string", "x-runtime": True},
        }
    }
)
ENGINES = ["jinja2", "liquid"]


def text_body(source, engine="jinja2"):
    return PromptBody.parse(content_md=source, content_json=None, engine=engine)


def document_body(document, engine="jinja2"):
    return PromptBody.parse(content_md=None, content_json=document, engine=engine)


def rendered(source, engine="jinja2", **values):
    return render(body=text_body(source, engine), variables=VARIABLES, values=values)


def problems(source, engine="jinja2"):
    with pytest.raises(Invalid) as caught:
        check(body=text_body(source, engine), variables=VARIABLES)
    assert caught.value.code == "400.template_schema_invalid"
    return [(problem.pointer, problem.code, problem.detail) for problem in caught.value.problems]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_undeclared_name_is_refused_with_its_line(engine):
    assert problems("Hi\n{{ nme }}", engine) == [
        ("/content_md", "undeclared", "line 2: `nme` is not declared in the variables schema")
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_undeclared_name_is_told(engine):
    assert [detail for _, _, detail in problems("{{ one }}\n\n{{ two }}", engine)] == [
        "line 1: `one` is not declared in the variables schema",
        "line 3: `two` is not declared in the variables schema",
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_rendering_refuses_an_undeclared_name_too(engine):
    with pytest.raises(Invalid) as caught:
        rendered("{{ nme }}", engine, nme="x")
    assert caught.value.problems[0].code == "undeclared"


@pytest.mark.parametrize(
    ("engine", "source", "line"),
    [
        ("jinja2", "a\nb {% if name %}", 2),
        ("jinja2", "{{ name", 1),
        ("jinja2", "a\n\n{# b", 3),
        ("liquid", "a\nb {% if name %}", 2),
        ("liquid", "a\n{{ name", 2),
        ("liquid", "\n\n{% comment %}", 3),
        ("liquid", "{% raw %}x", 1),
        ("liquid", "{{ name | }}", 1),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_with_its_line(engine, source, line):
    pointer, code, detail = problems(source, engine)[0]
    assert (pointer, code) == ("/content_md", "syntax")
    assert detail.startswith(f"line {line}: ")


def test_all_guarded_things_are_told_at_once_in_the_order_of_lines():
    found = problems("{{ name.__class__ }}\n{% include 'x' %}\n{{ range(9) }}\n{{ 2 ** 9 }}\n{{ name|attr('x') }}")
    assert [code for _, code, _ in found] == ["guard"] * 5
    assert [detail.split(":")[0] for _, _, detail in found] == ["line 1", "line 2", "line 3", "line 4", "line 5"]


@pytest.mark.parametrize("engine", ENGINES)
def test_at_most_twenty_problems_of_one_template_are_told(engine):
    assert len(problems("{{ name | nothing }}" * 100, engine)) == 20


def test_a_problem_in_a_document_points_at_its_template():
    body = document_body([{"role": "system", "content": "ok"}, {"role": "user", "content": "\n{{ nme }}"}])
    with pytest.raises(Invalid) as caught:
        check(body=body, variables=VARIABLES)
    assert [(problem.pointer, problem.detail) for problem in caught.value.problems] == [
        ("/content_json/1/content", "line 2: `nme` is not declared in the variables schema")
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_optional_variable_without_a_value_is_empty_and_false(engine):
    assert rendered("[{{ name }}]{% if name %}yes{% else %}no{% endif %}", engine).text() == "[]no"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_value_is_never_rendered(engine):
    assert rendered("{{ name }}", engine, name="{{ tone }}{% x %}").segments == ("{{ tone }}{% x %}",)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_secret_is_a_segment_and_its_value_is_never_looked_at(engine):
    found = rendered("Key {{ api_key }}, {{ name }}!", engine, api_key="s3cret", name="Bo")
    assert found.segments == ("Key ", Secret("api_key"), ", Bo!")
    assert found.text() == "Key ••••••, Bo!"
    assert found.text(mask="?") == "Key ?, Bo!"
    assert found.secret_names == {"api_key"}
    assert found.join({"api_key": "s3cret"}) == "Key s3cret, Bo!"
    assert found.to_json() == ["Key ", {"secret": "api_key"}, ", Bo!"]
    assert Rendered.from_json(found.to_json()).segments == found.segments


@pytest.mark.parametrize("engine", ENGINES)
def test_a_secret_that_nobody_has_renders_as_any_variable_without_a_value(engine):
    source = "Key [{{ %s }}]{%% for row in rows %%} {{ %s }};{%% endfor %%}{%% if tone %%}{{ %s }}{%% endif %%}"
    secret, ordinary = (text_body(source % (name, name, name), engine) for name in ("api_key", "name"))
    values = {"rows": [1, 2], "tone": "warm"}
    found = render(body=secret, variables=VARIABLES, values=values, absent=frozenset({"api_key"}))
    assert found.segments == render(body=ordinary, variables=VARIABLES, values=values).segments
    assert found.segments == ("Key [] ; ;",)
    assert (found.secret_names, found.used) == (set(), {"api_key", "rows", "tone"})
    assert found.join({}) == "Key [] ; ;"
    assert render(body=secret, variables=VARIABLES, values=values).secret_names == {"api_key"}


@pytest.mark.parametrize("engine", ENGINES)
def test_of_two_secrets_only_the_one_that_nobody_has_is_left_out(engine):
    two = VariablesSchema.parse({"properties": {name: {"type": "string", "x-secret": True} for name in "ab"}})
    found = render(body=text_body("{{ a }}-{{ b }}", engine), variables=two, values={}, absent=frozenset("a"))
    assert found.segments == ("-", Secret("b"))
    assert render(body=text_body("{{ a }}", engine), variables=two, values={}, absent=frozenset("a")).segments == ()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "wrap", [lambda text: {"auth": text, "n": 1}, lambda text: [{"role": "user", "content": text}]]
)
def test_a_document_is_whole_without_a_secret_that_nobody_has(engine, wrap):
    for source, expected in (("{{ api_key }}", ""), ("a {{ api_key }}b", "a b")):
        body = PromptBody.parse(content_md=None, content_json=wrap(source), engine=engine)
        found = render(body=body, variables=VARIABLES, values={}, absent=frozenset({"api_key"}))
        assert json.loads(found.join({})) == wrap(expected)
        assert len(found.segments) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_no_value_can_forge_a_secret(engine):
    forged = json.dumps({"secret": "api_key"})
    assert rendered("{{ name }}", engine, name=forged).segments == (forged,)


@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "{{ api_key|upper }}"),
        ("jinja2", "{% if api_key %}x{% endif %}"),
        ("jinja2", "{% set kept %}{{ api_key }}{% endset %}"),
        ("liquid", "{{ api_key | upcase }}"),
        ("liquid", "{% if api_key %}x{% endif %}"),
        ("liquid", "{% capture kept %}{{ api_key }}{% endcapture %}"),
    ],
)
def test_filters_conditions_and_keeping_of_secrets_are_refused(engine, source):
    assert [code for _, code, _ in problems(source, engine)] == ["secret"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_runtime_variable_stays_exactly_as_it_was_written(engine):
    source = "Hi {{ guest }},{{guest}} {%- if name %}{{   guest  }}{% endif %}"
    found = rendered(source, engine, name="x")
    assert found.segments == ("Hi {{ guest }},{{guest}}{{   guest  }}",)
    assert "guest" in found.used


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("use", ["{{ guest | size }}", "{% if guest %}{% endif %}", "{{- guest -}}", "{{- guest }}"])
def test_a_runtime_variable_can_only_be_written_plainly(engine, use):
    assert problems(use, engine)[0][1] in ("runtime", "guard")


@pytest.mark.parametrize(
    ("engine", "source", "line"),
    [
        ("jinja2", "a\n{% set kept %}b\n{{ guest }}{% endset %}{{ kept|length }}", 3),
        ("jinja2", "{% set kept | upper %}{{guest}}{% endset %}", 1),
        ("jinja2", "{% filter upper %}\n{% if name %}{{ guest }}{% endif %}{% endfilter %}", 2),
        ("jinja2", "{% set kept %}{% raw %}a\n{{ guest }}{% endraw %}{% endset %}", 2),
        ("liquid", "a\n{% capture kept %}b\n{{ guest }}{% endcapture %}{{ kept | size }}", 3),
        ("liquid", "{% capture kept %}{% if name %}{{guest}}{% endif %}{% endcapture %}", 1),
    ],
)
def test_text_that_is_kept_to_work_on_holds_no_runtime_variable(engine, source, line):
    told = f"line {line}: `guest` is filled in by the provider and cannot be kept in a variable"
    assert problems(source, engine) == [("/content_md", "runtime", told)]


@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "{% set a %}x{% endset %}{{ guest }}{% filter upper %}{% raw %}{{ x }}{% endraw %}{% endfilter %}"),
        ("liquid", "{% capture kept %}x{% endcapture %}{{ guest }}{% capture kept %}{{ name }}{% endcapture %}"),
    ],
)
def test_beside_what_is_kept_a_runtime_variable_stands(engine, source):
    assert rendered(source, engine, name="a").segments[0].startswith("{{ guest }}")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_with_marks_of_a_template_is_refused_with_its_place(engine):
    body = document_body({"plain": [{"a {{ name }}": "x"}], "{% if b %}": {}, "{ {": "{{ name }}"}, engine)
    with pytest.raises(Invalid) as caught:
        check(body=body, variables=VARIABLES)
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [
        ("/content_json/plain/0/a {{ name }}", "key"),
        ("/content_json/{% if b %}", "key"),
    ]
    check(body=document_body({"plain": "{{ name }}"}, engine), variables=VARIABLES)


def test_a_key_with_marks_that_was_sealed_is_rendered_as_it_stands():
    body = document_body({"{{ nope }}": "{{ name }}"})
    assert render(body=body, variables=VARIABLES, values={"name": "x"}).text() == '{"{{ nope }}":"x"}'


@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "{% set guest = 1 %}"),
        ("jinja2", "{% for api_key in rows %}{% endfor %}"),
        ("liquid", "{% assign guest = 1 %}"),
        ("liquid", "{% for api_key in rows %}{% endfor %}"),
    ],
)
def test_secrets_and_runtime_variables_cannot_be_assigned_to(engine, source):
    assert [code for _, code, _ in problems(source, engine)] == ["reserved"]


@pytest.mark.parametrize("engine", ENGINES)
def test_used_and_unused_names_are_told_apart(engine):
    found = rendered("{{ name }} {{ api_key }}", engine, name="x", tone="cool")
    assert found.used == {"name", "api_key"}
    assert found.unused == {"tone", "rows", "user", "guest"}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_names_a_body_uses_need_no_schema(engine):
    body = text_body("{% for row in rows %}{{ row.x }}{{ other[key] }}{% endfor %}", engine)
    assert names_used(body=body) == {"rows", "other", "key"}


def test_a_name_that_is_perhaps_assigned_counts_as_used():
    source = "{% if rows %}{% set tone = 'x' %}{% endif %}{{ tone }}"
    found = rendered(source, tone="warm", rows=[])
    assert (found.text(), found.used) == ("warm", {"rows", "tone"})
    assert rendered(source, tone="warm", rows=[1]).text() == "x"


def test_a_document_becomes_one_line_of_json_with_its_strings_rendered():
    body = document_body({"b": ["{{ name }}", 1, None, {}], "a": {"{{ name }}": "Key {{ api_key }}", "é": []}})
    found = render(body=body, variables=VARIABLES, values={"name": 'say "hi"\n'})
    assert found.segments == (
        '{"b":["say \\"hi\\"\\n",1,null,{}],"a":{"{{ name }}":"Key ',
        Secret("api_key", quoted=True),
        '","é":[]}}',
    )
    assert json.loads(found.join({"api_key": 'a"\\b'}))["a"]["{{ name }}"] == 'Key a"\\b'
    assert Rendered.from_json(found.to_json()).segments == found.segments


def test_of_chat_only_the_content_is_rendered():
    body = document_body(
        [
            {"role": "system", "content": "Hi {{ name }}", "name": "x"},
            {"type": "placeholder", "name": "history"},
        ]
    )
    assert json.loads(render(body=body, variables=VARIABLES, values={"name": "Bo"}).text()) == [
        {"role": "system", "content": "Hi Bo", "name": "x"},
        {"type": "placeholder", "name": "history"},
    ]


def test_the_caps_hold_for_all_templates_of_a_document_together():
    body = document_body({str(number): "{{ name }}" * 100 for number in range(21)})
    with pytest.raises(Invalid) as caught:
        check(body=body, variables=VARIABLES)
    assert caught.value.problems[0].code == "size"
    check(body=document_body({str(number): "{{ name }}" * 100 for number in range(20)}), variables=VARIABLES)


def test_the_budget_holds_for_all_templates_of_a_document_together():
    source = "{% for a in rows %}{% for b in rows %}{% endfor %}{% endfor %}"
    body = document_body({str(number): source for number in range(9)})
    with pytest.raises(Invalid) as caught:
        render(body=body, variables=VARIABLES, values={"rows": list(range(200))})
    problem = caught.value.problems[0]
    assert (problem.code, problem.pointer) == ("budget", "/content_json/2")


@pytest.mark.parametrize(
    ("engine", "source"),
    [
        ("jinja2", "a\n{{ name + 1 }}"),
        ("jinja2", "a\n{{ 1 / 0 }}"),
        ("jinja2", "a\n{{ user.address.city }}"),
        ("jinja2", "a\n{% for x in 5 %}{% endfor %}"),
        ("jinja2", "a\n{{ rows|round }}"),
        ("liquid", "a\n{{ 1 | divided_by: 0 }}"),
        ("liquid", "a\n{{ rows | concat: name }}"),
        ("liquid", "a\n{% if name < 1 %}{% endif %}"),
    ],
)
def test_what_makes_no_sense_with_the_values_is_told_with_its_line(engine, source):
    with pytest.raises(Invalid) as caught:
        rendered(source, engine, name="hush", rows=[], user={})
    assert caught.value.code == "422.variables_invalid"
    problem = caught.value.problems[0]
    assert (problem.pointer, problem.code) == ("/variables", "evaluation")
    assert problem.detail.startswith("line 2: ")
    assert "hush" not in problem.detail


@pytest.mark.parametrize("value", [object(), {1: 2}, b"x", float("nan"), "\ud800", {"a": {1, 2}}])
def test_a_value_that_is_not_json_is_refused_by_name(value):
    with pytest.raises(Invalid) as caught:
        rendered("{{ name }}", name=value)
    assert (caught.value.code, caught.value.problems[0].pointer) == ("422.variables_invalid", "/variables/name")


def test_values_that_no_template_mentions_are_not_even_copied():
    assert rendered("{{ name }}", name="x", tone=object()).text() == "x"


def test_the_values_given_are_not_changed():
    rows = [[3], [1]]
    rendered("{% set rows = rows + [[0]] %}{{ rows|sort(attribute=0) }}", rows=rows)
    assert rows == [[3], [1]]


def test_an_equal_template_is_compiled_once(monkeypatch):
    compiled = []
    monkeypatch.setattr(
        "prompthub_kernel.rendering._COMPILERS",
        {"jinja2": lambda source, **_: compiled.append(source) or _program(source)},
    )
    cache = ProgramCache(room=1_000_000)
    programs = [cache.program("jinja2", "Hi {{ name }}", frozenset(), frozenset()) for _ in range(3)]
    assert len(compiled) == 1
    assert programs[0] is programs[2]


def test_the_cache_drops_what_was_not_used_for_longest(monkeypatch):
    compiled = []
    monkeypatch.setattr(
        "prompthub_kernel.rendering._COMPILERS",
        {"jinja2": lambda source, **_: compiled.append(source) or _program(source)},
    )
    cache = ProgramCache(room=5_000)
    for source in ("a", "b", "a", "c", "d", "a", "b"):
        cache.program("jinja2", source, frozenset(), frozenset())
    assert compiled == ["a", "b", "c", "d", "b"]


def _program(source):
    from prompthub_kernel.jinja_program import compile_jinja

    return compile_jinja(source, secrets=frozenset(), runtime=frozenset())
