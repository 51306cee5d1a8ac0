"""n8n, public API v1, as seen on n8n 2.41.1.

``nodes`` is the draft; ``activeVersion.nodes`` is what runs. A ``PUT`` replaces the whole graph and would
publish it at once, so every write is: read, store a draft (``publishIfActive=false``), publish that version
by its id, read back what runs. Nothing else of the workflow is changed: edits that somebody has not
published yet are neither published nor lost. n8n is last-write-wins, hence the reading back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from foundation.egress import Answer
from prompthub_kernel.errors import Problem
from publishing.adapters import contract
from publishing.adapters.answers import Exchange, parse
from publishing.adapters.n8n_place import Place, PlaceRefused, as_stored, as_text, is_expression
from publishing.ports import Observation, Outcome, Parcel, ProviderError, Receipt, Remote, Wire

LARGEST_WORKFLOW = 16 * 1024 * 1024
"""Bytes of a workflow we read: its draft and its running version, each with every prompt in it."""

_NOT_SAID = "the workflow is active but does not say what runs; n8n 2 or newer is needed"
_SOMEBODY = "somebody else writes to it"
_STILL = "the call to publish was answered, but what ran before runs on"
_DRAFT_ONLY = "the text was saved as a draft but not published; "
_EXPRESSION = "an expression is stored there; allow replace_expression to overwrite it"


@dataclass(frozen=True, slots=True)
class _Graph:
    """The part of a workflow that a PUT replaces as a whole."""

    nodes: Any
    connections: Any


@dataclass(frozen=True, slots=True)
class _Workflow:
    """A workflow as one GET told it. ``running`` is None when nothing runs."""

    name: Any
    version: str
    archived: bool
    active: bool
    draft: _Graph
    running: _Graph | None
    running_version: str
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> _Workflow:
        active = document.get("active") is True
        running = document.get("activeVersion") if active else None
        # `settings` {} keeps what is stored; tags, pinned and static data survive being left out.
        extra = {"nodeGroups": document.get("nodeGroups"), "description": document.get("description")}
        return cls(
            name=document.get("name"),
            version=str(document.get("versionId") or ""),
            archived=document.get("isArchived") is True,
            active=active,
            draft=_Graph(document.get("nodes"), document.get("connections")),
            running=_Graph(running.get("nodes"), running.get("connections")) if isinstance(running, dict) else None,
            running_version=str(document.get("activeVersionId") or ""),
            extra={key: value for key, value in extra.items() if value is not None},
        )


class N8n:
    """Writes a prompt into one string parameter of one node. Settings, credentials, location: see the contract."""

    name = "n8n"
    conditional = False

    def located(self, remote: Remote) -> Mapping[str, Any]:
        """As it was given."""
        return remote.location

    def readable(self, remote: Remote) -> bool:
        """Always: the API tells what runs."""
        return True

    def remote_key(self, remote: Remote) -> str:
        """``n8n:<host[:port]>/<workflow_id>``: a PUT replaces the whole workflow.

        A path in ``base_url`` does not tell one n8n from another: lanes that are there are named without it.
        """
        return f"n8n:{contract.host(remote.settings['base_url'])}/{remote.location['workflow_id']}"

    def steps(self, remote: Remote) -> tuple[str | int, ...]:
        """The node, then the steps of the parameter's path."""
        place = Place.of(remote.location)
        return (place.node_id, *place.steps)

    def check(self, remote: Remote, *, format: str, text: str) -> list[Problem]:
        """Problems against ``contracts/adapters/n8n.schema.json``."""
        return contract.problems(self.name, remote, format=format, text=text)

    def probe(self, remote: Remote, *, wire: Wire) -> list[Problem]:
        """Whether the workflow, the node and the parameter are there and hold no protected expression."""
        access = _Access.to(remote, wire)
        try:
            access.protect(access.read())
        except PlaceRefused as refusal:
            return [refusal.problem]
        except ProviderError as error:
            if error.outcome is Outcome.REFUSED:
                return [_explained(error)]
            raise
        return []

    def send(self, remote: Remote, parcel: Parcel, *, wire: Wire) -> Receipt:
        """Make the workflow run the text; on a workflow that is not active, store it as the draft and say so."""
        access = _Access.to(remote, wire, parcel.text)
        wanted = as_stored(parcel.text)
        with access.refusals():
            workflow = access.read()
            if workflow.running is None:
                return access.store(workflow, wanted)
            if access.place.stored(workflow.running.nodes) == wanted:
                return Receipt(workflow.running_version, access.put_right(workflow, wanted))
            return access.replace(workflow, workflow.running, wanted)

    def observe(self, remote: Remote, *, wire: Wire) -> Observation:
        """The text in ``activeVersion``; of a workflow that is not active, the draft's."""
        access = _Access.to(remote, wire)
        with access.refusals():
            workflow = access.read()
            stored = access.place.stored((workflow.running or workflow.draft).nodes)
        text = as_text(stored or "")
        if workflow.running is None:
            return Observation(text, workflow.version, "the workflow is not active: nothing runs this draft")
        computed = "an expression is stored there: n8n computes what runs" if is_expression(stored) else ""
        return Observation(text, workflow.running_version, computed)


@dataclass(frozen=True, slots=True)
class _Access:
    """One place of one workflow, and the calls that read and write it."""

    exchange: Exchange
    address: str
    place: Place
    replace_expression: bool

    @classmethod
    def to(cls, remote: Remote, wire: Wire, *private: str) -> _Access:
        key = remote.credentials["api_key"]
        headers = {"X-N8N-API-KEY": key, "Accept": "application/json"}
        base = str(remote.settings["base_url"]).rstrip("/").removesuffix("/api/v1")
        return cls(
            exchange=Exchange(N8n.name, wire, headers, (key, *private), LARGEST_WORKFLOW),
            address=f"{base}/api/v1/workflows/{remote.location['workflow_id']}",
            place=Place.of(remote.location),
            replace_expression=remote.location.get("replace_expression") is True,
        )

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """A place that is not fit is a refusal: repeating the call will not change it."""
        try:
            yield
        except PlaceRefused as refusal:
            raise self.exchange.failure(refusal.problem.detail, Outcome.REFUSED) from refusal

    def read(self) -> _Workflow:
        """The workflow. Raises :class:`PlaceRefused` for one that cannot be written."""
        workflow = _Workflow.of(self.exchange.read(self.address))
        if workflow.archived:
            raise PlaceRefused("/location/workflow_id", "archived", "the workflow is archived")
        if workflow.active and workflow.running is None:
            raise PlaceRefused("/settings/base_url", "unsupported", _NOT_SAID)
        return workflow

    def protect(self, workflow: _Workflow) -> None:
        """Raise :class:`PlaceRefused` when what runs lacks the place, or an expression would be dropped."""
        stored = [self.place.stored((workflow.running or workflow.draft).nodes)]
        with suppress(PlaceRefused):  # an unpublished draft may have lost the place: what runs counts
            stored.append(self.place.stored(workflow.draft.nodes))
        if any(map(is_expression, stored)) and not self.replace_expression:
            raise PlaceRefused("/location/parameter_path", "expression_protected", _EXPRESSION)

    def store(self, workflow: _Workflow, wanted: str) -> Receipt:
        """Nothing runs: the draft is all there is."""
        self.protect(workflow)
        version = workflow.version
        if self.place.stored(workflow.draft.nodes) != wanted:
            version = self._save(workflow, self._filled(workflow.draft, wanted))
            if self.place.stored(self._read_back().draft.nodes) != wanted:
                raise self.exchange.failure(f"the draft holds another text: {_SOMEBODY}", Outcome.TRY_AGAIN)
        return Receipt(version, "stored as a draft: the workflow is not active, so nothing runs it yet")

    def replace(self, workflow: _Workflow, running: _Graph, wanted: str) -> Receipt:
        """Publish what runs with the text in it, and leave somebody's unpublished edits where they are."""
        self.protect(workflow)
        target, draft, detail = self._filled(running, wanted), workflow.draft, ""
        with suppress(PlaceRefused):
            draft = self._filled(draft, wanted)
        if draft == workflow.draft == target:
            version = workflow.version  # an earlier try stored it and did not come to publish it
            self._publish(version)
        elif draft == target:
            version = self._save(workflow, target)
            self._publish(version)
        else:
            version = self._save(workflow, target)
            try:
                self._publish(version)
            finally:
                detail = self._put_back(workflow, draft)
        seen = self._read_back()
        runs = seen.running is not None and self.place.stored(seen.running.nodes) == wanted
        if not runs or seen.running_version != version:
            why = _STILL if seen.running_version == workflow.running_version else _SOMEBODY
            raise self.exchange.failure(f"another text runs than was published: {why}", Outcome.TRY_AGAIN)
        return Receipt(version, detail)

    def put_right(self, workflow: _Workflow, wanted: str) -> str:
        """The text runs. A draft that an earlier try stored would still go live with the next publish in the editor:
        its place gets the text too. What to tell.
        """
        draft = workflow.draft
        with suppress(PlaceRefused):  # somebody's unpublished expression, or a draft that lost the place
            self.protect(workflow)
            draft = self._filled(draft, wanted)
        if draft == workflow.draft:
            return "it ran this text already"
        self._save(workflow, draft)
        return "it ran this text already; the unpublished draft held another one and has it now too"

    def _filled(self, graph: _Graph, wanted: str) -> _Graph:
        return _Graph(self.place.filled(graph.nodes, wanted), graph.connections)

    def _save(self, workflow: _Workflow, graph: _Graph) -> str:
        """Store ``graph`` as the draft without publishing it; its version id."""
        payload = {
            "name": workflow.name,
            "nodes": graph.nodes,
            "connections": graph.connections,
            "settings": {},
            **workflow.extra,
        }
        answer = self.exchange.write("PUT", f"{self.address}?publishIfActive=false", payload)
        so_far = ""
        if _was_saved(answer):
            so_far = _DRAFT_ONLY
        elif answer.status == 404:
            so_far = "the workflow is gone or not shared with the key's owner; "
        self.exchange.expect(answer, written=True, so_far=so_far)
        version = self.exchange.document(answer, written=True).get("versionId")
        if not isinstance(version, str) or not version:
            raise self.exchange.failure("did not say which version it stored", Outcome.UNKNOWN, answer.status)
        return version

    def _publish(self, version: str) -> None:
        answer = self.exchange.write("POST", f"{self.address}/publish", {"versionId": version})
        scope = "the key may lack workflow:activate; " if answer.status == 403 else ""
        self.exchange.expect(answer, written=True, so_far=_DRAFT_ONLY + scope)

    def _put_back(self, workflow: _Workflow, draft: _Graph) -> str:
        """Make unpublished edits the draft again; what to tell about it. The text's fate does not hang on it."""
        try:
            self._save(workflow, draft)
        except ProviderError:
            return f"unpublished edits could not be put back; they are version {workflow.version} in the history"
        return "unpublished edits in the workflow's draft were kept and not published"

    def _read_back(self) -> _Workflow:
        """The workflow after a write. Not being able to look does not undo the write."""
        try:
            return _Workflow.of(self.exchange.read(self.address))
        except ProviderError as error:
            detail = f"written, but it could not be read back; {error.detail}"
            raise self.exchange.failure(detail, Outcome.UNKNOWN, error.provider_status, error.retry_after) from error


def _was_saved(answer: Answer) -> bool:
    """The 403 that has an effect: n8n stored the draft and then found that the key may not publish."""
    found = parse(answer.content) if answer.status == 403 else None
    return isinstance(found, dict) and found.get("reason") == "insufficient_api_key_scope"


def _explained(error: ProviderError) -> Problem:
    pointer, code = {
        None: ("/settings/base_url", "address_refused"),
        401: ("/credentials/api_key", "unauthorized"),
        403: ("/credentials/api_key", "forbidden"),
        404: ("/location/workflow_id", "not_found"),
    }.get(error.provider_status, ("/settings/base_url", "unexpected_answer"))
    return Problem(pointer, code, error.detail)
