"""A receiver of Standard Webhooks (https://www.standardwebhooks.com).

One signed POST per delivery. ``webhook-id`` is the delivery's id and the body carries only what belongs to the
publication, so every try of a delivery sends the same bytes and the receiver can tell a repetition; only the
time of sending and the signature over it are new. The message is about the place: its ``name`` is the one under which
``settings.read_url`` tells the text. A place that is made without one takes that of its prompt, and keeps it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from prompthub_kernel.errors import Problem
from publishing.adapters import contract
from publishing.adapters.answers import Exchange
from publishing.masking import queries
from publishing.ports import NOT_ASKED, Observation, Outcome, Parcel, ProviderError, Receipt, Remote, Wire

EVENT = "prompt.published"
DEFAULT_MAX_BODY_BYTES = 20_000
"""Standard Webhooks: payloads should stay under 20 kB."""

_ENVELOPE = 3_072  # bytes of the body beside the text, names at their longest
_SPELLED = 6  # bytes that JSON may make of one of a text, as \u0041 of A (RFC 8259, 7)
_TOLD = 2  # times an answer may hold what was sent: as the text, and as the message it came in
_BESIDE = 65_536  # bytes of an answer for everything else
_SECRETS = ("signing_secret", "previous_signing_secret")


class Webhook:
    """Posts the text to ``settings.url``. Readable when ``settings.read_url`` says where to look."""

    name = "webhook"
    conditional = False

    def located(self, remote: Remote) -> Mapping[str, Any]:
        """With the prompt's name where it has none: a receiver tells texts by it, so a rename does not move it."""
        return {**remote.location, "name": _name(remote, remote.prompt)}

    def readable(self, remote: Remote) -> bool:
        """Whether ``settings.read_url`` is set."""
        return bool(remote.settings.get("read_url"))

    def remote_key(self, remote: Remote) -> str:
        """``webhook:<host[:port]><path>?<digest of the query>#<client>``.

        The query may hold a secret, so only its digest is told. What two clients send to a receiver has nothing to do
        with each other: a pause that it asks of one does not hold up the other. Equivalent spellings of an address
        (RFC 3986, 6.2.2) are one.
        """
        url = remote.settings["url"]
        query = contract.unescaped(urlsplit(url).query)
        told = f"?{hashlib.sha256(query.encode()).hexdigest()[:16]}" if query else ""
        client = f"#{remote.client}" if remote.client else ""
        return f"webhook:{contract.host(url)}{contract.path(url)}{told}{client}"

    def steps(self, remote: Remote) -> tuple[str | int, ...]:
        """The name that the message tells."""
        return (_name(remote, remote.prompt),)

    def check(self, remote: Remote, *, format: str, text: str) -> list[Problem]:
        """Problems against ``contracts/adapters/webhook.schema.json``, the size of the body included."""
        found = contract.problems(self.name, remote, format=format, text=text)
        if found:
            return found
        for name in _SECRETS:
            if name in remote.credentials and _key(remote.credentials[name]) is None:
                found.append(Problem(f"/credentials/{name}", "base64", "this is not base64 of 24 to 64 bytes"))
        if len(_json(text)) + _ENVELOPE > _limit(remote):
            found.append(Problem("/text", "maxLength", f"the message would be larger than {_limit(remote)} bytes"))
        if "{name}" in remote.settings.get("read_url", "") and "name" not in remote.location:
            found.append(Problem("/location/name", "required", "read_url asks for a name"))
        return found

    def probe(self, remote: Remote, *, wire: Wire) -> list[Problem]:
        """That nothing was asked: asking a receiver anything would already be a message."""
        return [Problem("", NOT_ASKED, "Not asked: a webhook cannot be tested without a message.")]

    def send(self, remote: Remote, parcel: Parcel, *, wire: Wire) -> Receipt:
        """Post the signed message. 410 means that the receiver wants no more: disable the target."""
        body = message_body(remote, parcel)
        private = (*_private(remote), parcel.text)
        if len(body) > _limit(remote):
            detail = f"the message would be larger than {_limit(remote)} bytes"
            raise ProviderError(self.name, detail, outcome=Outcome.REFUSED)
        headers = {
            **signed_headers(remote, parcel.delivery_id, int(wire.now()), body),
            "Idempotency-Key": parcel.delivery_id,
        }
        exchange = Exchange(self.name, wire, headers, private)
        answer = exchange.call("POST", remote.settings["url"], content=body)
        if answer.status == 410:
            raise exchange.rejection(answer, so_far="the receiver wants no more messages, disable the target; ")
        exchange.expect(answer, written=True)
        return Receipt()

    def observe(self, remote: Remote, *, wire: Wire) -> Observation:
        """``{"text": …}`` at ``settings.read_url``; no text when that is not set."""
        if not self.readable(remote):
            return Observation(None)
        headers = {"Accept": "application/json"}
        token = remote.credentials.get("read_token")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        exchange = Exchange(self.name, wire, headers, _private(remote), _readable(remote))
        name = quote(remote.location.get("name", ""), safe="")
        found = exchange.read(remote.settings["read_url"].replace("{name}", name))
        text = found.get("text")
        if not isinstance(text, str):
            raise exchange.failure("read_url does not answer with a text", Outcome.REFUSED)
        digest = found.get("digest")
        return Observation(text, digest if isinstance(digest, str) else "")


def message_body(remote: Remote, parcel: Parcel) -> bytes:
    """The message's body: the same bytes for every try of a delivery.

    ``name`` is the place's, ``prompt`` what the prompt was called when the delivery was made.
    """
    return _json(
        {
            "type": EVENT,
            "timestamp": parcel.published_at,
            "data": {
                "client": parcel.client,
                "instance_id": parcel.instance_id,
                "name": _name(remote, parcel.instance_name),
                "prompt": parcel.instance_name,
                "version_id": parcel.version_id,
                "ordinal": parcel.ordinal,
                "digest": parcel.digest,
                "format": parcel.format,
                "text": parcel.text,
                "correlation_id": parcel.correlation_id,
            },
        }
    )


def _name(remote: Remote, prompt: str) -> str:
    """The place's; only one that an older release made may have none, and then that of its prompt."""
    return str(remote.location.get("name", prompt))


def signed_headers(remote: Remote, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature per secret, the current one first."""
    secrets = [remote.credentials[name] for name in _SECRETS if remote.credentials.get(name)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64 HMAC-SHA256 of "id.timestamp.body">`` under the bytes that ``secret`` encodes."""
    key = _key(secret)
    if key is None:
        raise ProviderError(Webhook.name, "the signing secret is not base64", outcome=Outcome.REFUSED)
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes | None:
    encoded = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return None
    return key if 24 <= len(key) <= 64 else None


def _private(remote: Remote) -> tuple[str, ...]:
    return (*remote.credentials.values(), *queries(remote.settings))


def _limit(remote: Remote) -> int:
    return int(remote.settings.get("max_body_bytes", DEFAULT_MAX_BODY_BYTES))


def _readable(remote: Remote) -> int:
    """Bytes of an answer at ``read_url``: any text that may be sent fits, however the receiver spells it."""
    return _TOLD * _SPELLED * _limit(remote) + _BESIDE


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
