"""The tables of docs/reference, made from the code they describe: `make docs` writes, `make check` compares."""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ("---",) * len(head), *rows]]
    return "\n" + "\n".join(lines) + "\n"


def errors() -> str:
    """Every code with its class and what it means, each with a heading to link to."""
    from prompthub_kernel.errors import CODES

    sections = []
    for code, meaning in sorted(CODES.items()):
        family = meaning.raised_as.__name__ if meaning.raised_as else "surprise"
        again = "The same request may succeed later." if meaning.retryable else "The same request fails again."
        sections.append(f"\n## {code}\n\n{meaning.title}. *{family}.* {again}\n")
    return "".join(sections)


def actions() -> str:
    """Every audit action and what it is about."""
    from audit.actions import Action

    return table(
        ("action", "subject", "verb"),
        [(f"`{action}`", action.value.rpartition(".")[0], action.value.rpartition(".")[2]) for action in Action],
    )


def adapters() -> str:
    """What each adapter's contract asks for: settings, credentials, location."""
    import contracts

    sections = []
    for path in sorted((contracts.FOLDER / "adapters").glob("*.schema.json")):
        name = path.name.removesuffix(".schema.json")
        schema = contracts.load(f"adapters/{name}")
        rows = [row for part in ("settings", "credentials", "location") for row in _asked_for(schema["$defs"], part)]
        shown = table(("part", "name", "", "what"), rows)
        sections.append(f"\n## {name}\n\n{schema['description']}\n{shown}")
    return "".join(sections)


def _asked_for(defined: Mapping[str, Any], part: str) -> Iterator[tuple[str, ...]]:
    asked = defined[part]
    for name, described in asked.get("properties", {}).items():
        meant = {**defined.get(described.get("$ref", "").rpartition("/")[2], {}), **described}
        default = f" Default: `{meant['default']}`." if "default" in meant else ""
        needed = "required" if name in asked.get("required", ()) else "optional"
        yield part, f"`{name}`", needed, meant.get("description", "") + default


def languages() -> str:
    """What a template may use, by engine."""
    from prompthub_kernel import jinja_filters, liquid_filters
    from prompthub_kernel.jinja_expressions import LOOP_FACTS as JINJA_LOOP
    from prompthub_kernel.jinja_lists import MAPPING_CALLS
    from prompthub_kernel.jinja_program import JinjaCompiler
    from prompthub_kernel.liquid_expressions import LOOP_FACTS as LIQUID_LOOP
    from prompthub_kernel.liquid_program import LiquidCompiler
    from prompthub_kernel.variables import RESERVED

    def words(found: Iterable[str]) -> str:
        return ", ".join(f"`{word}`" for word in sorted(found))

    called = {"output": "{{ … }}", "assign": "set", "assignblock": "set", "filterblock": "filter"}
    tags = {called.get(word, word) for word in (kind.__name__.lower() for kind in JinjaCompiler.STATEMENTS)}
    rows = [
        ("Jinja2", "tags", words({*tags, *READ_BEFORE})),
        ("Jinja2", "filters", words(jinja_filters.FILTERS)),
        ("Jinja2", "tests", words(jinja_filters.TESTS)),
        ("Jinja2", "calls, on a mapping", words(f".{call}()" for call in MAPPING_CALLS)),
        ("Jinja2", "in a loop", words(f"loop.{fact}" for fact in JINJA_LOOP)),
        ("Liquid", "tags", words({*LiquidCompiler.TAGS, *READ_BEFORE})),
        ("Liquid", "filters", words(liquid_filters.FILTERS)),
        ("Liquid", "in a loop", words(f"forloop.{fact}" for fact in (*LIQUID_LOOP, "parentloop"))),
        ("both", "no names of variables", words(RESERVED)),
    ]
    return table(("engine", "", "words"), rows)


READ_BEFORE = ("raw",)
"""Tags that are text by the time a program is made, so that no rule of it names them."""


def permissions() -> str:
    """What each role gives and each scope of a token lets through."""
    django()
    from tenancy.policy import ROLE_GIVES, SCOPE_LETS, Permission

    def rows(given: dict[str, frozenset[Permission]]) -> Iterator[tuple[str, ...]]:
        for name, permitted in given.items():
            yield (f"`{name}`", *("yes" if permission in permitted else "" for permission in Permission))

    words = tuple(str(permission) for permission in Permission)
    roles = table(("role", *words), rows({str(role): given for role, given in ROLE_GIVES.items()}))
    scopes = table(("scope", *words), rows({str(scope): given for scope, given in SCOPE_LETS.items()}))
    return f"{roles}\n{scopes}"


def states() -> str:
    """Where a delivery may go from each state."""
    from publishing.states import MOVES

    return moves(MOVES)


def suggestion_states() -> str:
    """Where a suggestion may go from each state."""
    from assist.states import MOVES

    return moves(MOVES)


def moves(moves_of: Mapping[Any, Iterable[str]]) -> str:
    """States, and where each may go."""
    return table(
        ("state", "may become"),
        [
            (f"`{state}`", ", ".join(f"`{to}`" for to in sorted(reached)) or "nothing: it ended")
            for state, reached in moves_of.items()
        ],
    )


def settings() -> str:
    """Every environment variable with what it does, what it is and its default. Raises KeyError for one unexplained."""
    from prompthub.meanings import MEANINGS

    found = {
        "PROMPTHUB_STATE_DIR": ("folder", "`.state`"),
        "PROMPTHUB_PROVIDER_PORT": ("whole number", "`8090`"),
    }
    for module in ("settings", "celery"):
        for node in ast.walk(ast.parse((ROOT / "prompthub" / f"{module}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                kind, first = node.func.attr, node.args[0]
                reads = isinstance(node.func.value, ast.Name) and node.func.value.id == "env"
                if reads and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.setdefault(first.value, (KINDS.get(kind, kind), _default(node)))
    return table(
        ("variable", "what it does", "is", "default"),
        [(f"`{name}`", MEANINGS[name], kind, value) for name, (kind, value) in sorted(found.items())],
    )


KINDS = {
    "text": "text",
    "whole": "whole number",
    "seconds": "seconds",
    "flag": "yes or no",
    "words": "comma-separated list",
    "networks": "comma-separated list",
    "kept": "key, kept in the state directory",
}


def addresses() -> str:
    """Every address of the API with its methods and the permission each asks for."""
    django()
    from django.urls import get_resolver
    from django.urls.resolvers import URLPattern, URLResolver

    def walk(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str, str]]:
        for pattern in patterns:
            here = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                if not here.startswith(("admin/", "prompt/")):
                    yield from walk(pattern.url_patterns, here)
                continue
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            for method, permission in getattr(view, "permissions", _answered(view)).items():
                yield method, f"`/{here}`", str(permission or "")

    rows = sorted(set(walk(get_resolver().url_patterns, "")), key=lambda row: (row[1], row[0]))
    return table(("method", "address", "permission"), rows)


def _answered(view: Any) -> dict[str, str]:
    """The methods of a view that asks for no permission; plain functions are for reading."""
    if view is None:
        return {"GET": ""}
    names = set(view.http_method_names) - {"head", "options"}
    return {name.upper(): "" for name in names if hasattr(view, name)}


def metrics() -> str:
    """Every figure of our own at /metrics."""
    django()
    from prometheus_client import REGISTRY

    import assist.metrics  # noqa: F401 - importing them registers their figures
    import foundation.metrics  # noqa: F401 - importing them registers their figures
    import publishing.metrics
    import resolver.metrics  # noqa: F401 - importing them registers their figures

    ours = ("publish", "deliver", "errors", "drift", "audit", "api", "suggestions")
    ours += ("prompts", "names", "hot", "usage")
    scraped = publishing.metrics.QueueCollector().describe()  # without their values, which are the database's
    families = {family.name: family for family in (*REGISTRY.collect(), *scraped) if family.name.startswith(ours)}
    return table(
        ("name", "kind", "meaning"),
        [
            (f"`{name}{'_total' if family.type == 'counter' else ''}`", family.type, family.documentation)
            for name, family in sorted(families.items())
        ],
    )


def storeys() -> str:
    """The packages from the roof to the ground with the first sentence of their docstrings."""
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = []
    for layer in layers:
        for package in layer.replace(":", "|").split("|"):
            path = ROOT / package.strip() / "__init__.py"
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
            rows.append((f"`{package.strip()}`", (said or "").split("\n")[0]))
    return table(("package", "what it is for"), rows)


def django() -> None:
    """Set Django up with throw-away keys; the tables need no database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")
    os.environ.setdefault("PROMPTHUB_STATE_DIR", tempfile.mkdtemp(prefix="prompthub-docs-"))
    import django as framework

    framework.setup()


DEFAULTS = {
    "not EMBEDDED": "on with `DATABASE_URL`, else off",
    "True": "on",
    "False": "off",
    "f'127.0.0.1,localhost,[::1],{HOST}'": "this machine's own names, and `PROMPTHUB_HOST`",
}


def _default(node: ast.Call) -> str:
    words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if "fresh" in words:
        return "made at the first start"
    if "default" in words:
        return DEFAULTS[words["default"]]
    if len(node.args) < 2:
        return ""
    given = ast.unparse(node.args[1])
    return DEFAULTS[given] if given in DEFAULTS else f"`{ast.literal_eval(given)}`"
