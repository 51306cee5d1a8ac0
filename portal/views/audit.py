"""The ledger, as far as its reader may see it."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from audit import events
from audit.models import AuditEvent
from portal.access import OperatorView
from portal.presenters import exporting, keyset, ledger
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission


class AuditView(OperatorView):
    """What the list and its files share: the filters, and the events they let through."""

    section = "audit"

    def found(self, filters: ledger.Filters, known: list[Client]) -> QuerySet[AuditEvent]:
        """The events this person may read that the filters let through."""
        client = next((one for one in known if one.slug == filters.client), None)
        return filters.narrow(policy.readable(events.every(), actor=self.actor), client=client)

    def clients(self) -> list[Client]:
        """The clients this person may choose from."""
        return list(clients.listing(actor=self.actor).order_by("name", "slug"))


class Audit(AuditView):
    """``/audit/?actor=&action=&client=&subject=&correlation_id=&since=&until=``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of events, newest first."""
        filters, known = ledger.Filters.read(request.GET), self.clients()
        page = keyset.page(self.found(filters, known), given=request.GET, read=keyset.number)
        context = {
            "page": page,
            "lines": ledger.lines(page.rows),
            "filters": filters,
            "clients": known,
            "actions": ledger.actions(),
            "largest": exporting.LARGEST,
        }
        return self.page("portal/pages/audit.html", context)


class AuditFile(AuditView):
    """The same events as a file."""

    permissions = {"GET": Permission.VIEW}
    kind: ClassVar[str] = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        """What the filters let through, the newest rows first."""
        rows = self.found(ledger.Filters.read(request.GET), self.clients())
        return exporting.answer(rows=rows, kind=self.kind, name="audit")


class AuditCsv(AuditFile):
    """``/audit.csv``."""

    kind = "csv"


class AuditJson(AuditFile):
    """``/audit.json``."""

    kind = "json"
