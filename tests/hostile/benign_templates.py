"""Templates as people write them, with the exact text that must come out: the guard must not be in their way."""
# ruff: noqa: E501 - a template stands on one line, however long

from __future__ import annotations

from typing import Any, NamedTuple


class Benign(NamedTuple):
    """One template and what it must say."""

    engine: str
    source: str
    text: str


NAMES = (
    "name",
    "tone",
    "topics",
    "people",
    "prices",
    "address",
    "note",
    "optional",
    "count",
    "flag",
    "hollow",
    "nothing",
)
SCHEMA: dict[str, Any] = {
    "properties": {name: {} for name in NAMES}
    | {"api_key": {"type": "string", "x-secret": True}, "guest": {"type": "string", "x-runtime": True}}
}
VALUES: dict[str, Any] = {
    "name": "Ada Lovelace",
    "tone": "Warm",
    "topics": ["hours", "returns", "jobs"],
    "people": [
        {"name": "Bo", "age": 31, "city": "Ulm"},
        {"name": "Al", "age": 25, "city": "Bern"},
        {"name": "Cy", "age": 31, "city": None},
    ],
    "prices": {"small": 5, "large": 12.5},
    "address": {"city": "Köln", "lines": ["Domplatz 1", "50667"]},
    "note": "  Ring twice.\nThen wait.  ",
    "count": 3,
    "flag": True,
    "hollow": "",
    "nothing": None,
}

_JINJA = [
    ("Plain text with a % and a { brace } stays.", "Plain text with a % and a { brace } stays."),
    ("Two\nlines\n", "Two\nlines\n"),
    ("Hello {{ name }}!", "Hello Ada Lovelace!"),
    ("{{ name }}{{ name }}", "Ada LovelaceAda Lovelace"),
    ("{# a note to myself #}Hi", "Hi"),
    ("{% raw %}{{ kept }}{% endraw %}", "{{ kept }}"),
    ("{{ 'a' ~ 1 ~ 2.5 ~ true ~ none }}", "a12.5TrueNone"),
    ("{{ optional }}|{{ optional|default('none given') }}", "|none given"),
    ("{% if optional %}yes{% else %}no{% endif %}", "no"),
    ("{% if optional is defined %}yes{% else %}no{% endif %}", "no"),
    ("{{ hollow|default('kept') }}|{{ hollow|default('used', true) }}", "|used"),
    ("{{ nothing }}", "None"),
    ("{{ tone|lower }} {{ tone|upper }} {{ tone|length }}", "warm WARM 4"),
    ("{{ 'two words'|title }} {{ 'two words'|capitalize }}", "Two Words Two words"),
    ("[{{ note|trim }}]", "[Ring twice.\nThen wait.]"),
    ("{{ name|replace('a', 'o') }} {{ name|replace('a', 'o', 1) }}", "Ado Loveloce Ado Lovelace"),
    ("{{ name|first }}{{ name|last }}", "Ae"),
    ("{{ topics|join(', ') }}", "hours, returns, jobs"),
    ("{{ people|join(' & ', attribute='name') }}", "Bo & Al & Cy"),
    ("{{ people|map(attribute='age')|list }}", "[31, 25, 31]"),
    ("{{ people|map(attribute='age')|unique|join('/') }}", "31/25"),
    ("{{ people|sort(attribute='name')|map(attribute='name')|join }}", "AlBoCy"),
    ("{{ people|selectattr('age', 'gt', 30)|map(attribute='name')|join }}", "BoCy"),
    ("{{ people|rejectattr('city')|map(attribute='name')|join }}", "Cy"),
    ("{{ topics|map('upper')|join(' ') }}", "HOURS RETURNS JOBS"),
    ("{{ topics|select('ne', 'jobs')|list|tojson }}", '["hours", "returns"]'),
    ("{{ topics|sort|first }} {{ topics|reverse|first }}", "hours jobs"),
    ("{{ topics[0] }} {{ topics[-1] }} {{ topics[0:2]|join('+') }} {{ name[:3] }}", "hours jobs hours+returns Ada"),
    ("{% for t in topics %}{{ loop.index }}. {{ t }}\n{% endfor %}", "1. hours\n2. returns\n3. jobs\n"),
    ("{% for t in topics %}{{ t }}{{ ', ' if not loop.last }}{% endfor %}", "hours, returns, jobs"),
    ("{% for t in topics -%}\n  {{ t }}\n{%- endfor %}", "hoursreturnsjobs"),
    ("{% for t in [] %}x{% else %}nothing to say{% endfor %}", "nothing to say"),
    ("{% for p in people if p.age > 30 %}{{ p.name }}{{ loop.length }}{% endfor %}", "Bo2Cy2"),
    ("{% for k, v in prices.items() %}{{ k }}={{ v }};{% endfor %}", "small=5;large=12.5;"),
    ("{% for k in prices %}{{ k }}{% endfor %}{{ prices.keys()|list|length }}", "smalllarge2"),
    ("{% for k, v in prices|dictsort(by='value', reverse=true) %}{{ k }}{% endfor %}", "largesmall"),
    (
        "{% for p in people %}{{ p.name }}{% if p.city %} ({{ p.city }}){% endif %} {% endfor %}",
        "Bo (Ulm) Al (Bern) Cy ",
    ),
    (
        "{% for a in topics %}{% for b in [1, 2] %}{{ loop.depth }}{% endfor %}{{ loop.revindex }}{% endfor %}",
        "223222221",
    ),
    ("{{ address.city }} {{ address['city'] }} {{ address.lines[1] }} [{{ address.zip }}]", "Köln Köln 50667 []"),
    ("{% set greeting = 'Hi ' ~ name %}{{ greeting }}. {{ greeting|length }}", "Hi Ada Lovelace. 15"),
    ("{% set tone = tone|lower %}{{ tone }}", "warm"),
    ("{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"),
    ("{% set x = 1 %}{% for t in topics %}{% set x = 2 %}{% endfor %}{{ x }}", "1"),
    ("{% set block %}a{{ count }}{% endset %}{{ block }}{{ block|upper }}", "a3A3"),
    ("{% filter upper %}loud {{ tone }}{% endfilter %}", "LOUD WARM"),
    ("{% with total = count + 1 %}{{ total }}{% endwith %}", "4"),
    ("{% if count > 2 and flag %}a{% elif count %}b{% else %}c{% endif %}", "a"),
    ("{% if 'jobs' in topics and 'x' not in topics %}in{% endif %}", "in"),
    ("{% if 1 < count <= 3 %}between{% endif %}", "between"),
    ("{{ count + 1 }} {{ count * 2 }} {{ count / 2 }} {{ count // 2 }} {{ count % 2 }} {{ -count }}", "4 6 1.5 1 1 -3"),
    ("{{ 2.345|round(2) }} {{ '42'|int + 1 }} {{ '1.5'|float }} {{ 'x'|int }} {{ -5|abs }}", "2.35 43 1.5 0 5"),
    ("{{ prices.values()|sum }} {{ prices.values()|max }} {{ people|sum(attribute='age') }}", "17.5 12.5 87"),
    (
        "{{ '%s costs %.2f'|format(name, 3) }} {{ '%03d|%5s|%%'|format(7, 'ab') }}",
        "Ada Lovelace costs 3.00 007|   ab|%",
    ),
    (
        "{{ prices|tojson }} {{ address.lines|tojson(indent=2) }}",
        '{"small": 5, "large": 12.5} [\n  "Domplatz 1",\n  "50667"\n]',
    ),
    ("{{ 'a\nb'|indent(2) }}|{{ 'a\nb'|indent('> ', true) }}", "a\n  b|> a\n> b"),
    ("{{ 'one two three four'|truncate(12) }}|{{ 'one two'|truncate(5, true, '…', 0) }}", "one two...|one …"),
    ("{{ 'one two three'|wordwrap(7) }} {{ 'one two three'|wordcount }}", "one two\nthree 3"),
    ("[{{ 'x'|center(5) }}]", "[  x  ]"),
    ("{{ '<b>'|e }} {{ '<b>' }} {{ '<b>'|safe }}", "&lt;b&gt; <b> <b>"),
    (
        "{{ count is odd }} {{ count is divisibleby 3 }} {{ name is string }} {{ prices is mapping }}",
        "True True True True",
    ),
    ("{{ 'a' if flag else 'b' }}{{ 'c' if not flag }}", "a"),
    ("{{ topics|length > 2 and 'many' or 'few' }}", "many"),
    ("{{ [1, 'a', {'k': none}] }}", "[1, 'a', {'k': None}]"),
    ("{{- name -}}\n  end", "Ada Lovelaceend"),
    ("Key: {{ api_key }}.", "Key: ••••••."),
    ("{% for t in topics[:2] %}{{ api_key }} {% endfor %}", "•••••• •••••• "),
    ("Hello {{ guest }}, {{guest}}!", "Hello {{ guest }}, {{guest}}!"),
    ("{% if flag %}{{   guest   }}{% endif %}", "{{   guest   }}"),
    ("\\d \\{ \\n {{ '\\d' }}", "\\d \\{ \\n \\d"),
    ("{{ 'tab\\there' }}", "tab\there"),
]

_LIQUID = [
    ("Plain text with a % and a { brace } stays.\n", "Plain text with a % and a { brace } stays.\n"),
    ("Hello {{ name }}!", "Hello Ada Lovelace!"),
    ("{% comment %}not {{ shown }} {% comment %}x{% endcomment %}{% endcomment %}Hi{% # nor this %}", "Hi"),
    ("{% raw %}{{ kept }} {% kept %}{% endraw %}", "{{ kept }} {% kept %}"),
    ("[{{ optional }}{{ nothing }}] {{ flag }} {{ topics }}", "[] true hoursreturnsjobs"),
    (
        "{{ optional | default: 'none given' }} {{ hollow | default: 'x' }} {{ flag | default: 'y' }}",
        "none given x true",
    ),
    ("{{ tone | downcase }} {{ tone | upcase }} {{ tone | size }} {{ tone.size }}", "warm WARM 4 4"),
    ("{{ 'two words' | capitalize }} {{ note | strip | newline_to_br }}", "Two words Ring twice.<br />\nThen wait."),
    ("{{ 'a' | append: 'b' | prepend: 'c' }} {{ name | replace: 'a', 'o' | remove: 'A' }}", "cab do Loveloce"),
    ("{{ 'a,b,c' | split: ',' | join: ' + ' }} {{ 'x y' | split: ' ' | last }}", "a + b + c y"),
    (
        "{{ topics | first }} {{ topics.last }} {{ topics[1] }} {{ topics | reverse | join: '' }}",
        "hours jobs returns jobsreturnshours",
    ),
    ("{{ topics | sort | first }} {{ topics | map: 'x' | compact | size }}", "hours 0"),
    (
        "{{ people | map: 'name' | join: ', ' }} {{ people | where: 'age', 31 | map: 'name' | join }}",
        "Bo, Al, Cy Bo Cy",
    ),
    ("{{ people | map: 'age' | uniq | join: '/' }} {{ people | map: 'age' | sum }}", "31/25 87"),
    ("{{ people | sort: 'name' | map: 'name' | first }} {{ prices.small }} {{ prices['large'] }}", "Al 5 12.5"),
    (
        "{{ 3 | plus: 1 }} {{ 3 | minus: 1 }} {{ 3 | times: 2 }} {{ 7 | divided_by: 2 }} {{ 7 | modulo: 2 }}",
        "4 2 6 3 1",
    ),
    (
        "{{ 0.1 | plus: 0.2 }} {{ '7' | plus: 1 }} {{ 7 | divided_by: 2.0 }} {{ 2.5 | ceil }} {{ 2.5 | floor }}",
        "0.3 8 3.5 3 2",
    ),
    (
        "{{ 2.345 | round: 1 }} {{ 2.6 | round }} {{ -3 | abs }} {{ 3 | at_least: 5 }} {{ 3 | at_most: 2 }}",
        "2.3 3 3 5 2",
    ),
    (
        "{{ 'one two three' | truncatewords: 2 }} {{ 'abcdefghij' | truncate: 6 }} {{ 'abc' | slice: 1, 2 }}",
        "one two... abc... bc",
    ),
    (
        "{{ '<b>' | escape }} {{ 'a b&c' | url_encode }} {{ 'a  b' | squish }} {{ 'a\nb' | strip_newlines }}",
        "&lt;b&gt; a+b%26c a b ab",
    ),
    ("{{ prices | json }}", '{"small": 5, "large": 12.5}'),
    ("{% if count > 2 and flag %}a{% elsif count %}b{% else %}c{% endif %}", "a"),
    ("{% if false and true or true %}right{% else %}as Liquid reads{% endif %}", "as Liquid reads"),
    ("{% unless flag %}a{% else %}b{% endunless %}", "b"),
    (
        "{% if hollow == blank %}1{% endif %}{% if hollow == empty %}2{% endif %}{% if optional == nil %}3{% endif %}",
        "123",
    ),
    (
        "{% if topics contains 'jobs' %}a{% endif %}{% if name contains 'Ada' %}b{% endif %}{% if optional contains 'x' %}c{% endif %}",
        "ab",
    ),
    ("{% case tone %}{% when 'Cool' %}c{% when 'Warm', 'Hot' %}w{% else %}e{% endcase %}", "w"),
    ("{% case count %}{% when 1 or 2 %}few{% else %}many{% endcase %}", "many"),
    ("{% for t in topics %}{{ forloop.index }}. {{ t }}\n{% endfor %}", "1. hours\n2. returns\n3. jobs\n"),
    (
        "{% for t in topics limit: 2 offset: 1 %}{{ t }}{% unless forloop.last %}, {% endunless %}{% endfor %}",
        "returns, jobs",
    ),
    ("{% for t in topics reversed %}{{ t }}{% if forloop.first %}!{% endif %}{% endfor %}", "jobs!returnshours"),
    ("{% for t in optional %}x{% else %}nothing{% endfor %}", "nothing"),
    ("{% for t in topics %}{% if t == 'returns' %}{% continue %}{% endif %}{{ t }}{% endfor %}", "hoursjobs"),
    ("{% for t in topics %}{% if t == 'returns' %}{% break %}{% endif %}{{ t }}{% endfor %}", "hours"),
    ("{% for p in prices %}{{ p[0] }}={{ p[1] }};{% endfor %}", "small=5;large=12.5;"),
    ("{% for a in topics %}{% for b in topics %}{{ forloop.parentloop.index }}{% endfor %}{% endfor %}", "111222333"),
    ("{% assign greeting = 'Hi ' | append: name %}{{ greeting }}. {{ greeting.size }}", "Hi Ada Lovelace. 15"),
    (
        "{% assign list = '' %}{% for t in topics %}{% assign list = list | append: t %}{% endfor %}{{ list }}",
        "hoursreturnsjobs",
    ),
    ("{% capture block %}a{{ count }}{% endcapture %}{{ block }}{{ block | upcase }}", "a3A3"),
    ("{% if flag %}  {% assign q = 1 %}  {% endif %}[{{ q }}]", "[1]"),
    ("a  {%- if flag -%}  b  {%- endif -%}  c", "abc"),
    ("{%- assign a = 1 -%}\n\n{{ a }}", "1"),
    ("{% echo name | upcase %}", "ADA LOVELACE"),
    ("Key: {{ api_key }}. Hello {{ guest }}, {{guest}}!", "Key: ••••••. Hello {{ guest }}, {{guest}}!"),
    ("{{ address.city }} {{ address.lines.first }} {{ address.zip.code }}|", "Köln Domplatz 1 |"),
]

BENIGN = [Benign("jinja2", source, text) for source, text in _JINJA]
BENIGN += [Benign("liquid", source, text) for source, text in _LIQUID]
