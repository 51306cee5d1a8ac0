"""Bundles: sets of prompts under one address, and the draft of their next release."""

from __future__ import annotations

from functools import partial

from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import registry_presenters as shown
from registry import bundles
from registry.models import Bundle
from templates_app import lines
from tenancy import projects
from tenancy.policy import Permission

MISSING = "404.bundle_not_found"
NO_TEMPLATE = "404.template_or_instance_not_found"
STALE = "409.draft_stale"
UNFIT = (
    "400.template_schema_invalid",
    "422.dependency_cycle",
    "422.dependency_private",
    "422.dependency_unsatisfiable",
)
CUTTING = (MISSING, STALE, "400.address_invalid", "409.version_conflict", "422.bump_too_small", *UNFIT)


class OfBundle(Endpoint):
    """What addresses below a bundle have in common."""

    def bundle(self, project: str, bundle: str) -> Bundle:
        """The bundle of the address, as far as the caller may see it; ``404.bundle_not_found`` otherwise."""
        return bundles.get(repository=project, slug=bundle, actor=self.actor)

    def drafted(self, row: Bundle, status: int = 200) -> Answer:
        """The draft; its ETag is its revision."""
        return Answer(shown.bundle(row), status, {"ETag": f'"{row.revision}"'})


class ProjectBundles(OfBundle):
    """``/projects/{project}/bundles``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}

    @operation(
        "list_bundles",
        "A project's bundles",
        {200: "[BundleLine]"},
        query=(query.choice("kind", "Only sets, or only packs.", Bundle.Kind.values), *pagination.PARAMETERS),
    )
    def get(self, project: str) -> Answer:
        """By slug, without their drafts."""
        place = projects.get(key=project, actor=self.actor)
        told = partial(shown.bundle_line, project=place.slug)
        rows = bundles.of_project(project=place).values_list(*bundles.Line._fields, named=True)
        if self.query["kind"]:
            return self.page(rows.filter(kind=self.query["kind"]), pagination.BY_SLUG, told)
        return self.page(rows, pagination.BY_SLUG, told, first=partial(bundles.first_lines, project=place))

    @operation(
        "create_bundle",
        "Create a bundle",
        {201: "Bundle"},
        body="bundle-creation",
        problems=("409.version_conflict",),
        etag=True,
    )
    def post(self, project: str) -> Answer:
        """Without prompts yet."""
        row = bundles.create(
            project=projects.get(key=project, actor=self.actor),
            slug=self.body["slug"],
            title=self.body.get("title", ""),
            kind=self.body.get("kind", Bundle.Kind.SET),
            description=self.body.get("description", ""),
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row, 201)


class OneBundle(OfBundle):
    """``/projects/{project}/bundles/{bundle}``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.EDIT}

    @operation("read_bundle", "A bundle and its draft", {200: "Bundle"}, problems=(MISSING,), etag=True)
    def get(self, project: str, bundle: str) -> Answer:
        """Its ETag is the draft's revision."""
        return self.drafted(self.bundle(project, bundle))

    @operation(
        "rename_bundle",
        "Change what people read of a bundle",
        {200: "Bundle"},
        body="bundle-change",
        problems=(MISSING, STALE),
        if_match=True,
        etag=True,
    )
    def patch(self, project: str, bundle: str) -> Answer:
        """Its address stays."""
        row = self.bundle(project, bundle)
        row = bundles.rename(
            bundle=row,
            revision=self.revision(),
            title=self.body.get("title", row.title),
            description=self.body.get("description", row.description),
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row)


class BundleCompatibility(OfBundle):
    """``/projects/{project}/bundles/{bundle}/compatibility``."""

    permissions = {"PUT": Permission.EDIT}

    @operation(
        "set_bundle_compatibility",
        "Say what a bundle's next release goes with",
        {200: "Bundle"},
        body="bundle-compatibility",
        problems=(MISSING, STALE),
        if_match=True,
        etag=True,
    )
    def put(self, project: str, bundle: str) -> Answer:
        """Told with every release that is cut from then on."""
        row = bundles.set_compatibility(
            bundle=self.bundle(project, bundle),
            revision=self.revision(),
            compatibility=self.body["compatibility"],
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row)


class BundleMember(OfBundle):
    """``/projects/{project}/bundles/{bundle}/members/{prompt}``."""

    permissions = {"PUT": Permission.EDIT, "DELETE": Permission.EDIT}

    @operation(
        "set_member",
        "Have a prompt in the next release",
        {200: "Bundle"},
        body="bundle-member",
        problems=(MISSING, NO_TEMPLATE, STALE, "400.address_invalid"),
        if_match=True,
        etag=True,
    )
    def put(self, project: str, bundle: str, prompt: str) -> Answer:
        """A new one, or another template for the one of that name."""
        row = self.bundle(project, bundle)
        row = bundles.set_member(
            bundle=row,
            revision=self.revision(),
            name=prompt,
            template=lines.get(project=row.project, name=self.body["template"], actor=self.actor),
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row)

    @operation(
        "remove_member",
        "Leave a prompt out of the next release",
        {200: "Bundle"},
        problems=(MISSING, "404.prompt_not_found", STALE),
        if_match=True,
        etag=True,
    )
    def delete(self, project: str, bundle: str, prompt: str) -> Answer:
        """The releases that have it keep it."""
        row = bundles.remove_member(
            bundle=self.bundle(project, bundle), revision=self.revision(), name=prompt, by=self.actor, at=self.at
        )
        return self.drafted(row)


class BundleRequirement(OfBundle):
    """``/projects/{project}/bundles/{bundle}/requirements/@{repository}/{required}``."""

    permissions = {"PUT": Permission.EDIT, "DELETE": Permission.EDIT}

    @operation(
        "set_requirement",
        "Need another bundle",
        {200: "Bundle"},
        body="bundle-requirement",
        problems=(MISSING, STALE, "400.address_invalid", "422.dependency_cycle"),
        if_match=True,
        etag=True,
    )
    def put(self, project: str, bundle: str, repository: str, required: str) -> Answer:
        """In one version or a range of versions, chosen when a release is cut."""
        row = bundles.set_requirement(
            bundle=self.bundle(project, bundle),
            revision=self.revision(),
            required=f"@{repository}/{required}",
            selector=self.body["selector"],
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row)

    @operation(
        "remove_requirement",
        "No longer need another bundle",
        {200: "Bundle"},
        problems=(MISSING, STALE, "400.address_invalid"),
        if_match=True,
        etag=True,
    )
    def delete(self, project: str, bundle: str, repository: str, required: str) -> Answer:
        """From the next release on."""
        row = bundles.remove_requirement(
            bundle=self.bundle(project, bundle),
            revision=self.revision(),
            required=f"@{repository}/{required}",
            by=self.actor,
            at=self.at,
        )
        return self.drafted(row)
