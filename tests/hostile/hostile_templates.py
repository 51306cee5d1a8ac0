"""Templates that must never get far. Families with parameters here; single ones, by hand, in ``templates/``.

Everything is declared that a template names, so that a refusal is for what it does and not for a missing name.
"""
# ruff: noqa: E501 - a template stands on one line, however long

# fmt: off
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

HAND_WRITTEN = Path(__file__).parent / "templates"
NAMES = (
    "text", "long", "numbers", "rows", "words", "many", "deep", "hay", "needle", "n", "big", "x", "y", "z", "a",
    "mapping", "missing",
)  # fmt: skip
SCHEMA: dict[str, Any] = {
    "properties": {name: {} for name in NAMES}
    | {"api_key": {"type": "string", "x-secret": True}, "guest": {"type": "string", "x-runtime": True}}
}


def values() -> dict[str, Any]:
    """What the templates are given: much, long, deep and awkward."""
    deep: Any = "bottom"
    for _ in range(60):
        deep = [deep, deep] if isinstance(deep, str) else [deep]
    return {
        "text": "lorem ipsum " * 80,
        "long": "word " * 40_000,
        "numbers": list(range(2_000)),
        "rows": [{"name": f"row {number}", "value": number, "tags": ["a", "b"]} for number in range(1_000)],
        "words": [f"word{number}" for number in range(2_000)],
        "many": [[] for _ in range(150_000)],
        "deep": deep,
        "hay": "a" * 2_400,
        "needle": "a" * 1_200 + "b",
        "n": 1_000_000_000,
        "big": 2**127,
        "x": "abc",
        "y": 7,
        "z": [1, 2, 3],
        "a": "a",
        "mapping": {"key": "value", "items": 1},
    }


@dataclass(frozen=True)
class Hostile:
    """One template that must be refused when it is saved or stopped while it renders."""

    name: str
    engine: str
    source: str


def hostile_templates() -> list[Hostile]:
    """All of them, in a fixed order."""
    found = [Hostile(f"jinja2 {name} {index}", "jinja2", source) for index, (name, source) in enumerate(_jinja())]
    found += [Hostile(f"liquid {name} {index}", "liquid", source) for index, (name, source) in enumerate(_liquid())]
    for path in sorted(HAND_WRITTEN.glob("hostile.*.txt")):
        engine = path.name.split(".")[1]
        for index, source in enumerate(path.read_text(encoding="utf-8").split("\n----\n")):
            found.append(Hostile(f"{engine} by hand {index}", engine, source.rstrip("\n")))
    return found


def _nested(opening: str, body: str, closing: str, depth: int) -> str:
    return opening * depth + body + closing * depth


def _jinja() -> Iterator[tuple[str, str]]:
    yield from _jinja_loops()
    yield from _jinja_growth()
    yield from _jinja_widths()
    yield from _jinja_numbers()
    yield from _jinja_nesting()
    yield from _jinja_reach()
    yield from _jinja_calls_and_tags()
    yield from _jinja_sources()
    yield from _secrets_in_jinja()


def _jinja_loops() -> Iterator[tuple[str, str]]:
    bodies = ("", "{{ i }}", "{% if false %}x{% endif %}", "{% set q = i %}", "{{ text|upper }}", "{{ i in numbers }}")
    for depth, body in product((2, 3, 5, 12), bodies):
        yield "nested loops", _nested("{% for i in numbers %}", body, "{% endfor %}", depth)
    for body in ("{{ text }}", "x" * 1_000, "{{ long }}", "{{ rows }}", "{{ rows|tojson(indent=16) }}", "{{ api_key }}" * 9):
        yield "much output", _nested("{% for i in numbers %}", body, "{% endfor %}", 1)
    for test in (
        "numbers == numbers", "rows == rows", "needle in hay", "hay|replace(needle, '') == x", "numbers|sort == 1",
        "words|unique|list == 1", "long in long", "rows|map(attribute='tags')|list == 1", "i in words",
        "rows|selectattr('tags', 'eq', z)|list", "long|wordcount > i", "long|title == x", "numbers|sum > i",
        "words|join > x", "rows|string > x", "mapping|tojson > x and rows|tojson", "long|wordwrap(1) == x",
    ):  # fmt: skip
        yield "dear tests", f"{{% for i in numbers %}}{{% if {test} %}}{{% endif %}}{{% endfor %}}"
        yield "dear filters of loops", f"{{% for i in numbers if {test} %}}{{% endfor %}}"
    yield "letters", "{% for i in long %}{% for j in long %}{% endfor %}{% endfor %}"
    yield "many values", "{{ many|length }}"
    yield "deep values", _nested("{% for i in numbers %}", "{{ deep }}", "{% endfor %}", 2)


def _jinja_growth() -> Iterator[tuple[str, str]]:
    doublings = (
        "{% set a = a ~ a %}", "{% set a = a + a %}", "{% set a = [a, a]|join %}", "{% set a = a|replace('a', 'aa') %}",
        "{% set a %}{{ a }}{{ a }}{% endset %}", "{% set a = '%s%s'|format(a, a) %}", "{% set a = a|replace('', 'a') %}",
        "{% set a = (a, a)|map('upper')|join %}", "{% set a = a ~ (a|upper) %}", "{% set a = {'k': a ~ a}.k %}",
        "{% set a | upper %}{{ a }}{{ a }}{% endset %}", "{% set a = a|truncate(999999999, end=a) ~ a %}",
    )  # fmt: skip
    for step, times in product(doublings, (24, 40, 300)):
        yield "doubling", step * times + "{{ a }}"
    for step in ("{% set z = z + z %}", "{% set z = z + z + z %}", "{% set z = z|list + z|list %}"):
        yield "growing lists", step * 30 + "{{ z|length }}"
    for step, use in product(
        ("{% set z = [z, z] %}", "{% set z = (z, z) %}", "{% set z = {'a': z, 'b': z} %}"),
        ("{{ z }}", "{{ z|tojson }}", "{{ z|string|length }}", "{{ z == z }}", "{{ [z, z]|unique|list }}", "{{ [z]|join }}"),
    ):
        yield "the same list again and again", step * 40 + use
        yield "nested values", step.replace("z, z", "z,").replace(", 'b': z", "") * 200 + use


def _jinja_widths() -> Iterator[tuple[str, str]]:
    for power, call in product(
        (7, 9, 18, 30),
        (
            "x|center({0})", "x|indent({0}, true)", "long|replace('o', x|center({0}))", "'%{0}d'|format(y)",
            "'%.{0}f'|format(y)", "'%-{0}s'|format(x)", "rows|tojson(indent={0})", "x ~ ('a'|center({0}))",
            "z|join('a'|center({0}))", "x|wordwrap(1, true, 'a'|center({0}))", "x|truncate(2, true, 'a'|center({0}))",
            "y|round({0})", "(y + 0.5)|round({0}, 'ceil')",
        ),
    ):  # fmt: skip
        yield "widths", "{{ " + call.format(10**power) + " }}"
    yield "widths", "{{ words|join(long) }}"
    yield "widths", "{{ long|replace('', long) }}"
    yield "widths", "{{ long|replace(' ', '\\n')|indent(long) }}"
    yield "widths", "{{ '%*d'|format(n, y) }}"
    yield "widths", "{{ '%(x)1000000000d'|format(y) }}"


def _jinja_numbers() -> Iterator[tuple[str, str]]:
    for left, right in product(("'a'", "[1]", "(1,)", "x ~ x", "{}"), ("n", "10 ** 9", "1000000000")):
        yield "multiplied text", f"{{{{ {left} * {right} }}}}"
        yield "multiplied text", f"{{{{ {right} * {left} }}}}"
    for source in ("text * n", "z * n", "words * y * n", "9 ** 9 ** 9", "y ** n", "2 ** 1000000", "n ** 0.5", "x % n"):
        yield "powers", f"{{{{ {source} }}}}"
    yield "formatting by an operator", "{{ '%1000000000d' % y }}"
    yield "formatting by an operator", "{{ text % numbers }}"
    for times in (3, 20, 200):
        yield "squared integers", "{% set big = big * big %}" * times + "{{ big }}"
    for digits in (50, 400, 5_000, 200_000):
        yield "long numbers", "{{ " + "9" * digits + " }}"
        yield "long numbers", "{{ 0x" + "f" * digits + " }}"
        yield "long numbers", "{{ 1" + "_1" * digits + " }}"
    yield "long numbers", "{{ 1e999 }}"
    yield "long numbers", "{{ '" + "9" * 59 + "'|int }}"
    yield "long numbers", "{{ 1.7e308|int }}"
    yield "numbers as divisors", "{{ y / 0 }}"
    yield "numbers as divisors", "{{ 1.7e308 * 1.7e308 // 1 }}"


def _jinja_nesting() -> Iterator[tuple[str, str]]:
    for depth in (101, 300, 1_900):
        yield "nested blocks", _nested("{% if x %}", "x", "{% endif %}", depth)
        yield "nested blocks", _nested("{% for i in z %}", "x", "{% endfor %}", depth)
        yield "nested blocks", _nested("{% with q = x %}", "x", "{% endwith %}", depth)
        yield "nested blocks", _nested("{% filter upper %}", "x", "{% endfilter %}", depth)
        yield "nested blocks", _nested("{% set q %}", "x", "{% endset %}", depth)
    for depth in (17, 100, 1_000, 3_000, 100_000):
        yield "nested brackets", "{{ " + _nested("(", "x", ")", depth) + " }}"
        yield "nested brackets", "{{ " + _nested("[", "x", "]", depth) + " }}"
        yield "nested brackets", "{{ " + _nested("{1:", "x", "}", depth) + " }}"
        yield "nested brackets", "{{ x" + _nested("[x", "", "]", depth) + " }}"
        yield "unclosed brackets", "{{ " + "(" * depth + " }}"
    for times in (101, 1_000, 7_000, 60_000):
        for link in (" + x", " - y", "|upper", ".a", "[0]", " and x", " or x", " if x else x", "(x)", " is defined and x"):
            yield "long chains", "{{ x" + link * times + " }}"
        for prefix in ("not ", "-", "+", "- + ", "not not "):
            yield "long chains", "{{ " + prefix * times + "x }}"


def _jinja_reach() -> Iterator[tuple[str, str]]:
    bases = ("''", "x", "z", "mapping", "()", "{}", "1", "true", "loop", "missing|default('')")
    paths = (
        ".__class__", ".__class__.__mro__", "['__class__']", "|attr('__class__')", "['__cl' ~ 'ass__']", ".__init__",
        ".__class__.__base__.__subclasses__()", "|map(attribute='__class__')|list", ".__globals__['os']",
        "|selectattr('__class__')|list", "['_' ~ '_class_' ~ '_']", ".format.__func__", ".__reduce__()",
    )  # fmt: skip
    for base, path in product(bases, paths):
        yield "attributes", "{% for i in z %}{{ " + f"({base}){path}" + " }}{% endfor %}"


def _jinja_calls_and_tags() -> Iterator[tuple[str, str]]:
    for call in (
        "range(10)", "range(10 ** 9)", "range(n)|list", "lipsum(n=100000)", "lipsum()", "cycler(1, 2)", "joiner(',')",
        "namespace(a=1)", "dict(a=1)", "self.x()", "caller()", "super()", "loop(z)", "x.upper()", "x.format(1)",
        "'{0.__class__}'.format(x)", "'{:>1000000000}'.format(1)", "x.join(z)", "z.append(1)", "z.pop()", "mapping.update(a=1)",
        "mapping.items(1)", "mapping.get('a')", "x.ljust(1000000000)", "x.encode()", "x.replace('a', text)", "x.zfill(n)",
        "x.__len__()", "(x)()", "1()", "gettext(x)", "_(x)", "url_for('x')", "config.items()", "request.args", "get_flashed_messages()",
        "x|attr('format')(1)", "x|map('attr', 'x')|list", "z|map('range')|list", "z|map('lipsum')|list", "z|map(x)|list",
        "z|select('nothing')|list", "z|select(x)|list", "rows|selectattr('name', 'filter', 'x')|list", "x|random", "z|random",
        "x|pprint", "mapping|xmlattr", "x|urlize", "n|filesizeformat", "x|forceescape", "x|striptags", "z|batch(2)", "z|slice(n)",
        "x|urlencode", "rows|groupby('name')", "x is callable", "x is sameas x", "x is filter", "x is test", "x is escaped",
        "x|upper(1)", "x|upper(a=1)", "x|replace", "x|join(1, 2, 3)", "z|sort(*z)", "z|sort(**mapping)", "x|nothing",
        "x|regex_replace('(a+)+$', '')", "x|re_match('(a+)+$')", "x is match('(a+)+$')", "x|eval", "x|exec", "x|tojson|safe|attr('x')",
    ):  # fmt: skip
        yield "calls", "{{ " + call + " }}"
    for tag in (
        "{% include 'x' %}", "{% include x %}", "{% include ['a', 'b'] ignore missing %}", "{% import 'x' as y %}",
        "{% from 'x' import y %}", "{% extends 'x' %}", "{% block a %}x{% endblock %}", "{% block a scoped %}{% endblock %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}",
        "{% call x() %}{% endcall %}", "{% call(a) z.b() %}x{% endcall %}", "{% autoescape true %}{{ x }}{% endautoescape %}",
        "{% do z.append(1) %}", "{% trans %}x{% endtrans %}", "{% debug %}", "{% break %}", "{% continue %}", "{% print x() %}",
        "{% for i in z recursive %}{{ loop(z) }}{% endfor %}", "{% for i in deep recursive %}{{ loop(i) }}{% endfor %}",
        "{% set ns.a = 1 %}", "{% set x.y = 1 %}", "{% for x.y in z %}{% endfor %}", "{% for i in z %}{{ loop }}{% endfor %}",
        "{% for i in z %}{{ loop.cycle(1, 2) }}{% endfor %}", "{% for i in z %}{{ loop.changed(i) }}{% endfor %}",
        "{% for i in z %}{{ loop.__class__ }}{% endfor %}", "{% for i in z %}{{ loop['index'] }}{% endfor %}",
        "{% for i in z %}{% set outer = loop %}{% endfor %}", "{% set a, b = z %}{{ a }}", "{% for a, b in numbers %}{% endfor %}",
        "{% raw %}{{ x }}", "{% filter nothing %}x{% endfilter %}", "{% filter attr('x') %}x{% endfilter %}", "{% nothing %}",
        "{% if x %}", "{% endif %}", "{% for %}", "{{ }}", "{{ x", "{% ", "{#", "{{ x }} }} {{", "{{ 'x }}", "{{ x y }}",
        "{{ x | }}", "{{ [x }}", "{{ (x] }}", '{{ "\\ud800" }}', "{{ '\\N{nothing}' }}", "{% set __class__ = x %}{{ x.__class__ }}",
    ):  # fmt: skip
        yield "tags", tag


def _jinja_sources() -> Iterator[tuple[str, str]]:
    room = 256 * 1024
    yield "size", "x" * (room + 1)
    yield "size", "é" * (room // 2 + 1)
    yield "size", "{# " + "x" * room + " #}"
    for tag in ("{{ x }}", "{# x #}", "{% set q = x %}", "{% raw %}{% endraw %}", "{{x}}a", "{% if x %}{% endif %}"):
        yield "tags", tag * 2_001
        yield "tags", tag * (room // len(tag))
    for word in ("x,", "'x',", "1,", "x.a,", "x|upper,", "{},", "x if x,"):
        yield "words", "{{ [" + word * 8_001 + "] }}"
        yield "words", "{% set q = [" + word * (200_000 // len(word)) + "] %}"
    for unclosed in ("{{" + " " * 200_000, "{%" + " " * 200_000, "{{ x" + " " * 200_000 + "|", "{% raw %}" * 20_000,
                     "{% raw %}" + "{% endraw " * 20_000, "{{" * 100_000, "{%" * 100_000, "{#" * 100_000, "{{-" * 60_000,
                     "{{ '" + "\\'" * 100_000, '{{ "' + "a" * 200_000, "{% raw -%}" + " " * 200_000, "{{ 1" + "_1" * 90_000 + "_",
                     "{% if x " + "-" * 100_000 + "%}", "{{ x ", "{% comment %}" * 10_000):  # fmt: skip
        yield "unclosed", unclosed


def _secrets_in_jinja() -> Iterator[tuple[str, str]]:
    for use in (
        "{{ api_key|upper }}", "{{ api_key|length }}", "{{ api_key[0] }}", "{{ api_key.x }}", "{{ api_key ~ 'x' }}",
        "{{ api_key == 'x' }}", "{{ 'x' in api_key }}", "{{ api_key is defined }}", "{{ [api_key] }}", "{{ {'a': api_key} }}",
        "{{ x if api_key else y }}", "{{ api_key if x else y }}", "{{ api_key or x }}", "{{ not api_key }}", "{{ -api_key }}",
        "{% if api_key %}x{% endif %}", "{% if api_key == 'a' %}x{% endif %}", "{% for i in api_key %}{{ i }}{% endfor %}",
        "{% set q = api_key %}{{ q }}", "{% set q %}{{ api_key }}{% endset %}{{ q }}", "{% filter upper %}{{ api_key }}{% endfilter %}",
        "{% set api_key = x %}{{ api_key }}", "{% for api_key in z %}{{ api_key }}{% endfor %}", "{% with api_key = x %}{% endwith %}",
        "{{ x|replace('a', api_key) }}", "{{ x|default(api_key) }}", "{{ mapping[api_key] }}", "{{ '%s'|format(api_key) }}",
        "{{ guest|upper }}", "{% if guest %}{% endif %}", "{{ guest ~ x }}", "{% set q = guest %}", "{% set guest = x %}",
        "{{- guest -}}", "{{ guest.name }}", "{% for i in guest %}{% endfor %}", "{{ (guest) }}|{{ guest|e }}",
        "{% set q %}{{ guest }}{% endset %}{{ q|length }}", "{% filter upper %}{{guest}}{% endfilter %}",
    ):  # fmt: skip
        yield "secrets", use


def _liquid() -> Iterator[tuple[str, str]]:
    yield from _liquid_loops()
    yield from _liquid_growth()
    yield from _liquid_shapes()
    yield from _liquid_words()


def _liquid_loops() -> Iterator[tuple[str, str]]:
    bodies = ("", "{{ i }}", "{% if false %}x{% endif %}", "{% assign q = i %}", "{{ text | upcase }}")
    for depth, body in product((2, 3, 5, 12), bodies):
        yield "nested loops", _nested("{% for i in numbers %}", body, "{% endfor %}", depth)
    for body in ("{{ text }}", "x" * 1_000, "{{ long }}", "{{ rows | json }}", "{{ words }}", "{{ api_key }}" * 9):
        yield "much output", _nested("{% for i in numbers %}", body, "{% endfor %}", 1)
    for test in (
        "numbers contains i", "rows == rows", "hay contains needle", "words contains 'x'", "long contains long",
        "numbers == numbers", "mapping == rows", "long == text",
    ):  # fmt: skip
        yield "dear tests", f"{{% for i in numbers %}}{{% for j in z %}}{{% if {test} %}}{{% endif %}}{{% endfor %}}{{% endfor %}}" * 5
    for chain in (
        "numbers | sort | reverse", "words | uniq | join: long", "rows | map: 'tags' | join", "rows | where: 'tags', z",
        "rows | sort: 'name'", "long | split: ''", "long | split: ' ' | join: ', '", "hay | replace: needle, x", "words | sort_natural",
        "long | truncatewords: 9", "long | squish", "rows | json", "words | concat: words", "numbers | sum", "long | escape", "long | url_encode",
        "long | newline_to_br", "hay | remove: needle", "hay | split: needle", "rows | compact: 'value'", "rows | uniq: 'tags'",
    ):  # fmt: skip
        yield "dear filters", "{% for i in numbers %}{% assign q = " + chain + " %}{% endfor %}"
    for bounds in ("limit: n", "offset: n limit: n", "reversed", "limit: 99999999999999999999", "offset: 0"):
        yield "bounds", "{% for i in numbers %}{% for j in numbers " + bounds + " %}x{{ i }}{% endfor %}{% for k in numbers %}{% endfor %}{% endfor %}"
    for first, last in product(("1", "x", "0"), ("10", "900000000", "n", "99999999999999999999999")):
        yield "ranges", f"{{% for i in ({first}..{last}) %}}x{{% endfor %}}"
        yield "ranges", f"{{{{ ({first}..{last}) | join }}}}"
        yield "ranges", f"{{% assign q = ({first}..{last}) %}}{{{{ q | size }}}}"
        yield "ranges", f"{{% tablerow i in ({first}..{last}) %}}x{{% endtablerow %}}"
    yield "many values", "{{ many | size }}"


def _liquid_growth() -> Iterator[tuple[str, str]]:
    doublings = (
        "{% assign a = a | append: a %}", "{% assign a = a | prepend: a %}", "{% capture a %}{{ a }}{{ a }}{% endcapture %}",
        "{% assign a = a | replace: 'a', 'aa' %}", "{% assign a = a | replace: '', 'a' %}", "{% assign a = a | append: a | append: a %}",
        "{% capture a %}{% for i in z %}{{ a }}{% endfor %}{% endcapture %}", "{% assign a = a | truncate: 999999999, a | append: a %}",
    )  # fmt: skip
    for step, times in product(doublings, (24, 40, 300)):
        yield "doubling", step * times + "{{ a }}"
    for loop in ("{% for i in numbers %}", "{% for i in numbers reversed %}"):
        for step in doublings[:5]:
            yield "doubling in loops", loop + step + "{% endfor %}"
    for times in (17, 40):
        yield "growing lists", "{% assign z = z | concat: z %}" * times + "{{ z | size }}"
        yield "growing lists", "{% assign z = z | concat: z %}" * times + "{{ z | json }}"
    for times in (3, 20, 200):
        yield "squared integers", "{% assign big = big | times: big %}" * times + "{{ big }}"
    for width in (10**9, 10**18):
        yield "widths", "{{ words | join: long }}{{ x | slice: 0, " + str(width) + " }}" + "{{ long }}" * 9
    yield "widths", "{{ long | replace: '', long }}"


def _liquid_shapes() -> Iterator[tuple[str, str]]:
    room = 256 * 1024
    for depth in (101, 300, 1_900):
        yield "nested blocks", _nested("{% if x %}", "x", "{% endif %}", depth)
        yield "nested blocks", _nested("{% for i in z %}", "x", "{% endfor %}", depth)
        yield "nested blocks", _nested("{% capture q %}", "x", "{% endcapture %}", depth)
        yield "nested blocks", _nested("{% case x %}{% when 1 %}", "x", "{% endcase %}", depth)
        yield "nested blocks", _nested("{% unless x %}", "x", "{% endunless %}", depth)
        yield "unclosed blocks", "{% if x %}" * depth
        yield "unclosed blocks", "{% comment %}" * depth
    for times in (101, 1_000, 7_000, 40_000):
        for link in (" | upcase", ".", "[0", "[x", " and", " or x ==", " | append:", " | append: x,", " x"):
            yield "long chains", "{{ x" + link * times + " }}"
            yield "long chains", "{% if x" + link * times + " %}{% endif %}"
        yield "nested brackets", "{{ x" + _nested("[x", "", "]", times) + " }}"
        yield "nested brackets", "{{ " + "(" * times + "x }}"
    for tag in ("{{ x }}", "{% assign q = x %}", "{% # x %}", "{% raw %}{% endraw %}", "{% comment %}{% endcomment %}"):
        yield "tags", tag * 2_001
        yield "tags", tag * (room // len(tag))
    yield "size", "x" * (room + 1)
    for inside in (" " * 200_000, "x " * 100_000, "'" * 100_001, '["a" ' * 40_000, "(1..2) " * 30_000, "- " * 90_000,
                   "\"'" * 90_000, "x|" * 90_000, "9" * 200_000, "1." * 90_000, "a-" * 90_000 + "|", "{" * 200_000):  # fmt: skip
        yield "long tags", "{{" + inside
        yield "long tags", "{{" + inside + "!}}"
        yield "long tags", "{% if " + inside + "! %}"
        yield "long tags", "{% for i in " + inside + "! %}{% endfor %}"
    for unclosed in ("{% raw %}" * 20_000, "{% raw %}" + "{% endraw " * 20_000, "{{" * 100_000, "{%" * 100_000, "{{-" * 60_000,
                     "{% comment %}" + "{{" * 90_000, "{% comment %}" + "{% " * 60_000, "{% raw %}" + "{%" + " " * 200_000,
                     "{% raw -%}" + "{% endraw" + " " * 200_000, "{{ x", "{% if x", "{% ", "{%%}", "{{}}", "{% if %}{% endif %}",
                     "{{ 'x }}", "{% else %}", "{% endif %}", "{% when 1 %}", "{% if x %}{% endfor %}", "{% for x %}{% endfor %}",
                     "{% case %}{% endcase %}", "{% assign x %}", "{% assign = x %}", "{% capture %}{% endcapture %}"):  # fmt: skip
        yield "unclosed", unclosed


def _liquid_words() -> Iterator[tuple[str, str]]:
    for base, path in product(
        ("x", "z", "mapping", "text"),
        (".__class__", "['__class__']", ".__class__.__mro__", ".__init__.__globals__", "[x].__class__", "._private", "['_x']"),
    ):
        yield "attributes", f"{{{{ {base}{path} }}}}"
    for tag in (
        "{% include 'x' %}", "{% render 'x' %}", "{% render x %}", "{% include x for z %}", "{% layout 'x' %}", "{% extends 'x' %}",
        "{% block a %}{% endblock %}", "{% macro m %}{% endmacro %}", "{% call m %}", "{% tablerow i in numbers cols: 2 %}{% endtablerow %}",
        "{% cycle 'a', 'b' %}", "{% increment n %}", "{% decrement n %}", "{% ifchanged %}x{% endifchanged %}", "{% liquid\nassign a = 1\n%}",
        "{% with a: x %}{% endwith %}", "{% doc %}x{% enddoc %}", "{% javascript %}x{% endjavascript %}", "{% section 'x' %}", "{% translate %}{% endtranslate %}",
        "{% break %}", "{% continue %}", "{% nothing %}", "{% for i in numbers offset: continue %}{% endfor %}", "{% for i in numbers limit: x %}{% endfor %}",
        "{% for i in numbers cols: 2 %}{% endfor %}", "{% for i in z %}{{ forloop }}{% endfor %}", "{% for i in z %}{{ forloop.parentloop.index }}{% endfor %}",
        "{% for i in z %}{{ forloop.name }}{% endfor %}", "{% for i in z %}{% assign q = forloop %}{% endfor %}", "{% assign q.a = x %}", "{% if (x) %}{% endif %}",
        "{% if x = y %}{% endif %}", "{% if not x %}{% endif %}", "{% if x <=> y %}{% endif %}", "{{ x if y else z }}", "{{ x + y }}", "{{ x ? y : z }}",
        "{{ [1, 2] }}", "{{ {'a': 1} }}", "{{ x | }}", "{{ | upcase }}", "{{ x | nothing }}", "{{ x | upcase: 1 }}", "{{ x | upcase: a: 1 }}", "{{ x | append }}",
        "{{ 'now' | date: '%s' }}", "{{ x | date: long }}", "{{ x | base64_decode }}", "{{ x | strip_html }}", "{{ x | escapejs }}", "{{ x | safe }}", "{{ x | t }}",
        "{{ x | eval }}", "{{ x | regex_replace: '(a+)+$', '' }}", "{{ x | sort: 'a' | map: x.y.z | where_exp: 'a', 'b' }}", "{{ y | divided_by: 0 }}", "{{ y | modulo: 0 }}",
        "{{ y | round: 999999999 }}", "{{ z | concat: x }}", "{{ x | slice: 1.5 }}", "{{ x | slice: z }}", "{{ 99999999999999999999999999999999999999999 }}",
        "{{ " + "9" * 5_000 + " }}", "{{ x < y }}", "{% if x < y %}{% endif %}", "{% if y contains x %}{% endif %}", "{% case x %}x{% endcase",
    ):  # fmt: skip
        yield "tags", tag
    for use in (
        "{{ api_key | upcase }}", "{{ api_key.size }}", "{{ api_key[0] }}", "{{ x | append: api_key }}", "{% if api_key %}x{% endif %}",
        "{% if api_key == 'a' %}x{% endif %}", "{% if api_key contains 'a' %}x{% endif %}", "{% unless api_key %}x{% endunless %}",
        "{% case api_key %}{% when 'a' %}{% endcase %}", "{% case x %}{% when api_key %}{% endcase %}", "{% for i in api_key %}{% endfor %}",
        "{% assign q = api_key %}{{ q }}", "{% capture q %}{{ api_key }}{% endcapture %}{{ q }}", "{% assign api_key = x %}", "{% for api_key in z %}{% endfor %}",
        "{% capture api_key %}x{% endcapture %}", "{{ mapping[api_key] }}", "{% for i in z limit: api_key %}{% endfor %}", "{{ x | default: api_key }}",
        "{{ guest | upcase }}", "{% if guest %}{% endif %}", "{{- guest -}}", "{% assign guest = x %}", "{% assign q = guest %}", "{{ guest.name }}",
        "{% capture q %}{{ guest }}{% endcapture %}{{ q | size }}", "{% capture q %}{% for i in z %}{{guest}}{% endfor %}{% endcapture %}",
    ):  # fmt: skip
        yield "secrets", use
