"""A secret does not survive any border; ordinary text does."""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import logging
import uuid
from urllib.parse import quote, quote_plus

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.redaction import (
    MASK,
    RedactionFilter,
    attributes,
    before_breadcrumb,
    before_send,
    before_send_transaction,
    known_secrets,
    redact,
    redact_event,
    tells,
)
from prompthub_kernel.errors import Conflict, PromptHubError
from tests.hostile.timing import untraced

SHAPES = {
    "token of ours": "phub_01a1fd8b2d20_" + "Ab1-" * 10 + "xyz",
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "webhook private key": "whsk_" + "A1b2" * 10,
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "Fernet token": Fernet(Fernet.generate_key()).encrypt(b"secret").decode(),
    "OpenAI key": "sk-proj-abcdefghijklmnop1234567890",
    "Stripe key": "sk_live_abcdefghijklmnop12345678",
    "Retell key": "key_0123456789abcdef0123456789ab",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "fine-grained GitHub token": "github_pat_11ABCDEFG0abcdefghijklmnop",
    "Slack token": "xoxb-123456789012-abcdefghij",
    "AWS key id": "AKIAIOSFODNN7EXAMPLE",
    "Google key": "AIza" + "a1B2c" * 7,
    "Discord token": "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2\n-----END EC PRIVATE KEY-----",
}
ORDINARY = (
    "Basic understanding of the bearer of this letter",
    "key_points: three; skeleton; task-list; risk-averse-and-careful-person; sk-short",
    "https://good.example/a?page=2&limit=50 and mailto:someone@good.example",
    "the phub_ prefix, whsec_, eyJ, ghp_ and AKIA are prefixes",
    "409.version_conflict at /variables/tone for 01a1fd8b-2d20-762e-a0df-2d08a480ead7",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tokens: 1500, password must not be empty, Hello {{ name }} 漢字 😀",
)


class TestRedact:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize(
        "around", ["{}", "before {} after", '{{"a": "{}"}}', "x={};", "({})", "https://a.example/{}"]
    )
    def test_knows_secrets_by_their_shape(self, shape, around):
        secret = SHAPES[shape]
        redacted = redact(around.format(secret))
        assert secret not in redacted
        assert secret[-12:] not in redacted
        assert MASK in redacted

    @pytest.mark.parametrize("text", ORDINARY)
    def test_leaves_ordinary_text_alone(self, text):
        assert redact(text) == text

    def test_takes_credentials_out_of_headers_and_urls(self):
        basic = base64.b64encode(b"user:hunter2").decode()
        for text, rest in [
            ("Authorization: Bearer hunter2hunter2", f"Authorization: Bearer {MASK}"),
            ("authorization: bearer hunter2hunter2", f"authorization: bearer {MASK}"),
            (f"Basic {basic}", f"Basic {MASK}"),
            ("postgres://user:hunter2@db:5432/x", f"postgres://{MASK}@db:5432/x"),
            ("https://hunter2hunter2@good.example/", f"https://{MASK}@good.example/"),
            (
                "https://good.example/?a=1&access_token=hunter2&b=2",
                f"https://good.example/?a=1&access_token={MASK}&b=2",
            ),
            ("GET /x?API_KEY=hunter2 HTTP/1.1", f"GET /x?API_KEY={MASK} HTTP/1.1"),
            (
                "https://discord.com/api/webhooks/123456789012345678/hunter2hunter2hunter2/x",
                f"https://discord.com/api/webhooks/123456789012345678/{MASK}/x",
            ),
        ]:
            assert redact(text) == rest

    @pytest.mark.parametrize(
        "name",
        [
            "password", "Password", "passwd", "secret", "client_secret", "clientSecret", "token", "access_token",
            "tokens", "Authorization", "HTTP_AUTHORIZATION", "Proxy-Authorization", "api_key", "apiKey", "apikey",
            "X-N8N-API-KEY", "PROMPTHUB_SECRET_KEY", "PROMPTHUB_ENCRYPTION_KEYS", "private_key", "credentials",
            "Cookie", "Set-Cookie", "sessionid", "session_key", "csrftoken", "csrfmiddlewaretoken", "signature",
            "DATABASE_URL", "sentry.dsn", "signing_key",
        ],
    )  # fmt: skip
    def test_knows_secrets_by_their_name(self, name):
        assert redact({name: "abc"}) == {name: MASK}
        assert redact({"x": [{name: {"deep": "abc"}}]}) == {"x": [{name: MASK}]}

    @pytest.mark.parametrize(
        "name",
        [
            "secret_revision",
            "secret_names",
            "token_id",
            "tokens_used",
            "key",
            "idempotency_key",
            "session_id",
            "passenger",
        ],
    )
    def test_leaves_names_that_only_sound_alike(self, name):
        assert redact({name: "abc"}) == {name: "abc"}

    def test_leaves_counts_flags_and_gaps_under_secret_names(self):
        harmless = {"tokens": 1500, "max_tokens": 10, "secret": True, "password": None}
        assert redact(harmless) == harmless
        assert redact({"password": 12345678}) == {"password": MASK}
        assert redact({1: "abc", None: "abc"}) == {1: "abc", None: "abc"}

    def test_knows_exact_values_in_every_spelling(self):
        secret = 'p"a/ss wörd\n&<\\'
        for spelled, rest in (
            (secret, MASK),
            (json.dumps(secret), f'"{MASK}"'),
            (json.dumps(secret, ensure_ascii=False), f'"{MASK}"'),
            (quote(secret, safe=""), MASK),
            (quote_plus(secret), MASK),
            (html.escape(secret), MASK),
            (repr(secret), f"'{MASK}'"),
        ):
            assert redact(f"before {spelled} after", secrets=[secret]) == f"before {rest} after"

    @pytest.mark.parametrize("before", ["", "a", "user:"])
    def test_knows_exact_values_in_base64_wherever_they_begin_in_it(self, before):
        secret = "p\xfeass?wörd>>>"
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            spelled = encode(f"{before}{secret}~~".encode()).decode()
            assert tells(spelled, secrets=[secret])
            assert MASK in redact(spelled, secrets=[secret])
        assert not tells("nothing of it", secrets=[secret])

    def test_takes_the_longest_value_first(self):
        assert redact("abcdefgh", secrets=["abcd", "abcdefgh"]) == MASK

    def test_ignores_values_too_short_to_be_secrets(self):
        assert redact("a cat", secrets=["a", "", "cat"]) == "a cat"

    def test_searches_keys_bytes_tuples_sets_and_unknown_objects(self):
        class Holder:
            def __repr__(self):
                return "Holder(hunter2)"

        class Broken:
            def __repr__(self):
                raise ValueError

        secrets = ["hunter2"]
        assert redact({"hunter2": 1}, secrets=secrets) == {MASK: 1}
        assert redact(b"hunter2 \xff", secrets=secrets) == f"{MASK} \\xff".encode()
        assert redact(("hunter2",), secrets=secrets) == (MASK,)
        assert redact({"hunter2"}, secrets=secrets) == [MASK]
        assert redact(Holder(), secrets=secrets) == f"Holder({MASK})"
        assert redact(ValueError("hunter2"), secrets=secrets) == f"ValueError('{MASK}')"
        assert redact(Broken()) == "<Broken>"

    def test_keeps_values_that_cannot_hold_a_secret(self):
        for value in (None, True, 1, 1.5, uuid.uuid4(), dt.datetime.now(dt.UTC), dt.timedelta(1)):
            assert redact(value) is value

    def test_does_not_change_what_it_was_given(self):
        given_value = {"password": "abc", "list": ["Bearer abcdefgh"]}
        redact(given_value)
        assert given_value == {"password": "abc", "list": ["Bearer abcdefgh"]}

    def test_ends_on_values_that_contain_themselves(self):
        loop: list = ["x"]
        loop.append(loop)
        assert redact(loop) == ["x", "…"]
        deep: list = []
        for _ in range(2000):
            deep = [deep]
        assert "…" in str(redact(deep))

    @given(st.text(min_size=4), st.text(), st.text())
    @settings(max_examples=200, deadline=None)
    def test_leaves_no_known_value_behind(self, secret, before, after):
        redacted = redact({"x": [before + secret + after]}, secrets=[secret])
        assert not any(secret in part for part in redacted["x"][0].split(MASK))

    @pytest.mark.parametrize(
        "piece",
        [
            "eyJ",
            "eyJ-",
            "eyJaaaaaa.",
            "://a",
            "Basic ",
            "bearer ",
            "phub_a_",
            "sk-",
            "-----BEGIN ",
            "?token=",
            "gAAAA",
            "[",
            "M" * 24 + ".",
        ],
    )
    def test_takes_time_in_proportion_to_length(self, piece):
        text = piece * (200_000 // len(piece))
        assert untraced(lambda: redact(text))[1] < 1.0


class TestKnownSecrets:
    def test_hold_inside_the_block_and_nest(self):
        with known_secrets("outer-value"):
            with known_secrets("inner-value"):
                assert redact("outer-value inner-value") == f"{MASK} {MASK}"
            assert redact("outer-value inner-value") == f"{MASK} inner-value"
        assert redact("outer-value") == "outer-value"

    def test_end_with_an_exception_too(self):
        with pytest.raises(ZeroDivisionError), known_secrets("outer-value"):
            _ = 1 / 0
        assert redact("outer-value") == "outer-value"


def fail(message):
    raise ValueError(message)


class TestBorders:
    def test_a_log_event_keeps_what_structlog_needs(self):
        record = object()
        event = redact_event(None, "info", {"event": "x", "_record": record, "password": "abc", "Bearer abcdefgh": 1})
        assert event == {"event": "x", "_record": record, "password": MASK, f"Bearer {MASK}": 1}

    def test_the_filter_changes_message_and_traceback(self):
        records = []

        class Keep(logging.Handler):
            def emit(self, record):
                records.append(self.format(record))

        handler = Keep()
        handler.addFilter(RedactionFilter())
        logger = logging.getLogger("host")
        logger.propagate = False
        logger.addHandler(handler)
        with known_secrets("hunter2"):
            try:
                fail("hunter2 in the middle")
            except ValueError:
                logger.exception("failed with %s", "hunter2", stack_info=True)
        logger.removeHandler(handler)
        (line,) = records
        assert "hunter2 in" not in line
        assert line.startswith(f"failed with {MASK}")
        assert line.splitlines()[1] == "Traceback (most recent call last):"
        assert f"ValueError: {MASK} in the middle\nStack (most recent call last):\n" in line

    def test_sentry_never_hears_of_anticipated_errors(self):
        error = Conflict("409.sealed")
        assert before_send({"message": "x"}, {"exc_info": (type(error), error, None)}) is None

    def test_sentry_hears_of_surprises(self):
        error = ValueError("x")
        assert before_send({"message": "x"}, {"exc_info": (type(error), error, None)}) == {"message": "x"}
        assert before_send({"message": "x"}, {}) == {"message": "x"}
        broken = PromptHubError("500.internal_error")
        assert before_send({"message": "x"}, {"exc_info": (type(broken), broken, None)}) == {"message": "x"}

    def test_sentry_gets_neither_secrets_nor_prompt_text(self):
        frame = {"function": "send", "vars": {"text": "the prompt"}}
        event = {
            "exception": {"values": [{"value": "Bearer abcdefgh", "stacktrace": {"frames": [frame]}}, {"value": "x"}]},
            "threads": {"values": [{"stacktrace": {"frames": [{"vars": {"text": "the prompt"}}]}}]},
            "request": {
                "headers": {"Authorization": "x", "Accept": "y"},
                "data": "the prompt",
                "cookies": "z",
                "env": {},
            },
            "breadcrumbs": {"values": [{"message": "token phub_abc_" + "x" * 43}]},
        }
        sent = before_send(event, {})
        assert "the prompt" not in str(sent)
        assert "abcdefgh" not in str(sent)
        assert "x" * 43 not in str(sent)
        assert sent["request"] == {"headers": {"Authorization": MASK, "Accept": "y"}}
        assert sent["exception"]["values"][0]["stacktrace"]["frames"] == [{"function": "send"}]

    def test_sentrys_other_hooks_redact_too(self):
        assert before_breadcrumb({"data": {"token": "abc"}}, {}) == {"data": {"token": MASK}}
        assert before_send_transaction({"spans": [{"token": "abc"}]}, {}) == {"spans": [{"token": MASK}]}

    def test_span_attributes_are_plain_and_without_secrets(self):
        given_values = {"id": uuid.UUID(int=1), "n": 1, "ok": True, "none": None, "password": "abc", "list": [1]}
        assert attributes(given_values) == {
            "id": "00000000-0000-0000-0000-000000000001",
            "n": 1,
            "ok": True,
            "password": MASK,
            "list": "[1]",
        }
