"""Lock files, the keys that releases are signed with, and the signed index of a repository."""

from __future__ import annotations

import contracts
from foundation.clock import rfc3339
from gateway import query
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from gateway.v1 import release_presenters as shown
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.lockfile import Lockfile
from registry import lockfiles, signing
from tenancy import projects
from tenancy.policy import Permission

UNSOLVED = ("400.address_invalid", "422.dependency_cycle", "422.dependency_unsatisfiable", "502.seal_broken")


class Locks(Endpoint):
    """``/locks``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "lock",
        "Choose exact releases for what a project asks for",
        {200: "Lock"},
        body="lock-request",
        problems=UNSOLVED,
        again=Again.RUNS,
    )
    def post(self) -> Answer:
        """The answer is the lock file, byte for byte; nothing is stored. A conflict is explained in sentences."""
        given = self.body.get("locked")
        found = lockfiles.lock(
            requirements=self.body["requirements"],
            locked=None if given is None else _lock_file(given, "/locked"),
            actor=self.actor,
        )
        return Answer(found.dump())


class VerifyLock(Endpoint):
    """``/locks/verify``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "verify_lock",
        "Hold a lock file against what is served",
        {200: "LockVerified"},
        body="lock-verification",
        problems=("400.address_invalid",),
        again=Again.RUNS,
    )
    def post(self) -> Answer:
        """Without problems a frozen install may go on; warnings tell of releases that were retired or yanked.

        The body is the lock file; or it has the lock file as ``locked`` and beside it, as ``requirements``, what the
        project asks for now.
        """
        given = self.body.get("locked")
        lock = _lock_file(self.body, "") if given is None else _lock_file(given, "/locked")
        requirements = None if given is None else self.body.get("requirements")
        found = lockfiles.verify(lock=lock, actor=self.actor, requirements=requirements)
        problems = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in found]
        warnings = [
            {"pointer": one.pointer, "code": one.code, "reason": one.reason, "message": one.message}
            for one in lockfiles.marked(lock=lock, actor=self.actor)
        ]
        return Answer({"ok": not problems, "digest": lock.digest(), "problems": problems, "warnings": warnings})


class Keys(Endpoint):
    """``/keys``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_keys",
        "The public keys that releases and indexes are signed with",
        {200: "Keys"},
        query=(query.flag("retired", "Also those that signed before."),),
    )
    def get(self) -> Answer:
        """Ed25519, in base64. A reader trusts the keys that an index names which it trusted before."""
        return Answer({"keys": shown.encoded(signing.public_keys(retired=self.query["retired"]))})


class RotateKey(Endpoint):
    """``/keys/rotate``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("rotate_key", "Sign with a new key from now on", {200: "Keys"})
    def post(self) -> Answer:
        """Every index is signed once more by the old key, and names the new one."""
        signing.rotate(by=self.actor, at=self.at)
        return Answer({"keys": shown.encoded(signing.public_keys())})


class RepositoryIndex(Endpoint):
    """``/projects/{project}/index``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "read_index",
        "All releases of a project, signed",
        {200: "Index"},
        query=(
            query.whole("counter", "An earlier index, for whoever missed a change of keys.", least=1, most=2**53 - 1),
        ),
    )
    def get(self, project: str) -> Answer:
        """With a counter that only rises and a time until which it may be believed."""
        place, counter = projects.get(key=project, actor=self.actor), self.query["counter"]
        if counter is None:
            row = signing.index(project=place, actor=self.actor, at=self.at)
        else:
            row = signing.earlier(project=place, counter=counter, actor=self.actor)
        told = {"digest": row.digest, "expires_at": rfc3339(row.expires_at), "signatures": row.signatures}
        return Answer({**told, "index": row.document})


def _lock_file(given: object, prefix: str) -> Lockfile:
    """A lock file at a pointer of the body: what is wrong with it is told at its place there."""
    if problems := contracts.problems("lockfile", given, prefix):
        raise Invalid("422.request_invalid", problems=problems)
    try:
        return Lockfile.from_json(given)
    except Invalid as error:
        there = [Problem(f"{prefix}{one.pointer}", one.code, one.detail) for one in error.problems]
        raise Invalid(error.code, error.detail, problems=there, context=error.context) from error
