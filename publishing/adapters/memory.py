"""A provider inside this process, for demonstrations and tests. Each process has its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prompthub_kernel.errors import Problem
from publishing.adapters import contract
from publishing.ports import Observation, Outcome, Parcel, ProviderError, Receipt, Remote, Wire


@dataclass(slots=True)
class Slot:
    """What one place holds. ``history`` has every parcel taken, each once, oldest first."""

    text: str = ""
    history: list[Parcel] = field(default_factory=list)
    sends: int = 0


slots: dict[str, Slot] = {}
_lock = threading.Lock()


def clear() -> None:
    """Forget everything."""
    with _lock:
        slots.clear()


class Memory:
    """Keeps the text in :data:`slots` under the location's slot. ``settings.fail`` scripts how the first sends end."""

    name = "memory"
    conditional = False

    def located(self, remote: Remote) -> Mapping[str, Any]:
        """As it was given."""
        return remote.location

    def readable(self, remote: Remote) -> bool:
        """Always."""
        return True

    def remote_key(self, remote: Remote) -> str:
        """``memory:<slot>``."""
        return f"memory:{remote.location['slot']}"

    def steps(self, remote: Remote) -> tuple[str | int, ...]:
        """None: a slot is one place."""
        return ()

    def check(self, remote: Remote, *, format: str, text: str) -> list[Problem]:
        """Problems against ``contracts/adapters/memory.schema.json``."""
        return contract.problems(self.name, remote, format=format, text=text)

    def probe(self, remote: Remote, *, wire: Wire) -> list[Problem]:
        """Nothing can be missing here."""
        return []

    def send(self, remote: Remote, parcel: Parcel, *, wire: Wire) -> Receipt:
        """Keep the text, unless the script says otherwise. ``unknown`` keeps it and loses the answer."""
        with _lock:
            slot = slots.setdefault(remote.location["slot"], Slot())
            ending = _ending(remote.settings, slot.sends)
            slot.sends += 1
            if ending in ("ok", "unknown"):
                slot.text = parcel.text
                if all(taken.delivery_id != parcel.delivery_id for taken in slot.history):
                    slot.history.append(parcel)
            version = str(len(slot.history))
        if isinstance(ending, Mapping):
            wait = float(ending["retry_after"])
            raise ProviderError(self.name, "scripted to wait", outcome=Outcome.TRY_AGAIN, retry_after=wait)
        if ending != "ok":
            raise ProviderError(self.name, "scripted to fail", outcome=Outcome(ending))
        return Receipt(version)

    def observe(self, remote: Remote, *, wire: Wire) -> Observation:
        """The text in the slot, empty when nothing was sent."""
        with _lock:
            slot = slots.get(remote.location["slot"], Slot())
            return Observation(slot.text, str(len(slot.history)))


def _ending(settings: Mapping[str, Any], sends: int) -> Any:
    script = settings.get("fail", ())
    return script[sends] if sends < len(script) else "ok"
