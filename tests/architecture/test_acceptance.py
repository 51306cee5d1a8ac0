"""Every sentence of a specification is shown by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.e2e.pages import ADDRESSES

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"000.md": 30, "001.md": 22, "002.md": 28, "003-server.md": 43}
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)


def rows(page: str) -> list[tuple[int, str, list[str]]]:
    """Number, sentence and proofs of every row."""
    text = (ROOT / "docs" / "acceptance" / page).read_text(encoding="utf-8")
    return [(int(number), sentence, re.findall(r"`([^`]+)`", proofs)) for number, sentence, proofs in ROW.findall(text)]


def missing(proof: str) -> bool:
    """Whether a proof names a test or a command that is not there."""
    path, _, name = proof.partition("::")
    if not (ROOT / path).is_file():
        return True
    if not name:
        return path.startswith("tests/")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("page", "sentences"), PAGES.items())
def test_no_sentence_is_without_its_row(page, sentences):
    assert [number for number, _, _ in rows(page)] == list(range(1, sentences + 1))


@pytest.mark.parametrize("page", PAGES)
def test_every_sentence_is_shown_by_something_that_exists(page):
    unshown = {sentence: proofs for _, sentence, proofs in rows(page) if not proofs or any(map(missing, proofs))}
    assert unshown == {}


def test_every_sentence_of_the_portal_has_a_picture_that_is_taken():
    text = (ROOT / "docs" / "acceptance" / "002.md").read_text(encoding="utf-8")
    shown = re.findall(r"<br>picture: (\S+) \|$", text, re.MULTILINE)
    assert len(shown) == PAGES["002.md"]
    taken = set(re.findall(r"<br>picture: (\S+?)(?=<br>| \|$)", text, re.MULTILINE))
    assert set(shown) <= taken <= set(ADDRESSES)
    assert taken >= {"prompt", "prompt.variables", "prompt.chat", "compare.split", "publish", "move", "audit"}


@pytest.mark.parametrize(
    "proof", ["tests/nowhere.py::test_x", "tests/architecture/test_acceptance.py::test_x", "tests/conftest.py"]
)
def test_a_proof_that_is_not_there_is_noticed(proof):
    assert missing(proof)
