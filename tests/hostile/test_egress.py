"""Nothing hostile is reached, and nothing hostile holds on."""

from __future__ import annotations

import threading
import time

import pytest

from foundation import egress, egress_network
from tests.hostile.hostile_addresses import PUBLIC_NUMBERS, hostile_answers, hostile_urls
from tests.hostile.hostile_peers import BOMB, PEERS, Peer

DEADLINE = 0.5
SLACK = 3.0  # a busy machine; a peer that is not cut off holds on for ever
ENOUGH = 20.0  # for what ends by itself or by a cap

ANSWERS = {"gzip_bomb": 200, "redirect_to_metadata": 302, "length_shorter_than_body": 200}
HOLD_ON = {"slow_drip", "slow_head", "slow_continue", "never_answers", "never_reads", "tls_stalls", "tls_drips"}
OVER_TLS = {"tls_garbage", "tls_stalls", "tls_drips"}


@pytest.fixture
def reached(monkeypatch):
    """Every address somebody tried to connect to. No connection is made."""
    attempts: list[str] = []

    def record(address, timeout=None, **_):
        attempts.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(egress_network.socket, "create_connection", record)
    return attempts


def test_the_corpus_has_at_least_203_addresses():
    assert len(hostile_urls(8443)) + len(hostile_answers()) >= 203


@pytest.mark.parametrize("port", [443, 8443])
def test_no_hostile_url_leads_to_a_connection(reached, port):
    not_refused = []
    for url in hostile_urls(port):
        try:
            egress.request(method="GET", url=url, deadline=5, allow=frozenset(), resolve=lambda *_: ["127.0.0.1"])
        except egress.EgressRefused:
            continue
        except egress.EgressError:
            pass
        not_refused.append(url)
    assert not_refused == []
    assert reached == []


def test_every_hostile_url_is_refused_by_grammar_alone():
    passed = []
    for url in hostile_urls(443) + hostile_urls(8443):
        try:
            egress.check(url=url, allow=frozenset())
        except egress.EgressRefused:
            continue
        passed.append(url)
    assert passed == []


@pytest.mark.parametrize("answer", hostile_answers(), ids=",".join)
def test_a_name_with_one_forbidden_address_leads_to_no_connection(reached, answer):
    with pytest.raises(egress.EgressRefused):
        egress.request(
            method="GET", url="https://good.example/", deadline=5, allow=frozenset(), resolve=lambda *_: answer
        )
    assert reached == []


@pytest.mark.parametrize("number", PUBLIC_NUMBERS)
def test_a_public_address_is_connected_to(reached, number):
    with pytest.raises(egress.EgressNotSent):
        egress.request(
            method="GET", url="https://good.example/", deadline=5, allow=frozenset(), resolve=lambda *_: [number]
        )
    assert reached == [number]


def test_a_name_that_changes_its_mind_is_asked_once_and_called_where_it_was_checked(reached):
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    with pytest.raises(egress.EgressNotSent):
        egress.request(
            method="GET", url="https://good.example/", deadline=5, allow=frozenset(), resolve=lambda *_: next(answers)
        )
    assert reached == ["8.8.8.8"]
    assert next(answers) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "number", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "fe80::1"]
)
def test_even_a_listed_name_never_leads_to_metadata(reached, number):
    with pytest.raises(egress.EgressRefused):
        egress.request(
            method="GET",
            url="http://n8n.test:5678/",
            deadline=5,
            allow=frozenset({"n8n.test:5678"}),
            resolve=lambda *_: [number],
        )
    assert reached == []


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with Peer(PEERS["never_answers"]) as proxy, Peer(PEERS["redirect_to_metadata"]) as peer:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        answer = egress.request(method="GET", url=peer.url, deadline=5, allow=frozenset({peer.authority}))
    assert answer.status == 302
    assert proxy.connections == 0


@pytest.mark.parametrize("name", PEERS)
def test_a_hostile_peer_is_cut_off(name):
    scheme = "https" if name in OVER_TLS else "http"
    expected = (egress.EgressNotSent,) if name in OVER_TLS else (egress.EgressUnanswered,)
    if name == "resets_at_once":  # sometimes before anything could be sent
        expected = (egress.EgressNotSent, egress.EgressUnanswered)
    content = b"x" * 8_000_000 if name == "never_reads" else b"{}"
    deadline = DEADLINE if name in HOLD_ON | OVER_TLS else ENOUGH
    egress._trust()  # the first call of a process loads the trust store, which is not what is timed here
    with Peer(PEERS[name]) as peer:
        began = time.monotonic()
        call = {"method": "POST", "url": f"{scheme}://{peer.authority}/", "content": content, "deadline": deadline}
        if name in ANSWERS:
            assert egress.request(**call, allow=frozenset({peer.authority})).status == ANSWERS[name]
        else:
            with pytest.raises(expected) as failure:
                egress.request(**call, allow=frozenset({peer.authority}))
            if name in HOLD_ON:
                assert str(failure.value) == "The deadline has passed."
        assert time.monotonic() - began < (deadline + SLACK if name in HOLD_ON else ENOUGH)
        assert peer.connections == 1


def test_a_compressed_answer_is_returned_as_it_was_sent():
    with Peer(PEERS["gzip_bomb"]) as peer:
        answer = egress.request(
            method="GET", url=peer.url, deadline=5, max_bytes=len(BOMB), allow=frozenset({peer.authority})
        )
    assert answer.content == BOMB
    assert answer.headers["content-encoding"] == "gzip"


def test_a_name_server_that_hangs_does_not_outlast_the_deadline():
    release = threading.Event()

    def hangs(host, port):
        release.wait()
        return ["8.8.8.8"]

    began = time.monotonic()
    try:
        with pytest.raises(egress.EgressNotSent):
            egress.request(
                method="GET", url="https://good.example/", deadline=DEADLINE, allow=frozenset(), resolve=hangs
            )
        assert time.monotonic() - began < DEADLINE + SLACK
    finally:
        release.set()


def test_a_dead_address_does_not_hide_a_living_one():
    with Peer(PEERS["redirect_to_metadata"]) as peer:
        answer = egress.request(
            method="GET",
            url=f"http://n8n.test:{peer.port}/",
            deadline=5,
            allow=frozenset({f"n8n.test:{peer.port}"}),
            resolve=lambda *_: ["127.0.0.9", "127.0.0.1"],
        )
    assert answer.status == 302


def test_an_address_that_swallows_connections_leaves_time_for_the_next_ones(monkeypatch):
    waits: list[float] = []

    def swallow(address, timeout=None, **_):
        waits.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(egress_network.socket, "create_connection", swallow)
    many = [f"8.8.8.{last}" for last in range(1, 20)]
    with pytest.raises(egress.EgressNotSent):
        egress.request(
            method="GET", url="https://good.example/", deadline=8, allow=frozenset(), resolve=lambda *_: many
        )
    assert waits[0] == pytest.approx(2, abs=0.5)
    assert len(waits) == egress.ADDRESSES_TRIED
