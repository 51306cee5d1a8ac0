"""``manage.py after_restore``: to be run once after a backup was restored, before anything is started."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from foundation import actors, correlation
from prompthub_kernel.errors import PromptHubError
from publishing import restoring


class Command(BaseCommand):
    help = "Leave out the numbers that may have been given out since the restored backup was made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--ahead",
            type=int,
            default=restoring.AHEAD,
            help="more than any one prompt was published since the backup was made (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = actors.system(actors.Door.COMMAND)
        try:
            with correlation.use(correlation.new()):
                moved = restoring.skip_numbers(by=by, at=timezone.now(), ahead=options["ahead"])
        except PromptHubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{moved} counters are {options['ahead']} ahead now. Look at Drift for what providers run.")
