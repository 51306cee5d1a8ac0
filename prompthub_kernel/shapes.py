"""Reading what programs exchange about releases: each piece of the right shape, or refused at its pointer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from prompthub_kernel.address import BundleAddress, read_prompt_name
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.place import Place
from prompthub_kernel.pointer import pointer as pointer_of
from prompthub_kernel.selector import Exact, Named, Range, Selector, parse_selector
from prompthub_kernel.semver import SemVer

MAX_BUNDLES = 10_000
MAX_PROMPTS = 1_000
MAX_REQUIREMENTS = 1_000

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def refuse(pointer: str, code: str, detail: str) -> NoReturn:
    """Raises ``422.request_invalid`` with one problem."""
    raise Invalid("422.request_invalid", detail, problems=[Problem(pointer, code, detail)])


def below(pointer: str, name: str) -> str:
    """The pointer of a member."""
    return pointer + pointer_of((name,))


def mapping(value: Any, pointer: str, most: int) -> Mapping[str, Any]:
    """A JSON object of at most ``most`` members."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        refuse(pointer, "type", "This is not an object.")
    if len(value) > most:
        refuse(pointer, "maxProperties", f"More than {most:,} members.")
    return value


def exactly(value: Any, pointer: str, required: frozenset[str], optional: frozenset[str] = frozenset()) -> Any:
    """A JSON object with these members and no others."""
    found = mapping(value, pointer, 1_000_000)
    for name in sorted(required - found.keys()):
        refuse(below(pointer, name), "required", "This is missing.")
    for name in sorted(found.keys() - required - optional)[:1]:
        refuse(below(pointer, name), "additionalProperties", "Nothing of this name is expected.")
    return found


def constant(value: Any, pointer: str, expected: int) -> None:
    """The number of a format; ``True`` is none."""
    if type(value) is not int or value != expected:
        refuse(pointer, "const", f"Only format {expected} can be read.")


def digest(value: Any, pointer: str) -> str:
    """``sha256:`` and 64 hex digits."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        refuse(pointer, "pattern", "A digest is sha256: and 64 digits of 0-9 and a-f.")
    return value


def version(value: Any, pointer: str) -> SemVer:
    """A version in its one spelling."""
    found = SemVer.parse(value, where=Place(pointer))
    if str(found) != value:
        refuse(pointer, "pattern", "This version is not in its usual spelling.")
    return found


def bundle(value: str, pointer: str) -> str:
    """The name of a bundle, ``@repository/bundle``."""
    address = BundleAddress.parse(value, where=Place(pointer))
    if address.selector is not None:
        refuse(pointer, "propertyNames", "The name of a bundle has no selector.")
    return value


def prompts(value: Any, pointer: str) -> dict[str, str]:
    """Names of prompts and the digests of their texts."""
    return {
        read_prompt_name(name, where=Place(below(pointer, name[:200]))): digest(held, below(pointer, name))
        for name, held in sorted(mapping(value, pointer, MAX_PROMPTS).items())
    }


def selectors(value: Any, pointer: str) -> dict[str, Selector]:
    """Names of bundles and which of their releases."""
    return {
        bundle(name, below(pointer, name[:200])): parse_selector(held, where=Place(below(pointer, name)))
        for name, held in sorted(mapping(value, pointer, MAX_REQUIREMENTS).items())
    }


def requirements(value: Any, pointer: str) -> dict[str, Exact | Range]:
    """Like :func:`selectors`, without names that move: a sealed release does not depend on them."""
    found: dict[str, Exact | Range] = {}
    for name, selector in selectors(value, pointer).items():
        if isinstance(selector, Named):
            refuse(below(pointer, name), "pattern", "A release needs a version or a range, not a channel.")
        found[name] = selector
    return found
