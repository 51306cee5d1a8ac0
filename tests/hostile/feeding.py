"""Feeds schemathesis: made-up ids become real ones, so that requests get past the first look-up."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from assist import texts
from assist.models import Suggestion
from foundation.actors import Actor, system
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import courier, deliveries, publish
from publishing.models import Drift
from templates_app import drafts as template_drafts
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.hostile.feeding_shelves import Shelves, unique
from tests.hostile.two_worlds import make_world


def _ours(value: Any) -> bool:
    """Whether an id came from an answer: a UUID of version 7, or an address made by :func:`unique`."""
    text = str(value)
    if re.fullmatch(r"[cp]-\d+-[0-9a-f]{8}", text):
        return True
    return re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", text) is not None


class Feed(Shelves):
    """A world that every request may be about, and fresh rows for those that use theirs up.

    ``actor`` is who sends the requests.
    """

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.world = make_world("fed")

    def path(self, name: str) -> dict[str, Any]:
        """Real ids for the address of an operation, by parameter."""
        world = self.world
        known = {
            "template_id": world.template.id,
            "draft_id": world.draft.pk,
            "instance_id": world.instance.id,
            "version_id": world.version.id,
            "target_id": world.target.id,
            "placement_id": world.placement.id,
            "delivery_id": world.buried.id,
            "drift_id": world.drift.id,
            "suggestion_id": world.suggestion.id,
            "token_id": world.token.id,
            "client": world.client.slug,
            "project": world.project.slug,
            **self.shelf_path(),
        }
        fresh = getattr(self, f"_{name}", dict)
        return {key: str(value) for key, value in {**known, **fresh()}.items()}

    def _archive_client(self) -> dict[str, Any]:
        return {"client": factories.make_client(slug=unique("c")).slug}

    _switch_refine = _archive_client  # switched off, the client of all others would refuse to be refined

    def _archive_instance(self) -> dict[str, Any]:
        return {"instance_id": self.instance().id}

    def _edit_template_draft(self) -> dict[str, Any]:
        return {"draft_id": self.draft().pk}

    _discard_template_draft = _seal_template_draft = _edit_template_draft

    def _edit_instance(self) -> dict[str, Any]:
        return {"instance_id": self.instance().id}

    def _publish_instance(self) -> dict[str, Any]:
        placement = self.placement()
        self.published = SimpleNamespace(
            instance=placement.instance,
            version=factories.make_instance_version(instance=placement.instance),
            target=placement.target,
        )
        return {"instance_id": placement.instance.id}

    def _remove_placement(self) -> dict[str, Any]:
        return {"placement_id": self.placement().id}

    def _replay_delivery(self) -> dict[str, Any]:
        return {"delivery_id": self.delivery("refused").id}

    def _bury_delivery(self) -> dict[str, Any]:
        return {"delivery_id": self.delivery("try_again").id}

    def _redeliver_drift(self) -> dict[str, Any]:
        delivery = self.delivery("ok")
        found = Drift.objects.create(
            placement=delivery.placement,
            delivery=delivery,
            observed="Edited.",
            observed_digest="sha256:" + "0" * 64,
            found_at=AT,
        )
        return {"drift_id": found.id}

    _adopt_drift = _redeliver_drift

    def _accept_suggestion(self) -> dict[str, Any]:
        return {"suggestion_id": factories.make_suggestion(instance=self.instance()).id}

    _reject_suggestion = _accept_suggestion

    def _revoke_token(self) -> dict[str, Any]:
        return {"token_id": factories.make_token()[0].id}

    def instance(self) -> PromptInstance:
        """A fresh draft of the client."""
        return factories.make_instance(
            client=self.world.client,
            template_version=self.world.template,
            variables={"company": "A", "pin": "1234"},
            name=unique("i"),
        )

    def draft(self) -> Any:
        """A fresh template draft of the project."""
        return template_drafts.create(
            project=self.world.project,
            name=unique("d"),
            body=PromptBody.parse(content_md="Hi.", content_json=None),
            variables=VariablesSchema.parse(None),
            by=SYSTEM,
            at=AT,
        )

    def placement(self, *, fails: str = "ok") -> Any:
        """A fresh place of a fresh target, for a fresh prompt."""
        target = factories.make_target(client=self.world.client, name=unique("t"), settings={"fail": [fails]})
        return factories.make_placement(instance=self.instance(), target=target, location={"slot": unique("s")})

    def delivery(self, ending: str) -> Any:
        """A delivery that ended so."""
        placement = self.placement(fails=ending)
        publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
        courier.deliver(lane_id=placement.lane_id, by=system())
        return deliveries.newest_for(placement=placement)

    def body(self, name: str, body: Any, path: dict[str, Any]) -> Any:
        """What schemathesis made up, with the references and the few free words that must fit."""
        if not isinstance(body, dict):
            return body
        shape = getattr(self, f"_body_of_{name}", None)
        fixed = {} if shape is None else shape(body, path)  # which may take something away, too
        return {**body, **fixed}

    def _body_of_register_template(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        fixed: dict[str, Any] = {"project": self.world.project.slug, "name": unique("t")}
        if "variables_schema" in body:
            fixed["variables_schema"] = {"properties": {"tone": {"enum": ["calm", "brisk"]}}}
        if "format" in body:
            fixed["format"] = "markdown" if "content_md" in body else "json"
        return fixed

    _body_of_create_template_draft = _body_of_register_template

    def _body_of_edit_template_draft(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        fixed = self._body_of_register_template(body, path)
        return {key: value for key, value in fixed.items() if key not in {"project", "name"}} | {"revision": 1}

    def _body_of_create_instance(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        fixed = {"client": self.world.client.slug, "template_id": str(self.world.template.id)}
        fixed |= {"name": unique("i")} if "name" in body else {}
        return {**fixed, "variables": {"company": str(body.get("name", "A")), "pin": "4711"}}

    def _body_of_edit_instance(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        fixed: dict[str, Any] = {"revision": 1}
        fixed |= {"name": unique("i")} if "name" in body else {}
        fixed |= {"template_id": str(self.world.template.id)} if "template_id" in body else {}
        fixed |= {"variables": {"company": "B"}} if "variables" in body else {}
        return {**fixed, **({"content_json": None} if body.get("content_json") is not None else {})}

    def _body_of_preview_instance(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"variables": {"company": "B"}} if "variables" in body else {}

    def _body_of_publish_instance(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        if path.get("instance_id") != str(self.published.instance.id):  # a prompt that an earlier answer named
            return {"targets": []} if "targets" in body else {}
        real = {"version": str(self.published.version.id), "expected_active": None}
        targets = [str(self.published.target.id)][: len(body.get("targets", ()))]
        fixed = {key: {**real, "targets": targets}[key] for key in body if key in {*real, "targets"}}
        if body.get("confirm") is not True:  # the draft is based on a version that was never active
            fixed["expected_active"] = None
        return fixed

    def _body_of_ask_suggestion(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1, **({"previous": str(self.world.suggestion.id)} if "previous" in body else {})}

    def _body_of_accept_suggestion(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        row = Suggestion.objects.get(pk=path["suggestion_id"])
        real = {"text": row.text + "!", "changes": [texts.change_id(hunk) for hunk in row.changes.hunks]}
        return {name: real[name] for name in body if name in real}

    def _body_of_adopt_drift(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"revision": 1}

    def _body_of_create_client(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"slug": unique("c")}

    _body_of_create_project = _body_of_create_client

    def _body_of_grant_at_client(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"account": self.world.user.username}

    _body_of_grant_at_project = _body_of_grant_at_client

    def _body_of_create_target(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"name": unique("t"), "adapter": "memory", "settings": {}, "credentials": {}}

    def _body_of_change_target(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"settings": {}, **({"credentials": {}} if "credentials" in body else {})}

    def _body_of_rotate_credentials(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"credentials": {}}

    def _body_of_create_placement(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        world = self.world
        return {
            "instance_id": str(world.instance.id),
            "target_id": str(world.target.id),
            "location": {"slot": unique("s")},
        }

    def _body_of_replay_deliveries(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"deliveries": [str(self.world.buried.id)]}

    def _body_of_issue_token(self, body: dict[str, Any], path: dict[str, Any]) -> dict[str, Any]:
        return {"expires_at": "2999-01-01T00:00:00Z"} if body.get("expires_at") else {}

    QUERY = {"account": "fed-person", "client": "fed-client", "project": "fed-project", "role": "viewer"}

    def query(self, name: str, query: dict[str, Any]) -> dict[str, Any]:
        """Filters that find something; no cursor, which only an answer can give."""
        if name in self.SHELF_QUERY:
            return self.SHELF_QUERY[name]
        fixed = {key: self.QUERY.get(key, value) for key, value in query.items() if key != "cursor"}
        return {**fixed, **({"base": str(self.world.template.id)} if "base" in fixed else {})}

    SEEN_BY_HEADER = frozenset({"adopt_drift"})
    """Its body may be left out where ``If-Match`` says the revision, which the document cannot say."""

    def feed(self, case: Any) -> None:
        """Change a case before it is sent: only the parts that were meant to be right."""
        name = case.operation.definition.raw["operationId"].removeprefix("prompt_")
        meta = case.meta

        def meant_right(place: ParameterLocation) -> bool:
            return meta is not None and not meta.is_negative_at(place)

        path = self.path(name)
        if case.path_parameters and meant_right(ParameterLocation.PATH):
            for key, value in case.path_parameters.items():
                # A sequence of calls goes on with the ids it was answered; elsewhere they may be used up.
                if meta.phase.name is not TestPhase.STATEFUL or not _ours(value):
                    case.path_parameters[key] = path[key]
            path |= case.path_parameters
        if (case.query or name in self.ASKED_FOR_SOMETHING) and meant_right(ParameterLocation.QUERY):
            case.query = self.query(name, dict(case.query or {}))
        if case.headers and meant_right(ParameterLocation.HEADER):
            if "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = unique("k")
            if "If-Match" in case.headers:
                case.headers["If-Match"] = self.IF_MATCH.get(name, '"1"')
        if case.body is not NOT_SET and meant_right(ParameterLocation.BODY):
            case.body = self.body(name, case.body, path)
        elif name in self.SEEN_BY_HEADER and case.body is NOT_SET and meant_right(ParameterLocation.HEADER):
            case.headers = {**(case.headers or {}), "If-Match": '"1"'}
