"""The portal's own navigation: what a person may see, in the order of a working day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenancy.models import Client, Project


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation. ``key`` is what a view names as its ``section``; ``icon`` is in icons.svg."""

    key: str
    title: str | Promise
    icon: str
    route: str


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it is drawn for one request."""

    title: str | Promise
    icon: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading; the first group has none."""

    title: str | Promise
    links: list[Link]


# For everybody who is signed in; the pages themselves show only what the person may see.
EVERYBODY = (
    Entry("dashboard", _("Dashboard"), "dashboard", "portal:dashboard"),
    Entry("clients", _("Clients"), "clients", "portal:clients"),
    Entry("projects", _("Projects"), "projects", "portal:projects"),
    Entry("reviews", _("Reviews"), "reviews", "portal:reviews"),
    Entry("packs", _("Packs"), "packs", "portal:packs"),
    Entry("deliveries", _("Deliveries"), "deliveries", "portal:deliveries"),
    Entry("drifts", _("Drift"), "drift", "portal:drifts"),
    Entry("audit", _("Audit"), "audit", "portal:audit"),
    Entry("search", _("Search"), "search", "portal:search"),
)
# Inside a client's addresses; each route takes the client's slug.
OF_CLIENT = (
    Entry("prompts", _("Prompts"), "prompts", "portal:prompts"),
    Entry("targets", _("Targets"), "targets", "portal:targets"),
    Entry("why", _("Why this text?"), "why", "portal:why"),
    Entry("client_settings", _("Client settings"), "settings", "portal:client_settings"),
)
# Inside a project's addresses; each route takes the project's slug.
OF_PROJECT = (
    Entry("project", _("Bundles"), "bundles", "portal:project"),
    Entry("templates", _("Templates"), "templates", "portal:templates"),
)
HOUSE = (
    Entry("settings", _("Settings"), "settings", "portal:settings"),
    Entry("glossary", _("Glossary"), "glossary", "portal:glossary"),
)
STAFF = (Entry("admin", _("Administration"), "admin", "admin:index"),)


def navigation(
    request: HttpRequest, section: str, client: Client | None, project: Project | None = None
) -> list[Group]:
    """The groups for this person at this place."""

    def links(entries: tuple[Entry, ...], **where: Any) -> list[Link]:
        return [
            Link(entry.title, entry.icon, reverse(entry.route, kwargs=where), entry.key == section) for entry in entries
        ]

    groups = [Group("", links(EVERYBODY))]
    if client is not None:
        groups.append(Group(client.name, links(OF_CLIENT, client=client.slug)))
    if project is not None:
        groups.append(Group(project.name, links(OF_PROJECT, project=project.slug)))
    house = links(HOUSE)
    if getattr(request.user, "is_staff", False):
        house += links(STAFF)
    groups.append(Group(_("PromptHub"), house))
    return groups
