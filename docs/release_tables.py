"""The tables of docs/reference/prompt-addresses.md, made by reading the examples they show."""

from __future__ import annotations

from docs.tables import django, moves, table
from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rollout import bucket
from prompthub_kernel.selector import Exact, Range, Selector, parse_selector
from prompthub_kernel.semver import SemVer

ADDRESSES = (
    "@anvil/core-prompts@2.1.0/welcome_message",
    "@anvil/core-prompts@2.1.0-gpt4+tokens.1500/welcome_message",
    "@anvil/core-prompts@^2.1/welcome_message",
    "@local/onboarding@stable/first_login",
    "@local/coach@active@staging/styles/calm",
    "@local/onboarding/first_login",
)
VERSIONS = ("2.1.0", "2.1.0-gpt4+tokens.1500", "2.1.0-rc.1", "2.1.0-rc1", "2.1.0-gpt4.rc.1", "2.1.0-gpt-4o.mini")
RISING = "2.1.0-alpha.2 2.1.0-alpha.10 2.1.0-beta 2.1.0-rc.1 2.1.0-gpt4.rc.1 2.1.0 2.1.0-claude 2.1.0-gpt4 2.1.1"
SELECTORS = (
    *("2.1.0", "2.1.0-gpt4", "^2.1", "^0.2.3", "^0.0.3", "~2.1", "~2", ">=1.2 <2", ">1.2", "<=1.2", "1.x", "*"),
    *("^1.4 || ^3", "^2.1-gpt4", "*-gpt4", "^2.1.0-rc.1"),
)
STOCK = (
    *("0.0.3", "0.0.4", "0.2.3", "0.2.9", "1.1.0", "1.2.0", "1.2.7", "1.9.0", "2.0.0", "2.1.0-rc.1", "2.1.0-rc.2"),
    *("2.1.0", "2.1.0-gpt4", "2.1.8", "2.2.0-rc.1", "2.2.0-gpt4", "3.0.0"),
)
REFUSED = (
    *("2.1", "v2.1.0", "2026.02.0", "2.1.0-GPT4", "2.1.0-rc-1", "2.1.0-rc.1.gpt4", "^2.1-rc.1", "^1.x", ">2 <1"),
    *("^1-gpt4 || ^2", "latest@staging", "^2.1+x"),
)


def addresses() -> str:
    """Addresses and their parts."""
    rows = []
    for text in ADDRESSES:
        address = Address.parse(text)
        of_bundle = BundleAddress(address.repository, address.bundle)
        selector = f"`{address.selector}`" if address.selector else "none: `latest`"
        rows.append((f"`{text}`", f"`{of_bundle}`", f"{selector} ({_kind(address.selector)})", f"`{address.prompt}`"))
    return table(("address", "bundle", "selector", "prompt"), rows)


def versions() -> str:
    """Versions and their parts."""
    rows = []
    for text in VERSIONS:
        found = SemVer.parse(text)
        pre = ".".join(map(str, found.pre))
        numbers = ".".join(map(str, found.numbers))
        rows.append(
            (f"`{text}`", numbers, found.variant or "plain", pre or "none", found.build or "none", f"`{found}`")
        )
    return table(("written", "numbers", "variant", "pre-release", "build metadata", "spelled"), rows)


def order() -> str:
    """Versions from the lowest to the highest. Raises ValueError when they are not."""
    rising = [SemVer.parse(text) for text in RISING.split()]
    if rising != sorted(set(rising)):
        raise ValueError("the versions do not rise")
    return "\n" + " < ".join(f"`{version}`" for version in rising) + "\n"


def takes() -> str:
    """What selectors take of the releases in :data:`STOCK`."""
    stock = [SemVer.parse(text) for text in STOCK]
    rows = []
    for text in SELECTORS:
        selector = parse_selector(text)
        if not isinstance(selector, Exact | Range):
            raise TypeError(text)
        taken = [
            f"**{found}**" if found == selector.best(stock) else str(found) for found in filter(selector.matches, stock)
        ]
        rows.append((f"`{text}`".replace("|", "\\|"), ", ".join(taken)))
    return table(("selector", "takes"), rows)


def stock() -> str:
    """The releases that :func:`takes` chooses from."""
    return "\n" + " · ".join(f"`{text}`" for text in STOCK) + "\n"


def refused() -> str:
    """What is no selector, and the reason that is given."""
    rows = []
    for text in REFUSED:
        try:
            parse_selector(text)
        except Invalid as refusal:
            code, detail = refusal.problems[0].code, refusal.detail.replace("|", "\\|")
            rows.append((f"`{text}`".replace("|", "\\|"), f"`{code}`", detail))
        else:
            raise ValueError(f"{text} is a selector")
    return table(("written", "reason", "what is told"), rows)


def _kind(selector: Selector | None) -> str:
    return (
        "channel"
        if selector is None
        else {"Exact": "version", "Range": "range"}.get(type(selector).__name__, "channel")
    )


def activation_states() -> str:
    """Where a move of a channel may go from each state."""
    django()
    from registry.states import MOVES

    return moves(MOVES)


CHANNELS = ("0192b6c8-0000-7000-8000-000000000001", "0192b6c8-0000-7000-8000-000000000002")


def buckets() -> str:
    """Keys and their buckets, to check another implementation by."""
    keys = [(CHANNELS[0], "user-1"), (CHANNELS[0], "user-2"), (CHANNELS[1], "user-1"), (CHANNELS[0], "Zoë")]
    rows = [(f"`{channel}`", f"`{key}`", str(bucket(channel=channel, key=key))) for channel, key in keys]
    return table(("channel", "key", "bucket"), rows)
