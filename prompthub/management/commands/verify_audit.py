"""``manage.py verify_audit``: prove the ledger's chain. Exit status 1 when it is broken."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import chain


class Command(BaseCommand):
    help = "Walk the hash chain over the whole ledger and compare every event, names aside, with its link."

    def handle(self, *args: Any, **options: Any) -> None:
        proof = chain.verify()
        if proof.broken:
            raise CommandError("\n".join([*proof.broken, f"The chain holds up to link {proof.linked} at most."]))
        self.stdout.write(f"{proof.linked} links hold; {proof.unlinked} events are not linked yet.")
