"""What the adapters' contracts allow, without any network."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

import contracts
from prompthub_kernel.errors import NotFound
from publishing import adapters
from publishing.adapters import contract
from publishing.ports import Remote

GOOD = {
    "n8n": Remote(
        {"base_url": "https://n8n.example.com"},
        {"api_key": "eyJhbGciOi.x.y"},
        {"workflow_id": "abcDEF123", "node_id": "n-1", "parameter_path": "assignments.assignments[2].value"},
    ),
    "retell": Remote({}, {"api_key": "key_12345"}, {"agent_id": "agent_1", "field": "states/a b/c/state_prompt"}),
    "webhook": Remote(
        {"url": "https://example.com/hook?x=1"}, {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {}
    ),
    "memory": Remote({"fail": ["ok", {"retry_after": 1}]}, {}, {"slot": "a"}),
}


def changed(name, part, **values):
    remote = GOOD[name]
    parts = {"settings": remote.settings, "credentials": remote.credentials, "location": remote.location}
    parts[part] = {key: value for key, value in {**parts[part], **values}.items() if value is not None}
    return Remote(**parts)


def test_every_adapter_has_its_name_and_a_contract():
    assert adapters.REGISTRY.keys() == GOOD.keys(), "each has an example"
    for name, adapter in adapters.REGISTRY.items():
        assert adapter.name == name
        schema = contracts.load(f"adapters/{name}")
        Draft202012Validator.check_schema(schema)
        assert {"settings", "credentials", "location", "format", "text"} <= set(schema["$defs"])


def test_an_unknown_adapter_is_not_found():
    with pytest.raises(NotFound):
        adapters.get("fax")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_place_has_no_problems(name):
    assert adapters.get(name).check(GOOD[name], format="text", text="Hello") == []


@pytest.mark.parametrize(("name", "readable"), [("n8n", True), ("retell", True), ("webhook", False), ("memory", True)])
def test_it_is_known_what_can_be_read_back(name, readable):
    assert adapters.get(name).readable(GOOD[name]) is readable


@pytest.mark.parametrize(
    ("name", "part", "values", "pointer", "code"),
    [
        ("n8n", "settings", {"base_url": None}, "/settings/base_url", "required"),
        ("n8n", "settings", {"base_url": "ftp://x"}, "/settings/base_url", "pattern"),
        ("n8n", "settings", {"base_url": "https://user:pw@x"}, "/settings/base_url", "pattern"),
        ("n8n", "settings", {"base_url": "https://x?y"}, "/settings/base_url", "pattern"),
        ("n8n", "settings", {"base_url": "https://x:99999"}, "/settings/base_url", "format"),
        ("n8n", "settings", {"base_url": "https://["}, "/settings/base_url", "format"),
        ("n8n", "settings", {"base_url": "https://:443"}, "/settings/base_url", "format"),
        ("n8n", "settings", {"colour": "red"}, "/settings/colour", "additionalProperties"),
        ("n8n", "credentials", {"api_key": "with\nbreak"}, "/credentials/api_key", "pattern"),
        ("n8n", "credentials", {"api_key": "breakatend\n"}, "/credentials/api_key", "pattern"),
        ("n8n", "location", {"workflow_id": "../users"}, "/location/workflow_id", "pattern"),
        ("n8n", "location", {"workflow_id": "abc\n"}, "/location/workflow_id", "pattern"),
        ("n8n", "location", {"node_id": 7}, "/location/node_id", "type"),
        ("n8n", "location", {"parameter_path": "a..b"}, "/location/parameter_path", "pattern"),
        ("n8n", "location", {"parameter_path": "[0]"}, "/location/parameter_path", "pattern"),
        ("n8n", "location", {"parameter_path": "__proto__[01]"}, "/location/parameter_path", "pattern"),
        ("retell", "location", {"field": "model"}, "/location/field", "pattern"),
        ("retell", "location", {"agent_id": "a/b"}, "/location/agent_id", "pattern"),
        ("retell", "credentials", {"api_key": None}, "/credentials/api_key", "required"),
        ("webhook", "settings", {"url": "https://user@x/"}, "/settings/url", "pattern"),
        ("webhook", "settings", {"url": "https://x/ y"}, "/settings/url", "pattern"),
        ("webhook", "settings", {"read_url": "https://x:0x/"}, "/settings/read_url", "format"),
        ("webhook", "settings", {"max_body_bytes": 1}, "/settings/max_body_bytes", "minimum"),
        ("webhook", "credentials", {"signing_secret": "whsec_short"}, "/credentials/signing_secret", "pattern"),
        ("webhook", "credentials", {"signing_secret": "whsec_" + "A" * 33}, "/credentials/signing_secret", "base64"),
        ("webhook", "settings", {"read_url": "https://x/{name}"}, "/location/name", "required"),
        ("memory", "location", {"slot": None}, "/location/slot", "required"),
        ("memory", "settings", {"fail": ["explode"]}, "/settings/fail/0", "oneOf"),
        ("memory", "credentials", {"api_key": "x"}, "/credentials", "maxProperties"),
    ],
)
def test_a_wrong_place_is_told_by_its_pointer(name, part, values, pointer, code):
    found = adapters.get(name).check(changed(name, part, **values), format="text", text="Hello")
    assert [(one.pointer, one.code) for one in found] == [(pointer, code)]


def test_a_credential_is_never_in_a_problem():
    secret = "very secret\nkey"
    for name in ("n8n", "retell"):
        found = adapters.get(name).check(changed(name, "credentials", api_key=secret), format="text", text="Hello")
        assert found
        assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("name", "format", "text", "pointer"),
    [
        ("n8n", "yaml", "Hello", "/format"),
        ("n8n", "text", "", "/text"),
        ("retell", "chat", "[]", "/format"),
        ("retell", "text", "", "/text"),
        ("n8n", "text", "x" * 1_048_577, "/text"),
    ],
)
def test_a_text_the_provider_cannot_use_is_told(name, format, text, pointer):
    found = adapters.get(name).check(GOOD[name], format=format, text=text)
    assert [one.pointer for one in found] == [pointer]


def test_an_empty_begin_message_is_allowed():
    place = changed("retell", "location", field="begin_message")
    assert adapters.get("retell").check(place, format="text", text="") == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("n8n", "n8n:n8n.example.com/abcDEF123"),
        ("retell", "retell:agent_1"),
        ("webhook", "webhook:example.com/hook?1f206b11c23e28cc"),
        ("memory", "memory:a"),
    ],
)
def test_the_remote_key_names_what_two_must_not_write_at_once(name, key):
    assert adapters.get(name).remote_key(GOOD[name]) == key


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://N8N.Example.com", "n8n.example.com"),
        ("https://n8n.example.com:443/x", "n8n.example.com"),
        ("http://n8n.example.com:80", "n8n.example.com"),
        ("http://n8n.example.com.", "n8n.example.com"),
        ("http://n8n.example.com:443", "n8n.example.com:443"),
        ("http://[2001:DB8::1]:5678", "[2001:db8::1]:5678"),
        ("http://[2001:db8:0:0:0:0:0:1]:5678", "[2001:db8::1]:5678"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://XN--bcher-KVA.example:443", "xn--bcher-kva.example"),
        ("https://bücher..example", "bücher..example"),
    ],
)
def test_one_host_is_spelled_one_way(url, host):
    assert contract.host(url) == host


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://bücher.example", "https://xn--bcher-kva.example/api/v1"),
        ("https://[::1]:5678", "https://[0:0:0:0:0:0:0:1]:5678"),
    ],
)
def test_one_workflow_has_one_lane_however_its_host_is_spelled(first, second):
    keys = {adapters.get("n8n").remote_key(changed("n8n", "settings", base_url=url)) for url in (first, second)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://x", "/"),
        ("https://x/", "/"),
        ("https://x/hook", "/hook"),
        ("https://x/%68ook", "/hook"),
        ("https://x/./hook", "/hook"),
        ("https://x/y/../hook", "/hook"),
        ("https://x/y/%2e%2E/hook", "/hook"),
        ("https://x/../../hook", "/hook"),
        ("https://x/hook/", "/hook/"),
        ("https://x/hook/.", "/hook/"),
        ("https://x/hook/y/..", "/hook/"),
        ("https://x//hook", "//hook"),
        ("https://x/Hook", "/Hook"),
        ("https://x/a%2fb", "/a%2Fb"),
        ("https://x/a%2Fb", "/a%2Fb"),
        ("https://x/%7eme%c3%bc", "/~me%C3%BC"),
        ("https://x/.../..a", "/.../..a"),
    ],
)
def test_one_path_is_spelled_one_way(url, path):
    assert contract.path(url) == path


def test_one_receiver_has_one_lane_however_its_address_is_spelled():
    spellings = ["/hook?x=1", "/%68ook?x=%31", "/./hook?x=1", "/x/../hook?%78=1"]
    urls = [f"https://example.com{spelling}" for spelling in spellings] + ["HTTPS://EXAMPLE.com:443/hook?x=1"]
    keys = {adapters.get("webhook").remote_key(changed("webhook", "settings", url=url)) for url in urls}
    assert keys == {adapters.get("webhook").remote_key(GOOD["webhook"])}


@pytest.mark.parametrize("base_url", ["https://x", "https://x/", "https://x/api/v1", "https://x/api/v1/"])
def test_an_n8n_may_be_named_with_or_without_the_path_of_its_api(base_url):
    from publishing.adapters.n8n import _Access

    remote = changed("n8n", "settings", base_url=base_url)
    assert _Access.to(remote, None).address == "https://x/api/v1/workflows/abcDEF123"


def test_an_address_with_the_place_for_a_name_is_judged_like_any_other():
    read_url = "https://prompts.example.com/{name}"
    assert contract.unreachable({"url": "https://hooks.example.com/", "read_url": read_url}) == []
    [found] = contract.unreachable({"read_url": "http://169.254.169.254/{name}"})
    assert found.pointer == "/settings/read_url"
