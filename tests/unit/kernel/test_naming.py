"""Names that people read: the verbs refuse what the contracts refuse."""

from __future__ import annotations

import re

import pytest

import contracts
from prompthub_kernel.errors import Invalid
from prompthub_kernel.naming import SENTENCE, require_name

CHARACTERS = [chr(code) for code in (*range(0x300), *range(0x2000, 0x2100), 0xFEFF, 0x1F642)]


def refused(name):
    try:
        require_name(name, "/name")
    except Invalid as error:
        return error
    return None


def test_the_contracts_and_the_verbs_agree_character_by_character():
    told = contracts.load("prompt-instance")["properties"]["name"]
    pattern = re.compile(told["pattern"])
    names = [name for one in CHARACTERS for name in (f"{one}a", f"a{one}", f"a{one}b")]
    assert [ascii(name) for name in names if bool(pattern.search(name)) is bool(refused(name))] == []
    assert told["x-sentences"]["pattern"] == SENTENCE


@pytest.mark.parametrize("name", ["a\u202eb", "\u2066a", " a", "a\nb"])
def test_a_name_that_turns_the_writing_is_refused_with_the_code_of_the_contracts(name):
    error = refused(name)
    assert (error.code, [(one.pointer, one.code) for one in error.problems]) == (
        "422.request_invalid",
        [("/name", "pattern")],
    )


@pytest.mark.parametrize("name", ["", None, "Grüße 🙂", "x  y "])
def test_other_names_are_let_through(name):
    assert refused(name) is None
