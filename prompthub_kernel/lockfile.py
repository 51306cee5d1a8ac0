"""``prompthub.lock``: exactly which releases and texts a project uses, and what required what.

```json
{
  "bundles": {
    "@acme/base": {
      "digest": "sha256:…",
      "prompts": {
        "tone": "sha256:…"
      },
      "requires": {},
      "version": "1.4.0"
    },
    "@acme/support": {
      "digest": "sha256:…",
      "prompts": {
        "styles/calm": "sha256:…",
        "welcome": "sha256:…"
      },
      "requires": {
        "@acme/base": "^1.2"
      },
      "version": "2.1.0-gpt4"
    }
  },
  "lockfile": 1,
  "requirements": {
    "@acme/support": "^2.1-gpt4"
  }
}
```

``requirements`` is what the project itself asks for; channels may be named there, and the lock holds what they pointed
at. The file has one spelling (names in order, two spaces a level, a newline at the end), so that a change shows as the
lines that changed; its digest is taken over the canonical JSON (RFC 8785) and does not depend on white space.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any

from prompthub_kernel import shapes
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.selector import Exact, Named, Range, Selector
from prompthub_kernel.semver import SemVer
from prompthub_kernel.strict_json import strict_json

FORMAT = 1
MAX_BYTES = 16 * 1024 * 1024
MAX_PROBLEMS = 100
_DOMAIN = b"prompthub lockfile 1"
_MEMBERS = frozenset({"lockfile", "requirements", "bundles"})
_BUNDLE_MEMBERS = frozenset({"version", "digest", "prompts", "requires"})


@dataclass(frozen=True, slots=True)
class LockedBundle:
    """A release as the lock holds it; ``digest`` is its manifest's, ``prompts`` those of its texts by name."""

    version: SemVer
    digest: str
    prompts: Mapping[str, str]
    requires: Mapping[str, Exact | Range]

    @classmethod
    def of(cls, manifest: Manifest) -> LockedBundle:
        """What a lock holds of a release."""
        return cls(manifest.version, manifest.digest(), manifest.prompts, manifest.requires)

    def to_json(self) -> dict[str, Any]:
        """The JSON value."""
        return {
            "version": str(self.version),
            "digest": self.digest,
            "prompts": dict(self.prompts),
            "requires": {name: str(selector) for name, selector in self.requires.items()},
        }


@dataclass(frozen=True, slots=True)
class Lockfile:
    """What the project asks for, and every bundle it needs for that, both by ``@repository/bundle``."""

    requirements: Mapping[str, Selector]
    bundles: Mapping[str, LockedBundle]

    @classmethod
    def of(cls, requirements: Mapping[str, Selector], manifests: Iterable[Manifest]) -> Lockfile:
        """The lock of a solution, or of what is served now; :meth:`contradictions` tells whether it is whole."""
        return cls(requirements, {manifest.bundle: LockedBundle.of(manifest) for manifest in manifests})

    @classmethod
    def parse(cls, raw: bytes) -> Lockfile:
        """The lock a file holds, however it is spaced. Raises what :func:`strict_json` and :meth:`from_json` raise."""
        return cls.from_json(strict_json(raw, max_bytes=MAX_BYTES))

    @classmethod
    def from_json(cls, value: Any) -> Lockfile:
        """The lock a JSON value says.

        Raises ``422.request_invalid`` or ``400.address_invalid`` at the pointer of the first piece of a wrong shape,
        and ``422.request_invalid`` with the :meth:`contradictions` of a lock that has some.
        """
        found = shapes.exactly(value, "", _MEMBERS)
        shapes.constant(found["lockfile"], "/lockfile", FORMAT)
        requirements = shapes.selectors(found["requirements"], "/requirements")
        bundles: dict[str, LockedBundle] = {}
        for name, held in sorted(shapes.mapping(found["bundles"], "/bundles", shapes.MAX_BUNDLES).items()):
            here = shapes.below("/bundles", name)
            bundles[shapes.bundle(name, here)] = _bundle(held, here)
        lock = cls(requirements, bundles)
        if contradictions := lock.contradictions():
            raise Invalid("422.request_invalid", contradictions[0].detail, problems=contradictions)
        return lock

    def to_json(self) -> dict[str, Any]:
        """The JSON value."""
        return {
            "lockfile": FORMAT,
            "requirements": {name: str(selector) for name, selector in self.requirements.items()},
            "bundles": {name: bundle.to_json() for name, bundle in self.bundles.items()},
        }

    def dump(self) -> bytes:
        """The one spelling of the file, UTF-8."""
        return (json.dumps(self.to_json(), indent=2, sort_keys=True) + "\n").encode()

    def digest(self) -> str:
        """The digest of the lock, the same for every spelling of it."""
        return sha256_digest(_DOMAIN, canonical_json(self.to_json()))

    def required_by(self, name: str) -> list[str]:
        """The locked bundles that require a bundle, in order."""
        return sorted(other for other, bundle in self.bundles.items() if name in bundle.requires)

    def contradictions(self) -> list[Problem]:
        """Where the lock contradicts itself, at most :data:`MAX_PROBLEMS`.

        Codes: ``missing`` (a bundle is required and not locked), ``unsatisfied`` (its version is not what is asked
        for), ``unneeded`` (nothing requires it) and ``cycle``.
        """
        return list(islice(self._contradictions(), MAX_PROBLEMS))

    def _contradictions(self) -> Iterator[Problem]:
        yield from self._unmet("/requirements", self.requirements)
        for name, bundle in sorted(self.bundles.items()):
            yield from self._unmet(shapes.below("/bundles", name) + "/requires", bundle.requires)
        needed, waiting = set(self.requirements), list(self.requirements)
        while waiting:
            locked = self.bundles.get(waiting.pop())
            more = locked.requires.keys() - needed if locked else set()
            needed |= more
            waiting += more
        for name in sorted(self.bundles.keys() - needed):
            yield Problem(shapes.below("/bundles", name), "unneeded", "Nothing requires this bundle.")
        try:
            TopologicalSorter({name: bundle.requires.keys() for name, bundle in self.bundles.items()}).prepare()
        except CycleError as error:
            names = error.args[1]
            yield Problem(shapes.below("/bundles", names[0]), "cycle", f"{' → '.join(names[:10])} is a cycle.")

    def _unmet(self, pointer: str, required: Mapping[str, Selector]) -> Iterator[Problem]:
        for name, selector in sorted(required.items()):
            if name not in self.bundles:
                yield Problem(shapes.below(pointer, name), "missing", "This bundle is required and not locked.")
            elif not isinstance(selector, Named) and not selector.matches(self.bundles[name].version):
                yield Problem(shapes.below(pointer, name), "unsatisfied", "Another version than required is locked.")


def problems(lock: Lockfile, against: Lockfile) -> list[Problem]:
    """Where a lock and what there is now differ, at most :data:`MAX_PROBLEMS`; empty when a frozen install may go on.

    ``against`` is made of the project's requirements now and of the manifests that are served for the locked versions,
    or for those that would be chosen now. Pointers are into the lock. Codes: ``digest_mismatch`` (the same version with
    other content: never to be used), ``requires_changed`` (likewise), ``version_changed``, ``bundle_added``,
    ``bundle_removed``, ``requirement_added``, ``requirement_removed``, ``requirement_changed``.
    """
    return list(islice(_differences(lock, against), MAX_PROBLEMS))


def _differences(lock: Lockfile, against: Lockfile) -> Iterator[Problem]:
    mismatched = {
        name: list(_mismatches(bundle, against.bundles[name], shapes.below("/bundles", name)))
        for name, bundle in sorted(lock.bundles.items())
        if name in against.bundles and str(bundle.version) == str(against.bundles[name].version)
    }
    for found in mismatched.values():
        yield from found
    for name in sorted(lock.bundles.keys() | against.bundles.keys()):
        here = shapes.below("/bundles", name)
        if name not in against.bundles:
            yield Problem(here, "bundle_removed", "This bundle is locked and no longer needed or served.")
        elif name not in lock.bundles:
            yield Problem(here, "bundle_added", "This bundle is needed now and not locked.")
        elif name not in mismatched:
            detail = f"Locked is {lock.bundles[name].version}, now it is {against.bundles[name].version}."
            yield Problem(f"{here}/version", "version_changed", detail)
    for name in sorted(lock.requirements.keys() | against.requirements.keys()):
        here = shapes.below("/requirements", name)
        if name not in against.requirements:
            yield Problem(here, "requirement_removed", "The project no longer asks for this bundle.")
        elif name not in lock.requirements:
            yield Problem(here, "requirement_added", "The project asks for this bundle now.")
        elif lock.requirements[name] != against.requirements[name]:
            yield Problem(here, "requirement_changed", "The project asks for other versions of this bundle now.")


def _mismatches(locked: LockedBundle, served: LockedBundle, pointer: str) -> Iterator[Problem]:
    if locked.digest != served.digest:
        yield Problem(f"{pointer}/digest", "digest_mismatch", "This version has another content than the locked one.")
    for name in sorted(locked.prompts.keys() | served.prompts.keys()):
        if locked.prompts.get(name) != served.prompts.get(name):
            here = shapes.below(f"{pointer}/prompts", name)
            yield Problem(here, "digest_mismatch", "This prompt has another text than the locked one.")
    if dict(locked.requires) != dict(served.requires):
        yield Problem(f"{pointer}/requires", "requires_changed", "This version requires other bundles than locked.")


def _bundle(value: Any, pointer: str) -> LockedBundle:
    found = shapes.exactly(value, pointer, _BUNDLE_MEMBERS)
    return LockedBundle(
        version=shapes.version(found["version"], f"{pointer}/version"),
        digest=shapes.digest(found["digest"], f"{pointer}/digest"),
        prompts=shapes.prompts(found["prompts"], f"{pointer}/prompts"),
        requires=shapes.requirements(found["requires"], f"{pointer}/requires"),
    )
