"""Sentry hears nothing while PostgreSQL or Redis is away from a large installation, whichever process meets it."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration.test_large_installation import ROOT, SECONDS, Installation, until
from tests.services import postgres, redis

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

SIGNED_IN = {"Cookie": "sessionid=" + "a" * 32, "Authorization": "Bearer phub_" + "a" * 12 + "_" + "b" * 43}
BUG = "import sentry_sdk; sentry_sdk.capture_exception(ZeroDivisionError('a bug')); sentry_sdk.flush()"


class Ingest(BaseHTTPRequestHandler):
    """Takes in envelopes as Sentry does, and keeps what each event is about."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        _, header, payload, *_ = body.split(b"\n")
        if json.loads(header)["type"] == "event":
            event = json.loads(payload)
            raised = [one["type"] for one in event.get("exception", {}).get("values", [])]
            self.server.events.append(raised or event.get("logentry"))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def sentry():
    with ThreadingHTTPServer(("127.0.0.1", 0), Ingest) as server:
        server.events = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_sentry_hears_nothing_of_an_outage_of_postgresql_and_one_of_redis(tmp_path, sentry):
    with postgres() as database, redis() as broker:
        installation = Installation(database, broker, tmp_path)
        installation.environment["SENTRY_DSN"] = f"http://key@127.0.0.1:{sentry.server_port}/1"
        assert installation.start("migrate").wait(SECONDS) == 0
        with installation.running("web", "worker", "beat") as processes:
            logs = {part: installation.log(part) for part in processes}

            def told(part, *words):
                said = logs[part].read_text(errors="replace")
                return all(said.count(word) >= 2 for word in words)

            def works(slug):
                installation.act(slug)
                until(
                    lambda: installation.asked("SELECT count(*) FROM prompthub_audit_auditlink") >= len(slug),
                    what="the ledger's chain grows",
                    log=logs["worker"],
                )

            until(lambda: installation.get("/readyz")[0] == 200, what="/readyz", log=logs["web"])
            works("a")
            database.stop("immediate")
            until(
                lambda: told("worker", "raised unexpected", "assist.sweep", "registry.wake", "audit.chain"),
                what="the worker's log tells of PostgreSQL",
            )
            for path in ("/readyz", "/", "/api/v1/me"):
                assert installation.get(path, headers=SIGNED_IN)[0] == 503, path
            database.start()
            works("aa")
            broker.kill()
            until(lambda: told("worker", "Cannot connect to"), what="the worker's log tells of Redis")
            until(lambda: told("beat", "SchedulingError"), what="beat's log tells of Redis", log=logs["beat"])
            broker.start()
            works("aaa")
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            assert [process.wait(SECONDS) for process in processes.values()] == [0, 0, 0]
        assert sentry.events == []
        command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", BUG]
        subprocess.run(command, cwd=ROOT, env=installation.environment, check=True, capture_output=True)
        assert sentry.events == [["ZeroDivisionError"]]
