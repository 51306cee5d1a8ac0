"""Who gets the second release of a channel that points at two: segments wholly, of all others a share that is sticky.

A caller names itself by a *key* of its choice (a user, a session, a device) and says which *segments* it belongs to.
The key falls into one of 10,000 buckets of the channel and stays there; a share of 10 % is the first 1,000 buckets.
So raising the share only ever adds callers, and lowering it gives the old release back to those who came last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

BUCKETS = 10_000
MOST_SEGMENTS = 20
MAX_SEGMENT_LENGTH = 63
MAX_KEY_LENGTH = 200

_DOMAIN = b"prompthub rollout 1\0"


def bucket(*, channel: str, key: str) -> int:
    """The bucket, from 0 on, of a key in a channel (its id as text): the first 64 bits of a SHA-256, spread evenly.

    The digest is taken over ``prompthub rollout 1``, a zero byte, the channel's id, a zero byte, and the key's UTF-8.
    """
    digest = hashlib.sha256(_DOMAIN + channel.encode() + b"\0" + key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") * BUCKETS >> 64


def gets_split(
    *, channel: str, percent: int, segments: Collection[str], key: str = "", member_of: Collection[str] = ()
) -> bool:
    """Whether a caller gets the second release.

    ``percent`` (0 to 100) of the callers and all in one of ``segments`` do. A caller without a key is in no bucket: it
    gets the first release until the share is 100.
    """
    if percent >= 100 or not set(member_of).isdisjoint(segments):
        return True
    return bool(key) and bucket(channel=channel, key=key) < percent * BUCKETS // 100
