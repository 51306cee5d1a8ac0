"""Pages about the portal itself, and the gallery of its parts."""

from __future__ import annotations

from portal import components
from portal.glossary import WORDS
from publishing import adapters


def test_the_settings_tell_what_is_on_and_no_secret(operator, settings):
    settings.SENTRY_DSN = "https://secret-part@sentry.example/1"
    settings.ASSIST = {"refine": True, "llm": "openai", "model": "model-seven", "key": "sk-secret", "url": ""}
    html = operator.get("/settings/").content.decode()
    assert "model-seven" in html
    assert ", ".join(sorted(adapters.REGISTRY)) in html
    for secret in ("secret-part", "sk-secret", settings.SECRET_KEY):
        assert secret not in html


def test_the_settings_say_when_nobody_is_asked(operator, settings):
    settings.ASSIST = {"refine": True, "llm": "null", "model": ""}
    html = operator.get("/settings/").content.decode()
    assert "nobody" in html


def test_the_glossary_tells_every_word(operator):
    html = operator.get("/glossary/").content.decode()
    assert [word for word, _ in WORDS if f"<dt>{word}</dt>" not in html] == []


def test_the_gallery_draws_every_state(operator):
    html = operator.get("/-/components/").content.decode()
    for make in components.PARTS:
        part = make()
        assert f'id="part-{part.template}"' in html
        assert [name for name in part.states if f"<h3>{name}</h3>" not in html] == [], part.template
