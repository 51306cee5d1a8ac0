"""The Django-aware floor: what every package above needs, and nothing that knows about prompts."""
