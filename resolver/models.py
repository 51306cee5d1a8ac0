"""How often a text was fetched, by whom."""

from __future__ import annotations

from django.db import models

from foundation.models import Mutable
from prompthub_kernel.semver import MAX_LENGTH as MAX_VERSION_LENGTH
from tenancy.models import Client, Project, ServiceToken

ONCE_A_DAY = ("day", "token", "prompt", "version")
OF_CLIENT_ONCE_A_DAY = ("day", "token", "client", "prompt", "version")
"""What a row is there once for. Addresses name their project; two clients may name a prompt alike."""


class UsageDaily(Mutable):
    """Fetches of one text by one token on one day (UTC); ``last_at`` is the time of the last one.

    ``prompt`` is the address without a selector, ``@local/onboarding/first_login``, or the name of a client's prompt.
    ``version`` is the release's, or the ordinal of the client's version.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    token = models.ForeignKey(ServiceToken, on_delete=models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+")
    prompt = models.CharField(max_length=300)
    version = models.CharField(max_length=MAX_VERSION_LENGTH)
    fetches = models.PositiveBigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-day", "-fetches", "id")
        constraints = (
            models.UniqueConstraint(
                fields=ONCE_A_DAY, condition=models.Q(client__isnull=True), name="usage_of_project_once_a_day"
            ),
            models.UniqueConstraint(
                fields=OF_CLIENT_ONCE_A_DAY, condition=models.Q(project__isnull=True), name="usage_of_client_once_a_day"
            ),
            models.CheckConstraint(
                condition=models.Q(project__isnull=True) ^ models.Q(client__isnull=True), name="usage_of_one_place"
            ),
        )
        indexes = (models.Index(fields=("project", "-day"), name="usage_of_project"),)
        verbose_name_plural = "usage by day"

    def __str__(self) -> str:
        return f"{self.prompt} {self.version} on {self.day}"
