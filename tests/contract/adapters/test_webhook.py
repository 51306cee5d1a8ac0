"""The webhook adapter against a receiver that verifies with the ``standardwebhooks`` package."""

from __future__ import annotations

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook

from publishing.adapters import get
from publishing.ports import AnswerTooLarge, Outcome, ProviderError, Remote
from tests.fakes.parcels import parcel
from tests.fakes.standin import Reply
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.fakes.wire import LoopbackWire

ADAPTER = get("webhook")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
TEXT = "You are calm and brief."


@pytest.fixture
def receiver():
    with WebhookReceiver(SECRET) as running:
        yield running


@pytest.fixture
def wire(receiver):
    return LoopbackWire(receiver.address, time=time.time())


@pytest.fixture
def remote(receiver):
    return at(receiver)


def at(receiver, *, name=None, credentials=None, **settings):
    location = {} if name is None else {"name": name}
    return Remote({"url": receiver.url, **settings}, credentials or {"signing_secret": SECRET}, location)


def failing(remote, wire, text=TEXT):
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(text), wire=wire)
    return failure.value


def test_a_receiver_takes_the_signed_message(receiver, wire, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert receiver.texts["greeting"]["text"] == TEXT


def test_the_message_carries_what_belongs_to_the_publication(receiver, wire, remote):
    sent = parcel("Grüße 🙂 \u2028 {{ x }}")
    ADAPTER.send(remote, sent, wire=wire)
    assert receiver.received[0].document == {
        "type": "prompt.published",
        "timestamp": sent.published_at,
        "data": {
            "client": sent.client,
            "instance_id": sent.instance_id,
            "name": sent.instance_name,
            "prompt": sent.instance_name,
            "version_id": sent.version_id,
            "ordinal": sent.ordinal,
            "digest": sent.digest,
            "format": sent.format,
            "text": sent.text,
            "correlation_id": sent.correlation_id,
        },
    }


def test_the_message_is_about_the_name_that_is_read_back(receiver, wire):
    place = at(receiver, name="front-desk", read_url=f"{receiver.base_url}/prompts/{{name}}")
    ADAPTER.send(place, parcel(TEXT), wire=wire)
    told = receiver.received[0].document["data"]
    assert (told["name"], told["prompt"]) == ("front-desk", "greeting")
    assert ADAPTER.observe(place, wire=wire).text == TEXT


def test_the_longest_names_fit_beside_a_text_that_was_checked(receiver, wire):
    place = at(receiver, name="\u0001" * 255)
    text = "x" * (20_000 - 3_072 - 2)
    assert ADAPTER.check(place, format="text", text=text) == []
    ADAPTER.send(place, parcel(text, instance_name="\U0001f642" * 200), wire=wire)
    assert len(receiver.received) == 1


def test_the_headers_name_the_delivery(receiver, wire, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    headers = receiver.requests[0].headers
    assert headers["webhook-id"] == headers["idempotency-key"] == parcel().delivery_id
    assert headers["webhook-timestamp"] == str(int(wire.time))
    assert headers["content-type"] == "application/json"


def test_every_try_sends_the_same_bytes(receiver, wire, remote):
    receiver.answer(503)
    failing(remote, wire)
    wire.time += 30
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_repetition_is_told_by_its_id(receiver, wire, remote):
    receiver.reset("after")
    assert failing(remote, wire).outcome is Outcome.UNKNOWN
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert [one.repeated for one in receiver.received] == [False, True]


def test_while_secrets_rotate_both_receivers_verify(receiver, wire):
    both = at(receiver, credentials={"signing_secret": SECRET, "previous_signing_secret": OLDER})
    ADAPTER.send(both, parcel(TEXT), wire=wire)
    receiver.secrets = [OLDER]
    ADAPTER.send(both, parcel(TEXT, delivery_id="another"), wire=wire)
    assert [one.repeated for one in receiver.received] == [False, False]
    signatures = receiver.requests[0].headers["webhook-signature"].split(" ")
    assert [one.partition(",")[0] for one in signatures] == ["v1", "v1"]


def test_the_previous_secret_alone_is_no_longer_enough(receiver, wire, remote):
    receiver.secrets = [OLDER]
    assert failing(remote, wire).provider_status == 401


def test_a_receiver_refuses_a_message_stamped_at_another_time(receiver, remote):
    late = LoopbackWire(receiver.address, time=time.time() - 600)
    assert failing(remote, late).provider_status == 401


def test_the_package_verifies_the_raw_message(receiver, wire, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    seen = receiver.requests[0]
    assert Webhook(SECRET).verify(seen.body, dict(seen.headers))["data"]["text"] == TEXT


def test_410_asks_to_disable_the_target(receiver, wire, remote):
    receiver.gone = True
    failure = failing(remote, wire)
    assert (failure.outcome, failure.provider_status) == (Outcome.REFUSED, 410)
    assert "disable" in failure.detail


def test_a_redirect_is_a_refusal_and_is_not_followed(receiver, wire, remote):
    receiver.redirect = f"{receiver.base_url}/elsewhere"
    failure = failing(remote, wire)
    assert (failure.outcome, failure.provider_status) == (Outcome.REFUSED, 302)
    assert len(receiver.requests) == 1


def test_an_address_that_is_not_allowed_gets_nothing(receiver, remote):
    with WebhookReceiver(SECRET) as elsewhere:
        failure = failing(remote, LoopbackWire(elsewhere.address, time=time.time()))
    assert failure.outcome is Outcome.REFUSED
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, "refused"), (404, "refused"), (409, "try_again"), (503, "try_again"), (502, "unknown"), (504, "unknown")],
)
def test_other_answers_mean_what_they_always_mean(receiver, wire, remote, status, outcome):
    receiver.answer(status)
    assert failing(remote, wire).outcome == outcome


def test_retry_after_is_told(receiver, wire, remote):
    receiver.answer(429, Retry_After="30")
    assert failing(remote, wire).retry_after == 30.0


def test_a_hanging_receiver_leaves_the_outcome_unknown(receiver, remote):
    receiver.hang()
    assert failing(remote, LoopbackWire(receiver.address, deadline=0.3, time=time.time())).outcome is Outcome.UNKNOWN


def test_messages_hold_neither_the_secret_nor_the_prompt(receiver, wire, remote):
    receiver.fault(Reply.of(400, {"message": f"{SECRET} {TEXT}"}))
    assert failing(remote, wire).detail == "answered 400: ••• •••"


def test_messages_do_not_hold_the_query_of_the_address(receiver, wire):
    query = "token=of-the-query-7261&short=abcd"
    secret = at(receiver, url=f"{receiver.base_url}/hook?{query}")
    receiver.fault(Reply.of(400, {"message": f"no: /hook?{query}, of-the-query-7261, abcd"}))
    assert failing(secret, wire).detail == "answered 400: no: /hook?•••, •••, •••"


def test_a_message_stays_under_the_receivers_limit(receiver, wire, remote):
    text = "x" * 20_000
    assert [(one.pointer, one.code) for one in ADAPTER.check(remote, format="text", text=text)] == [
        ("/text", "maxLength")
    ]
    assert failing(remote, wire, text).outcome is Outcome.REFUSED
    assert receiver.requests == []


def test_a_receiver_that_takes_more_may_say_so(receiver, wire):
    roomy = at(receiver, max_body_bytes=100_000)
    assert ADAPTER.check(roomy, format="text", text="x" * 90_000) == []
    ADAPTER.send(roomy, parcel("x" * 90_000), wire=wire)
    assert len(receiver.texts["greeting"]["text"]) == 90_000


def test_without_a_read_url_nothing_can_be_read_back(wire, remote):
    assert ADAPTER.readable(remote) is False
    assert ADAPTER.observe(remote, wire=wire).text is None
    assert wire.calls == []


def test_a_read_url_tells_what_the_receiver_holds(receiver, wire):
    read = at(receiver, name="greeting", read_url=f"{receiver.base_url}/prompts/{{name}}")
    assert ADAPTER.readable(read) is True
    ADAPTER.send(read, parcel(TEXT), wire=wire)
    receiver.texts["greeting"]["text"] = "Edited behind our back"
    observation = ADAPTER.observe(read, wire=wire)
    assert (observation.text, observation.remote_version) == ("Edited behind our back", parcel().digest)


def test_the_name_in_a_read_url_is_encoded(receiver, wire):
    read = at(receiver, name="a/b?c", read_url=f"{receiver.base_url}/prompts/{{name}}")
    receiver.texts["a/b?c"] = {"text": "there"}
    assert ADAPTER.observe(read, wire=wire).text == "there"
    assert wire.calls[0][1].endswith("/prompts/a%2Fb%3Fc")


def test_a_read_token_is_sent_to_the_read_url_alone(receiver, wire):
    credentials = {"signing_secret": SECRET, "read_token": "token-for-reading"}
    read = at(receiver, name="greeting", read_url=f"{receiver.base_url}/prompts/{{name}}", credentials=credentials)
    ADAPTER.send(read, parcel(TEXT), wire=wire)
    ADAPTER.observe(read, wire=wire)
    seen = [one.headers.get("authorization") for one in receiver.requests]
    assert seen == [None, "Bearer token-for-reading"]


@pytest.mark.parametrize(("document", "outcome"), [({"prompt": "x"}, "refused"), (["x"], "try_again")])
def test_a_read_url_that_tells_no_text_is_an_error(receiver, wire, document, outcome):
    receiver.fault(Reply.of(200, document))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.observe(at(receiver, read_url=receiver.base_url), wire=wire)
    assert failure.value.outcome == outcome


@pytest.mark.parametrize("letter", ["Ж", "\N{SLIGHTLY SMILING FACE}", "\N{HIRAGANA LETTER A}", '"', "\x01", "a"])
def test_whatever_may_be_sent_can_be_read_back_in_any_spelling_and_twice(receiver, wire, letter):
    read = at(receiver, read_url=receiver.base_url)
    text = letter * (16_900 // len(json.dumps(letter, ensure_ascii=False)[1:-1].encode()))
    assert ADAPTER.check(read, format="text", text=text) == []
    spelled = "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
    message = json.dumps(json.dumps({"data": {"text": text}}, ensure_ascii=False))
    receiver.fault(Reply(200, body=f'{{"text": "{spelled}", "body": {message}}}'.encode()))
    assert ADAPTER.observe(read, wire=wire).text == text


def test_an_answer_larger_than_any_text_is_an_error_of_its_own(receiver, wire):
    receiver.fault(Reply.of(200, {"text": "x" * 400_000}))
    with pytest.raises(AnswerTooLarge, match="larger than 305536 bytes") as failure:
        ADAPTER.observe(at(receiver, read_url=receiver.base_url), wire=wire)
    assert failure.value.outcome == Outcome.TRY_AGAIN


def test_probing_sends_nothing_and_says_so(wire, remote):
    assert [one.code for one in ADAPTER.probe(remote, wire=wire)] == ["not_asked"]
    assert wire.calls == []


def test_the_body_is_plain_json_in_utf8(receiver, wire, remote):
    ADAPTER.send(remote, parcel("é"), wire=wire)
    body = receiver.received[0].body
    assert "é".encode() in body
    assert json.loads(body)["data"]["text"] == "é"
