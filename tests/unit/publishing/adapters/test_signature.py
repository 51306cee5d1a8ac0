"""The signature of Standard Webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from publishing.adapters.webhook import message_body, signature, signed_headers
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.parcels import parcel

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_known_vector_is_met():
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(max_examples=100)
@given(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()), st.text(max_size=200))
def test_it_equals_the_packages_own(message_id, text):
    body = message_body(Remote({}, {}, {}), parcel(text))
    moment = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    assert signature(SECRET, message_id, int(moment.timestamp()), body) == Webhook(SECRET).sign(
        message_id, moment, body.decode()
    )


def test_a_secret_may_come_without_its_padding():
    padded = "whsec_" + "A" * 34 + "=="
    assert signature(padded, "m", 1, b"x") == signature(padded.rstrip("="), "m", 1, b"x")


@pytest.mark.parametrize("secret", ["whsec_????", "whsec_" + "A" * 33, "whsec_AAAA"])
def test_a_secret_that_is_no_secret_is_refused(secret):
    with pytest.raises(ProviderError) as failure:
        signature(secret, "m", 1, b"x")
    assert failure.value.outcome is Outcome.REFUSED


def test_the_current_secret_signs_first():
    older = "whsec_" + "A" * 32
    remote = Remote({}, {"previous_signing_secret": older, "signing_secret": SECRET}, {})
    headers = signed_headers(remote, "m", 1, b"x")
    assert headers["webhook-signature"] == f"{signature(SECRET, 'm', 1, b'x')} {signature(older, 'm', 1, b'x')}"
