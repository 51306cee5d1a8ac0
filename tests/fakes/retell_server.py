"""A stand-in of the Retell API: agents, Retell LLMs, and the versions they share.

Where nothing was found about the real one, it does what the vendor's client expects (``retell-sdk`` drives it
in tests/verification).
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.standin import Reply, Request, StandIn

KEY = "key_retell_for_tests"
NOT_FOUND = "Cannot find requested asset under given api key."
BAD_FORMAT = "Invalid request format, please check API reference."
LLM_FIELDS = {
    "general_prompt": str, "begin_message": str, "states": list, "starting_state": str, "general_tools": list,
    "model": str, "default_dynamic_variables": dict, "start_speaker": str, "knowledge_base_ids": list, "mcps": list,
}  # fmt: skip
_TITLES = {"version_title", "version_description"}


@dataclass
class Line:
    """An agent and its LLM: ``versions[n]`` is version n of both; None where a version was deleted."""

    agent_id: str
    llm_id: str
    versions: list[tuple[dict[str, Any], dict[str, Any]] | None] = field(default_factory=list)

    def latest(self) -> int:
        return max(number for number, version in enumerate(self.versions) if version)


class Rejected(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.reply = Reply.of(status, {"status": "error", "message": message})


class RetellServer(StandIn):
    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Line] = {}  # by agent
        self.llms: dict[str, dict[str, Any]] = {}  # made and not yet given to an agent
        self._clock = 1_700_000_000_000

    # ── what tests and operators do ──

    def add(self, *, published: bool = True, **llm: Any) -> Line:
        """An agent with its LLM at version 0, published unless told otherwise."""
        made = self._create_llm(llm)
        agent = self._create_agent(
            {"response_engine": {"type": "retell-llm", "llm_id": made["llm_id"]}, "voice_id": "11labs-Ada"}
        )
        line = self.lines[agent["agent_id"]]
        if published:
            self._publish(line, 0)
        return line

    def live(self, line: Line) -> dict[str, Any]:
        """The LLM that ``latest_published`` runs."""
        return next(version[1] for version in reversed(line.versions) if version and version[0]["is_published"])

    def edit(self, line: Line, number: int, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> None:
        """Somebody edits agent and LLM of one version in the dashboard."""
        with self.lock:
            change(*line.versions[number])

    def fork(self, line: Line, base: int | None = None) -> int:
        """Somebody makes a draft in the dashboard."""
        with self.lock:
            return self._fork(line, line.latest() if base is None else base)["version"]

    def publish(self, line: Line, number: int) -> None:
        """Somebody publishes a draft in the dashboard."""
        with self.lock:
            self._publish(line, number)

    # ── requests ──

    def reply(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Rejected(401, "API key is missing or invalid.").reply
        verb, _, key = request.path.strip("/").partition("/")
        try:
            with self.lock:
                return self._llm_route(request, verb, key) or self._agent_route(request, verb, key)
        except Rejected as rejected:
            return rejected.reply

    def _llm_route(self, request: Request, verb: str, key: str) -> Reply | None:
        match request.method, verb:
            case "POST", "create-retell-llm":
                return Reply.of(201, self._create_llm(_body(request)))
            case "GET", "v2" if key == "list-retell-llms":
                return Reply.of(200, {"items": [self._llm(llm_id) for llm_id in self._llm_ids()], "has_more": False})
            case "GET", "get-retell-llm":
                return Reply.of(200, self._llm(key, _number(request)))
            case "PATCH", "update-retell-llm":
                return Reply.of(200, self._update_llm(key, _number(request), _body(request)))
            case "DELETE", "delete-retell-llm":
                return self._delete_llm(key)
            case "POST", "create-agent":
                return Reply.of(201, self._create_agent(_body(request)))
        return None

    def _agent_route(self, request: Request, verb: str, key: str) -> Reply:
        line = self.lines.get(key)
        if line is None:
            raise Rejected(404 if verb.endswith(("-agent-version", "-agent-versions")) else 422, NOT_FOUND)
        match request.method, verb:
            case "GET", "get-agent":
                return Reply.of(200, self._at(line, _number(request))[0])
            case "PATCH", "update-agent":
                return Reply.of(200, self._update_agent(line, _number(request), _body(request)))
            case "DELETE", "delete-agent":
                del self.lines[key]
                return Reply(204)
            case "GET", "list-agent-versions":
                return Reply.of(200, self._list(line, request))
            case "POST", "create-agent-version":
                body = _body(request)
                if set(body) != {"base_version"}:
                    raise Rejected(400, "request/body must NOT have additional properties")
                return Reply.of(201, self._fork(line, body["base_version"]))
            case "POST", "publish-agent-version":
                self._publish(line, _integer(_body(request), "version"))
                return Reply(200)
            case "POST", "publish-agent":  # deprecated since 2026-07-20
                self._publish(line, line.latest())
                return Reply(200)
        raise Rejected(404, "Not Found")

    # ── LLMs ──

    def _create_llm(self, body: dict[str, Any]) -> dict[str, Any]:
        _typed(body)
        llm_id = f"llm_{uuid.uuid4().hex[:24]}"
        llm = {"llm_id": llm_id, "version": 0, "is_published": False, "model": "gpt-4.1", **_known(body)}
        self.llms[llm_id] = self._stamped(llm)
        return llm

    def _llm_ids(self) -> list[str]:
        return [*self.llms, *(line.llm_id for line in self.lines.values())]

    def _llm(self, llm_id: str, number: int | None = None) -> dict[str, Any]:
        if llm_id in self.llms and number in {None, 0}:
            return self.llms[llm_id]
        line = next((one for one in self.lines.values() if one.llm_id == llm_id), None)
        if line is None:
            raise Rejected(422, NOT_FOUND)
        return self._at(line, number)[1]

    def _update_llm(self, llm_id: str, number: int | None, body: dict[str, Any]) -> dict[str, Any]:
        llm = self._llm(llm_id, number)
        if llm["is_published"]:
            raise Rejected(400, "Cannot update published LLM")
        _typed(body)
        llm.update(copy.deepcopy(_known(body)))  # `states` and every other key are replaced whole
        return self._stamped(llm)

    def _delete_llm(self, llm_id: str) -> Reply:
        if self.llms.pop(llm_id, None) is None:
            raise Rejected(422, NOT_FOUND)
        return Reply(204)

    # ── agents and versions ──

    def _create_agent(self, body: dict[str, Any]) -> dict[str, Any]:
        for name in ("response_engine", "voice_id"):
            if name not in body:
                raise Rejected(400, BAD_FORMAT)
        agent_id = f"agent_{uuid.uuid4().hex[:24]}"
        engine = body["response_engine"]
        llm = self.llms.pop(engine.get("llm_id", ""), None)
        if engine["type"] == "retell-llm" and llm is None:
            raise Rejected(422, NOT_FOUND)
        agent = self._stamped({"agent_id": agent_id, **body, "version": 0, "is_published": False, "base_version": None})
        agent["response_engine"] = {**engine, "version": 0}
        self.lines[agent_id] = Line(agent_id, engine.get("llm_id", ""), [(agent, llm or {})])
        return agent

    def _at(self, line: Line, number: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        number = line.latest() if number is None else number
        version = line.versions[number] if 0 <= number < len(line.versions) else None
        if version is None:
            raise Rejected(422, NOT_FOUND)
        return version

    def _update_agent(self, line: Line, number: int | None, body: dict[str, Any]) -> dict[str, Any]:
        agent, _ = self._at(line, number)
        if agent["is_published"] and set(body) - _TITLES:
            raise Rejected(422, "Cannot update published agent other than version title")
        if "response_engine" in body and len(line.versions) > 1:
            raise Rejected(400, "Cannot update response engine after agent versions have been created")
        agent.update(body)
        return self._stamped(agent)

    def _list(self, line: Line, request: Request) -> dict[str, Any]:
        numbers = [number for number, version in enumerate(line.versions) if version]
        if request.query.get("sort_order", "descending") == "descending":
            numbers.reverse()
        start = int(request.query.get("pagination_key", "0"))
        end = start + min(int(request.query.get("limit", "50")), 1000)
        keys = ("version", "is_published", "base_version", "last_modification_timestamp", *_TITLES)
        agents = [line.versions[number][0] for number in numbers[start:end]]
        items = [{key: agent[key] for key in keys if key in agent} for agent in agents]
        more = end < len(numbers)
        return {"items": items, "has_more": more, **({"pagination_key": str(end)} if more else {})}

    def _fork(self, line: Line, base: int) -> dict[str, Any]:
        if not isinstance(base, int) or not 0 <= base < len(line.versions) or line.versions[base] is None:
            raise Rejected(404, NOT_FOUND)
        number = len(line.versions)
        agent, llm = copy.deepcopy(line.versions[base])
        for title in _TITLES:
            agent.pop(title, None)
        agent |= {"version": number, "is_published": False, "base_version": base}
        agent["response_engine"]["version"] = number
        llm |= {"version": number, "is_published": False}
        line.versions.append((self._stamped(agent), self._stamped(llm)))
        return agent

    def _publish(self, line: Line, number: int) -> None:
        if not 0 <= number < len(line.versions) or line.versions[number] is None:
            raise Rejected(404, NOT_FOUND)
        for half in line.versions[number]:
            half["is_published"] = True

    def _stamped(self, document: dict[str, Any]) -> dict[str, Any]:
        self._clock += 1
        document["last_modification_timestamp"] = self._clock
        return document


def _body(request: Request) -> dict[str, Any]:
    try:
        return dict(json.loads(request.body or b"{}"))
    except ValueError:
        raise Rejected(400, BAD_FORMAT) from None


def _known(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in LLM_FIELDS}


def _typed(body: dict[str, Any]) -> None:
    for name, value in _known(body).items():
        if value is not None and not isinstance(value, LLM_FIELDS[name]):
            words = {str: "string", list: "array", dict: "object"}
            raise Rejected(400, f"request/body/{name} must be {words[LLM_FIELDS[name]]}")


def _number(request: Request) -> int | None:
    version = request.query.get("version")
    if version is None:
        return None
    if not version.isdecimal():
        raise Rejected(400, BAD_FORMAT)
    return int(version)


def _integer(body: dict[str, Any], name: str) -> int:
    if not isinstance(body.get(name), int):
        raise Rejected(400, f"request/body must have required property '{name}'")
    return int(body[name])
