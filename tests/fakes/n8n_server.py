"""A stand-in of n8n 2.41.1's public API, with the behaviour that was seen on the real one, traps included."""

from __future__ import annotations

import copy
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.n8n_expressions import evaluate
from tests.fakes.standin import Reply, Request, StandIn

FULL_KEY = "n8n-key-with-every-scope"
READ_UPDATE_KEY = "n8n-key-that-may-not-publish"
READ_KEY = "n8n-key-that-may-only-read"
SCOPES = {
    FULL_KEY: {"workflow:create", "workflow:read", "workflow:update", "workflow:activate"},
    READ_UPDATE_KEY: {"workflow:read", "workflow:update"},
    READ_KEY: {"workflow:read"},
}
LARGEST_BODY = 16 * 1024 * 1024

REQUIRED = ("name", "nodes", "connections", "settings")
ALSO_ALLOWED = {"staticData", "pinData", "nodeGroups", "description"}
READ_ONLY = (
    "id", "active", "activeVersion", "createdAt", "updatedAt", "isArchived", "meta", "tags", "triggerCount",
    "versionId",
)  # fmt: skip
SETTINGS = {
    "saveExecutionProgress", "saveManualExecutions", "saveDataErrorExecution", "saveDataSuccessExecution",
    "executionTimeout", "errorWorkflow", "timezone", "executionOrder", "callerPolicy", "callerIds",
}  # fmt: skip
NODE = {
    "id", "name", "type", "typeVersion", "position", "parameters", "credentials", "disabled", "notes", "notesInFlow",
    "webhookId", "executeOnce", "alwaysOutputData", "retryOnFail", "maxTries", "waitBetweenTries", "onError",
}  # fmt: skip
TRIGGERS = ("n8n-nodes-base.webhook", "n8n-nodes-base.scheduleTrigger")
NO_TRIGGER = (
    "Workflow cannot be activated because it has no trigger node. "
    "At least one trigger, webhook, or polling node is required."
)
NOT_YOURS = "You do not have permission to update this workflow. Ask the owner to share it with you."
SAVED_ONLY = (
    "Your change was saved as a draft. It wasn't published because your API key is missing the workflow:activate scope."
)


@dataclass
class Flow:
    id: str
    name: str
    nodes: list[Any]
    connections: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    description: str | None = None
    node_groups: list[Any] = field(default_factory=list)
    static_data: Any = None
    pin_data: Any = None
    version_id: str = ""
    counter: int = 0
    active_version_id: str | None = None
    archived: bool = False
    updated: int = 0
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def live(self) -> dict[str, Any] | None:
        return self.versions[self.active_version_id] if self.active_version_id else None

    def keep(self) -> None:
        """Give the present draft a version id, unless nothing has changed."""
        content = copy.deepcopy((self.name, self.nodes, self.connections, self.settings, self.node_groups))
        self.updated += 1
        if self.version_id and self.versions[self.version_id]["content"] == content:
            return
        self.version_id = str(uuid.uuid4())
        self.counter += 1
        self.versions[self.version_id] = {
            "versionId": self.version_id, "nodes": content[1], "connections": content[2], "name": None,
            "description": None, "authors": "Ada Admin", "workflowPublishHistory": [], "content": content,
        }  # fmt: skip

    def document(self) -> dict[str, Any]:
        live = self.live
        document = {
            "id": self.id, "name": self.name, "description": self.description, "active": live is not None,
            "activeVersionId": self.active_version_id, "versionId": self.version_id,
            "versionCounter": self.counter, "nodes": self.nodes, "connections": self.connections,
            "nodeGroups": self.node_groups, "settings": self.settings, "staticData": self.static_data,
            "meta": None, "pinData": self.pin_data, "tags": [], "shared": [{"role": "workflow:owner"}],
            "activeVersion": live and {key: value for key, value in live.items() if key != "content"},
            "isArchived": self.archived, "triggerCount": 1, "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": f"2026-01-01T00:00:00.{self.updated:03d}Z",
        }  # fmt: skip
        return copy.deepcopy(document)


class Rejected(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.reply = Reply.of(status, {"message": message})


class N8nServer(StandIn):
    """``lag``: seconds for which the webhook keeps the old version after a publication, by ``clock``.

    ``race``: that many parallel PUTs store their drafts first and then publish in the opposite order.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, lag: float = 0.0) -> None:
        super().__init__()
        self.flows: dict[str, Flow] = {}
        self.clock, self.lag, self.race = clock, lag, 0
        self._served: dict[str, tuple[float, str | None]] = {}  # until when the webhook serves which older version
        self._unregistered: set[str] = set()
        self._stored = self._published = 0
        self._turn = threading.Condition(self.lock)

    def add(self, nodes: list[Any], *, published: bool = True, name: str = "Assistant", **more: Any) -> Flow:
        """A workflow that is already there."""
        flow = Flow(uuid.uuid4().hex[:16], name, copy.deepcopy(nodes), {}, **more)
        flow.keep()
        flow.active_version_id = flow.version_id if published else None
        self.flows[flow.id] = flow
        return flow

    def edit(self, flow: Flow, change: Callable[[list[Any]], Any], *, publish: bool = False) -> None:
        """Somebody edits the workflow in n8n's own editor."""
        with self.lock:
            change(flow.nodes)
            flow.keep()
            if publish:
                flow.active_version_id = flow.version_id

    # ── requests ──

    def reply(self, request: Request) -> Reply:
        try:
            if request.path.startswith("/webhook/"):
                return self._webhook(request)
            return self._api(request)
        except Rejected as rejected:
            return rejected.reply

    def _api(self, request: Request) -> Reply:
        body = self._body(request)
        scopes = SCOPES.get(request.headers.get("x-n8n-api-key", ""))
        if scopes is None:
            raise Rejected(401, "Unauthorized")
        steps = request.path.removeprefix("/api/v1/").split("/")
        if steps[0] != "workflows":
            raise Rejected(404, "not found")
        if request.method == "PATCH":
            raise Rejected(405, "PATCH method not allowed")
        verb = (request.method, *steps[2:3])
        needed = {
            ("GET",): "read", ("PUT",): "update", ("POST",): "create", ("GET", "history"): "read",
            ("GET", "versions"): "read",
        }.get(verb, "activate")  # fmt: skip
        if f"workflow:{needed}" not in scopes:
            raise Rejected(403, "Forbidden")
        if verb == ("POST",):
            return self._create(body)
        flow = self.flows.get(steps[1])
        if verb == ("PUT",):
            _valid(body)
            if flow is None:
                raise Rejected(404, NOT_YOURS)
            return self._put(request, flow, body, scopes)
        if flow is None:
            raise Rejected(404, "Not Found")
        with self.lock:
            return self._verb(request, flow, verb, steps, body or {})

    def _body(self, request: Request) -> Any:
        if request.method not in {"POST", "PUT", "PATCH"} or not request.body:
            return None
        if len(request.body) > LARGEST_BODY:
            raise _Page(413)
        if "application/json" not in request.headers.get("content-type", ""):
            raise Rejected(415, f"unsupported media type {request.headers.get('content-type', 'undefined')}")
        try:
            return json.loads(request.body)
        except ValueError:
            raise _Page(500) from None

    def _create(self, body: Any) -> Reply:
        _valid(body)
        flow = self.add(body["nodes"], published=False, name=body["name"], settings=body["settings"])
        return Reply.of(200, flow.document())

    def _put(self, request: Request, flow: Flow, body: Mapping[str, Any], scopes: set[str]) -> Reply:
        publish = request.query.get("publishIfActive", "true") != "false"
        with self.lock:
            flow.name, flow.nodes, flow.connections = body["name"], body["nodes"], body["connections"]
            flow.settings |= body["settings"]
            # Whether the real one keeps these two when they are left out is not known: the worse is assumed.
            flow.description = body.get("description")
            flow.node_groups = body.get("nodeGroups", [])
            flow.static_data = body.get("staticData", flow.static_data)
            flow.pin_data = body.get("pinData", flow.pin_data)
            for node in flow.nodes:
                node.setdefault("id", str(uuid.uuid4()))
            flow.keep()
            version = flow.version_id
            if not publish or flow.live is None:
                return Reply.of(200, flow.document())
            if "workflow:activate" not in scopes:
                reason = "insufficient_api_key_scope"
                return Reply.of(403, {"message": SAVED_ONLY, "reason": reason, "versionId": version})
            self._wait_for_the_race()
            self._activate(flow, version)
            return Reply.of(200, flow.document())

    def _wait_for_the_race(self) -> None:
        """The draft is stored and the version published in two steps: whoever stored last publishes first."""
        if not self.race:
            return
        place, self._stored = self._stored, self._stored + 1
        self._turn.notify_all()
        self._turn.wait_for(lambda: self._stored - self._published - 1 == place and self._all_stored(), timeout=5)
        self._published += 1
        self._turn.notify_all()

    def _all_stored(self) -> bool:
        return self._stored >= self.race

    def _verb(self, request: Request, flow: Flow, verb: tuple[str, ...], steps: list[str], body: Any) -> Reply:
        match verb:
            case ("GET",):
                document = flow.document()
                tag = f'W/"{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:20]}"'
                if request.headers.get("if-none-match") == tag:
                    return Reply(304, headers={"ETag": tag})
                return Reply.of(200, document, ETag=tag)
            case ("GET", "history"):
                rows = [{"versionId": one} for one in reversed(flow.versions)]
                return Reply.of(200, {"data": rows, "nextCursor": None})
            case ("GET", "versions"):
                if steps[3] not in flow.versions:
                    raise Rejected(404, "Version not found")
                version = flow.versions[steps[3]]
                return Reply.of(200, {key: value for key, value in version.items() if key != "content"})
            case ("POST", "publish" | "activate" as name):
                self._activate(flow, body.get("versionId") or flow.version_id)
                return Reply.of(200, flow.document(), **({"Deprecation": "true"} if name == "activate" else {}))
            case ("POST", "unpublish" | "deactivate" as name):
                flow.active_version_id = None
                return Reply.of(200, flow.document(), **({"Deprecation": "true"} if name == "deactivate" else {}))
        raise Rejected(404, "not found")

    def _activate(self, flow: Flow, version_id: str) -> None:
        if flow.archived:
            raise Rejected(400, "Cannot activate an archived workflow.")
        version = flow.versions.get(version_id)
        if version is None:
            raise Rejected(404, "Version not found")
        if not any(node["type"] in TRIGGERS for node in version["nodes"]):
            raise Rejected(400, NO_TRIGGER)
        for other in self.flows.values():
            if other is not flow and other.live and _paths(other.live["nodes"]) & _paths(version["nodes"]):
                raise Rejected(409, "There is a conflict with one of the webhooks.")
        if self.lag and version_id != flow.active_version_id:
            self._served[flow.id] = (self.clock() + self.lag, flow.active_version_id)
            self._unregistered.add(flow.id)
        flow.active_version_id = version_id

    def _webhook(self, request: Request) -> Reply:
        path = request.path.removeprefix("/webhook/")
        with self.lock:
            for flow in self.flows.values():
                until, older = self._served.get(flow.id, (0.0, None))
                late = self.clock() < until
                version = older if late else flow.active_version_id
                if version is None or path not in _paths(flow.versions[version]["nodes"]):
                    continue
                if late and flow.id in self._unregistered:
                    self._unregistered.discard(flow.id)
                    break
                return Reply.of(200, _run(flow.versions[version]["nodes"]))
        return Reply.of(
            404,
            {
                "code": 404,
                "message": f'The requested webhook "{request.method} {path}" is not registered.',
                "hint": "The workflow must be active for a production URL to run successfully.",
            },
        )


class _Page(Rejected):
    def __init__(self, status: int) -> None:
        self.reply = Reply.html(status)


def _paths(nodes: list[Any]) -> set[str]:
    return {node["parameters"]["path"] for node in nodes if node["type"] == "n8n-nodes-base.webhook"}


def _run(nodes: list[Any]) -> dict[str, Any]:
    """What the nodes get when the workflow runs: the evaluated prompts by node id."""
    got: dict[str, Any] = {}
    for node in nodes:
        if node["type"] == "@n8n/n8n-nodes-langchain.agent":
            got[node["id"]] = evaluate(node["parameters"].get("options", {}).get("systemMessage"))
        elif node["type"] == "n8n-nodes-base.set":
            rows = node["parameters"]["assignments"]["assignments"]
            got[node["id"]] = {row["name"]: evaluate(row["value"]) for row in rows}
    return got


def _valid(body: Any) -> None:
    for name in REQUIRED:
        if name not in body:
            raise Rejected(400, f"request/body must have required property '{name}'")
    for name in READ_ONLY:
        if name in body:
            raise Rejected(400, f"request/body/{name} is read-only")
    _known(body, {*REQUIRED, *ALSO_ALLOWED}, "request/body")
    if not isinstance(body.get("description", ""), str):
        raise Rejected(400, "request/body/description must be string")
    _known(body["settings"], SETTINGS, "request/body/settings")
    for position, node in enumerate(body["nodes"]):
        _known(node, NODE, f"request/body/nodes/{position}")
    names = [node["name"] for node in body["nodes"]]
    for broken, reason in (
        (not all("position" in node for node in body["nodes"]), "A node has no position."),
        (len(set(names)) != len(names), "Node names must be unique."),
        (set(body["connections"]) - set(names), "A connection leads to a missing node."),
    ):
        if broken:
            raise Rejected(400, f"Workflow structure is invalid. {reason}")


def _known(document: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for name in document:
        if name not in allowed:
            raise Rejected(400, f"{where} Unrecognized key(s) in object: '{name}'")
