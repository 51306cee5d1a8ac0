"""P3: the page of a prompt of 20 kB: queries, and CPU of the server per request.

    python -m benchmarks.p3_detail [--requests 40]

A large installation as ``docker-compose.yml`` starts it, with one web process. The prompt has four published versions
that go to two targets, and a draft with changes; somebody who edits looks at each of its tabs over a kept connection.
Queries are counted in a process of the product's own with the same database.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.installation import Installation, installation, servers
from benchmarks.load import Connection
from benchmarks.measuring import cpu_seconds, others_share, report

LINE = "Speak calmly with {{ company }} about every thing they ask, one line after another.\n"
SIZE = 20_000
WARM = 5
ROUNDS = 5
TABS = {"text": "", "variables": "?tab=variables", "versions": "?tab=versions"}
PREPARE = """
import json
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.utils.timezone import now
from foundation.actors import system
from instances import drafts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import publish, targets
from templates_app import versions
from tenancy import clients, policy, projects
act = {"by": system(), "at": now()}
def body(word):
    return PromptBody.parse(content_md=word + LINE * (SIZE // len(LINE)), content_json=None)
project = projects.create(slug="prompts", name="Prompts", **act)
client = clients.create(slug="acme", name="Acme", **act)
schema = VariablesSchema.parse({"properties": {"company": {"type": "string"}}, "required": ["company"]})
template = versions.register(project=project, name="desk", label="1", body=body(""), variables=schema, **act).version
prompt = drafts.create(client=client, template_version=template, variables={"company": "Acme"}, **act)
for name in ("voice", "flow"):
    target = targets.create(client=client, name=name, adapter="memory", settings={}, credentials={}, **act)
    targets.place(instance=prompt, target=target, location={"slot": name}, **act)
for number in range(5):
    if number:
        publish.publish(instance=prompt, **act)
    prompt = drafts.get(key=prompt.pk, actor=act["by"])
    prompt = drafts.edit(instance=prompt, revision=prompt.revision, body=body(f"Draft {number}. "), **act)
account = get_user_model().objects.create_user("writer")
policy.grant(role=policy.Role.EDITOR, place=client, to=account, **act)
browser = Browser()
browser.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
path = f"/clients/acme/prompts/{prompt.pk}/"
print(json.dumps({"path": path, "session": browser.cookies["sessionid"].value}))
"""
COUNT = """
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
browser = Browser(headers={"host": "127.0.0.1"})
browser.cookies["sessionid"] = SESSION
assert browser.get(PATH).status_code == 200
with CaptureQueriesContext(connection) as queries:
    assert browser.get(PATH).status_code == 200
print(len(queries))
"""


def prepared(installed: Installation) -> dict[str, str]:
    """The page's ``path``, and the ``session`` of somebody who may edit it."""
    made: dict[str, str] = json.loads(installed.shell(f"LINE, SIZE = {LINE!r}, {SIZE}\n{PREPARE}"))
    return made


def queries(installed: Installation, path: str, session: str) -> int:
    """How often the page asks the database when it has been asked for before."""
    return int(installed.shell(f"PATH, SESSION = {path!r}, {session!r}\n{COUNT}"))


def cpu(installed: Installation, path: str, session: str, requests: int) -> list[float]:
    """Milliseconds of server CPU per request, one figure for each round. Raises RuntimeError for another page."""
    connection = Connection(installed.ports[0], headers={"Cookie": f"sessionid={session}"})

    def ask() -> None:
        status, page = connection.call("GET", path)
        if status != 200 or b"</html>" not in page:
            raise RuntimeError(f"{path}: {status} {page[:300]!r}")

    rounds = []
    for _ in range(WARM):
        ask()
    for _ in range(ROUNDS):
        before = cpu_seconds(installed.pids)
        for _ in range(requests):
            ask()
        rounds.append((cpu_seconds(installed.pids) - before) / requests * 1e3)
    connection.close()
    return sorted(rounds)


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=40, help="of each round")
    chosen = parser.parse_args(arguments)
    if chosen.requests < 20:
        parser.error("fewer than 20 requests say little: the clock of a process has steps of 10 ms")
    asked: dict[str, int] = {}
    used: dict[str, float] = {}
    with servers() as (server, broker), installation(server, broker, "detail", web=1) as installed:
        made: dict[str, Any] = prepared(installed)
        with others_share(besides=[server.pid, *installed.pids]):
            for tab, query in TABS.items():
                asked[tab] = queries(installed, made["path"] + query, made["session"])
                rounds = cpu(installed, made["path"] + query, made["session"], chosen.requests)
                used[tab] = rounds[len(rounds) // 2]
                shown = " / ".join(f"{figure:.1f}" for figure in (rounds[0], used[tab], rounds[-1]))
                print(f"  {tab:<10} {shown} ms of server CPU, {asked[tab]} queries")
    met = [
        report("P3 page of 20 kB, queries", 12, max(asked.values()), higher_is_better=False, unit=""),
        report("P3 page of 20 kB, server CPU", 100, max(used.values()), higher_is_better=False, unit="ms"),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
