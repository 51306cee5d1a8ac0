"""Files stay short, names say what they mean, and nothing of the machine is kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import DOMAIN, PACKAGES, ROOT, Source, parse, sources, tracked

LONGEST = 400
TEXT = (".py", ".toml", ".md", ".txt", ".json", ".yml", ".yaml", ".html", ".css", ".js", ".sh", ".cfg", ".ini", "")

BANNED_WORDS = frozenset(
    word + plural
    for word in ("manager", "handler", "helper", "util", "data", "item", "thing", "object", "info")
    for plural in ("", "s")
) | {"services"}
# Names that a framework calls; ours are chosen by us.
THEIRS = frozenset(
    {"get_object", "get_objects", "has_object_permission", "check_object_permissions", "get_context_data"}
    | {"get_historical_record_context_helper"}
    | {"data_received"}  # asyncio
    | {"handle", "save_related", "get_deleted_objects", "exception_handler", "process_exception", "filterset"}
    # JSON's and JSON Schema's own words
    | {"_object", "_objects", "_items", "_unique_items"}
)


def test_no_file_is_longer_than_400_lines():
    folders = (*PACKAGES, "tests", "benchmarks", "scripts")
    long = {
        name: count
        for name in tracked()
        if name.endswith((".py", ".js", ".css", ".html")) and (name.partition("/")[0] in folders or "/" not in name)
        if "/migrations/" not in name and "/vendor/" not in name
        if (count := len((ROOT / name).read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in spaced.lower().split("_") if word]


def vague_names(source: Source) -> Iterator[str]:
    names = [(source.path, part) for part in source.module.split(".")]
    names += [
        (f"{source.path}:{node.lineno}", node.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for place, name in names:
        if name not in THEIRS and BANNED_WORDS.intersection(_words(name)):
            yield f"{place} {name}"


def test_names_say_what_they_mean():
    assert [problem for source in sources() for problem in vague_names(source)] == []


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("class PromptManager: ...", "publishing/sample.py"),
        ("def parse_data(): ...", "publishing/sample.py"),
        ("class Lane:\n    def item(self): ...", "publishing/sample.py"),
        ("async def errorHandler(): ...", "publishing/sample.py"),
        ("", "publishing/utils.py"),
        ("", "publishing/services.py"),
    ],
)
def test_a_vague_name_is_seen(code, path):
    assert list(vague_names(parse(code, path))) != []


@pytest.mark.parametrize(
    "code", ["class Database: ...", "def metadata(): ...", "class V:\n    def get_object(self): ..."]
)
def test_a_clear_name_is_let_through(code):
    assert list(vague_names(parse(code))) == []


# Each pattern is written so that it does not match its own line.
MACHINE = {
    "a home directory": r"(?<![\w.])/(?:home|Users)/[a-z]\w+|(?<![\w./])/root/[\w.]",
    "a working directory of somebody's machine": r"(?<![\w.:/])/(?:wor[k]|builds|mnt)/\w",
    "a package index": r"--(?:extra-)?index-ur[l]|--find-link[s]|files\.pythonhosted\.or[g]|pypi\.org/simpl[e]",
}
SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KE[Y]",
    "a service token": r"phub_[0-9A-Za-z]+_[A-Za-z0-9_-]{43}(?![\w-])",
    "a cloud or forge credential": r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|sk-[A-Za-z0-9]{32,})\b",
}


def kept_by_mistake(text: str, shapes: dict[str, str]) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{number} {what}" for what, shape in shapes.items() if re.search(shape, line)]
    return found


def test_no_tracked_file_keeps_a_secret_a_package_index_or_a_place_of_one_machine():
    found = []
    for name in tracked():
        if name.endswith(TEXT) or "." not in name.rpartition("/")[2]:
            text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
            # Tests make secrets up, to see them redacted.
            shapes = MACHINE if name.startswith("tests/") else MACHINE | SECRETS
            found += [f"{name}:{problem}" for problem in kept_by_mistake(text, shapes)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "open('" + "/home" + "/someone/x')",
        "cd " + "/root" + "/project",
        "cd " + "/wor" + "k/main",
        "--index" + "-url https://example.org",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "phub_" + "0192ab_" + "A" * 43,
        "ghp" + "_" + "a" * 36,
    ],
)
def test_a_secret_or_a_place_of_one_machine_is_seen(line):
    assert kept_by_mistake(line, MACHINE | SECRETS) != []


def test_requirements_are_pinned_by_hash_and_name_no_address():
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and line.strip()[0] != "#"]
        assert "://" not in text, path.name
        assert lines, path.name
        assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == [], path.name


def test_pages_and_scripts_live_in_the_doors_alone():
    below = [
        name
        for name in tracked()
        if name.partition("/")[0] in DOMAIN and name.endswith((".html", ".htm", ".js", ".css", ".svg"))
    ]
    assert below == []
