"""Channels, and those who may move them."""

from __future__ import annotations

from collections.abc import Sequence

from foundation.actors import Actor
from registry import channels
from registry.models import Bundle, Channel, Release
from tenancy import tokens
from tests.factories.account import make_actor
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.release import make_bundle, make_release
from tests.factories.service_token import make_token


def make_channel(
    *, bundle: Bundle | None = None, name: str | None = None, rule: str = "live", release: Release | str | None = None
) -> Channel:
    """A channel that points at the release (given, or made of that version), or nowhere."""
    bundle = bundle or (release.bundle if isinstance(release, Release) else make_bundle())
    channel = channels.create(bundle=bundle, name=name or unique("channel"), by=SYSTEM, at=AT)
    if release is not None:
        row = make_release(bundle=bundle, version=release) if isinstance(release, str) else release
        channel = channels.activate(channel=channel, to=row, by=SYSTEM, at=AT).channel
    return channel if rule == "live" else channels.set_policy(channel=channel, rule=rule, by=SYSTEM, at=AT)


def someone(channel: Channel, role: str = "publisher") -> Actor:
    """A person with a role in the channel's project."""
    return make_actor(roles={channel.bundle.project: role})


def some_token(channel: Channel, scopes: Sequence[str] = ("deploy",), role: str = "administrator") -> Actor:
    """The actor of a token whose service account has a role in the channel's project."""
    _, secret = make_token(scopes=scopes, roles={channel.bundle.project: role})
    return tokens.authenticate(presented=secret, at=AT)
