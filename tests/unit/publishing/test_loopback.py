"""The provider for one's own machine, over real sockets and once as a process of its own."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from publishing.adapters import get
from publishing.loopback import LARGEST_BODY, Loopback, Shelf, main
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.parcels import parcel
from tests.fakes.wire import LoopbackWire, plain

ADAPTER = get("webhook")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Running:
    def __init__(self, **shelf):
        self.server = Loopback(Shelf(**shelf))
        self.address = self.server.address
        self.wire = LoopbackWire(self.address, time=time.time())
        settings = {"url": f"http://{self.address}/hook", "read_url": f"http://{self.address}/prompts/{{name}}"}
        self.remote = Remote(settings, {"signing_secret": SECRET}, {"name": "greeting"})
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)

    def send(self, text="Hello", **changes):
        return ADAPTER.send(self.remote, parcel(text, **changes), wire=self.wire)

    def call(self, method, path, document=None, **headers):
        answer = plain(self.wire, method, f"http://{self.address}{path}", document, **headers)
        if "json" not in answer.headers["content-type"]:
            return answer.status, answer.content.decode()
        return answer.status, json.loads(answer.content)


@pytest.fixture
def provider():
    with Running() as running:
        yield running


def test_it_holds_exactly_the_text_that_was_sent(provider):
    text = "Grüße 🙂\r\n\t<b>{{ x }}</b>"
    provider.send(text)
    status, held = provider.call("GET", "/prompts")
    assert (status, held["greeting"]["text"]) == (200, text)
    assert held["greeting"]["digest"] == parcel().digest


def test_the_longest_text_of_another_alphabet_is_read_back(provider):
    text = "Вы отвечаете на звонки. " * 350
    assert ADAPTER.check(provider.remote, format="text", text=text) == []
    provider.send(text)
    assert ADAPTER.observe(provider.remote, wire=provider.wire).text == text


def test_the_signature_can_be_checked_from_what_it_shows(provider):
    provider.send("Hello")
    held = provider.call("GET", "/prompts/greeting")[1]
    assert Webhook(SECRET).verify(held["body"], held["headers"])["data"]["text"] == "Hello"


def test_the_last_write_wins_and_repetitions_are_counted(provider):
    provider.send("one", delivery_id="d1")
    provider.send("two", delivery_id="d2", ordinal=2)
    provider.send("one", delivery_id="d1")
    held = provider.call("GET", "/prompts/greeting")[1]
    assert (held["text"], held["ordinal"], held["received"]) == ("one", 1, ["d1", "d2", "d1"])


def test_a_place_may_have_another_name_than_its_prompt(provider):
    provider.remote = replace(provider.remote, location={"name": "front-desk"})
    provider.send("Hello")
    assert ADAPTER.observe(provider.remote, wire=provider.wire).text == "Hello"
    assert list(provider.call("GET", "/prompts")[1]) == ["front-desk"]


def test_an_edit_behind_our_back_is_read_back(provider):
    provider.send("Hello")
    assert provider.call("PUT", "/prompts/greeting", {"text": "Edited"})[0] == 200
    assert ADAPTER.observe(provider.remote, wire=provider.wire).text == "Edited"
    provider.send("Hello")
    assert ADAPTER.observe(provider.remote, wire=provider.wire).text == "Hello"


def test_a_name_may_hold_anything(provider):
    assert provider.call("PUT", "/prompts/a%2Fb%20%C3%A9", {"text": "x"})[0] == 200
    assert list(provider.call("GET", "/prompts")[1]) == ["a/b é"]


def test_faults_come_as_often_as_told(provider):
    assert provider.call("POST", "/faults", {"status": 503, "times": 2, "retry_after": 4}) == (200, {})
    for _ in range(2):
        with pytest.raises(ProviderError) as failure:
            provider.send()
        assert (failure.value.outcome, failure.value.retry_after) == (Outcome.TRY_AGAIN, 4.0)
    provider.send()
    assert provider.call("GET", "/prompts/greeting")[1]["received"] == [parcel().delivery_id]


def test_a_fault_may_be_for_ever_and_be_taken_back(provider):
    provider.call("POST", "/faults", {"status": 400, "times": 1000})
    with pytest.raises(ProviderError) as failure:
        provider.send()
    assert (failure.value.outcome, failure.value.retry_after) == (Outcome.REFUSED, None)
    provider.call("POST", "/faults", {"times": 0})
    provider.send()


@pytest.mark.parametrize(
    "fault", [{"status": 200}, {"status": "503"}, {"times": "many"}, {"retry_after": "soon"}, {"status": 600}]
)
def test_a_fault_that_makes_no_sense_is_refused(provider, fault):
    assert provider.call("POST", "/faults", fault)[0] == 400
    provider.send()


def test_people_see_the_same(provider):
    provider.send("<script>alert(1)</script>")
    status, page = provider.call("GET", "/")
    assert (status, "&lt;script&gt;alert(1)&lt;/script&gt;" in page, "<script>" in page) == (200, True, False)
    assert "publication 1 for acme" in page
    provider.call("PUT", "/prompts/greeting", {"text": "x"})
    assert "edited here" in provider.call("GET", "/")[1]


@pytest.mark.parametrize(
    ("method", "path", "document", "status"),
    [
        ("GET", "/elsewhere", None, 404),
        ("GET", "/prompts/nobody", None, 404),
        ("PUT", "/elsewhere", {"text": "x"}, 404),
        ("PUT", "/prompts/greeting", {"text": 7}, 400),
        ("POST", "/hook", b"{", 400),
        ("POST", "/hook", b"[" * 100_000, 400),
        ("POST", "/hook", ["a"], 400),
        ("POST", "/hook", {"type": "other", "data": {"name": "a", "text": "b"}}, 400),
        ("POST", "/hook", {"type": "prompt.published", "data": {"name": "a", "text": 7}}, 400),
        ("POST", "/hook", {"type": "prompt.published", "data": "x"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(provider, method, path, document, status):
    provider.send("Hello")
    assert provider.call(method, path, document)[0] == status
    assert [held["text"] for held in provider.call("GET", "/prompts")[1].values()] == ["Hello"]


def test_a_form_of_another_site_is_refused(provider):
    status, _ = provider.call("POST", "/faults", b"status=503", Content_Type="application/x-www-form-urlencoded")
    assert status == 415


def test_lone_surrogates_do_not_stop_it(provider):
    body = b'{"type": "prompt.published", "data": {"name": "greeting", "text": "\\ud800"}}'
    assert provider.call("POST", "/hook", body)[0] == 200
    assert provider.call("GET", "/")[0] == 200


def raw(provider, headers, body=b""):
    connection = http.client.HTTPConnection(provider.address, timeout=5)
    connection.putrequest("POST", "/hook", skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_page_that_reaches_it_by_another_name_is_refused(provider):
    assert raw(provider, {"Host": "evil.example"}) == 421
    assert raw(provider, {}) == 421


@pytest.mark.parametrize("length", [None, "many", "²", "-1"])
def test_a_body_of_unknown_length_is_refused(provider, length):
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    assert raw(provider, headers | ({} if length is None else {"Content-Length": length.encode()})) == 411


@pytest.mark.parametrize("length", [LARGEST_BODY + 1, 10**12])
def test_a_body_too_large_is_refused_before_it_is_read(provider, length):
    headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(length)}
    assert raw(provider, headers) == 413


def test_with_a_secret_only_signed_messages_are_taken():
    with Running(secret=SECRET) as provider:
        provider.send("Hello")
        forged = Remote(provider.remote.settings, {"signing_secret": "whsec_" + "A" * 32}, {})
        with pytest.raises(ProviderError) as failure:
            ADAPTER.send(forged, parcel("Forged"), wire=provider.wire)
        unsigned = provider.call("POST", "/hook", {"type": "prompt.published", "data": {"name": "a", "text": "b"}})
        assert (failure.value.provider_status, unsigned[0]) == (401, 401)
        assert provider.call("GET", "/prompts/greeting")[1]["text"] == "Hello"


def test_it_holds_the_same_after_a_restart(tmp_path):
    file = tmp_path / "state.json"
    with Running(file=file) as provider:
        provider.send("Hello")
        before = provider.call("GET", "/prompts")
    with Running(file=file) as provider:
        assert provider.call("GET", "/prompts") == before
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [file]


def test_it_runs_as_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "publishing.loopback", "--port", "0", "--file", str(tmp_path / "state.json")]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://(\S+)", process.stdout.readline())[1]
            answer = plain(LoopbackWire(address), "PUT", f"http://{address}/prompts/a", {"text": "x"})
            assert answer.status == 200
        finally:
            process.terminate()
    assert json.loads((tmp_path / "state.json").read_text())["a"]["text"] == "x"


def test_an_interrupt_ends_it_calmly(monkeypatch, capsys):
    def interrupted(self, poll_interval=0.5):
        raise KeyboardInterrupt

    monkeypatch.setattr(Loopback, "serve_forever", interrupted)
    main(["--port", "0"])
    assert capsys.readouterr().out.endswith("Stopped.\n")
