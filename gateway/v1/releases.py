"""Releases: sealed sets of prompts, and what would come next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from gateway import pagination, query, resolved
from gateway.operations import Again, Answer, operation
from gateway.v1 import release_presenters as shown
from gateway.v1.bundles import CUTTING, MISSING, UNFIT, OfBundle
from registry import comparing, dependencies, releases, signing
from registry.models import Release, ReleaseMark
from tenancy.policy import Permission

NO_RELEASE = "404.release_not_found"
NAMED = (MISSING, NO_RELEASE, "400.address_invalid", "410.gone")
VERSION = r"[0-9][0-9A-Za-z.+-]{4,199}"
BASE = query.text(
    "base", "The release it is held against. What is behind + may be left out.", pattern=VERSION, required=True
)


class OfRelease(OfBundle):
    """What addresses below a release have in common."""

    def row(self, project: str, bundle: str, version: str) -> Any:
        """The release of the address; ``404.release_not_found`` or ``410.gone`` otherwise."""
        return releases.get(bundle=self.bundle(project, bundle), version=version, actor=self.actor)


class Releases(OfBundle):
    """``/projects/{project}/bundles/{bundle}/releases``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.PUBLISH}

    @operation(
        "list_releases",
        "A bundle's releases",
        {200: "[ReleaseLine]"},
        query=pagination.PARAMETERS,
        problems=(MISSING,),
    )
    def get(self, project: str, bundle: str) -> Answer:
        """The highest first; those that were taken back are among them, since their versions are used up."""
        rows = releases.listing(bundle=self.bundle(project, bundle)).defer("manifest", "compatibility", "notes")
        return self.page(rows, pagination.BY_PRECEDENCE, shown.release_line)

    @operation(
        "cut_release",
        "Seal a bundle's draft under a version",
        {201: "Cut", 200: "Cut"},
        body="release-cut",
        problems=CUTTING,
    )
    def post(self, project: str, bundle: str) -> Answer:
        """201 for a new release, 200 when the version is there already with the same content."""
        row = self.bundle(project, bundle)
        done = releases.cut(
            bundle=row,
            version=self.body["version"],
            revision=self.body.get("revision"),
            notes=self.body.get("notes", ""),
            by=self.actor,
            at=self.at,
        )
        told = releases.get(bundle=row, version=done.release.version, actor=self.actor)
        return Answer(shown.cut(done, told), 201 if done.created else 200)


class PlanRelease(OfBundle):
    """``/projects/{project}/bundles/{bundle}/plan``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "plan_release",
        "What a cut would do",
        {200: "Plan"},
        body="release-plan",
        problems=(MISSING, "400.address_invalid", *UNFIT),
        again=Again.RUNS,
    )
    def post(self, project: str, bundle: str) -> Answer:
        """Nothing is sealed. ``enough`` says whether the version is high enough, ``lowest`` which one would be."""
        row = self.bundle(project, bundle)
        return Answer(shown.plan(releases.plan(bundle=row, version=self.body["version"], actor=self.actor)))


class PreviewMember(OfBundle):
    """``/projects/{project}/bundles/{bundle}/preview``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "preview_member",
        "Render a prompt of a bundle's draft",
        {200: "Preview"},
        body="release-preview",
        problems=(MISSING, "404.prompt_not_found", "400.address_invalid", "422.variables_invalid", *UNFIT),
        again=Again.RUNS,
    )
    def post(self, project: str, bundle: str) -> Answer:
        """As it would be sealed, with the prompts put in that it refers to; secrets are masked."""
        found = releases.preview(
            bundle=self.bundle(project, bundle),
            name=self.body["prompt"],
            values=self.body.get("variables", {}),
            actor=self.actor,
        )
        rendered = found.rendered
        return Answer(
            {
                "content_materialized": rendered.text(),
                "secrets": sorted(rendered.secret_names),
                "used": sorted(rendered.used),
                "unused": sorted(rendered.unused),
            }
        )


class OneRelease(OfRelease):
    """``/projects/{project}/bundles/{bundle}/releases/{version}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_release", "A release", {200: "Release"}, problems=NAMED)
    def get(self, project: str, bundle: str, version: str) -> Answer:
        """By its version, with or without what is behind ``+``."""
        return Answer(shown.release(self.row(project, bundle, version)))


class ReleaseManifest(OfRelease):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/manifest``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "read_manifest",
        "What a release is made of",
        {200: "Manifest", 304: None},
        problems=(*NAMED, "502.seal_broken"),
        etag=True,
    )
    def get(self, project: str, bundle: str, version: str) -> Answer:
        """It never changes and can be kept for ever; its ETag is the release's digest, which it was checked against."""
        row = self.row(project, bundle, version)
        paper = releases.manifest(release=row)
        headers = {"ETag": f'"{row.digest}"', "Cache-Control": resolved.FOR_EVER, "Vary": "Authorization"}
        seen = self.request.headers.get("If-None-Match")
        if seen is not None and resolved.unchanged(seen, headers["ETag"]):
            return Answer(None, 304, headers)
        return Answer(paper, 200, headers)


class ReleaseSignatures(OfRelease):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/signatures``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_signatures", "What vouches for a release", {200: "Signatures"}, problems=NAMED)
    def get(self, project: str, bundle: str, version: str) -> Answer:
        """Over its manifest, by keys of ``/keys``."""
        row = self.row(project, bundle, version)
        told = shown.encoded(signing.signatures(release=row))
        return Answer({"digest": row.digest, "signatures": told})


class CompareRelease(OfRelease):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/compare``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "compare_releases",
        "What is different from another release of the bundle",
        {200: "Comparison"},
        query=(BASE,),
        problems=NAMED,
    )
    def get(self, project: str, bundle: str, version: str) -> Answer:
        """Prompts that came, went and changed, what is needed, and how large a step that is."""
        old, new = (self.row(project, bundle, text) for text in (self.query["base"], version))
        return Answer(shown.comparison(old, new, comparing.compare(old=old, new=new)))


class DiffPrompt(OfRelease):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/diff``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "diff_prompt",
        "How a prompt differs from another release of the bundle",
        {200: "Diff"},
        query=(BASE, query.text("prompt", "The name of the prompt.", required=True)),
        problems=(*NAMED, "404.prompt_not_found"),
    )
    def get(self, project: str, bundle: str, version: str) -> Answer:
        """Line by line, documents by their places."""
        old, new = (self.row(project, bundle, text) for text in (self.query["base"], version))
        return Answer(comparing.difference(old=old, new=new, name=self.query["prompt"]).to_json())


class _Mark(OfRelease):
    """What retiring, yanking and reverting have in common."""

    permissions = {"POST": Permission.ADMIN}

    def marked(self, verb: Callable[..., ReleaseMark], row: Release) -> Answer:
        """Say it, and answer what was said."""
        told: dict[str, Any] = {name: self.body[name] for name in ("reason", "message") if name in self.body}
        by: Actor = self.actor
        at: datetime = self.at
        return Answer(shown.marked(row, verb(release=row, by=by, at=at, **told)), 201)


class RetireRelease(_Mark):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/retire``."""

    @operation(
        "retire_release",
        "Say that a release should no longer be used",
        {201: "ReleaseMarked"},
        body="release-retirement",
        problems=NAMED,
    )
    def post(self, project: str, bundle: str, version: str) -> Answer:
        """It is still found, with the warning."""
        return self.marked(releases.retire, self.row(project, bundle, version))


class YankRelease(_Mark):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/yank``."""

    @operation(
        "yank_release",
        "Have ranges and latest skip a release",
        {201: "ReleaseMarked"},
        body="release-yank",
        problems=(*NAMED, "409.state_conflict"),
    )
    def post(self, project: str, bundle: str, version: str) -> Answer:
        """Its exact version and lock files still find it."""
        return self.marked(releases.yank, self.row(project, bundle, version))


class RevertRelease(_Mark):
    """``/projects/{project}/bundles/{bundle}/releases/{version}/revert``."""

    @operation(
        "revert_release",
        "Take a release back within an hour",
        {201: "ReleaseMarked"},
        body="release-reversal",
        may_be_empty=True,
        problems=(*NAMED, "409.in_use", "409.state_conflict"),
    )
    def post(self, project: str, bundle: str, version: str) -> Answer:
        """Its version is never used again."""
        return self.marked(releases.revert, self.row(project, bundle, version))


class Dependants(OfBundle):
    """``/projects/{project}/bundles/{bundle}/dependants``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_dependants",
        "Releases that need a bundle or have its texts in theirs, as far as you may see them",
        {200: "[Dependant]"},
        query=pagination.PARAMETERS,
        problems=(MISSING,),
    )
    def get(self, project: str, bundle: str) -> Answer:
        """The newest first. ``selector`` and ``resolved`` are null of a release that only has texts put in."""
        rows = dependencies.dependants(bundle=self.bundle(project, bundle), actor=self.actor)
        return self.page(rows, pagination.NEWEST_FIRST, shown.dependant)
