"""Projects."""

from __future__ import annotations

from tenancy import projects
from tenancy.models import Project
from tests.factories.acting import AT, SYSTEM, unique


def make_project(*, slug: str | None = None, name: str = "Prompts", visibility: str = "private") -> Project:
    """A project, private unless said otherwise."""
    return projects.create(slug=slug or unique("prompts"), name=name, visibility=visibility, by=SYSTEM, at=AT)
