"""S2: every hostile template is refused or stopped within 250 ms of CPU and 64 MB; every benign one is exact.

`python -m benchmarks.s2_templates`. Runs in a child of its own, so that nothing else's memory is counted. Each
template is checked and rendered from cold twice: once for CPU time, once under tracemalloc for memory. A template
that is not stopped after five seconds is interrupted and counts as a miss. Also printed: what the guard costs a
cached render (aim ≤ 120 µs).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import report
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema
from tests.hostile import benign_templates, hostile_templates

CPU_FLOOR_MS = 250
MEMORY_FLOOR_MB = 64
GUARD_AIM_US = 120
GIVE_UP_SECONDS = 5.0
SHOWN = 5


class NotStopped(BaseException):
    """The template ran on; not an Exception, so that nothing on the way catches it."""


def attempt(template: Any, variables: VariablesSchema, given: dict[str, Any]) -> str:
    """How a template ended: the code of its first problem, or what went wrong."""
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVE_UP_SECONDS)
    try:
        body = PromptBody.parse(content_md=template.source, content_json=None, engine=template.engine)
        render(body=body, variables=variables, values=given)
    except Invalid as error:
        return error.problems[0].code
    except NotStopped:
        return "MISS: not stopped"
    except Exception as error:  # noqa: BLE001 - anything uncoded is a miss
        return f"MISS: {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "MISS: rendered"


def cpu_ms(call: Callable[[], str]) -> tuple[float, str]:
    begun = time.process_time()
    outcome = call()
    return (time.process_time() - begun) * 1e3, outcome


def peak_mb(call: Callable[[], str]) -> float:
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def measure() -> int:
    signal.signal(signal.SIGVTALRM, _interrupt)
    variables = VariablesSchema.parse(hostile_templates.SCHEMA)
    given = hostile_templates.values()
    found = hostile_templates.hostile_templates()
    used: list[tuple[float, float, str, str]] = []
    for template in found:
        milliseconds, outcome = cpu_ms(lambda template=template: attempt(template, variables, given))
        megabytes = peak_mb(lambda template=template: attempt(template, variables, given))
        used.append((milliseconds, megabytes, template.name, outcome))
    missed = [(name, outcome) for _, _, name, outcome in used if outcome.startswith("MISS")]
    print(f"S2 {len(found)} hostile templates, {len(benign_templates.BENIGN)} benign ones")
    for label, column, unit in (("CPU", 0, "ms"), ("memory", 1, "MB")):
        for line in sorted(used, key=lambda line: -line[column])[:SHOWN]:
            print(f"  most {label}: {line[column]:8.1f} {unit}   {line[2]} ({line[3]})")
    for name, outcome in missed:
        print(f"  {outcome}: {name}")
    verdicts = [
        report("S2 hostile templates not stopped", 0, len(missed), higher_is_better=False, unit=""),
        report("S2 most CPU of one", CPU_FLOOR_MS, max(line[0] for line in used), higher_is_better=False, unit="ms"),
        report("S2 most memory", MEMORY_FLOOR_MB, max(line[1] for line in used), higher_is_better=False, unit="MB"),
        report("S2 benign templates not exact", 0, len(inexact()), higher_is_better=False, unit=""),
    ]
    guard()
    return 0 if all(verdicts) else 1


def inexact() -> list[str]:
    """The benign templates that do not say what they should."""
    variables = VariablesSchema.parse(benign_templates.SCHEMA)
    wrong = []
    for template in benign_templates.BENIGN:
        body = PromptBody.parse(content_md=template.source, content_json=None, engine=template.engine)
        if render(body=body, variables=variables, values=benign_templates.VALUES).text() != template.text:
            wrong.append(template.source)
            print(f"  not exact: {template.source}")
    return wrong


def guard() -> None:
    """What a cached render costs over stock Jinja2's with a compiled template: the whole of the guard."""
    import jinja2

    from benchmarks.g11_render import SOURCE, VALUES
    from benchmarks.measuring import interleave

    body = PromptBody.parse(content_md=SOURCE, content_json=None)
    variables = VariablesSchema.parse({"properties": {name: {} for name in VALUES}})
    compiled = jinja2.Environment(keep_trailing_newline=True).from_string(SOURCE)
    samples = interleave(
        {
            "stock Jinja2, compiled": lambda: compiled.render(**VALUES),
            "guarded, cached": lambda: render(body=body, variables=variables, values=VALUES),
        }
    )
    extra = (samples["guarded, cached"].median - samples["stock Jinja2, compiled"].median) * 1e6
    report("S2 guard of a cached render (aim)", GUARD_AIM_US, extra, higher_is_better=False, unit="µs")


def _interrupt(*_: Any) -> None:
    raise NotStopped


if __name__ == "__main__":
    if "--child" in sys.argv:
        sys.exit(measure())
    sys.exit(subprocess.call([sys.executable, "-m", "benchmarks.s2_templates", "--child"]))
