"""``manage.py provider``: a provider on this machine that takes what PromptHub delivers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from publishing import loopback


class Command(BaseCommand):
    help = "Serve a provider that receives webhooks and shows what it holds, for demonstrations."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument(
            "--file", help="where it keeps what it holds; by default provider.json in the state directory"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings.STATE_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = options["file"] or str(settings.STATE_DIR / "provider.json")
        loopback.main(["--host", options["host"], "--port", str(options["port"]), "--file", kept])
