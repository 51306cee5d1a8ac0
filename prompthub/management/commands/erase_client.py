"""``manage.py erase_client``: empty everything that is kept of an archived client, for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from assist import erasure
from foundation import actors, correlation
from prompthub_kernel.errors import PromptHubError
from tenancy import clients


class Command(BaseCommand):
    help = "Erase the texts, variables, secrets, credentials and names of an archived client. There is no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client", help="the client's slug")
        parser.add_argument("--yes", action="store_true", help="really do it")

    def handle(self, *args: Any, **options: Any) -> None:
        by = actors.system(actors.Door.COMMAND)
        try:
            client = clients.get(key=options["client"], actor=by)
            if not options["yes"]:
                raise CommandError(f"This erases {client.name} ({client.slug}) for good. Say --yes to do it.")
            with correlation.use(correlation.new()):
                done = erasure.erase_client(client=client, by=by, at=timezone.now())
        except PromptHubError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done.values} values erased." if done.changed else "There was nothing left to erase.")
