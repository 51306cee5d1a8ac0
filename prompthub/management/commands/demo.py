"""``manage.py demo``: the demo world. Safe to run again."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from foundation import correlation
from prompthub import demo_world


class Command(BaseCommand):
    help = "Build a small world to look around in: two clients, prompts of every kind, a provider on this machine."

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := demo_world.missing():
            raise CommandError(missing)
        with correlation.use(correlation.new()):
            demo_world.build(at=timezone.now())
        lines = "\n".join(demo_world.announce()) + "\n"
        path = settings.STATE_DIR / "welcome.txt"  # `serve` says it when it listens
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
            written.write(lines)
        if options["verbosity"] > 0:
            self.stdout.write(lines.rstrip())
