"""Time, signals, tasks: what happens at the edge stays at the edge."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.house import DOMAIN, PACKAGES, Source, at, dotted, parse, sources

CLOCKS = ("timezone.now", "timezone.localtime", "datetime.now", "datetime.utcnow", "date.today", "time.time")
# The floor's apps.py connects the installation of triggers to post_migrate: a schema event, not a domain one.
SIGNALS_ALLOWED = {"foundation/apps.py"}


def reads_the_clock(source: Source) -> Iterator[str]:
    """Also a clock that is only named, as in ``default=timezone.now``."""
    for node in ast.walk(source.tree):
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        bare = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "now"
        if bare or any(name == clock or name.endswith(f".{clock}") for clock in CLOCKS):
            yield at(source, node, f"{name or 'now'} reads the clock; time is an argument")


def uses_signals(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        # Celery's signals start and stop a worker process; nothing of the domain hangs on them.
        if any(name.startswith("django.") and (".signals" in name or ".dispatch" in name) for name in names):
            yield at(source, node, "signals are not for domain flow; say it in the verb")


def stamps_itself(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in {"auto_now", "auto_now_add"}:
            yield at(source, node.value, f"{node.arg} hides the time of a decision")


def _ours(source: Source) -> set[str]:
    """Names that this file imports from packages of ours, the floor and the kernel left out."""
    upstairs = {package for package in PACKAGES if package not in {"foundation", "prompthub_kernel", "contracts"}}
    return {
        alias.asname or alias.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in upstairs
        for alias in node.names
    }


def heavy_tasks(source: Source) -> Iterator[str]:
    ours = _ours(source)
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef) or not any(
            dotted(decorator).rpartition(".")[2] in {"shared_task", "task"} for decorator in function.decorator_list
        ):
            continue
        given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        strange = [
            a.arg for a in given if not a.arg.endswith(("_id", "_ids")) and a.arg not in {"self", "correlation_id"}
        ]
        made = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        domain = [node for node in made if dotted(node.func).partition(".")[0] in ours]
        if strange:
            yield at(source, function, f"{function.name} takes {', '.join(strange)}; tasks take ids")
        if function.args.kwarg is None:
            yield at(source, function, f"{function.name} breaks on an argument of a newer release; take **_")
        if len(domain) > 1:
            yield at(source, function, f"{function.name} makes {len(domain)} domain calls; a task makes one")


def test_domain_packages_never_read_the_clock():
    inside = (source for source in sources(*DOMAIN) if not source.reads_the_clock)
    assert [problem for source in inside for problem in reads_the_clock(source)] == []


def test_no_signals_carry_domain_flow():
    inside = (source for source in sources() if source.path not in SIGNALS_ALLOWED)
    assert [problem for source in inside for problem in uses_signals(source)] == []


def test_no_field_stamps_itself():
    assert [problem for source in sources() for problem in stamps_itself(source)] == []


def test_tasks_take_ids_and_make_one_domain_call():
    assert [problem for source in sources() for problem in heavy_tasks(source)] == []


def test_tasks_live_in_files_of_their_own():
    elsewhere = [
        source.path
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and not source.path.endswith("/tasks.py")
        for decorator in node.decorator_list
        if dotted(decorator).rpartition(".")[2] == "shared_task"
    ]
    assert elsewhere == []


TASK = "from publishing import deliveries\n@shared_task(name='x')\ndef deliver({}):\n    {}\n"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (reads_the_clock, "at = timezone.now()"),
        (reads_the_clock, "at = django.utils.timezone.now()"),
        (reads_the_clock, "at = datetime.datetime.now(UTC)"),
        (reads_the_clock, "at = time.time()"),
        (reads_the_clock, "at = models.DateTimeField(default=timezone.now)"),
        (reads_the_clock, "from django.utils.timezone import now\nat = now()"),
        (uses_signals, "from django.db.models.signals import post_save"),
        (uses_signals, "from django.db.models import signals"),
        (uses_signals, "from django.dispatch import receiver"),
        (uses_signals, "import django.dispatch"),
        (stamps_itself, "at = models.DateTimeField(auto_now=True)"),
        (stamps_itself, "at = models.DateTimeField(auto_now_add=True)"),
        (heavy_tasks, TASK.format("delivery_id", "deliveries.deliver(delivery_id)")),
        (heavy_tasks, TASK.format("delivery, **_", "deliveries.deliver(delivery)")),
        (heavy_tasks, TASK.format("delivery_id, **_", "deliveries.deliver(delivery_id); deliveries.sweep()")),
    ],
)
def test_a_step_over_the_edge_is_seen(rule, code):
    assert list(rule(parse(code))) != []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (reads_the_clock, "at = clock.database_now(); self.wire.now(); started = time.monotonic()"),
        (uses_signals, "import signal"),
        (heavy_tasks, TASK.format("delivery_id, **_", "deliveries.deliver(id=delivery_id, at=timezone.now())")),
    ],
)
def test_what_belongs_there_is_let_through(rule, code):
    assert list(rule(parse(code))) == []
