"""What a name may look like that people read: the same at every door, as the contracts say it."""

from __future__ import annotations

import re

from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.strict_json import require_storable

SENTENCE = "One line that does not begin with a space, without characters that turn the direction of writing."
_TURNING = "\u202a-\u202e\u2066-\u2069"  # Unicode TR9, explicit formatting characters
_NAME = re.compile(rf"[^\x00-\x20\x7f{_TURNING}][^\x00-\x1f\x7f{_TURNING}]*")


def require_name(name: str | None, pointer: str) -> None:
    """Raises ``422.request_invalid`` with the code ``pattern`` for a name that may be read as another one.

    An empty name is somebody else's matter: whether one is needed differs.
    """
    require_storable(name, pointer)
    if name and not _NAME.fullmatch(name):
        raise Invalid("422.request_invalid", SENTENCE, problems=[Problem(pointer, "pattern", SENTENCE)])
