"""The receiver of the tests checks signatures as any receiver with the ``standardwebhooks`` package does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from tests.fakes.webhook_receiver import WebhookReceiver
from tests.fakes.wire import LoopbackWire, plain

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def receiver():
    with WebhookReceiver(SECRET) as running:
        yield running


def post(receiver, *, secret=SECRET, message_id="m1", ordinal=1, text="Hi", age=timedelta(), body=None):
    document = {"type": "prompt.published", "data": {"name": "greeting", "ordinal": ordinal, "text": text}}
    sent = json.dumps(document)
    moment = datetime.now(UTC) - age
    signature = Webhook(secret).sign(message_id, moment, sent)
    return plain(
        LoopbackWire(receiver.address),
        "POST",
        receiver.url,
        (body or sent).encode(),
        webhook_id=message_id,
        webhook_timestamp=str(int(moment.timestamp())),
        webhook_signature=signature,
    ).status


def held(receiver):
    return json.loads(plain(LoopbackWire(receiver.address), "GET", f"{receiver.base_url}/prompts/greeting").content)


def test_a_signed_message_is_taken(receiver):
    assert post(receiver) == 204
    assert held(receiver)["text"] == "Hi"


@pytest.mark.parametrize(
    "wrong",
    [{"secret": OTHER}, {"age": timedelta(minutes=6)}, {"age": timedelta(minutes=-6)}, {"body": "{}"}],
    ids=["another secret", "too old", "too new", "another body"],
)
def test_a_message_that_does_not_verify_is_refused(receiver, wrong):
    assert post(receiver, **wrong) == 401
    assert receiver.received == []


def test_a_repeated_message_is_told_and_changes_nothing(receiver):
    assert [post(receiver, text="Hi"), post(receiver, text="Hi")] == [204, 204]
    assert [one.repeated for one in receiver.received] == [False, True]


def test_an_older_publication_does_not_replace_a_newer_one(receiver):
    post(receiver, message_id="m2", ordinal=2, text="New")
    post(receiver, message_id="m1", ordinal=1, text="Old")
    assert held(receiver)["text"] == "New"


def test_a_receiver_that_wants_no_more_says_410(receiver):
    receiver.gone = True
    assert post(receiver) == 410


def test_a_receiver_may_try_to_redirect(receiver):
    receiver.redirect = "http://169.254.169.254/"
    assert post(receiver) == 302
