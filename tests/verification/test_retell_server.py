"""What is known of the Retell API, asked of the stand-in with plain HTTP and with the vendor's own client."""

from __future__ import annotations

import json

import httpx
import pytest
import retell

from tests.fakes.retell_server import KEY, NOT_FOUND, RetellServer
from tests.fakes.wire import LoopbackWire, plain


@pytest.fixture
def server():
    with RetellServer() as running:
        yield running


@pytest.fixture
def client(server):
    with (
        httpx.Client(trust_env=False, timeout=5) as http,
        retell.Retell(api_key=KEY, base_url=server.base_url, max_retries=0, http_client=http) as made,
    ):
        yield made


@pytest.fixture
def call(server):
    def calling(method, path, document=None, key=KEY):
        authorization = f"Bearer {key}"
        return plain(
            LoopbackWire(server.address), method, server.base_url + path, document, Authorization=authorization
        )

    return calling


def refused(answer):
    told = json.loads(answer.content)
    assert told["status"] == "error"
    return answer.status, told["message"]


STATES = [
    {"name": "hello", "state_prompt": "Greet.", "edges": [{"destination_state_name": "bye", "description": "done"}]},
    {"name": "bye", "state_prompt": "Say bye.", "tools": [{"type": "end_call", "name": "end"}]},
]


# ── The vendor's client ──


def test_the_client_walks_from_draft_to_live(client):
    llm = client.llm.create(general_prompt="v0", model="gpt-4.1")
    agent = client.agent.create(response_engine={"type": "retell-llm", "llm_id": llm.llm_id}, voice_id="11labs-Ada")
    assert (agent.version, agent.is_published) == (0, False)
    client.agent.publish(agent.agent_id, version=0)
    draft = client.agent.create_version(agent.agent_id, base_version=0)
    assert (draft.version, draft.response_engine.llm_id) == (1, llm.llm_id)
    client.llm.update(llm.llm_id, version=1, general_prompt="v1")
    assert client.agent.publish(agent.agent_id, version=1) is None
    assert client.agent.retrieve(agent.agent_id, version=1).is_published is True
    assert client.llm.retrieve(llm.llm_id, version=1).general_prompt == "v1"
    assert client.llm.retrieve(llm.llm_id, version=0).general_prompt == "v0"


def test_the_client_lists_versions_newest_first_and_by_page(server, client):
    line = server.add(general_prompt="v0")
    for _ in range(4):
        server.fork(line)
    first = client.agent.list_versions(line.agent_id, limit=3, sort_order="descending")
    second = client.agent.list_versions(
        line.agent_id, limit=3, sort_order="descending", pagination_key=first.pagination_key
    )
    assert [item.version for item in [*first.items, *second.items]] == [4, 3, 2, 1, 0]
    assert (first.has_more, second.has_more) == (True, False)
    assert [item.is_published for item in second.items] == [False, True]


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda client: client.agent.retrieve("agent_nobody"), retell.UnprocessableEntityError),
        (lambda client: client.llm.retrieve("llm_nobody"), retell.UnprocessableEntityError),
        (lambda client: client.agent.create_version("agent_nobody", base_version=0), retell.NotFoundError),
        (lambda client: client.agent.publish("agent_nobody", version=0), retell.NotFoundError),
    ],
)
def test_the_client_sees_what_is_not_found(client, use, error):
    with pytest.raises(error):
        use(client)


def test_the_client_sees_published_versions_as_immutable(server, client):
    line = server.add(general_prompt="v0")
    with pytest.raises(retell.BadRequestError, match="Cannot update published LLM"):
        client.llm.update(line.llm_id, version=0, general_prompt="changed")
    assert server.live(line)["general_prompt"] == "v0"


def test_the_client_sees_a_rate_limit(server, client):
    server.answer(429)
    with pytest.raises(retell.RateLimitError):
        client.agent.retrieve(server.add().agent_id)


def test_the_client_lists_llms(server, client):
    line = server.add(general_prompt="v0")
    assert [llm.llm_id for llm in client.llm.list().items] == [line.llm_id]


# ── Plain HTTP ──


def test_a_wrong_key_is_401(server, call):
    answer = call("GET", f"/get-agent/{server.add().agent_id}", key="key_wrong")
    assert refused(answer) == (401, "API key is missing or invalid.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/get-agent/nobody", 422),
        ("GET", "/get-retell-llm/nobody", 422),
        ("PATCH", "/update-retell-llm/nobody", 422),
        ("DELETE", "/delete-retell-llm/nobody", 422),
        ("DELETE", "/delete-agent/nobody", 422),
        ("POST", "/create-agent-version/nobody", 404),
        ("POST", "/publish-agent-version/nobody", 404),
        ("GET", "/list-agent-versions/nobody", 404),
    ],
)
def test_not_found_is_422_and_404_for_agent_versions(call, method, path, status):
    answer = call(method, path, {} if method in {"POST", "PATCH"} else None)
    assert refused(answer) == (status, NOT_FOUND)


def test_an_unknown_version_is_not_found(server, call):
    line = server.add()
    assert refused(call("GET", f"/get-agent/{line.agent_id}?version=7")) == (422, NOT_FOUND)
    assert refused(call("POST", f"/publish-agent-version/{line.agent_id}", {"version": 7})) == (404, NOT_FOUND)
    assert refused(call("POST", f"/create-agent-version/{line.agent_id}", {"base_version": 7})) == (404, NOT_FOUND)


def test_broken_json_is_400(server, call):
    line = server.add(published=False)
    assert call("PATCH", f"/update-retell-llm/{line.llm_id}?version=0", b"{").status == 400


def test_create_agent_version_takes_nothing_else(server, call):
    line = server.add()
    answer = call("POST", f"/create-agent-version/{line.agent_id}", {"base_version": 0, "version_title": "x"})
    status, message = refused(answer)
    assert (status, "additional properties" in message, len(line.versions)) == (400, True, 1)


def test_a_fork_copies_agent_and_llm(server, call):
    line = server.add(general_prompt="v0", states=STATES)
    answer = call("POST", f"/create-agent-version/{line.agent_id}", {"base_version": 0})
    forked = json.loads(answer.content)
    assert answer.status == 201
    assert (forked["version"], forked["base_version"], forked["is_published"]) == (1, 0, False)
    assert line.versions[1][1]["states"] == STATES
    assert line.versions[1][1]["version"] == forked["response_engine"]["version"] == 1


def test_a_new_agent_is_not_live(server):
    line = server.add(published=False)
    assert (line.versions[0][0]["version"], line.versions[0][0]["is_published"]) == (0, False)


def test_a_published_agent_takes_a_title_only(server, call):
    line = server.add()
    title = call("PATCH", f"/update-agent/{line.agent_id}?version=0", {"version_title": "Spring"})
    voice = call("PATCH", f"/update-agent/{line.agent_id}?version=0", {"voice_id": "other"})
    assert (title.status, refused(voice)) == (200, (422, "Cannot update published agent other than version title"))


def test_the_engine_stays_once_there_are_versions(server, call):
    line = server.add()
    server.fork(line)
    engine = {"response_engine": {"type": "retell-llm", "llm_id": "other"}}
    assert refused(call("PATCH", f"/update-agent/{line.agent_id}?version=1", engine)) == (
        400,
        "Cannot update response engine after agent versions have been created",
    )


def test_states_are_replaced_whole(server, call):
    line = server.add(published=False, states=STATES)
    call("PATCH", f"/update-retell-llm/{line.llm_id}?version=0", {"states": [{"name": "hello", "state_prompt": "Hi"}]})
    assert line.versions[0][1]["states"] == [{"name": "hello", "state_prompt": "Hi"}]


def test_other_keys_are_kept_by_a_patch(server, call):
    line = server.add(published=False, general_prompt="v0", begin_message="Hello?")
    call("PATCH", f"/update-retell-llm/{line.llm_id}?version=0", {"general_prompt": "v1"})
    assert line.versions[0][1]["begin_message"] == "Hello?"


def test_an_llm_field_of_the_wrong_type_is_400(server, call):
    line = server.add(published=False)
    answer = call("PATCH", f"/update-retell-llm/{line.llm_id}", {"general_prompt": 7})
    assert refused(answer) == (400, "request/body/general_prompt must be string")


def test_publishing_answers_200_with_nothing(server, call):
    line = server.add(published=False)
    answer = call("POST", f"/publish-agent-version/{line.agent_id}", {"version": 0})
    again = call("POST", f"/publish-agent-version/{line.agent_id}", {"version": 0})
    assert (answer.status, answer.content, again.status) == (200, b"", 200)
    assert line.versions[0][0]["is_published"] is line.versions[0][1]["is_published"] is True


def test_without_a_version_the_newest_is_meant(server, call):
    line = server.add(general_prompt="v0")
    server.fork(line)
    assert json.loads(call("GET", f"/get-agent/{line.agent_id}").content)["version"] == 1
    call("PATCH", f"/update-retell-llm/{line.llm_id}", {"general_prompt": "v1"})
    assert [llm["general_prompt"] for _, llm in line.versions] == ["v0", "v1"]
