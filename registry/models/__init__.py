"""The rows of the registry."""

from registry.models.bundles import Bundle, Member, Requirement, SearchWord
from registry.models.channels import Activation, Channel
from registry.models.releases import Inclusion, Pin, Release, ReleaseMark, ReleaseRequirement
from registry.models.signing import ReleaseSignature, RepositoryIndex, SigningKey

__all__ = [
    "Activation",
    "Bundle",
    "Channel",
    "Inclusion",
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
