"""The reference names every reason that the kernel gives about releases."""

import ast
import re
from pathlib import Path

import pytest

import prompthub_kernel

KERNEL = Path(prompthub_kernel.__file__).parent
REFERENCE = KERNEL.parent / "docs" / "reference"


def reasons(module):
    """The words that problems are made with in a module."""
    calls = [
        node
        for node in ast.walk(ast.parse((KERNEL / f"{module}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Problem", "_change"}
    ]
    words = [argument.value for call in calls for argument in call.args if isinstance(argument, ast.Constant)]
    return {word for word in words if re.fullmatch(r"[a-z]+(_[a-z]+)*", word)}


@pytest.mark.parametrize(
    ("module", "page", "some"),
    [
        ("bump", "prompt-addresses", {"prompt_removed", "default_changed"}),
        ("lockfile", "lock-file", {"cycle", "digest_mismatch"}),
        ("signing", "lock-file", {"rolled_back", "unsigned"}),
    ],
)
def test_every_reason_is_in_the_reference(module, page, some):
    said = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
    found = reasons(module)
    assert some <= found
    assert [word for word in sorted(found) if f"`{word}`" not in said] == []
