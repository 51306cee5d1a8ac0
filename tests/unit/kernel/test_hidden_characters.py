"""Texts of which a reader sees nothing."""

from __future__ import annotations

import pytest

from prompthub_kernel.hidden_characters import shows_something


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "\u00a0",
        "\u200b",
        "\u2060\ufeff",
        "\u3164",
        "\u2800",
        "\ufe0f",
        "\U000e0041",
        "\x7f",
        "\u2028\u202e",
    ],
)
def test_what_shows_nothing_is_told(text):
    assert not shows_something(text)


@pytest.mark.parametrize("text", ["x", ".", "\u200bx\u200b", "ä", "字", "👩\u200d👩", "❤\ufe0f", "नमस्ते"])
def test_what_shows_something_is_told(text):
    assert shows_something(text)
