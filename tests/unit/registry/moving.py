"""What the tests of channels ask: what was refused, and where a channel has been."""

from __future__ import annotations

import pytest

from prompthub_kernel.errors import PromptHubError
from registry import channels


def refused(code, call, **given):
    """The refusal of a call, which has this code."""
    with pytest.raises(PromptHubError) as found:
        call(**given)
    assert found.value.code == code
    return found.value


def moved(channel):
    """Ordinals, from, to: the newest first."""
    rows = channels.history(channel=channel)
    return [(row.ordinal, row.previous and row.previous.version, row.release.version) for row in rows]
