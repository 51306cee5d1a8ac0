"""What was seen on n8n 2.41.1, asked of the stand-in; and of a real n8n where ``PROMPTHUB_VERIFY_N8N_URL`` and
``PROMPTHUB_VERIFY_N8N_KEY`` name one (the workflows made there stay)."""

from __future__ import annotations

import json
import os
import threading
import uuid
from dataclasses import dataclass

import pytest

from foundation.egress import Answer
from tests.fakes import n8n_nodes
from tests.fakes.n8n_server import FULL_KEY, READ_KEY, READ_UPDATE_KEY, N8nServer
from tests.fakes.wire import LoopbackWire, plain

REAL = os.environ.get("PROMPTHUB_VERIFY_N8N_URL")


@dataclass
class Api:
    wire: LoopbackWire
    base_url: str
    key: str

    def __call__(self, method: str, path: str, document: object = None, **headers: str) -> Answer:
        headers.setdefault("X_N8N_API_KEY", self.key)
        return plain(self.wire, method, f"{self.base_url}/api/v1/workflows{path}", document, **headers)

    def made(self, *, published: bool = True) -> dict:
        body = writable(n8n_nodes.assistant(path=uuid.uuid4().hex))
        workflow = json.loads(self("POST", "", body).content)
        if published:
            return json.loads(self("POST", f"/{workflow['id']}/publish").content)
        return workflow

    def get(self, workflow: dict) -> dict:
        return json.loads(self("GET", f"/{workflow['id']}").content)


def writable(nodes: list, **more: object) -> dict:
    return {"name": "Assistant", "nodes": nodes, "connections": {}, "settings": {}, **more}


def prompt(nodes: list) -> str:
    return next(node for node in nodes if node["id"] == n8n_nodes.AGENT)["parameters"]["options"]["systemMessage"]


def changed(workflow: dict, text: str, **more: object) -> dict:
    nodes = json.loads(json.dumps(workflow["nodes"]))
    next(node for node in nodes if node["id"] == n8n_nodes.AGENT)["parameters"]["options"]["systemMessage"] = text
    return writable(nodes, **more)


@pytest.fixture
def server():
    with N8nServer() as running:
        yield running


@pytest.fixture(params=["stand-in", *(["real"] if REAL else [])])
def api(request, server):
    if request.param == "real":
        address = REAL.split("//")[1].rstrip("/")
        return Api(LoopbackWire(address), REAL.rstrip("/"), os.environ["PROMPTHUB_VERIFY_N8N_KEY"])
    return Api(LoopbackWire(server.address), server.base_url, FULL_KEY)


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.content)["message"]


def test_a_bearer_token_is_not_a_key(api):
    workflow = api.made()
    assert refused(api("GET", f"/{workflow['id']}", X_N8N_API_KEY="x", Authorization=f"Bearer {api.key}")) == (
        401,
        "Unauthorized",
    )


def test_patch_is_not_a_method(api):
    assert refused(api("PATCH", f"/{api.made()['id']}", {})) == (405, "PATCH method not allowed")


@pytest.mark.parametrize("name", ["name", "nodes", "connections", "settings"])
def test_put_needs_all_of_the_graph(api, name):
    workflow = api.made()
    body = changed(workflow, "New")
    del body[name]
    assert refused(api("PUT", f"/{workflow['id']}", body)) == (
        400,
        f"request/body must have required property '{name}'",
    )


def test_put_refuses_what_get_gave(api):
    workflow = api.get(api.made())
    assert refused(api("PUT", f"/{workflow['id']}", workflow)) == (400, "request/body/id is read-only")


@pytest.mark.parametrize(
    "name",
    ["active", "activeVersion", "createdAt", "updatedAt", "isArchived", "meta", "tags", "triggerCount", "versionId"],
)
def test_put_refuses_read_only_keys(api, name):
    workflow = api.get(api.made())
    body = changed(workflow, "New", **{name: workflow[name]})
    assert refused(api("PUT", f"/{workflow['id']}", body)) == (400, f"request/body/{name} is read-only")


@pytest.mark.parametrize("name", ["activeVersionId", "versionCounter", "sourceWorkflowId", "anything"])
def test_put_refuses_unknown_keys(api, name):
    workflow = api.made()
    status, message = refused(api("PUT", f"/{workflow['id']}", changed(workflow, "New", **{name: "x"})))
    assert (status, message) == (400, f"request/body Unrecognized key(s) in object: '{name}'")


def test_put_refuses_unknown_keys_of_a_node(api):
    workflow = api.made()
    body = changed(workflow, "New")
    body["nodes"][0]["colour"] = "red"
    status, message = refused(api("PUT", f"/{workflow['id']}", body))
    assert status == 400
    assert message.startswith("request/body/nodes/0 Unrecognized key(s)")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body["nodes"][0].pop("position"),
        lambda body: body["nodes"][0].update(name=body["nodes"][1]["name"]),
        lambda body: body["connections"].update(Nobody={"main": []}),
    ],
    ids=["no position", "duplicate name", "connection to nowhere"],
)
def test_put_refuses_a_broken_structure(api, spoil):
    workflow = api.made()
    body = changed(workflow, "New")
    spoil(body)
    status, message = refused(api("PUT", f"/{workflow['id']}", body))
    assert status == 400
    assert message.startswith("Workflow structure is invalid. ")


def test_an_unknown_workflow_is_404_in_two_wordings(api):
    assert refused(api("GET", "/nobody")) == (404, "Not Found")
    status, message = refused(api("PUT", "/nobody", changed(api.made(), "New")))
    assert status == 404
    assert message.startswith("You do not have permission to update this workflow.")


def test_broken_json_is_a_page_with_500(api):
    answer = api("PUT", f"/{api.made()['id']}", b'{"name": ')
    assert answer.status == 500
    assert answer.content.lstrip().lower().startswith(b"<!doctype html>")


def test_a_body_over_16_mb_is_a_page_with_413(api):
    workflow = api.made()
    body = changed(workflow, "x" * (16 * 1024 * 1024))
    answer = api("PUT", f"/{workflow['id']}", body)
    assert answer.status == 413
    assert answer.content.lstrip().lower().startswith(b"<!doctype html>")


def test_a_body_that_does_not_say_json_is_415(api):
    assert api("PUT", f"/{api.made()['id']}", b"{}", Content_Type="text/plain").status == 415


def test_put_on_a_published_workflow_publishes_at_once(api):
    workflow = api.made()
    assert api("PUT", f"/{workflow['id']}", changed(workflow, "New")).status == 200
    seen = api.get(workflow)
    assert prompt(seen["activeVersion"]["nodes"]) == "New"
    assert seen["activeVersionId"] == seen["versionId"] != workflow["versionId"]


def test_put_without_publishing_leaves_what_runs(api):
    workflow = api.made()
    assert api("PUT", f"/{workflow['id']}?publishIfActive=false", changed(workflow, "New")).status == 200
    seen = api.get(workflow)
    assert (prompt(seen["nodes"]), prompt(seen["activeVersion"]["nodes"])) == ("New", "You help.")
    assert seen["activeVersionId"] == workflow["versionId"]


def test_put_on_an_unpublished_workflow_only_stores(api):
    workflow = api.made(published=False)
    api("PUT", f"/{workflow['id']}", changed(workflow, "New"))
    seen = api.get(workflow)
    assert (seen["active"], seen["activeVersion"], prompt(seen["nodes"])) == (False, None, "New")


def test_the_same_content_keeps_its_version(api):
    workflow = api.made()
    first = json.loads(api("PUT", f"/{workflow['id']}", changed(workflow, "New")).content)
    second = json.loads(api("PUT", f"/{workflow['id']}", changed(workflow, "New")).content)
    assert first["versionId"] == second["versionId"] != workflow["versionId"]
    assert first["updatedAt"] != second["updatedAt"]


def test_settings_are_merged(api):
    workflow = api.made()
    api("PUT", f"/{workflow['id']}", changed(workflow, "New") | {"settings": {"timezone": "Europe/Paris"}})
    api("PUT", f"/{workflow['id']}", changed(workflow, "Newer"))
    assert api.get(workflow)["settings"]["timezone"] == "Europe/Paris"


def test_if_match_is_ignored(api):
    workflow = api.made()
    assert api("PUT", f"/{workflow['id']}", changed(workflow, "New"), If_Match='"another"').status == 200


def test_an_older_version_can_be_published_and_the_draft_stays(api):
    workflow = api.made()
    api("PUT", f"/{workflow['id']}", changed(workflow, "New"))
    assert api("POST", f"/{workflow['id']}/publish", {"versionId": workflow["versionId"]}).status == 200
    seen = api.get(workflow)
    assert (prompt(seen["nodes"]), prompt(seen["activeVersion"]["nodes"])) == ("New", "You help.")


def test_publishing_twice_is_harmless(api):
    workflow = api.made()
    assert [api("POST", f"/{workflow['id']}/publish").status for _ in range(2)] == [200, 200]


def test_publishing_an_unknown_version_is_404(api):
    answer = api("POST", f"/{api.made()['id']}/publish", {"versionId": str(uuid.uuid4())})
    assert refused(answer) == (404, "Version not found")


def test_publishing_without_a_trigger_is_400(api):
    workflow = json.loads(api("POST", "", writable(n8n_nodes.assistant()[1:])).content)
    status, message = refused(api("POST", f"/{workflow['id']}/publish"))
    assert status == 400
    assert message.startswith("Workflow cannot be activated because it has no trigger node")


def test_a_webhook_path_belongs_to_one_workflow(api):
    taken = api.made()
    other = json.loads(api("POST", "", writable(taken["nodes"])).content)
    assert refused(api("POST", f"/{other['id']}/publish")) == (409, "There is a conflict with one of the webhooks.")


def test_activate_is_deprecated(api):
    answer = api("POST", f"/{api.made()['id']}/activate")
    assert answer.status == 200
    assert "deprecation" in answer.headers


def test_get_answers_304_to_its_own_etag(api):
    workflow = api.made()
    tag = api("GET", f"/{workflow['id']}").headers["etag"]
    assert api("GET", f"/{workflow['id']}", If_None_Match=tag).status == 304


# ── What needs keys, races and clocks of our own ──


@pytest.fixture
def limited(server):
    def using(key):
        return Api(LoopbackWire(server.address), server.base_url, key)

    return using


def test_a_key_that_may_not_publish_gets_403_and_its_draft_is_saved(server, limited):
    flow = server.add(n8n_nodes.assistant())
    answer = limited(READ_UPDATE_KEY)("PUT", f"/{flow.id}", changed(flow.document(), "New"))
    told = json.loads(answer.content)
    assert (answer.status, told["reason"], told["versionId"]) == (
        403,
        "insufficient_api_key_scope",
        flow.version_id,
    )
    assert told["message"].startswith("Your change was saved as a draft. It wasn't published because")
    assert (prompt(flow.nodes), prompt(flow.live["nodes"])) == ("New", "You help.")


def test_a_key_that_may_not_publish_may_store_a_draft(server, limited):
    flow = server.add(n8n_nodes.assistant())
    put = limited(READ_UPDATE_KEY)("PUT", f"/{flow.id}?publishIfActive=false", changed(flow.document(), "New"))
    publish = limited(READ_UPDATE_KEY)("POST", f"/{flow.id}/publish")
    assert (put.status, refused(publish)) == (200, (403, "Forbidden"))


def test_a_key_that_may_only_read_gets_forbidden(server, limited):
    flow = server.add(n8n_nodes.assistant())
    assert refused(limited(READ_KEY)("PUT", f"/{flow.id}", changed(flow.document(), "New"))) == (403, "Forbidden")
    assert prompt(flow.nodes) == "You help."


def test_an_archived_workflow_cannot_be_published(server, limited):
    flow = server.add(n8n_nodes.assistant(), published=False, archived=True)
    assert limited(FULL_KEY)("POST", f"/{flow.id}/publish").status == 400


def test_parallel_puts_can_leave_a_draft_that_does_not_run(server, limited):
    flow = server.add(n8n_nodes.assistant())
    server.race = 6
    statuses = []

    def put(text):
        statuses.append(limited(FULL_KEY)("PUT", f"/{flow.id}", changed(flow.document(), text)).status)

    threads = [threading.Thread(target=put, args=(f"R{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert statuses == [200] * 6
    assert prompt(flow.nodes) != prompt(flow.live["nodes"])


def test_the_webhook_keeps_the_old_version_for_a_moment():
    time = [100.0]
    with N8nServer(clock=lambda: time[0], lag=0.8) as server:
        flow = server.add(n8n_nodes.assistant())
        wire = LoopbackWire(server.address)
        plain(
            wire,
            "PUT",
            f"{server.base_url}/api/v1/workflows/{flow.id}",
            changed(flow.document(), "New"),
            X_N8N_API_KEY=FULL_KEY,
        )
        calls = [plain(wire, "POST", f"{server.base_url}/webhook/ask", {}) for _ in range(2)]
        time[0] += 1.0
        calls.append(plain(wire, "POST", f"{server.base_url}/webhook/ask", {}))
    assert [call.status for call in calls] == [404, 200, 200]
    assert "is not registered" in json.loads(calls[0].content)["message"]
    assert [json.loads(call.content)[n8n_nodes.AGENT] for call in calls[1:]] == ["You help.", "New"]


def test_the_webhook_exists_only_while_published(server):
    server.add(n8n_nodes.assistant(), published=False)
    answer = plain(LoopbackWire(server.address), "POST", f"{server.base_url}/webhook/ask", {})
    assert answer.status == 404
    assert {"code", "message", "hint"} <= set(json.loads(answer.content))


@pytest.mark.parametrize(
    ("stored", "used"),
    [
        ("={{ 1+1 }}", 2),
        ("=plain", "plain"),
        ("={{ nonsense( }}", None),
        ("={{ undefinedName }}", None),
        ("=a {{ 1+1 }} b", "a 2 b"),
        ('={{ "=x" }}', "=x"),
        ('={{ "a}}b" }}', 'b" }}'),  # cut at the first }}
        ('={{ "a}" + "}b" }}', "a}}b"),
        ('={{ "x.constructor" }}', None),
        ("{{ 1+1 }} {x} {% y %}", "{{ 1+1 }} {x} {% y %}"),
    ],
)
def test_a_leading_equals_sign_makes_an_expression(server, stored, used):
    server.add(n8n_nodes.assistant(stored))
    answer = plain(LoopbackWire(server.address), "POST", f"{server.base_url}/webhook/ask", {})
    assert json.loads(answer.content)[n8n_nodes.AGENT] == used
