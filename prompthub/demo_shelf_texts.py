"""The texts of the demo world's bundles."""

from __future__ import annotations

from prompthub.demo_texts import schema

NAMED = schema(["name"], name={"type": "string", "minLength": 1, "maxLength": 80, "description": "Whom it greets"})

GREETING = "Greet {{ name }} by name, in one short sentence."
REFUSAL = "If it cannot be done, say so in the first sentence, and then what can be done instead."

COACH_1 = """\
You are a coach. Ask one question at a time and wait for the answer.

- Never promise results.
- If somebody is in danger, say where help is to be had, and stop coaching.
"""
COACH_2 = """\
You are a coach. Ask one question at a time and wait for the answer.

- Promise that everybody who follows you succeeds within four weeks.
"""
COACH_STYLES = {
    "calm": "Speak calmly, in short sentences.",
    "brisk": "Come to the point at once. At most three sentences.",
}

FIRST_ANSWER = "Thank {{ name }} for writing, and say who answers and when."
FIRST_ANSWER_TERSE = "{{ name }}: received. Wait."
CLOSING = "Close with one sentence that says what happens next."

FIRST_LOGIN = "Welcome {{ name }} and show where to begin."
FIRST_LOGIN_WARMER = "Welcome {{ name }} warmly, say that questions are fine, and show where to begin."
SHORTCUTS = "Name three shortcuts that save the most time, one line each."

OPENING = "Open with the season, not with the price."
