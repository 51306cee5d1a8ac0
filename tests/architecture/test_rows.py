"""Every fault that must be survived is a row with a number, and a test is named after it."""

from __future__ import annotations

import ast
import re

from tests.architecture.house import ROOT

# Rows 24 to 30 are about clients of the API, repositories, chat: where those are, their rows are named, too.
ROWS = {*range(1, 24), *range(31, 37)}


def named() -> set[int]:
    found = set()
    for path in sorted((ROOT / "tests" / "faults").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(("test_row_", "test_rows_")):
                found |= {int(number) for number in re.findall(r"_(\d\d)(?=_)", node.name)}
    return found


def test_every_row_has_a_test_of_its_name():
    assert sorted(ROWS - named()) == []
