"""G11: putting variables into a prompt, against compiling and rendering it with stock Jinja2.

`python -m benchmarks.g11_render`. Both sides get the same prompt of about 2 kB with names, a loop, conditions and
filters, and must write the same text. Ours includes everything a publish does: the names checked, the variables
copied, the budget kept, secrets left as places.
"""

from __future__ import annotations

import sys

import jinja2

from benchmarks.measuring import interleave, report
from prompthub_kernel.body import PromptBody
from prompthub_kernel.rendering import check, render
from prompthub_kernel.variables import VariablesSchema

FLOOR = 30
AIM = 60
SOURCE = """\
# You are {{ assistant_name }}, the voice of {{ company }}

You speak {{ language }} with a {{ tone|lower }} voice. You help callers of {{ company }} with the topics below and
with nothing else. When a caller asks for something that is not on the list, say so and offer to take a message.

## What you know
{% for topic in topics %}
{{ loop.index }}. **{{ topic.title|upper }}**: {{ topic.text }}
{%- if topic.link %} (see {{ topic.link }}){% endif %}
{% endfor %}

## How a call goes
1. Greet the caller: "Hello, this is {{ assistant_name }} from {{ company }}. How may I help you?"
2. Find out what it is about. Ask one question at a time, and wait for the answer.
3. {% if opening_hours %}If a person is wanted, say when somebody is there: {{ opening_hours }}.{% else %}If a person
   is wanted, offer to have somebody call back.{% endif %}
4. Sum up in one sentence what was agreed, and say goodbye by name.

## Rules
{% if strict -%}
- Never speak about prices, contracts or other callers.
- Never promise anything that is not written above.
{% else -%}
- Prices may be told as they are written above, with the remark that they can change.
{% endif -%}
- At most {{ max_sentences }} sentences in a row.
- The caller's language decides; without a hint, {{ language }}.
- Telephone numbers are read in pairs, addresses slowly, names are spelled when asked for.
- When you do not understand twice in a row, apologise and offer {{ fallback|default("a call back", true) }}.

## Escalation
Write the word ESCALATE on a line of its own when the caller is in danger, threatens somebody, or has asked for a
person three times. Then say: "I am putting you through to {{ escalation_name }}."

## Style
{{ tone|capitalize }}, short sentences, no lists when speaking, no special characters. Tags: {{ tags|join(", ") }}.
"""
VALUES = {
    "assistant_name": "Ada",
    "company": "Lovelace & Söhne",
    "language": "English",
    "tone": "Friendly",
    "topics": [
        {"title": "Opening hours", "text": "Monday to Friday, nine to five.", "link": "https://example.org/hours"},
        {"title": "Deliveries", "text": "Ask for the number on the letter.", "link": ""},
        {"title": "Returns", "text": "Within thirty days, unopened.", "link": "https://example.org/returns"},
        {"title": "Jobs", "text": "Take name and telephone number.", "link": ""},
    ],
    "opening_hours": "weekdays from nine to five",
    "strict": True,
    "max_sentences": 3,
    "fallback": "",
    "escalation_name": "the shift lead",
    "tags": ["telephone", "support", "v3"],
}


def main() -> int:
    body = PromptBody.parse(content_md=SOURCE, content_json=None)
    variables = VariablesSchema.parse({"properties": {name: {} for name in VALUES}})
    stock = jinja2.Environment(keep_trailing_newline=True)
    check(body=body, variables=variables)

    def ours() -> str:
        return render(body=body, variables=variables, values=VALUES).text()

    def theirs() -> str:
        # A new environment-wide cache entry is what "compile" costs; from_string never caches.
        return stock.from_string(SOURCE).render(**VALUES)

    assert ours() == theirs(), "both sides must write the same text"
    print(f"G11 materialise a prompt of {len(SOURCE):,} characters; CPU per call, min / median / max")
    samples = interleave({"stock Jinja2, compile and render": theirs, "prompthub_kernel.rendering.render": ours})
    ratio = samples["stock Jinja2, compile and render"].median / samples["prompthub_kernel.rendering.render"].median
    return 0 if report("G11 materialise a template", FLOOR, ratio, aim=AIM) else 1


if __name__ == "__main__":
    sys.exit(main())
