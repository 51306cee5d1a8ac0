"""What a release is made of: the paper whose digest is the release's passport.

The manifest lists the digest of every prompt, so one digest vouches for the whole release. It never changes; what
happens to a release later (yanked, retired) is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prompthub_kernel import shapes
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.selector import Exact, Range
from prompthub_kernel.semver import SemVer

FORMAT = 1
_DOMAIN = b"prompthub release 1"
_MEMBERS = frozenset({"manifest", "bundle", "version", "prompts", "requires"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release: ``prompts`` by name with the digests of their sealed texts, ``requires`` by name of bundle.

    ``compatibility`` is what the author says of it (models, engine, minimum client), any JSON object.
    """

    bundle: str
    version: SemVer
    prompts: Mapping[str, str]
    requires: Mapping[str, Exact | Range] = field(default_factory=dict)
    compatibility: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any) -> Manifest:
        """The manifest a JSON value says. Raises ``422.request_invalid`` or ``400.address_invalid`` at the pointer."""
        found = shapes.exactly(value, "", _MEMBERS, frozenset({"compatibility"}))
        shapes.constant(found["manifest"], "/manifest", FORMAT)
        return cls(
            bundle=shapes.bundle(found["bundle"], "/bundle"),
            version=shapes.version(found["version"], "/version"),
            prompts=shapes.prompts(found["prompts"], "/prompts"),
            requires=shapes.requirements(found["requires"], "/requires"),
            compatibility=shapes.mapping(found.get("compatibility", {}), "/compatibility", 100),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON value, everything under its name in order."""
        return {
            "manifest": FORMAT,
            "bundle": self.bundle,
            "version": str(self.version),
            "prompts": dict(sorted(self.prompts.items())),
            "requires": {name: str(selector) for name, selector in sorted(self.requires.items())},
            "compatibility": dict(self.compatibility),
        }

    def digest(self) -> str:
        """The digest of the release. It is taken over its domain too: no other paper has the same one."""
        return digest_of(paper=self.to_json())


def digest_of(*, paper: Mapping[str, Any]) -> str:
    """The digest of a manifest as :meth:`Manifest.to_json` says it, without reading it: to check what was kept."""
    return sha256_digest(_DOMAIN, canonical_json(paper))
