"""Whether what is kept is still what was sealed: digests, and the signatures over them.

A release is what its manifest says, the manifest has the digest it was cut with, and a key of this installation signed
it. What is read is checked by :mod:`registry.names`; what a lock file names is checked here.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog

from prompthub_kernel import manifest, shapes
from prompthub_kernel.body import BodyFormat, Engine, PromptBody
from prompthub_kernel.errors import Problem, Unavailable
from prompthub_kernel.signing import signature_problems
from registry import ed25519, signing
from registry.models import Pin, Release, ReleaseSignature
from templates_app import versions
from templates_app.models import TemplateVersion

log = structlog.get_logger(__name__)

MISMATCH = "digest_mismatch"
_TEXTS_AT_ONCE = 200


class Kept(Protocol):
    """A sealed text as it is kept."""

    @property
    def digest(self) -> str: ...  # noqa: D102 - columns of a template version
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def engine(self) -> str: ...  # noqa: D102
    @property
    def content_md(self) -> str | None: ...  # noqa: D102
    @property
    def content_json(self) -> Any: ...  # noqa: D102
    @property
    def variables_schema(self) -> Mapping[str, Any]: ...  # noqa: D102


def broken(*, where: str, detail: str, problems: Sequence[Problem] = ()) -> Unavailable:
    """The refusal of what is not what was sealed: nobody gets it, and the operator hears of it."""
    log.error("registry.damaged", where=where, why=detail)
    return Unavailable("502.seal_broken", f"{detail} It is not given to anybody.", problems=problems)


def of_releases(*, releases: Sequence[Release]) -> dict[str, list[Problem]]:
    """What is wrong with releases, by ``@repository/bundle``; those that are as they were sealed are left out.

    Pointers are into a lock file. Codes: ``digest_mismatch`` (the manifest is not the one that was sealed, or of
    another release), ``unsigned`` and ``signature`` (no key of this installation vouches for it).
    """
    keys = signing.public_keys(retired=True)
    signed: dict[uuid.UUID, dict[str, bytes]] = {}
    rows = ReleaseSignature.objects.filter(release__in=[release.pk for release in releases]).order_by("id")
    for key, name, text in rows.values_list("release_id", "key_id", "signature"):
        signed.setdefault(key, {})[name] = signing.decoded(text)
    found = {str(one.bundle.address): _wrong(one, signed.get(one.pk, {}), keys) for one in releases}
    return {name: problems for name, problems in found.items() if problems}


def of_texts(*, releases: Mapping[str, Release], names: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Which of these prompts of releases, both by ``@repository/bundle``, no longer have the digest that the release
    names: ``digest_mismatch``, with a pointer into a lock file.
    """
    wanted = {
        (release.pk, prompt): (shapes.below(shapes.below("/bundles", name) + "/prompts", prompt), digest)
        for name, release in releases.items()
        for prompt, digest in release.manifest["prompts"].items()
        if prompt in names.get(name, ())
    }
    pins = Pin.objects.filter(release__in=[release.pk for release in releases.values()]).order_by()
    sealed = {(key, prompt): text for key, prompt, text in pins.values_list("release_id", "name", "template_version")}
    texts = {sealed[place] for place in wanted if place in sealed}
    whole: dict[uuid.UUID, str] = {}
    rows = sorted(texts)
    for start in range(0, len(rows), _TEXTS_AT_ONCE):
        part = TemplateVersion.objects.filter(pk__in=rows[start : start + _TEXTS_AT_ONCE]).order_by()
        whole |= {row.pk: row.digest for row in part if intact(text=row)}
    for place, (pointer, digest) in wanted.items():
        if place not in sealed or whole.get(sealed[place]) != digest:
            yield Problem(pointer, MISMATCH, "The text that is kept is not the one that was sealed.")


def intact(*, text: Kept) -> bool:
    """Whether a text is the one it was sealed with: the digest is taken over what was read, and compared."""
    try:
        body = PromptBody(BodyFormat(text.format), Engine(text.engine), text.content_md, text.content_json)
        return versions.intact(digest=text.digest, body=body, variables=text.variables_schema)
    except ValueError:  # of no format or engine there is
        return False


def _wrong(release: Release, signatures: Mapping[str, bytes], keys: Mapping[str, bytes]) -> list[Problem]:
    here = shapes.below("/bundles", str(release.bundle.address)) + "/digest"
    paper = release.manifest
    if manifest.digest_of(paper=paper) != release.digest:
        return [Problem(here, MISMATCH, "The manifest that is kept is not the one that was sealed.")]
    if (paper["bundle"], paper["version"]) != (str(release.bundle.address), release.version):
        return [Problem(here, MISMATCH, "The manifest that is kept is that of another release.")]
    found = signature_problems(release.paper, signatures, keys=keys, verify=ed25519.verified)
    return [Problem(here, problem.code, problem.detail) for problem in found]
