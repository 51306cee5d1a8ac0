"""What is signed about releases, and what a reader must refuse.

A release's signature is taken over its manifest, the list of its digests, and holds for ever. That says *this is what
was released*, and not *this is all there is, now*. The index of a repository says that: which releases there are, with
a counter that only rises, a time until which it may be believed, and the digest of the index before it. So a server, or
whoever stands between, cannot pass off another text, use a version again, hide a release or a yank, bring back an older
state or keep a reader on one, without being noticed.

Keys are Ed25519 and change by the index too: an index is signed by a key that was trusted before it, and names those
that are trusted from it on. Whoever missed a change reads the indices in between, one by one.

Nothing here computes a signature: ``verify`` is a function that the caller brings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeAlias

from prompthub_kernel import shapes
from prompthub_kernel.address import read_slug
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Problem
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.place import Place

FORMAT = 1
KEY_BYTES, SIGNATURE_BYTES = 32, 64
MAX_KEYS = 16
MAX_VERSIONS = 10_000
MAX_COUNTER = 2**53 - 1
MAX_PROBLEMS = 100

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether a signature of 64 bytes is that of a message by a public key of 32: ``verify(key, signature, message)``."""
Keys: TypeAlias = Mapping[str, bytes]
"""Public keys by their :func:`key_id`."""

_RELEASE, _INDEX = b"prompthub release 1\n", b"prompthub index 1\n"
_DOMAIN = b"prompthub index 1"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_MEMBERS = frozenset({"index", "repository", "counter", "made", "expires", "previous", "keys", "bundles"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the index: the digest of its manifest, None for one that was reverted and is never used again."""

    digest: str | None
    yanked: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON value."""
        return {"digest": self.digest, "yanked": self.yanked}


@dataclass(frozen=True, slots=True)
class Index:
    """The releases of a repository at one moment: bundles by slug, in them versions as they are spelled.

    ``counter`` is 1 for the first index and one higher for each that follows; ``previous`` is the digest of the one
    before, None for the first. ``keys`` are those that are trusted from this index on.
    """

    repository: str
    counter: int
    made: datetime
    expires: datetime
    previous: str | None
    keys: Keys
    bundles: Mapping[str, Mapping[str, Entry]]

    @classmethod
    def from_json(cls, value: Any) -> Index:
        """The index a JSON value says. Raises ``422.request_invalid`` or ``400.address_invalid`` at the pointer."""
        found = shapes.exactly(value, "", _MEMBERS)
        shapes.constant(found["index"], "/index", FORMAT)
        counter = found["counter"]
        if type(counter) is not int or not 1 <= counter <= MAX_COUNTER:
            shapes.refuse("/counter", "minimum", "The counter is a whole number from 1 on.")
        previous = found["previous"]
        if (counter == 1) != (previous is None):
            shapes.refuse("/previous", "type", "The first index follows none, and every other one does.")
        bundles = shapes.mapping(found["bundles"], "/bundles", shapes.MAX_BUNDLES)
        return cls(
            repository=read_slug(found["repository"], "repository", where=Place("/repository")),
            counter=counter,
            made=_time(found["made"], "/made"),
            expires=_time(found["expires"], "/expires"),
            previous=None if previous is None else shapes.digest(previous, "/previous"),
            keys=_keys(found["keys"]),
            bundles={
                read_slug(name, "bundle", where=Place(shapes.below("/bundles", name[:200]))): _entries(held, name)
                for name, held in sorted(bundles.items())
            },
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON value."""
        return {
            "index": FORMAT,
            "repository": self.repository,
            "counter": self.counter,
            "made": _spelled(self.made),
            "expires": _spelled(self.expires),
            "previous": self.previous,
            "keys": {name: base64.b64encode(key).decode() for name, key in sorted(self.keys.items())},
            "bundles": {
                bundle: {version: entry.to_json() for version, entry in sorted(versions.items())}
                for bundle, versions in sorted(self.bundles.items())
            },
        }

    def digest(self) -> str:
        """What the index after this one names as ``previous``."""
        return sha256_digest(_DOMAIN, canonical_json(self.to_json()))


def key_id(key: bytes) -> str:
    """What a public key is called: ``ed25519:`` and 16 hex digits of its SHA-256."""
    return f"ed25519:{hashlib.sha256(key).hexdigest()[:16]}"


def signed_bytes(paper: Manifest | Index) -> bytes:
    """The message that a signature of a release or an index is made of. The two can never be taken for each other."""
    return (_RELEASE if isinstance(paper, Manifest) else _INDEX) + canonical_json(paper.to_json())


def signature_problems(
    paper: Manifest | Index, signatures: Mapping[str, bytes], *, keys: Keys, verify: Verify
) -> list[Problem]:
    """Why signatures by key id do not vouch for a paper; empty when one of a trusted key does.

    Codes: ``unsigned`` (by none of the keys), ``signature`` (one of a trusted key is wrong, whatever others say).
    """
    trusted = sorted(signatures.keys() & keys.keys())
    message = signed_bytes(paper)
    wrong = [
        name
        for name in trusted
        if len(signatures[name]) != SIGNATURE_BYTES or not verify(keys[name], signatures[name], message)
    ]
    if wrong:
        detail = "This signature does not belong to what was signed."
        return [Problem(shapes.below("/signatures", name), "signature", detail) for name in wrong]
    return [] if trusted else [Problem("/signatures", "unsigned", "No key that is trusted signed this.")]


def index_problems(
    index: Index,
    signatures: Mapping[str, bytes],
    *,
    repository: str,
    last: Index | None,
    keys: Keys,
    at: datetime,
    verify: Verify,
) -> list[Problem]:
    """Why an index is not to be believed at a time; empty when it may replace ``last``, the one believed before.

    Without ``last`` the signature is held against ``keys``, which the reader was given otherwise; with it, against the
    keys it names. Codes, at most :data:`MAX_PROBLEMS`: those of :func:`signature_problems`, alone; ``repository`` (of
    another one), ``expired`` (too old), ``rolled_back`` (older than the last), ``forked`` (it does not follow the
    last), ``vanished`` (a version is no longer told of), ``reused`` (a version has another content than before).
    """
    trusted = last.keys if last else keys
    if unsigned := signature_problems(index, signatures, keys=trusted, verify=verify):
        return unsigned
    return list(islice(_disbelief(index, repository, last, at), MAX_PROBLEMS))


def _disbelief(index: Index, repository: str, last: Index | None, at: datetime) -> Iterator[Problem]:
    if index.repository != repository:
        yield Problem("/repository", "repository", "This is the index of another repository.")
    if at >= index.expires:
        yield Problem("/expires", "expired", "This index is too old to be believed.")
    if last is None:
        return
    if index.counter < last.counter:
        yield Problem("/counter", "rolled_back", "A later index was seen before.")
    elif index.counter == last.counter and index.digest() != last.digest():
        yield Problem("/counter", "forked", "Another index with this counter was seen before.")
    elif index.counter == last.counter + 1 and index.previous != last.digest():
        yield Problem("/previous", "forked", "This index does not follow the one that was seen before.")
    for bundle, versions in sorted(last.bundles.items()):
        for version, entry in sorted(versions.items()):
            here = shapes.below(shapes.below("/bundles", bundle), version)
            now = index.bundles.get(bundle, {}).get(version)
            if now is None:
                yield Problem(here, "vanished", "This version was told of before.")
            elif now.digest not in {entry.digest, None}:
                yield Problem(here, "reused", "This version had another content before.")


def _entries(value: Any, bundle: str) -> dict[str, Entry]:
    pointer = shapes.below("/bundles", bundle)
    entries: dict[str, Entry] = {}
    for version, held in sorted(shapes.mapping(value, pointer, MAX_VERSIONS).items()):
        here = shapes.below(pointer, version[:200])
        found = shapes.exactly(held, here, frozenset({"digest", "yanked"}))
        if shapes.version(version, here).build:
            shapes.refuse(here, "propertyNames", "Versions stand here without what is behind +.")
        if not isinstance(found["yanked"], bool):
            shapes.refuse(f"{here}/yanked", "type", "This is not true or false.")
        digest = found["digest"]
        entries[version] = Entry(None if digest is None else shapes.digest(digest, f"{here}/digest"), found["yanked"])
    return entries


def _keys(value: Any) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for name, held in sorted(shapes.mapping(value, "/keys", MAX_KEYS).items()):
        here = shapes.below("/keys", name[:200])
        try:
            key = base64.b64decode(held, validate=True) if isinstance(held, str) else b""
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES or key_id(key) != name:
            shapes.refuse(here, "key", "This is not the public key of that id.")
        keys[name] = key
    if not keys:
        shapes.refuse("/keys", "minProperties", "An index names at least one key, or nothing could follow it.")
    return keys


def _time(value: Any, pointer: str) -> datetime:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        shapes.refuse(pointer, "format", "A time is written 2026-01-31T09:30:00.000Z.")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        shapes.refuse(pointer, "format", "There is no such time.")


def _spelled(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
