"""What a process remembers of names and texts, exactly as long as it is true.

Sealed text is found by its digest and never forgotten for being old. What a name means is remembered by bundle, and
forgotten when a change of that bundle is announced (:mod:`foundation.broadcast`): in the process that made the change
before it answers, in every other when it next looks. A memory is good for :data:`GOOD_SECONDS` after the change
counter was last read; a server reads it twice in that time, anybody else when he asks (docs/adr/0029).

Inside a transaction nothing is remembered or recalled: the database is asked, and sees what the transaction did.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

from foundation import broadcast
from foundation.broadcast import Seen
from prompthub_kernel.errors import NotFound
from prompthub_kernel.selector import Selector
from registry import names
from registry.names import Asked, Cut, Mark, Meant, Text
from resolver import metrics

GOOD_SECONDS = 1.0
"""How long after a look at the change counter its answer is relied on: no name is out of date for longer."""
MOST_BUNDLES = 50_000
ASKED_AT_ONCE = 64
"""Questions that are asked of the database at a time; of those who ask the same, one does."""
TEXT_BYTES = 64 * 1024 * 1024
CUT_BYTES = 64 * 1024 * 1024

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class Remembered:
    """What is known of one bundle's names. ``true`` turns False when they may mean something else, for good."""

    bundle: str
    answers: dict[Hashable, Any] = field(default_factory=dict)
    true: bool = True


class Memory:
    """The names of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._one_at_a_time = [threading.Lock() for _ in range(ASKED_AT_ONCE)]
        self._seen: Seen | None = None
        self._looked_at = float("-inf")
        self._forgotten = 0
        self._by_place: dict[tuple[uuid.UUID, str], Remembered] = {}
        self._places: dict[str, tuple[uuid.UUID, str]] = {}

    def good(self, now: float) -> bool:
        """Whether the change counter was read within the second before ``now`` (monotonic)."""
        return now - self._looked_at <= GOOD_SECONDS

    def catch_up(self) -> None:
        """Read the change counter, and forget the bundles that changed. Raises what the database raises.

        Whoever cannot read it forgets everything: he may have missed a change of his own.
        """
        began, seen = time.monotonic(), self._seen
        try:
            news = broadcast.since(seen=seen)
        except Exception:
            self.forget()
            raise
        with self._lock:
            if news.changes is None:
                self._forget_all()
            else:
                for topic, key in news.changes:
                    bundle, within, _ = key.partition("/")
                    if within or topic == "bundle":
                        self._forget(bundle)
                    else:
                        self._forget_all()  # whose bundle's is not told
            if self._seen is seen or (self._seen and news.seen.number >= self._seen.number):
                self._seen = news.seen
                self._looked_at = max(self._looked_at, began)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._forget_all()
            self._seen, self._looked_at = None, float("-inf")

    def now(self) -> int:
        """What :meth:`held` is asked with after asking: how often something was forgotten, as of now."""
        if not self.good(time.monotonic()):
            self.catch_up()
        return self._forgotten

    def held(self, place: tuple[uuid.UUID, str], *, since: int) -> Remembered | None:
        """What is remembered of a bundle, if nothing was forgotten ``since``: an answer made meanwhile rests on it."""
        with self._lock:
            return self._by_place.get(place) if since == self._forgotten else None

    def recall(self, place: tuple[uuid.UUID, str], question: Hashable, ask: Callable[[], T]) -> T:
        """The answer to a question about a bundle's names: remembered, or asked of the database.

        The first question about a bundle is answered by :class:`registry.names.Meant`, which names it.
        """
        if not _outside():
            return ask()
        known: T | None = self._known(place, question)
        if known is not None:
            return known
        with self._one_at_a_time[hash((place, question)) % len(self._one_at_a_time)]:
            known = self._known(place, question)  # the first one was told, the others waited
            return self._ask(place, question, ask) if known is None else known

    def _known(self, place: tuple[uuid.UUID, str], question: Hashable) -> Any:
        if not self.good(time.monotonic()):
            self.catch_up()
        remembered = self._by_place.get(place)
        return None if remembered is None else remembered.answers.get(question)

    def _ask(self, place: tuple[uuid.UUID, str], question: Hashable, ask: Callable[[], T]) -> T:
        forgotten = self._forgotten
        found = ask()
        metrics.looked_up.inc()
        with self._lock:
            if forgotten == self._forgotten:  # nothing changed while the database was asked
                remembered = self._by_place.get(place)
                if remembered is None and isinstance(found, Meant):
                    remembered = self._begin(place, str(found.bundle))
                if remembered is not None:
                    remembered.answers[question] = found
        return found

    def _begin(self, place: tuple[uuid.UUID, str], bundle: str) -> Remembered:
        if len(self._by_place) >= MOST_BUNDLES:
            self._forget_all()
        remembered = self._by_place[place] = Remembered(bundle)
        self._places[bundle] = place
        return remembered

    def _forget(self, bundle: str) -> None:
        self._forgotten += 1
        place = self._places.pop(bundle, None)
        if place is not None:
            self._by_place.pop(place).true = False

    def _forget_all(self) -> None:
        self._forgotten += 1
        for remembered in self._by_place.values():
            remembered.true = False
        self._by_place.clear()
        self._places.clear()


class Sealed(Generic[K, T]):
    """What never changes, by its name; of too much, those go that were not asked for the longest."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._bytes = 0
        self._kept: OrderedDict[K, tuple[T, int]] = OrderedDict()

    def get(self, key: K) -> T | None:
        """What has this name."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: K, found: T, size: Callable[[T], int]) -> T:
        """Remember it, if its digest was checked; returns it. ``size`` tells about how many bytes it takes."""
        taken = size(found)
        with self._lock:
            if key not in self._kept and taken <= self._limit:
                self._kept[key] = found, taken
                self._bytes += taken
                while self._bytes > self._limit:
                    _, (_, gone) = self._kept.popitem(last=False)
                    self._bytes -= gone
        return found

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


@dataclass(frozen=True, slots=True)
class Read:
    """A release that is read: as it was sealed, what was said of it since, and the ordinal of the channel asked by."""

    cut: Cut
    marks: tuple[Mark, ...]
    ordinal: int | None

    def marked(self, kind: str) -> Mark | None:
        """The last mark of a kind."""
        return next((mark for mark in reversed(self.marks) if mark.kind == kind), None)


memory = Memory()
texts: Sealed[str, Text] = Sealed(TEXT_BYTES)
cuts: Sealed[uuid.UUID, Cut] = Sealed(CUT_BYTES)


def catch_up() -> None:
    """Read the change counter now; called after every commit of this process that announced a change."""
    memory.catch_up()


def forget() -> None:
    """Begin anew."""
    memory.forget()
    texts.forget()
    cuts.forget()


def release(
    *,
    project: uuid.UUID,
    slug: str,
    selector: Selector,
    key: str = "",
    segments: Collection[str] = (),
    prompt: str = "",
) -> Read:
    """The release that a selector means in a bundle, for the caller with this key and these segments; if the database
    has to be asked, in one go with the text of the ``prompt`` that will be read.

    Raises what :func:`registry.names.ask` and :func:`registry.names.cut` do, and ``410.gone`` for a release that was
    taken back.
    """
    place = project, slug
    told: dict[uuid.UUID, Asked] = {}

    def ask() -> Meant:
        asked = names.ask(project=project, slug=slug, selector=selector, prompt=prompt)
        told[asked.meant.first.release] = asked
        return asked.meant

    meant = memory.recall(place, str(selector), ask)
    found = meant.chosen(key=key, segments=segments)
    cut, asked = cuts.get(found.release), told.get(found.release)
    if cut is None:
        row = asked.sealed if asked else ()
        cut = cuts.keep(found.release, names.cut(release=found.release, row=row), _size_of_cut)
    marks: tuple[Mark, ...] = ()
    if found.marked:
        marks = memory.recall(place, found.release, lambda: names.marks(release=found.release))
    read = Read(cut, marks, meant.ordinal)
    if read.marked("revert"):
        raise NotFound("410.gone", f"Version {cut.version} was taken back.")
    if asked and asked.text:
        text(cut=cut, name=prompt, row=asked.text)
    return read


def text(*, cut: Cut, name: str, row: Sequence[Any] = ()) -> Text:
    """A text of a release, from ``row`` if it was read already. Raises what :func:`registry.names.text` does."""
    digest = cut.prompts.get(name, "")
    return texts.get(digest) or texts.keep(digest, names.text(of=cut, name=name, row=row), _size_of_text)


def _size_of_text(text: Text) -> int:
    """About how many bytes a text takes."""
    structured = len(str(text.content_json or "")) + len(str(text.variables_schema))
    return 1000 + len(text.content_md or "") + 2 * structured


def _size_of_cut(cut: Cut) -> int:
    """About how many bytes a release takes."""
    return 1000 + 400 * len(cut.prompts) + 2 * len(str(cut.compatibility))


def _outside() -> bool:
    database: Any = connections[DEFAULT_DB_ALIAS]
    return bool(database.autocommit and not database.in_atomic_block)
