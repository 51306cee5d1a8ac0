"""Signed releases and the index of a repository: what a reader believes, and what gives a forgery away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from audit.models import AuditEvent
from prompthub_kernel.errors import NotFound, Refused
from prompthub_kernel.signing import Entry, Index, index_problems, signature_problems
from registry import ed25519, numbering, releases, signing
from registry.models import RepositoryIndex, SigningKey
from tests.factories import make_actor
from tests.factories.workbench import Workbench

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench():
    bench = Workbench(slug="support")
    bench.write("a", "One.")
    bench.cut("1.0.0")
    return bench


class Reader:
    """Keeps the last index it believed, as a client does."""

    def __init__(self, bench, at):
        self.bench, self.at = bench, at
        self.keys, self.last = signing.public_keys(), None

    def believe(self, row):
        index = Index.from_json(row.document)
        signatures = {name: signing.decoded(text) for name, text in row.signatures.items()}
        problems = index_problems(
            index,
            signatures,
            repository=self.bench.project.slug,
            last=self.last,
            keys=self.keys,
            at=self.at,
            verify=ed25519.verified,
        )
        if not problems:
            self.last = index
        return [problem.code for problem in problems]

    def read(self):
        return self.believe(signing.index(project=self.bench.project, actor=self.bench.by, at=self.at))


def _release(bench, version="1.0.0"):
    return releases.get(bundle=bench.bundle, version=version, actor=bench.by)


def test_a_release_is_vouched_for_and_another_text_is_not(bench):
    bench.write("a", "Two.")
    first, second = _release(bench), bench.cut("1.0.1")
    signatures = signing.signatures(release=first)
    trust = {"keys": signing.public_keys(), "verify": ed25519.verified}
    assert signature_problems(first.paper, signatures, **trust) == []
    assert [problem.code for problem in signature_problems(second.paper, signatures, **trust)] == ["signature"]
    assert [problem.code for problem in signature_problems(first.paper, {}, **trust)] == ["unsigned"]
    assert not ed25519.verified(b"no key", b"no signature", b"")


def test_the_private_key_is_encrypted_where_it_is_kept(bench):
    key = SigningKey.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT private FROM {SigningKey._meta.db_table}")
        (stored,) = cursor.fetchone()
    assert key.private not in stored
    assert len(signing.decoded(key.private)) == 32


def test_an_index_tells_every_release_and_follows_the_one_before(bench, at):
    reader = Reader(bench, at)
    assert reader.read() == []
    assert (reader.last.counter, reader.last.previous) == (1, None)
    assert reader.last.bundles == {"support": {"1.0.0": Entry(_release(bench).digest)}}
    bench.write("a", "Two.")
    bench.cut("1.0.1+build.7")
    assert reader.read() == []
    assert (reader.last.counter, set(reader.last.bundles["support"])) == (2, {"1.0.0", "1.0.1"})
    assert reader.read() == []
    assert reader.last.counter == 2  # nothing happened: it is the same paper


def test_a_yank_and_a_release_that_was_taken_back_are_told(bench, at, system):
    reader = Reader(bench, at)
    reader.read()
    bench.write("a", "Two.")
    second = bench.cut("1.0.1")
    reader.read()
    releases.yank(release=_release(bench), reason="security", by=system, at=at)
    releases.revert(release=second, by=system, at=at)
    assert reader.read() == []
    told = reader.last.bundles["support"]
    assert (told["1.0.0"].yanked, told["1.0.1"].digest) == (True, None)


def test_an_older_index_and_one_of_another_repository_are_not_believed(bench, at, system):
    reader = Reader(bench, at)
    first = signing.index(project=bench.project, actor=system, at=at)
    reader.read()
    bench.write("a", "Two.")
    bench.cut("1.0.1")
    reader.read()
    assert "rolled_back" in reader.believe(first)
    other = Workbench()
    other.write("a", "One.")
    other.cut("1.0.0")
    foreign = signing.index(project=other.project, actor=system, at=at)
    assert "repository" in reader.believe(foreign)


def test_an_index_is_signed_anew_before_it_expires(bench, at, system):
    reader = Reader(bench, at)
    reader.read()
    reader.at = at + signing.LIFETIME / 2
    assert reader.read() == []
    assert reader.last.counter == 2
    stale = RepositoryIndex.objects.get(counter=1)
    reader.at = at + signing.LIFETIME
    assert {"expired", "rolled_back"} <= set(reader.believe(stale))


def test_a_new_key_is_introduced_by_the_old_one_which_is_gone_then(bench, at, system):
    reader = Reader(bench, at)
    reader.read()
    (old,) = signing.public_keys()
    new = signing.rotate(by=system, at=at)
    assert set(signing.public_keys()) == {new.pk}
    assert set(signing.public_keys(retired=True)) == {old, new.pk}
    assert SigningKey.objects.get(pk=old).private == ""
    introduced = signing.earlier(project=bench.project, counter=2, actor=system)
    assert set(introduced.signatures) == {old, new.pk}
    assert reader.believe(introduced) == []
    bench.write("a", "Two.")
    assert set(signing.signatures(release=bench.cut("1.0.1"))) == {new.pk}
    assert reader.read() == []
    assert set(reader.last.keys) == {new.pk}
    assert AuditEvent.objects.filter(action="signing.key.rotate", subject_id=new.pk).count() == 1


def test_whoever_missed_the_change_of_keys_reads_the_index_between(bench, at, system):
    reader = Reader(bench, at)
    reader.read()
    signing.rotate(by=system, at=at)
    bench.write("a", "Two.")
    bench.cut("1.0.1")
    assert reader.read() == ["unsigned"]
    assert reader.believe(signing.earlier(project=bench.project, counter=2, actor=system)) == []
    assert reader.read() == []


def test_only_the_installations_administrators_change_keys_and_only_readers_see_an_index(bench, at):
    with pytest.raises(Refused):
        signing.rotate(by=make_actor(roles={bench.project: "administrator"}), at=at)
    for ask in (
        lambda: signing.index(project=bench.project, actor=make_actor(), at=at),
        lambda: signing.earlier(project=bench.project, counter=1, actor=make_actor()),
        lambda: signing.earlier(project=bench.project, counter=9, actor=bench.by),
    ):
        with pytest.raises(NotFound):
            ask()


def test_after_a_restore_the_index_is_ahead_of_every_one_that_was_seen(bench, at, system):
    reader = Reader(bench, at)
    reader.read()
    assert numbering.skip(ahead=1_000, at=at) == 1
    assert reader.read() == []
    assert reader.last.counter == 1_002


def test_a_forged_index_is_seen(bench, at, system):
    row = signing.index(project=bench.project, actor=system, at=at + timedelta(seconds=1))
    row.document["bundles"]["support"]["1.0.0"]["yanked"] = True
    assert Reader(bench, at).believe(row) == ["signature"]
