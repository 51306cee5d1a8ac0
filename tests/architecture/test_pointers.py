"""One writer per pointer: a name moves in one place, under its lock and above its record."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture.house import PACKAGES, Source, at, dotted, parse, sources


@dataclass(frozen=True)
class Pointer:
    """Columns and the one file that may write them; ``known_in`` are the packages that can reach the rows.

    ``also`` names a file that writes a column of the same name in another table, ``others`` the models with such a
    column, whose rows are made by naming them.
    """

    model: str
    columns: frozenset[str]
    writer: str
    known_in: tuple[str, ...] = tuple(PACKAGES)
    also: str = ""
    others: frozenset[str] = frozenset()


ABOVE_PUBLISHING = ("publishing", "gateway", "prompthub")
# Rows that name a release and do not move.
OF_A_RELEASE = frozenset({"Activation", "CoachSession", "Pin", "ReleaseMark", "ReleaseRequirement", "ReleaseSignature"})

POINTERS = (
    Pointer("PromptInstance", frozenset({"active_version", "active_version_id"}), "instances/versions.py"),
    Pointer("PublishedSecrets", frozenset({"sealed_values"}), "instances/versions.py", also="instances/erasure.py"),
    Pointer(
        "Lane",
        frozenset({"owner", "leased_until", "not_before", "failures", "open_until", "rung_until"}),
        "publishing/lanes.py",
        ABOVE_PUBLISHING,
    ),
    Pointer("Lane", frozenset({"epoch"}), "publishing/lanes.py", ABOVE_PUBLISHING, also="publishing/deliveries.py"),
    Pointer(
        "Delivery", frozenset({"state"}), "publishing/deliveries.py", ABOVE_PUBLISHING, also="publishing/closing.py"
    ),
    Pointer("Channel", frozenset({"release", "release_id"}), "registry/channels.py", others=OF_A_RELEASE),
    Pointer(
        "Channel",
        frozenset({"split_release", "split_release_id", "split_percent", "split_segments"}),
        "registry/channels.py",
        others=frozenset({"Activation"}),
    ),
    Pointer("Activation", frozenset({"ordinal", "active_at"}), "registry/channels.py", ("registry",)),
    Pointer("Suggestion", frozenset({"state"}), "assist/runs.py", ("assist", "portal"), also="assist/refine.py"),
)


def _written(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """Columns that a node writes: where, which, and what the written thing is called in the code."""
    match node:
        case ast.Assign(targets=targets):
            flat = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)]
            yield from ((part, part.attr, dotted(part.value)) for part in flat if isinstance(part.ctx, ast.Store))
        case ast.AugAssign(target=ast.Attribute() as target) | ast.AnnAssign(target=ast.Attribute() as target):
            yield target, target.attr, dotted(target.value)
        case ast.Call(func=ast.Name(id="setattr"), args=[receiver, ast.Constant(value=str(name)), *_]):
            yield node, name, dotted(receiver)
        case ast.Call(func=func, keywords=keywords):
            called = dotted(func)
            last = called.rpartition(".")[2]
            if last in {"update", "create", "get_or_create", "update_or_create"} or last[:1].isupper():
                yield from ((node, keyword.arg, called) for keyword in keywords if keyword.arg)
                for keyword in keywords:
                    if keyword.arg in {"defaults", "create_defaults"} and isinstance(keyword.value, ast.Dict):
                        keys = [key.value for key in keyword.value.keys if isinstance(key, ast.Constant)]
                        yield from ((node, key, called) for key in keys)


def second_writers(source: Source, pointer: Pointer) -> Iterator[str]:
    if source.path in {pointer.writer, pointer.also} or source.package not in pointer.known_in:
        return
    for node in ast.walk(source.tree):
        for place, column, called in _written(node):
            if column not in pointer.columns:
                continue
            last = called.rpartition(".")[2]
            constructs_another = last[:1].isupper() and last not in {pointer.model, "Update"}
            constructs_another |= bool(pointer.others & set(called.split(".")[:-1])) and ".objects.create" in called
            if not constructs_another and called != "self":
                yield at(source, place, f"writes {pointer.model}.{column}; only {pointer.writer} does")


@pytest.mark.parametrize("pointer", POINTERS, ids=lambda pointer: f"{pointer.model}.{min(pointer.columns)}")
def test_a_pointer_has_one_writer(pointer):
    assert [problem for source in sources() for problem in second_writers(source, pointer)] == []


@pytest.mark.parametrize("pointer", POINTERS, ids=lambda pointer: f"{pointer.model}.{min(pointer.columns)}")
def test_the_one_writer_of_a_pointer_writes_it(pointer):
    found = {
        column
        for source in sources()
        if source.path == pointer.writer
        for node in ast.walk(source.tree)
        for _, column, _ in _written(node)
    }
    assert found & pointer.columns, f"{pointer.writer} writes none of {sorted(pointer.columns)}"


@pytest.mark.parametrize(
    "code",
    [
        "instance.active_version = version",
        "instance.active_version_id = version.id",
        "first.active_version, second = version, 1",
        "instance.active_version: object = version",
        "PromptInstance.objects.filter(pk=1).update(active_version=version)",
        "rows.update(active_version=version)",
        "prepared.Update(lambda: PromptInstance.objects.all(), active_version=Given('version', UUIDField()))",
        "setattr(instance, 'active_version', version)",
        "PromptInstance(active_version=version)",
        "models.PromptInstance.objects.create(active_version=version)",
        "PromptInstance.objects.update_or_create(pk=1, defaults={'active_version': version})",
    ],
)
def test_a_second_writer_is_seen(code):
    assert list(second_writers(parse(code), POINTERS[0])) != []


@pytest.mark.parametrize(
    "code",
    [
        "PromptInstance.objects.filter(active_version=version)",
        "if instance.active_version == version: pass",
        "active_version = instance.active_version",
        "Published(active_version=version)",
    ],
)
def test_a_reader_is_let_through(code):
    assert list(second_writers(parse(code), POINTERS[0])) == []


CHANNEL = next(pointer for pointer in POINTERS if pointer.model == "Channel")


@pytest.mark.parametrize(
    "code",
    [
        "channel.release = release",
        "Channel.objects.filter(pk=1).update(release=release)",
        "Channel.objects.create(release=release)",
        "channels.filter(pk=1).update(release_id=key)",
        "Pin.objects.filter(pk=1).update(release=release)",
        "activation.release = release",
    ],
)
def test_a_second_writer_of_a_channel_is_seen(code):
    assert list(second_writers(parse(code, "registry/sample.py"), CHANNEL)) != []


@pytest.mark.parametrize(
    "code",
    [
        "ReleaseMark.objects.create(release=release)",
        "models.ReleaseMark.objects.create(release=release)",
        "Pin(release=release)",
        "Channel.objects.filter(release=release)",
    ],
)
def test_rows_that_name_a_release_are_let_through(code):
    assert list(second_writers(parse(code, "registry/sample.py"), CHANNEL)) == []


def test_the_writer_itself_is_let_through():
    own = parse("instance.active_version = version", POINTERS[0].writer)
    assert list(second_writers(own, POINTERS[0])) == []
