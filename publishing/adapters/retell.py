"""Retell AI: the prompt of an agent that runs on a Retell LLM.

Agent and LLM share version numbers, a published version never changes, and only a published version is live.
So every write is: find the live version, take a draft of it (an existing one before a new one, because making
one cannot be repeated safely), change the one field, publish, read both back. A draft in which somebody has
edited something else is left alone: a new one is forked from what is live. Phone numbers pinned to an older
version keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from prompthub_kernel.errors import Problem
from publishing.adapters import contract
from publishing.adapters.answers import Exchange, message
from publishing.ports import Observation, Outcome, Parcel, ProviderError, Receipt, Remote, Wire

LARGEST_DOCUMENT = 4 * 1024 * 1024
"""Bytes of an agent or LLM we read."""

_PAGE = 1000  # versions asked for at once
_PAGES = 20
_OWN = frozenset(  # what differs between two versions that are otherwise the same
    {"version", "base_version", "is_published", "last_modification_timestamp", "version_title", "version_description"}
)


class NoSuchField(Exception):
    """The agent has no text at that place; ``problem`` says why."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(pointer, code, detail)


@dataclass(frozen=True, slots=True)
class _Field:
    """``general_prompt``, ``begin_message``, or the prompt of one state."""

    name: str
    state: str | None = None

    @classmethod
    def of(cls, location: Mapping[str, Any]) -> _Field:
        path = str(location["field"])
        if path.startswith("states/"):
            return cls("state_prompt", path.removeprefix("states/").removesuffix("/state_prompt"))
        return cls(path)

    def text(self, llm: Mapping[str, Any]) -> str | None:
        """The text there, None when the field is not set. Raises :class:`NoSuchField`."""
        owner = llm if self.state is None else self._state(llm)
        found = owner.get(self.name)
        if found is not None and not isinstance(found, str):
            raise NoSuchField("/location/field", "not_text", "the field is not text")
        return found

    def change(self, llm: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The PATCH that changes this field only. ``states`` is replaced whole, so all of it is sent back."""
        if self.state is None:
            return {self.name: text}
        chosen = self._state(llm)
        return {"states": [{**state, self.name: text} if state is chosen else state for state in llm["states"]]}

    def _state(self, llm: Mapping[str, Any]) -> Mapping[str, Any]:
        states = llm.get("states")
        for state in states if isinstance(states, list) else ():
            if isinstance(state, dict) and state.get("name") == self.state:
                return state
        raise NoSuchField("/location/field", "not_found", "the LLM has no state of that name")


class Retell:
    """Writes a prompt into one field of the agent's LLM. Settings, credentials, location: see the contract."""

    name = "retell"
    conditional = False

    def located(self, remote: Remote) -> Mapping[str, Any]:
        """As it was given."""
        return remote.location

    def readable(self, remote: Remote) -> bool:
        """Always: versions can be read."""
        return True

    def remote_key(self, remote: Remote) -> str:
        """``retell:<agent_id>``: all its fields share one line of versions."""
        return f"retell:{remote.location['agent_id']}"

    def steps(self, remote: Remote) -> tuple[str | int, ...]:
        """The field."""
        return (str(remote.location["field"]),)

    def check(self, remote: Remote, *, format: str, text: str) -> list[Problem]:
        """Problems against ``contracts/adapters/retell.schema.json``."""
        return contract.problems(self.name, remote, format=format, text=text)

    def probe(self, remote: Remote, *, wire: Wire) -> list[Problem]:
        """Whether the agent is there, runs on a Retell LLM, and has the field."""
        agents = _Agent(remote, _exchange(remote, wire))
        try:
            latest = agents.version()
            live = agents.live(latest)
            _Field.of(remote.location).text(agents.llm(live or latest))
        except NoSuchField as absence:
            return [absence.problem]
        except ProviderError as error:
            if error.outcome is Outcome.REFUSED:
                return [_explained(error)]
            raise
        return []

    def send(self, remote: Remote, parcel: Parcel, *, wire: Wire) -> Receipt:
        """Make the live version carry the text."""
        exchange = _exchange(remote, wire, parcel.text)
        agent, place = _Agent(remote, exchange), _Field.of(remote.location)
        with _told(exchange):
            latest = agent.version()
            live = agent.live(latest)
            if live is not None and place.text(agent.llm(live)) == parcel.text:
                return Receipt(str(live["version"]), _put_right(agent, latest, live, place, parcel.text))
            draft = _draft(agent, latest, live, place)
            _fill(agent, draft, place, parcel.text)
            agent.publish(draft["version"])
            _confirm(agent, draft["version"], place, parcel.text)
        return Receipt(str(draft["version"]))

    def observe(self, remote: Remote, *, wire: Wire) -> Observation:
        """The text of the highest published version; of an agent that never was published, the draft's."""
        exchange = _exchange(remote, wire)
        agent = _Agent(remote, exchange)
        with _told(exchange):
            latest = agent.version()
            live = agent.live(latest)
            text = _Field.of(remote.location).text(agent.llm(live or latest)) or ""
        if live is None:
            return Observation(text, str(latest["version"]), "the agent was never published: nothing runs this draft")
        return Observation(text, str(live["version"]))


@dataclass(frozen=True, slots=True)
class _Agent:
    """The agent's endpoints."""

    remote: Remote
    exchange: Exchange

    def version(self, number: int | None = None) -> dict[str, Any]:
        """One version of the agent, by default the newest. Raises :class:`NoSuchField` for another engine."""
        return self._known(self.exchange.read(self._address("get-agent") + _query(number)))

    def live(self, latest: dict[str, Any]) -> dict[str, Any] | None:
        """The highest published version, or None when there is none."""
        if latest.get("is_published") is True:
            return latest
        page = ""
        for _ in range(_PAGES):
            found = self.exchange.read(
                self._address("list-agent-versions") + f"?limit={_PAGE}&sort_order=descending{page}"
            )
            numbers = _published(found.get("items"))
            if numbers is None:
                # Taking this for "never published" would publish somebody's unfinished draft.
                raise self.exchange.failure("answered with something else than a list of versions", Outcome.TRY_AGAIN)
            if numbers:
                return self.version(max(numbers))
            if found.get("has_more") is not True or not isinstance(found.get("pagination_key"), str):
                return None
            page = f"&pagination_key={quote(found['pagination_key'], safe='')}"
        raise self.exchange.failure(f"has more than {_PAGE * _PAGES} versions and none is published", Outcome.REFUSED)

    def llm(self, agent: Mapping[str, Any]) -> dict[str, Any]:
        """The LLM at the agent's version."""
        return self.exchange.read(self._llm_address("get-retell-llm", agent))

    def fork(self, base: int) -> dict[str, Any]:
        """A new draft of agent and LLM."""
        answer = self.exchange.write("POST", self._address("create-agent-version"), {"base_version": base})
        self.exchange.expect(answer, written=True)
        return self._known(self.exchange.document(answer, written=True))

    def update_llm(self, agent: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        """Change the LLM at the agent's version."""
        answer = self.exchange.write("PATCH", self._llm_address("update-retell-llm", agent), change)
        if answer.status == 400 and message(answer).startswith("Cannot update published"):
            # Somebody published the draft meanwhile: the next try forks another one.
            raise self.exchange.rejection(answer, outcome=Outcome.TRY_AGAIN)
        self.exchange.expect(answer, written=True)

    def publish(self, version: int) -> None:
        """Publish a draft in place. The answer is 200 with an empty body."""
        answer = self.exchange.write("POST", self._address("publish-agent-version"), {"version": version})
        self.exchange.expect(
            answer, written=True, so_far=f"draft version {version} holds the text but is not published; "
        )

    def _known(self, agent: dict[str, Any]) -> dict[str, Any]:
        engine = agent.get("response_engine")
        if not isinstance(engine, dict) or engine.get("type") != "retell-llm":
            raise NoSuchField("/location/agent_id", "engine_unsupported", "the agent does not run on a Retell LLM")
        if not isinstance(agent.get("version"), int) or not isinstance(engine.get("llm_id"), str):
            raise self.exchange.failure("answered with something else than an agent", Outcome.TRY_AGAIN)
        return agent

    def _address(self, verb: str) -> str:
        return f"{_base(self.remote)}/{verb}/{self.remote.location['agent_id']}"

    def _llm_address(self, verb: str, agent: Mapping[str, Any]) -> str:
        llm_id = quote(agent["response_engine"]["llm_id"], safe="")
        return f"{_base(self.remote)}/{verb}/{llm_id}{_query(agent['version'])}"


def _published(items: Any) -> list[int] | None:
    """The numbers of the published versions among ``items``; None when these are not versions."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    numbers = [item.get("version") for item in items if item.get("is_published") is True]
    return numbers if all(isinstance(number, int) for number in numbers) else None


def _base(remote: Remote) -> str:
    return str(remote.settings.get("base_url", "https://api.retellai.com")).rstrip("/")


def _query(version: int | None) -> str:
    return "" if version is None else f"?version={version}"


def _exchange(remote: Remote, wire: Wire, *private: str) -> Exchange:
    key = remote.credentials["api_key"]
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    return Exchange(Retell.name, wire, headers, (key, *private), LARGEST_DOCUMENT)


@contextmanager
def _told(exchange: Exchange) -> Iterator[None]:
    """A missing field is a refusal: repeating the call will not make it appear."""
    try:
        yield
    except NoSuchField as absence:
        raise exchange.failure(absence.problem.detail, Outcome.REFUSED) from absence


def _explained(error: ProviderError) -> Problem:
    pointer, code = {
        None: ("/settings/base_url", "address_refused"),
        401: ("/credentials/api_key", "unauthorized"),
        402: ("/credentials/api_key", "payment_required"),
        404: ("/location/agent_id", "not_found"),
        422: ("/location/agent_id", "not_found"),  # Retell's word for it
    }.get(error.provider_status, ("/settings/base_url", "unexpected_answer"))
    return Problem(pointer, code, error.detail)


def _draft(agent: _Agent, latest: dict[str, Any], live: dict[str, Any] | None, place: _Field) -> dict[str, Any]:
    """A version that may be published: the newest draft if it is what is live but for our field, else a new one."""
    if live is None:
        return latest
    return latest if _is_ours(agent, latest, live, place) else agent.fork(live["version"])


def _put_right(agent: _Agent, latest: dict[str, Any], live: dict[str, Any], place: _Field, text: str) -> str:
    """The text is live. A draft that an earlier try filled would still go live with the next publish by hand: it gets
    the text too, somebody's unfinished draft does not. What to tell.
    """
    if not _is_ours(agent, latest, live, place) or place.text(agent.llm(latest)) == text:
        return "it ran this text already"
    _fill(agent, latest, place, text)
    return "it ran this text already; the unpublished draft held another one and has it now too"


def _is_ours(agent: _Agent, latest: dict[str, Any], live: dict[str, Any], place: _Field) -> bool:
    """Whether the newest version is a draft of what is live, different in our field at most."""
    if latest is live or _plain(latest) != _plain(live):
        return False
    with suppress(NoSuchField):  # the draft may have lost the field
        return _without(place, agent.llm(latest)) == _without(place, agent.llm(live))
    return False


def _without(place: _Field, llm: Mapping[str, Any]) -> dict[str, Any]:
    return _plain({**llm, **place.change(llm, "")})


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in document.items() if name not in _OWN}
    if isinstance(plain.get("response_engine"), dict):
        plain["response_engine"] = {**plain["response_engine"], "version": None}
    return plain


def _fill(agent: _Agent, draft: Mapping[str, Any], place: _Field, text: str) -> None:
    llm = agent.llm(draft)
    if place.text(llm) != text:
        agent.update_llm(draft, place.change(llm, text))


def _confirm(agent: _Agent, version: int, place: _Field, text: str) -> None:
    """Read back what was published. Not being able to look does not undo it."""
    exchange = agent.exchange
    try:
        seen = agent.version(version)
        runs = seen.get("is_published") is True and place.text(agent.llm(seen)) == text
    except ProviderError as error:
        detail = f"published, but it could not be read back; {error.detail}"
        raise exchange.failure(detail, Outcome.UNKNOWN, error.provider_status, error.retry_after) from error
    if not runs:
        raise exchange.failure("another text is published than was sent", Outcome.TRY_AGAIN)
