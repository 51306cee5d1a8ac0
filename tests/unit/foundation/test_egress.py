"""What a call looks like on the wire, and what each failure is called."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from foundation import egress
from foundation.egress_network import RESOLUTIONS_AT_ONCE
from tests.hostile.hostile_peers import Peer

NAME = "provider.test"


@pytest.fixture(scope="module")
def running():
    with HTTPServer(host="127.0.0.1") as server:
        yield server


@pytest.fixture
def server(running):
    running.clear()
    yield running
    running.check_assertions()


def call(server, path="/", **changes):
    arguments = {"method": "GET", "url": f"http://{NAME}:{server.port}{path}", "deadline": 5}
    arguments |= {"allow": frozenset({f"{NAME}:{server.port}"}), "resolve": lambda *_: ["127.0.0.1"]}
    return egress.request(**(arguments | changes))


class TestRequest:
    def test_says_the_name_while_it_connects_to_the_address(self, server):
        server.expect_request("/a", headers={"Host": f"{NAME}:{server.port}"}).respond_with_data("yes")
        assert call(server, "/a").content == b"yes"

    def test_sends_method_path_query_headers_and_content_as_given(self, server):
        seen: list[Request] = []

        def remember(request: Request) -> Response:
            seen.append(request)
            assert request.get_data() == b'{"a": 1}'
            return Response(status=204)

        server.expect_request("/a%2Fb/c").respond_with_handler(remember)
        server.expect_request("/a/b/c").respond_with_handler(remember)
        answer = call(
            server,
            "/a%2Fb/c?x=%20&y=",
            method="PATCH",
            headers={"Authorization": "Bearer abc", "Content-Type": "application/json"},
            content=b'{"a": 1}',
        )
        assert (answer.status, answer.content) == (204, b"")
        assert seen[0].method == "PATCH"
        assert seen[0].query_string == b"x=%20&y="
        assert seen[0].headers["Authorization"] == "Bearer abc"
        assert seen[0].headers["Content-Length"] == "8"
        assert seen[0].headers["Accept-Encoding"] == "identity"
        assert seen[0].headers["Connection"] == "close"
        assert seen[0].headers["User-Agent"] == "PromptHub"

    def test_lets_the_caller_name_the_user_agent(self, server):
        server.expect_request("/", headers={"User-Agent": "PromptHub-GitHub"}).respond_with_data("yes")
        assert call(server, headers={"user-agent": "PromptHub-GitHub"}).status == 200

    def test_of_a_post_without_content_says_length_zero(self, server):
        server.expect_request("/", headers={"Content-Length": "0"}).respond_with_data("yes")
        assert call(server, method="POST").status == 200

    @pytest.mark.parametrize("status", [204, 301, 307, 404, 429, 500, 503])
    def test_returns_every_status_as_an_answer(self, server, status):
        server.expect_request("/").respond_with_data("", status=status, headers={"Location": "http://127.0.0.1:1/"})
        assert call(server).status == status

    def test_joins_repeated_headers_under_lower_case_names(self, server):
        response = Response("x")
        response.headers.add("X-Many", "1")
        response.headers.add("x-many", "2")
        server.expect_request("/").respond_with_response(response)
        assert call(server).headers["x-many"] == "1, 2"

    def test_accepts_a_body_of_exactly_the_limit_and_no_more(self, server):
        server.expect_request("/").respond_with_data(b"x" * 100_000)
        assert len(call(server, max_bytes=100_000).content) == 100_000
        with pytest.raises(egress.EgressUnanswered, match="too large"):
            call(server, max_bytes=99_999)

    def test_keeps_the_body_out_of_the_answers_repr(self, server):
        server.expect_request("/").respond_with_data("hunter2")
        assert "hunter2" not in repr(call(server))

    def test_of_head_has_no_body(self, server):
        server.expect_request("/", method="HEAD").respond_with_data(b"x" * 10)
        assert call(server, method="HEAD").content == b""

    def test_reads_the_answer_of_a_server_that_does_not_want_the_body(self):
        def refuses(connected, stop):
            connected.recv(100)
            connected.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            while connected.recv(1_000_000):
                pass

        with Peer(refuses) as peer:
            answer = egress.request(
                method="POST",
                url=peer.url,
                content=b"x" * 200_000,
                deadline=5,
                allow=frozenset({peer.authority}),
            )
        assert answer.status == 413

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-A": "1\r\nX-B: 2"},
            {"X-A\r\nX-B": "2"},
            {"X A": "1"},
            {"": "1"},
            {"X-A": "é"},
            {"X-A": "\0"},
            {"X-A": " 1"},
            {"X-A": "1\n"},
            {"Host": "other.test"},
            {"host": "other.test"},
            {"Content-Length": "5"},
            {"Transfer-Encoding": "chunked"},
            {"Connection": "keep-alive"},
            {"Accept-Encoding": "gzip"},
            {"Expect": "100-continue"},
            {"Upgrade": "h2c"},
            {"Proxy-Authorization": "Basic eA=="},
        ],
    )
    def test_refuses_headers_that_would_change_the_message(self, server, headers):
        with pytest.raises(egress.EgressRefused):
            call(server, headers=headers)
        assert server.log == []

    @pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /x HTTP/1.1\r\nX: ", ""])
    def test_refuses_methods_it_does_not_use(self, server, method):
        with pytest.raises(egress.EgressRefused):
            call(server, method=method)
        assert server.log == []

    def test_calls_a_dead_port_not_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(egress.EgressNotSent) as failure:
            egress.request(
                method="GET",
                url=f"http://127.0.0.1:{port}/secret-path",
                deadline=5,
                allow=frozenset({f"127.0.0.1:{port}"}),
            )
        assert "secret-path" not in str(failure.value)

    @pytest.mark.parametrize("problem", [OSError("x"), UnicodeError("x")])
    def test_calls_a_name_that_does_not_resolve_not_sent(self, server, problem):
        def fails(host, port):
            raise problem

        with pytest.raises(egress.EgressNotSent, match="resolved") as failure:
            call(server, resolve=fails)
        assert failure.value.__cause__ is problem

    def test_calls_a_name_without_addresses_not_sent(self, server):
        with pytest.raises(egress.EgressNotSent, match="no address"):
            call(server, resolve=lambda *_: [])

    @pytest.mark.parametrize("deadline", [0, -1])
    def test_without_any_time_sends_nothing(self, server, deadline):
        with pytest.raises(egress.EgressNotSent):
            call(server, deadline=deadline)
        assert server.log == []

    def test_sends_nothing_to_a_peer_that_speaks_no_tls(self, server):
        with pytest.raises(egress.EgressNotSent, match="No TLS connection"):
            call(server, url=f"https://{NAME}:{server.port}/")
        assert server.log == []

    def test_resolves_listed_names_with_the_system(self, server):
        server.expect_request("/").respond_with_data("yes")
        answer = egress.request(
            method="GET",
            url=f"http://localhost:{server.port}/",
            deadline=5,
            allow=frozenset({f"localhost:{server.port}"}),
        )
        assert answer.content == b"yes"

    def test_gives_permits_for_name_resolution_back(self, server):
        server.expect_request("/").respond_with_data("yes")
        for _ in range(RESOLUTIONS_AT_ONCE + 8):
            assert call(server).status == 200


class TestCheck:
    @pytest.mark.parametrize(
        "url",
        [
            "https://good.example",
            "https://good.example/",
            "HTTPS://Good.Example:8443/a/b?c=d&e=%20",
            "https://good.example?x=1",
            "https://bücher.example/",
            "https://Bücher.example/",
            "https://xn--bcher-kva.example/",
            "https://under_score.example/",
            "https://r1---sn-4g5e6.example/",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]:8443/",
            "https://good.example:443/~a/b;c=1/@d/!$&'()*+,=:-._?q=/?:@",
        ],
    )
    def test_passes_plain_https(self, url):
        egress.check(url=url, allow=frozenset())

    def test_lets_listed_places_speak_http_on_any_port(self):
        allow = frozenset({"n8n:5678", "127.0.0.1:8090", "[::1]:8090", " N8N.Internal:80 "})
        for url in ("http://n8n:5678/", "http://127.0.0.1:8090/", "https://[::1]:8090/", "http://n8n.internal/"):
            egress.check(url=url, allow=allow)
        for url in (
            "http://n8n:5679/",
            "http://n8n/",
            "http://127.0.0.1/",
            "http://[::1]:8091/",
            "http://n8n.internal:81/",
        ):
            with pytest.raises(egress.EgressRefused):
                egress.check(url=url, allow=allow)

    @pytest.mark.parametrize(
        ("url", "passes"),
        [
            ("https://good.example/".ljust(4096, "a"), True),
            ("https://good.example/".ljust(4097, "a"), False),
            ("https://" + "a." * 125 + "aaa/", True),  # 253 characters
            ("https://" + "a." * 125 + "aaaa/", False),
            ("https://" + "ü." * 62 + "example/", False),  # more than 253 in ASCII
            ("https://" + "a" * 63 + ".example/", True),
            ("https://good.example:65535/", False),
        ],
    )
    def test_knows_the_longest_url_and_host(self, url, passes):
        if passes:
            egress.check(url=url, allow=frozenset())
        else:
            with pytest.raises(egress.EgressRefused):
                egress.check(url=url, allow=frozenset())

    def test_never_repeats_the_url(self):
        with pytest.raises(egress.EgressRefused) as refusal:
            egress.check(url="https://user:hunter2@good.example/hunter2", allow=frozenset())
        assert "hunter2" not in str(refusal.value)

    @pytest.mark.parametrize("value", ["n8n:5678, other:1", ["n8n:5678"], {"n8n:5678"}])
    def test_reads_the_setting_when_nothing_is_passed(self, monkeypatch, value):
        named = SimpleNamespace(configured=True, PROMPTHUB_EGRESS_ALLOW=value)
        monkeypatch.setattr("django.conf.settings", named)
        egress.check(url="http://n8n:5678/")
        with pytest.raises(egress.EgressRefused):
            egress.check(url="http://n8n:5679/")

    @pytest.mark.parametrize("named", [SimpleNamespace(configured=False), SimpleNamespace(configured=True)])
    def test_lists_nothing_where_nothing_is_set(self, monkeypatch, named):
        monkeypatch.setattr("django.conf.settings", named)
        with pytest.raises(egress.EgressRefused):
            egress.check(url="http://n8n:5678/")


class TestTls:
    def test_verifies_and_names_the_host_not_the_address(self, encrypted):
        with encrypted(NAME) as server:
            assert call_tls(server).content == b"ok"
            assert server.names_asked_for == [NAME]

    def test_refuses_a_certificate_of_another_name(self, encrypted):
        with encrypted("other.test") as server, pytest.raises(egress.EgressNotSent, match="certificate"):
            call_tls(server)

    def test_refuses_a_certificate_nobody_vouches_for(self, encrypted):
        with encrypted(NAME) as server, pytest.raises(egress.EgressNotSent, match="certificate"):
            call_tls(server, tls=None)


def call_tls(server, **changes):
    arguments = {
        "method": "GET",
        "url": f"https://{NAME}:{server.port}/",
        "deadline": 5,
        "allow": frozenset({f"{NAME}:{server.port}"}),
        "resolve": lambda *_: ["127.0.0.1"],
        "tls": server.trust,
    }
    return egress.request(**(arguments | changes))


@pytest.fixture
def encrypted(tmp_path):
    """A TLS server on loopback with a certificate for the given name, and a trust store that knows its maker."""

    def start(name: str) -> Peer:
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        _write_certificate(name, certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        asked: list[str | None] = []
        context.sni_callback = lambda _, name, __: asked.append(name)

        def answer(connected, stop: threading.Event) -> None:
            with context.wrap_socket(connected, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        server = Peer(answer)
        server.names_asked_for = asked
        server.trust = ssl.create_default_context(cafile=certificate)
        return server

    return start


def _write_certificate(name, certificate, key_file):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
