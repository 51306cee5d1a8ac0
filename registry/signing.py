"""Signatures of this installation: each release for ever, the index of each repository for a while (docs/adr/0023).

Keys are Ed25519, encrypted at rest. Changing them, every index is signed once more, by the old key and the new one.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from prompthub_kernel.errors import NotFound
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.signing import Entry, Index, key_id, signed_bytes
from registry import ed25519
from registry.models import Bundle, Release, ReleaseMark, ReleaseSignature, RepositoryIndex, SigningKey
from tenancy import policy
from tenancy.models import Project
from tenancy.policy import Permission

LIFETIME = timedelta(days=7)
"""How long an index may be believed; one that has less than half of it left is signed anew when it is asked for."""

KEYS_LOCK = 0x6B657973  # "keys": PostgreSQL advisory lock of whoever makes a key


def sign_release(*, release: Release, paper: Manifest, at: datetime) -> ReleaseSignature:
    """Vouch for a release; the caller's transaction cuts it."""
    key = _signing_key(at)
    return ReleaseSignature.objects.create(release=release, key=key, signature=_signed(key, signed_bytes(paper)), at=at)


def signatures(*, release: Release) -> dict[str, bytes]:
    """What vouches for a release, by the id of the key."""
    rows = ReleaseSignature.objects.filter(release=release).order_by("id")
    return {row.key_id: decoded(row.signature) for row in rows}


def public_keys(*, retired: bool = False) -> dict[str, bytes]:
    """The public keys by id: those an index is signed with now, or also those that signed releases before."""
    rows = SigningKey.objects.order_by("created_at", "id") if retired else _active()
    return {row.pk: decoded(row.public) for row in rows}


def decoded(text: str) -> bytes:
    """A key or a signature as it is kept; empty for what is neither."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def index(*, project: Project, actor: Actor, at: datetime) -> RepositoryIndex:
    """The index of a project as its releases are now: the last one, or a new one that follows it."""
    policy.require(actor, Permission.VIEW, project)
    last = _last(project)
    if last is not None and _stands(last, project, at):
        return last
    with transaction.atomic():
        _lock(project)
        last = _last(project)
        return last if last is not None and _stands(last, project, at) else _follow(project, at)


def earlier(*, project: Project, counter: int, actor: Actor) -> RepositoryIndex:
    """An index by its counter, for whoever missed a change of keys. Raises ``404.not_found``."""
    policy.require(actor, Permission.VIEW, project)
    found: RepositoryIndex | None = RepositoryIndex.objects.filter(project=project, counter=counter).first()
    if found is None:
        raise NotFound("404.not_found", "No such index.")
    return found


def rotate(*, by: Actor, at: datetime) -> SigningKey:
    """Sign with a new key from now on. The old ones sign every index once more, which names the new one; then their
    private halves are gone. Of several at once each changes the key of the one before.
    """
    policy.require(by, Permission.ADMIN, None)
    with transaction.atomic():
        _one_at_a_time()
        old = list(_active())
        new = _made(at)
        for project in Project.objects.filter(indexes__isnull=False).distinct().order_by("pk"):
            _lock(project)
            _follow(project, at, leaving=old)
        SigningKey.objects.filter(pk__in=[key.pk for key in old]).update(retired_at=at, private="")
        events.record(
            action=Action.SIGNING_KEY_ROTATE,
            subject=events.Subject(kind="signing_key", id=new.pk, label=new.pk),
            by=by,
            at=at,
            metadata={"retired": [key.pk for key in old]},
        )
    return new


def skip(*, ahead: int, at: datetime) -> int:
    """Leave out ``ahead`` counters of every index, with one that is signed now; returns of how many. Readers who saw
    one of those that were lost believe it.
    """
    projects = list(Project.objects.filter(indexes__isnull=False).distinct().order_by("pk"))
    for project in projects:
        _lock(project)
        _follow(project, at, ahead=ahead)
    return len(projects)


def _follow(
    project: Project, at: datetime, *, leaving: list[SigningKey] | None = None, ahead: int = 0
) -> RepositoryIndex:
    """The next index; the project is locked, so that indexes follow each other one by one."""
    last = _last(project)
    gone = {key.pk for key in leaving or ()}
    first = _signing_key(at) if not gone else None
    active = [key for key in SigningKey.objects.filter(retired_at=None) if key.pk not in gone]
    paper = Index(
        repository=project.slug,
        counter=last.counter + 1 + ahead if last else 1,
        made=at,
        expires=at + LIFETIME,
        previous=last.digest if last else None,
        keys={key.pk: decoded(key.public) for key in active},
        bundles=_entries(project),
    )
    message = signed_bytes(paper)
    signers = {key.pk: key for key in (*(leaving or ()), *active, *([first] if first else ()))}
    row = RepositoryIndex(
        project=project,
        counter=paper.counter,
        digest=paper.digest(),
        document=paper.to_json(),
        signatures={name: _signed(key, message) for name, key in sorted(signers.items())},
        made_at=at,
        expires_at=paper.expires,
    )
    row.save()
    return row


def _entries(project: Project) -> dict[str, dict[str, Entry]]:
    """Every bundle of a project with every release that was ever cut of it."""
    marks = ReleaseMark.objects.filter(release__bundle__project=project, kind__in=("yank", "revert")).order_by()
    marked: dict[str, set[object]] = {"yank": set(), "revert": set()}
    for key, kind in marks.values_list("release_id", "kind"):
        marked[kind].add(key)
    found: dict[str, dict[str, Entry]] = {
        slug: {} for slug in Bundle.objects.filter(project=project).order_by("slug").values_list("slug", flat=True)
    }
    rows = Release.objects.filter(bundle__project=project).order_by()
    for key, slug, number, digest in rows.values_list("pk", "bundle__slug", "number", "digest"):
        gone = key in marked["revert"]
        found[slug][number] = Entry(None if gone else digest, yanked=key in marked["yank"])
    return found


def _stands(last: RepositoryIndex, project: Project, at: datetime) -> bool:
    """Whether an index has time left, and tells the releases as they are now, by the keys there are now."""
    if last.expires_at - at <= LIFETIME / 2 or set(last.document["keys"]) != set(public_keys()):
        return False
    return bool(
        last.document["bundles"]
        == {
            name: {version: entry.to_json() for version, entry in held.items()}
            for name, held in _entries(project).items()
        }
    )


def _last(project: Project) -> RepositoryIndex | None:
    return RepositoryIndex.objects.filter(project=project).order_by("-counter").first()


def _lock(project: Project) -> None:
    Project.objects.select_for_update().get(pk=project.pk)


def _signing_key(at: datetime) -> SigningKey:
    """The oldest key in use, made when there is none; the caller's transaction signs with it."""
    found = _active().first()
    if found is None:
        _one_at_a_time()
        found = _active().first() or _made(at)
    return found


def _active() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(retired_at=None).order_by("created_at", "id")


def _one_at_a_time() -> None:
    """Wait until whoever makes a key has committed. No row is there to lock before the first one; SQLite has one writer
    anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEYS_LOCK])


def _made(at: datetime) -> SigningKey:
    private, public = ed25519.pair()
    return SigningKey.objects.create(
        pk=key_id(public), public=_encoded(public), private=_encoded(private), created_at=at
    )


def _signed(key: SigningKey, message: bytes) -> str:
    return _encoded(ed25519.signed(decoded(key.private), message))


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
