"""A provider that takes nothing and says so in markup: a page at ``/html``, the message of a document elsewhere."""

from __future__ import annotations

from tests.fakes.standin import Reply, Request, StandIn

SAID = """<img src=x onerror="alert('provider')">"""
PAGE = f"<!doctype html><html><head><title>Refused &lt;b> {SAID}</title></head><body>{SAID}</body></html>"


class Unkind(StandIn):
    """Refuses every message."""

    def reply(self, request: Request) -> Reply:
        """400."""
        return Reply.html(400, PAGE) if request.path == "/html" else Reply.of(400, {"message": f"Refused. {SAID}"})
