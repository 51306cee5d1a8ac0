"""A library of prompts to fetch from: bundles of so many, each with one release and the channel ``stable``, as rows.

    python -m benchmarks.library 100000 100      # inside an installation's environment; prints a token

Rows are what the verbs would leave; writing 100,000 prompts by the verbs takes an hour.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.g11_render import SOURCE, VALUES

PROJECT = "library"
ROWS = 2_000
SCHEMA = {
    "type": "object",
    "properties": {name: {"description": f"The {name} of the agent."} for name in VALUES},
    "additionalProperties": False,
}


def path(number: int, in_bundle: int, *, exact: bool = False) -> str:
    """Where a prompt is fetched, by its channel or by its version."""
    selector = "1.0.0" if exact else "stable"
    address = f"@{PROJECT}/b{number // in_bundle}@{selector}/p{number % in_bundle}"
    return f"/api/v1/resolve?address={address}"


def text(number: int) -> str:
    """2 kB that no other prompt has."""
    return f"{SOURCE}\nPrompt {number}.\n"


def fill(count: int, in_bundle: int) -> str:
    """Make so many prompts; the secret of a token that may read them."""
    from django.utils.timezone import now

    from foundation.actors import system
    from tenancy import policy, projects, tokens

    by, at = system(), now()
    project = projects.create(slug=PROJECT, name="Library", by=by, at=at)
    numbers, batch = range(-(-count // in_bundle)), max(1, ROWS // in_bundle)
    for start in range(0, len(numbers), batch):
        _shelve(project, numbers[start : start + batch], in_bundle, at)
    account = tokens.service_account(name="reader")
    policy.grant(role=policy.Role.VIEWER, place=project, to=account, by=by, at=at)
    return tokens.issue(name="reader", account=account, scopes=["read"], by=by, at=at)[1]


def _shelve(project: Any, numbers: range, in_bundle: int, at: Any) -> None:
    from django.db import transaction

    from prompthub_kernel.body import PromptBody
    from prompthub_kernel.manifest import Manifest
    from prompthub_kernel.semver import SemVer
    from prompthub_kernel.variables import VariablesSchema
    from registry import precedence
    from registry.models import Bundle, Channel, Pin, Release
    from templates_app import versions
    from templates_app.models import Template, TemplateVersion

    made = {"created_at": at, "created_by": "system", "created_by_label": "PromptHub"}
    version, variables = SemVer.parse("1.0.0"), VariablesSchema.parse(SCHEMA)
    bundles: list[Any] = []
    releases: list[Any] = []
    channels: list[Any] = []
    templates: list[Any] = []
    sealed: list[Any] = []
    pins: list[Any] = []
    for number in numbers:
        bundle = Bundle(project=project, slug=f"b{number}", title=f"b{number}", created_at=at, updated_at=at)
        texts = {}
        for place in range(in_bundle):
            body = PromptBody.parse(content_md=text(number * in_bundle + place), content_json=None)
            template = Template(project=project, name=f"b{number}-p{place}", last_ordinal=1, created_at=at)
            texts[f"p{place}"] = TemplateVersion(
                template=template,
                label="1",
                ordinal=1,
                digest=versions.digest_of(body=body, variables=variables),
                variables_schema=variables.schema,
                **body.as_fields(),
                **made,
            )
            templates.append(template)
        paper = Manifest(f"@{PROJECT}/b{number}", version, {name: one.digest for name, one in texts.items()})
        release = Release(
            bundle=bundle,
            version="1.0.0",
            number="1.0.0",
            precedence=precedence.of(version),
            pre_release=False,
            digest=paper.digest(),
            manifest=paper.to_json(),
            compatibility={},
            **made,
        )
        bundles.append(bundle)
        releases.append(release)
        channels.append(
            Channel(bundle=bundle, name="stable", release=release, last_ordinal=1, created_at=at, updated_at=at)
        )
        sealed += texts.values()
        pins += [Pin(release=release, name=name, template_version=one) for name, one in texts.items()]
    with transaction.atomic():
        for rows in (bundles, templates, sealed, releases, pins, channels):
            type(rows[0]).objects.bulk_create(rows, batch_size=1_000)


def main() -> None:
    """Fill the installation of this environment."""
    import django

    django.setup()
    sys.stdout.write(fill(int(sys.argv[1]), int(sys.argv[2])) + "\n")


if __name__ == "__main__":
    main()
