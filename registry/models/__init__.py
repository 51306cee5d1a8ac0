"""The rows of the registry."""

from registry.models.bundles import Bundle, Member, Requirement, SearchWord
from registry.models.channels import Activation, Channel
from registry.models.releases import Pin, Release, ReleaseMark, ReleaseRequirement
from registry.models.signing import ReleaseSignature, RepositoryIndex, SigningKey

__all__ = [
    "Activation",
    "Bundle",
    "Channel",
    "Member",
    "Pin",
    "Release",
    "ReleaseMark",
    "ReleaseRequirement",
    "ReleaseSignature",
    "RepositoryIndex",
    "Requirement",
    "SearchWord",
    "SigningKey",
]
