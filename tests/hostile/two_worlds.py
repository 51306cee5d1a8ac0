"""Two clients with everything, and a valid request to every address about either of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model

from foundation.actors import system
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import courier, drift, publish
from publishing.adapters import memory
from publishing.models import Delivery
from templates_app import drafts as template_drafts
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.hostile import shelves

VARIABLES = {
    "type": "object",
    "properties": {"company": {"type": "string"}, "pin": {"type": "string", "x-secret": True}},
    "required": ["company"],
}


def make_world(word: str, *, secret: str = "") -> SimpleNamespace:
    """A client, its project, a published prompt with a delivered (and drifted), a buried and a retrying delivery."""
    client = factories.make_client(slug=f"{word}-client")
    project = factories.make_project(slug=f"{word}-project")
    template = factories.make_template_version(
        project=project, name=f"{word}-greeting", content_md="For {{ company }}: {{ pin }}.", variables_schema=VARIABLES
    )
    variables = {"company": word, **({"pin": secret} if secret else {"pin": f"{word}-pin"})}
    instance = factories.make_instance(client=client, template_version=template, variables=variables, name=word)
    draft = template_drafts.create(
        project=project,
        name=f"{word}-draft",
        body=PromptBody.parse(content_md="Draft.", content_json=None),
        variables=VariablesSchema.parse(None),
        by=SYSTEM,
        at=AT,
    )
    placements = {}
    for name, fails in {"good": [], "bad": ["refused"], "slow": ["try_again"]}.items():
        target = factories.make_target(client=client, name=name, settings={"fail": fails} if fails else {})
        placements[name] = factories.make_placement(
            instance=instance, target=target, location={"slot": f"{word}-{name}"}
        )
    published = publish.publish(instance=instance, by=SYSTEM, at=AT)
    for placement in placements.values():
        courier.deliver(lane_id=placement.lane_id, by=system())
    memory.slots[f"{word}-good"].text = "Edited at the provider."
    found = drift.check(placement=placements["good"], by=SYSTEM, at=AT)
    suggestion = factories.make_suggestion(instance=instance)
    instance.refresh_from_db()
    world = SimpleNamespace(
        word=word,
        client=client,
        project=project,
        template=template,
        draft=draft,
        instance=instance,
        version=published.version,
        target=placements["good"].target,
        placement=placements["good"],
        drift=found,
        suggestion=suggestion,
        buried=Delivery.objects.get(placement=placements["bad"]),
        retrying=Delivery.objects.get(placement=placements["slow"]),
        token=factories.make_token()[0],
        user=get_user_model().objects.create(username=f"{word}-person"),
    )
    world.shelf = shelves.make_shelf(world)
    return world


def ids(world: SimpleNamespace) -> list[str]:
    """What must never be told to a stranger."""
    rows = (world.client, world.project, world.template, world.instance, world.version, world.target, world.placement)
    rows = (*rows, world.drift, world.buried, world.suggestion)
    return [str(row.pk) for row in rows] + [world.client.slug, world.project.slug, *shelves.shelf_ids(world)]


Request = tuple[str, Any]

# Operation → the request about a world. What it needs to be allowed is what the view declares; below, where.
REQUESTS: dict[str, Any] = {
    "list_templates": lambda w: ("templates", None),
    "register_template": lambda w: ("templates", {"project": w.project.slug, "name": "new", "content_md": "Hi."}),
    "read_template": lambda w: (f"templates/{w.template.id}", None),
    "list_template_versions": lambda w: (f"templates/{w.template.id}/versions", None),
    "list_template_drafts": lambda w: ("templates/drafts", None),
    "create_template_draft": lambda w: (
        "templates/drafts",
        {"project": w.project.slug, "name": "new", "content_md": "Hi."},
    ),
    "read_template_draft": lambda w: (f"templates/drafts/{w.draft.pk}", None),
    "edit_template_draft": lambda w: (f"templates/drafts/{w.draft.pk}", {"revision": 1, "content_md": "Hey."}),
    "discard_template_draft": lambda w: (f"templates/drafts/{w.draft.pk}", None),
    "seal_template_draft": lambda w: (f"templates/drafts/{w.draft.pk}/seal", {}),
    "list_instances": lambda w: ("instances", None),
    "create_instance": lambda w: (
        "instances",
        {"client": w.client.slug, "template_id": str(w.template.id), "variables": {"company": "A"}},
    ),
    "read_instance": lambda w: (f"instances/{w.instance.id}", None),
    "edit_instance": lambda w: (f"instances/{w.instance.id}", {"revision": w.instance.revision, "name": "other"}),
    "preview_instance": lambda w: (f"instances/{w.instance.id}/preview", {}),
    "archive_instance": lambda w: (f"instances/{w.instance.id}/archive", None),
    "diff_instance": lambda w: (f"instances/{w.instance.id}/diff?base={w.template.id}&level=rendered", None),
    "list_instance_versions": lambda w: (f"instances/{w.instance.id}/versions", None),
    "read_instance_version": lambda w: (f"instances/{w.instance.id}/versions/{w.version.id}", None),
    "reveal_instance_version": lambda w: (f"instances/{w.instance.id}/versions/{w.version.id}/reveal", None),
    "list_publications": lambda w: (f"instances/{w.instance.id}/publications", None),
    "publish_instance": lambda w: (f"instances/{w.instance.id}/publish", {"version": str(w.version.id)}),
    "list_suggestions": lambda w: (f"instances/{w.instance.id}/suggestions?state=ready", None),
    "ask_suggestion": lambda w: (
        f"instances/{w.instance.id}/suggestions",
        {"instruction": "Be brief.", "revision": w.instance.revision, "previous": str(w.suggestion.id)},
    ),
    "read_suggestion": lambda w: (f"suggestions/{w.suggestion.id}", None),
    "accept_suggestion": lambda w: (f"suggestions/{w.suggestion.id}/accept", {"text": "For {{ company }}: {{ pin }}!"}),
    "reject_suggestion": lambda w: (f"suggestions/{w.suggestion.id}/reject", None),
    "read_refine": lambda w: (f"clients/{w.client.slug}/refine", None),
    "switch_refine": lambda w: (f"clients/{w.client.slug}/refine", {"enabled": False}),
    "list_clients": lambda w: ("clients", None),
    "create_client": lambda w: ("clients", {"slug": "new", "name": "New"}),
    "read_client": lambda w: (f"clients/{w.client.slug}", None),
    "rename_client": lambda w: (f"clients/{w.client.slug}", {"name": "Other"}),
    "archive_client": lambda w: (f"clients/{w.client.slug}/archive", None),
    "list_client_grants": lambda w: (f"clients/{w.client.slug}/grants", None),
    "grant_at_client": lambda w: (
        f"clients/{w.client.slug}/grants",
        {"account": w.user.username, "role": "viewer"},
    ),
    "revoke_at_client": lambda w: (f"clients/{w.client.slug}/grants?account={w.user.username}&role=viewer", None),
    "list_targets": lambda w: (f"clients/{w.client.slug}/targets", None),
    "create_target": lambda w: (f"clients/{w.client.slug}/targets", {"name": "new", "adapter": "memory"}),
    "list_placements": lambda w: (f"clients/{w.client.slug}/placements", None),
    "create_placement": lambda w: (
        f"clients/{w.client.slug}/placements",
        {"instance_id": str(w.instance.id), "target_id": str(w.target.id), "location": {"slot": "new"}},
    ),
    "list_projects": lambda w: ("projects", None),
    "create_project": lambda w: ("projects", {"slug": "new", "name": "New"}),
    "read_project": lambda w: (f"projects/{w.project.slug}", None),
    "change_project": lambda w: (f"projects/{w.project.slug}", {"visibility": "private"}),
    "list_project_grants": lambda w: (f"projects/{w.project.slug}/grants", None),
    "grant_at_project": lambda w: (
        f"projects/{w.project.slug}/grants",
        {"account": w.user.username, "role": "viewer"},
    ),
    "revoke_at_project": lambda w: (f"projects/{w.project.slug}/grants?account={w.user.username}&role=viewer", None),
    "read_target": lambda w: (f"targets/{w.target.id}", None),
    "change_target": lambda w: (f"targets/{w.target.id}", {"settings": {}}),
    "test_target": lambda w: (f"targets/{w.target.id}/test", None),
    "rotate_credentials": lambda w: (f"targets/{w.target.id}/credentials", {"credentials": {}}),
    "disable_target": lambda w: (f"targets/{w.target.id}/disable", None),
    "enable_target": lambda w: (f"targets/{w.target.id}/enable", None),
    "resume_target": lambda w: (f"targets/{w.target.id}/resume", None),
    "remove_placement": lambda w: (f"placements/{w.placement.id}", None),
    "list_deliveries": lambda w: ("deliveries", None),
    "read_delivery": lambda w: (f"deliveries/{w.buried.id}", None),
    "replay_delivery": lambda w: (f"deliveries/{w.buried.id}/replay", None),
    "replay_deliveries": lambda w: ("deliveries/replay", {"deliveries": [str(w.buried.id)]}),
    "bury_delivery": lambda w: (f"deliveries/{w.retrying.id}/bury", None),
    "list_drifts": lambda w: ("drifts", None),
    "read_drift": lambda w: (f"drifts/{w.drift.id}", None),
    "redeliver_drift": lambda w: (f"drifts/{w.drift.id}/redeliver", None),
    "adopt_drift": lambda w: (f"drifts/{w.drift.id}/adopt", {"revision": w.instance.revision}),
    "list_audit": lambda w: ("audit", None),
    "list_tokens": lambda w: ("tokens", None),
    "issue_token": lambda w: ("tokens", {"name": "new", "account": "new", "scopes": ["read"]}),
    "revoke_token": lambda w: (f"tokens/{w.token.id}", None),
    "read_me": lambda w: ("me", None),
    **shelves.REQUESTS,
}
LISTINGS = frozenset(
    {"list_templates", "list_template_drafts", "list_instances", "list_clients", "list_projects", "list_deliveries"}
    | {"list_drifts", "list_audit", "read_me"}
    | shelves.LISTINGS
)
WITHOUT_RESULTS = shelves.WITHOUT_RESULTS | {"read_me"}
OF_THE_INSTALLATION = shelves.OF_THE_INSTALLATION | {
    *("create_client", "create_project", "list_tokens", "issue_token", "revoke_token")
}
HEADERS = {"discard_template_draft": {"If_Match": '"1"'}, **shelves.HEADERS}
DECIDED_BELOW = shelves.DECIDED_BELOW
OF_THE_MAKER = shelves.OF_THE_MAKER
