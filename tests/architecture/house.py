"""What the architecture tests know about the house: its storeys, its packages and their syntax trees."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"]: contract for contract in CONFIG["tool"]["importlinter"]["contracts"]}

# From the roof down; packages of one storey do not know each other.
STOREYS = [
    tuple(package.strip() for package in layer.replace(":", "|").split("|")) for layer in CONTRACTS["storeys"]["layers"]
]
PACKAGES = [package for storey in STOREYS for package in storey]
ROOF = "prompthub"
DOORS = frozenset({"gateway", "portal", "chatops"})
DOMAIN = [package for package in PACKAGES if package not in DOORS | {ROOF}]

# Folders of the repository that hold Python but are no part of the product.
NOT_PRODUCT = frozenset({"tests", "benchmarks", "docs", "deploy", "examples", "scripts", "sdk"})


def floor_of(package: str) -> int:
    """The height of a package: 0 is the ground. Raises KeyError for one that is in no storey."""
    for height, storey in enumerate(reversed(STOREYS)):
        if package in storey:
            return height
    raise KeyError(package)


@dataclass(frozen=True)
class Source:
    """One Python file of the product."""

    path: str  # relative to the repository, with slashes
    tree: ast.Module
    lines: int

    @property
    def package(self) -> str:
        return self.path.partition("/")[0]

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def reads_the_clock(self) -> bool:
        """Tasks, admin pages and commands stand at the edge: time enters there."""
        return self.path.endswith(("/tasks.py", "/admin.py")) or "/management/" in self.path


def parse(code: str, path: str = "publishing/sample.py") -> Source:
    """A source that exists only in a test."""
    return Source(path, ast.parse(code), code.count("\n") + 1)


@cache
def _load(package: str) -> tuple[Source, ...]:
    files = (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)
    return tuple(parse(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()) for path in files)


def sources(*packages: str) -> Iterator[Source]:
    """Every Python file of the packages (default: of all), migrations left out."""
    for package in packages or PACKAGES:
        yield from _load(package)


def source(module: str) -> Source:
    """The file of a dotted module. Raises KeyError when there is none."""
    for found in sources(module.partition(".")[0]):
        if found.module == module:
            return found
    raise KeyError(module)


@cache
def tracked() -> tuple[str, ...]:
    """Paths of all files under version control."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return tuple(name for name in listing.decode().split("\0") if name and (ROOT / name).is_file())


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a chain of names; calls and subscripts in the chain are dropped; "" for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            front = dotted(value)
            return f"{front}.{attr}" if front else attr
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return dotted(inner)
    return ""


def at(source: Source, node: ast.AST, what: str) -> str:
    """How a broken rule is told: ``path:line what``."""
    return f"{source.path}:{getattr(node, 'lineno', 1)} {what}"
