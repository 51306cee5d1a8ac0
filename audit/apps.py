"""The ledger's app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit events and the hash chain over them."""

    name = "audit"
    label = "prompthub_audit"
    verbose_name = "Ledger"
