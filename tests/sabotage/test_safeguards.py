"""The cuts of ``make sabotage`` fit the code, and the tests they name exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.sabotage.safeguards import SAFEGUARDS, Cut

ROOT = Path(__file__).resolve().parents[2]
by_name = pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.name)


@by_name
def test_a_cut_fits_and_leaves_python(safeguard):
    for cut in safeguard.cuts:
        ast.parse(cut.applied(ROOT))


@by_name
def test_the_test_that_must_notice_exists(safeguard):
    path, _, name = safeguard.test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert not name or name.partition("[")[0] in defined


def test_a_cut_that_no_longer_fits_is_told():
    with pytest.raises(LookupError, match="found 0 times"):
        Cut("publishing/lanes.py", "text that is not there", "").applied(ROOT)


def test_every_safeguard_of_the_list_is_taken_away():
    words = ("epoch fence", "idempotency row", "permission", "trigger", "addresses", "newest wins", "budget")
    assert [word for word in words if not any(word in safeguard.name for safeguard in SAFEGUARDS)] == []
