"""A call keeps to its time and its bytes, whatever its sockets do."""

from __future__ import annotations

import ssl
import threading
from itertools import count

import pytest

from foundation import egress, egress_network
from foundation.egress_network import HEAD_BYTES, Budget, BudgetSpent, CheckedNetwork, within


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when told: ``clock[0]`` is the time."""
    moment = [1000.0]
    monkeypatch.setattr(egress_network.time, "monotonic", lambda: moment[0])
    return moment


class ScriptedSocket:
    """Plays the given answers and remembers the time-outs it was given."""

    def __init__(self, *, received=(), send_failure=None):
        self.received = list(received)
        self.send_failure = send_failure
        self.timeouts = []
        self.asked = []
        self.closed = False

    def settimeout(self, seconds):
        self.timeouts.append(seconds)

    def setsockopt(self, *_):
        pass

    def send(self, view):
        if self.send_failure:
            raise self.send_failure
        return min(len(view), 10)

    def recv(self, amount):
        self.asked.append(amount)
        return self.received.pop(0) if self.received else b""

    def close(self):
        self.closed = True


@pytest.fixture
def connect(monkeypatch):
    def to(scripted):
        monkeypatch.setattr(egress_network.socket, "create_connection", lambda *_, **__: scripted)

    return to


def stream(connect, scripted, budget):
    connect(scripted)
    return CheckedNetwork(["203.0.113.1"], budget).connect_tcp("ignored", 443)


class TestBudget:
    def test_has_no_time_left_at_the_deadline(self, clock):
        budget = Budget(10)
        clock[0] += 9.5
        assert budget.remaining() == 0.5
        clock[0] += 0.5
        with pytest.raises(BudgetSpent, match="deadline"):
            budget.remaining()

    def test_caps_the_head_and_then_the_body(self, clock):
        budget = Budget(10)
        assert budget.receivable(1_000_000) == HEAD_BYTES
        budget.received(HEAD_BYTES - 1)
        assert budget.receivable(100) == 1
        budget.received(1)
        with pytest.raises(BudgetSpent, match="too large"):
            budget.receivable(1)
        budget.allow_body(1000)
        assert budget.receivable(1_000_000) == HEAD_BYTES + 8000


class TestStream:
    def test_gives_every_operation_what_is_left_of_the_whole_call(self, clock, connect):
        scripted = ScriptedSocket(received=[b"abc"])
        connected = stream(connect, scripted, Budget(10))
        clock[0] += 4
        connected.write(b"x" * 20, timeout=99)
        clock[0] += 3
        assert connected.read(100, timeout=99) == b"abc"
        assert scripted.timeouts == [6, 6, 3]

    def test_stops_between_two_sends_when_time_is_up(self, clock, connect):
        scripted = ScriptedSocket()
        connected = stream(connect, scripted, Budget(10))
        send = scripted.send
        scripted.send = lambda view: clock.__setitem__(0, clock[0] + 6) or send(view)
        with pytest.raises(BudgetSpent):
            connected.write(b"x" * 100)

    def test_counts_what_was_read(self, clock, connect):
        scripted = ScriptedSocket(received=[b"x" * 60_000, b"x" * 5_536])
        connected = stream(connect, scripted, Budget(10))
        connected.read(65_536)
        connected.read(65_536)
        assert scripted.asked == [65_536, 5_536]
        with pytest.raises(BudgetSpent):
            connected.read(65_536)

    def test_gives_the_handshake_what_is_left_and_closes_when_it_fails(self, clock, connect):
        class Context:
            def wrap_socket(self, connected, server_hostname):
                assert server_hostname == "good.example"
                raise ssl.SSLError

        scripted = ScriptedSocket()
        connected = stream(connect, scripted, Budget(10))
        clock[0] += 8
        with pytest.raises(ssl.SSLError):
            connected.start_tls(Context(), server_hostname="good.example", timeout=99)
        assert scripted.timeouts == [2]
        assert scripted.closed


class TestCheckedNetwork:
    def test_shares_the_time_among_the_addresses_that_are_left(self, clock, monkeypatch):
        tried = []

        def fails(address, timeout):
            tried.append((address, timeout))
            clock[0] += timeout / 2
            raise ConnectionRefusedError

        monkeypatch.setattr(egress_network.socket, "create_connection", fails)
        with pytest.raises(ConnectionRefusedError):
            CheckedNetwork(["203.0.113.1", "2001:db8::1"], Budget(8)).connect_tcp("ignored", 443)
        assert tried == [(("203.0.113.1", 443), 4), (("2001:db8::1", 443), 6)]


class TestRequest:
    def call(self):
        return egress.request(
            method="POST", url="https://8.8.8.8/", content=b"{}", deadline=5, allow=frozenset(), tls=Plain()
        )

    def test_reads_what_a_server_said_before_it_hung_up_on_the_body(self, connect):
        answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
        connect(ScriptedSocket(received=[answer], send_failure=BrokenPipeError()))
        assert self.call().status == 413

    @pytest.mark.parametrize("failure", [BrokenPipeError(), TimeoutError()])
    def test_calls_a_failed_send_without_an_answer_unanswered(self, connect, failure):
        connect(ScriptedSocket(send_failure=failure))
        with pytest.raises(egress.EgressUnanswered):
            self.call()

    def test_does_not_take_a_body_cut_by_the_cap_for_a_whole_one(self, connect):
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        connect(ScriptedSocket(received=[head, b"x" * 65_537]))
        with pytest.raises(egress.EgressTooLarge, match="too large"):
            self.call()

    def test_looks_at_the_clock_between_the_chunks_of_one_read(self, connect, monkeypatch):
        ticks = count(0, 0.01)
        monkeypatch.setattr(egress_network.time, "monotonic", lambda: next(ticks))
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connect(ScriptedSocket(received=[head + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"]))
        with pytest.raises(egress.EgressUnanswered, match="deadline"):
            self.call()

    def test_closes_the_connection(self, connect):
        scripted = ScriptedSocket(received=[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        connect(scripted)
        assert self.call().status == 200
        assert scripted.closed


class Plain:
    """Stands for TLS that worked."""

    def set_alpn_protocols(self, _):
        pass

    def wrap_socket(self, connected, server_hostname):
        return connected


class TestWithin:
    def test_gives_up_when_too_many_names_are_being_resolved(self, monkeypatch, clock):
        monkeypatch.setattr(egress_network, "_resolutions", threading.BoundedSemaphore(1))
        with egress_network._resolutions, pytest.raises(TimeoutError):
            within(Budget(0.05), list)

    def test_gives_its_permit_back_when_no_thread_can_be_started(self, monkeypatch):
        def refuse(*_, **__):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(egress_network, "_resolutions", threading.BoundedSemaphore(1))
        with monkeypatch.context() as patch:
            patch.setattr(egress_network.threading.Thread, "start", refuse)
            with pytest.raises(OSError, match=r"^$"):
                within(Budget(5), list)
        assert within(Budget(5), lambda: ["203.0.113.1"]) == ["203.0.113.1"]

    def test_does_not_wait_longer_than_the_call(self, clock):
        release = threading.Event()
        try:
            with pytest.raises(TimeoutError):
                within(Budget(0.05), release.wait)
        finally:
            release.set()
