"""The templates of the demo world: one of each kind a person meets first."""

from __future__ import annotations

from typing import Any


def schema(required: list[str], **properties: Any) -> dict[str, Any]:
    """Variables, of which some are required, and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


COMPANY = {"type": "string", "minLength": 1, "maxLength": 80, "description": "How the client is called"}
TONE = {"type": "string", "enum": ["warm", "brisk", "formal"], "default": "warm"}

FRONT_DESK_1 = """\
# Front desk of {{ company }}

You answer the phone for {{ company }} in a {{ tone }} tone.

- Greet the caller, and ask for their name.
- Book appointments with the key {{ booking_key }}; never say it aloud.
- If you cannot help, offer a call back.
"""

FRONT_DESK_2 = """\
# Front desk of {{ company }}

You answer the phone for {{ company }} in a {{ tone }} tone.

- Greet the caller, and ask for their name and what they need.
- Book appointments with the key {{ booking_key }}; never say it aloud.
{% if opening_hours %}- We are open {{ opening_hours }}.
{% endif %}- If you cannot help, offer a call back within one working day.
"""

FRONT_DESK_VARIABLES = schema(
    ["company", "booking_key"],
    company=COMPANY,
    tone=TONE,
    opening_hours={
        "type": "string",
        "default": "",
        "description": "As it is said aloud, e.g. weekdays from nine to five",
    },
    booking_key={"type": "string", "minLength": 8, "x-secret": True, "description": "Key of the booking system"},
)

ORDERS = [
    {"role": "system", "content": "You summarise orders for {{ company }} in one {{ length }} paragraph."},
    {"role": "user", "content": "Order 1042: two boxes of tea, one kettle, gift wrapped."},
    {"role": "assistant", "content": "Two boxes of tea and a kettle, wrapped as a gift."},
    {"type": "placeholder", "name": "conversation"},
]
ORDERS_VARIABLES = schema(
    ["company"], company=COMPANY, length={"type": "string", "enum": ["short", "detailed"], "default": "short"}
)

NEWSLETTER = """\
Write the opening of {{ company }}'s newsletter for {{ month }}.
{% for topic in topics %}
- Mention {{ topic }}.{% endfor %}
"""
NEWSLETTER_VARIABLES = schema(
    ["company", "month", "topics"],
    company=COMPANY,
    month={"type": "string"},
    topics={"type": "array", "items": {"type": "string", "maxLength": 80}, "maxItems": 10},
)

PHONE_AGENT = """\
You call {{customer_name}} on behalf of {{ company }} about the appointment on {{appointment_date}}.

Be {{ tone }}. If the line is bad, say so and offer to call again.
"""
PHONE_AGENT_VARIABLES = schema(
    ["company"],
    company=COMPANY,
    tone=TONE,
    customer_name={"type": "string", "x-runtime": True, "description": "Filled in by the voice provider"},
    appointment_date={"type": "string", "x-runtime": True, "description": "Filled in by the voice provider"},
)

EDITED = "acme-reminder-calls"
ADDED_THERE = "\nNever call before nine. (Added by the night shift, at the provider.)\n"
