"""The order of versions as bytes: every database sorts those the same way, in an index, without reading a version."""

from __future__ import annotations

from prompthub_kernel.semver import PreRelease, SemVer

_END = b"\x00"
_NUMBER, _WORD, _FINISHED = b"\x01", b"\x02", b"\x03"


def of(version: SemVer) -> bytes:
    """Bytes that sort as ``version.key`` does: the same for versions that differ in build metadata alone."""
    return b"".join(map(_four, version.numbers)) + _pre_release(version.pre) + version.variant.encode("ascii")


def _pre_release(pre: PreRelease) -> bytes:
    """Numbers before words, fewer parts before more, all of them before a finished version."""
    if not pre:
        return _FINISHED + _END
    parts = (_NUMBER + _four(part) if isinstance(part, int) else _WORD + part.encode("ascii") + _END for part in pre)
    return b"".join(parts) + _END


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big")
