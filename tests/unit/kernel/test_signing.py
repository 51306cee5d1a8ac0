from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from prompthub_kernel.canonical import sha256_digest
from prompthub_kernel.errors import Invalid
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.semver import SemVer
from prompthub_kernel.signing import Entry, Index, index_problems, key_id, signature_problems, signed_bytes

MADE = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
OLD, NEW, STRANGE = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))


def public(key):
    return key.public_key().public_bytes_raw()


def named(*keys):
    return {key_id(public(key)): public(key) for key in keys}


def signed(paper, *keys):
    return {key_id(public(key)): key.sign(signed_bytes(paper)) for key in keys}


def verify(key, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def digest(word):
    return sha256_digest(word.encode())


MANIFEST = Manifest("@acme/support", SemVer(2, 1, 0), {"welcome": digest("hello")})
FIRST = Index(
    repository="acme",
    counter=1,
    made=MADE,
    expires=MADE + timedelta(days=7),
    previous=None,
    keys=named(OLD),
    bundles={"support": {"2.0.0": Entry(digest("2.0.0")), "2.1.0": Entry(MANIFEST.digest(), yanked=True)}},
)


def after(last, **changes):
    return replace(last, counter=last.counter + 1, previous=last.digest(), **changes)


def found(index, *keys, last=FIRST, at=MADE, repository="acme", given=None):
    arguments = {"repository": repository, "last": last, "keys": given or named(OLD), "at": at, "verify": verify}
    return [(p.code, p.pointer) for p in index_problems(index, signed(index, *keys), **arguments)]


def test_a_release_is_vouched_for_by_a_trusted_key():
    assert signature_problems(MANIFEST, signed(MANIFEST, OLD), keys=named(OLD), verify=verify) == []
    assert signature_problems(MANIFEST, signed(MANIFEST, OLD, STRANGE), keys=named(OLD, NEW), verify=verify) == []


@pytest.mark.parametrize(
    ("paper", "signatures", "code"),
    [
        (MANIFEST, {}, "unsigned"),
        (MANIFEST, signed(MANIFEST, STRANGE), "unsigned"),
        (replace(MANIFEST, prompts={"welcome": digest("hullo")}), signed(MANIFEST, OLD), "signature"),
        (MANIFEST, {name: value[:-1] for name, value in signed(MANIFEST, OLD).items()}, "signature"),
        (MANIFEST, signed(MANIFEST, NEW) | dict.fromkeys(named(OLD), b"\0" * 64), "signature"),
    ],
)
def test_a_release_without_a_right_signature_is_told(paper, signatures, code):
    (problem,) = signature_problems(paper, signatures, keys=named(OLD, NEW), verify=verify)
    assert problem.code == code


def test_a_release_and_an_index_are_never_taken_for_each_other():
    assert signed_bytes(MANIFEST).partition(b"\n")[0] != signed_bytes(FIRST).partition(b"\n")[0]


def test_an_index_is_read_as_it_is_written():
    again = Index.from_json(FIRST.to_json())
    assert again == FIRST
    assert again.digest() == FIRST.digest()
    assert FIRST.to_json()["expires"] == "2026-02-07T09:30:00.000Z"
    second = after(FIRST, bundles={"support": {"2.0.0": Entry(None)}})
    assert Index.from_json(second.to_json()) == second


def test_an_index_is_believed_at_first_by_a_given_key_and_again_when_it_did_not_change():
    assert found(FIRST, OLD, last=None) == []
    assert found(FIRST, OLD) == []


def test_an_index_that_follows_is_believed():
    more = {**FIRST.bundles["support"], "2.2.0": Entry(digest("2.2.0"))}
    assert found(after(FIRST, bundles={"support": more, "other": {}}), OLD) == []


def test_indices_may_be_skipped_but_not_rolled_back():
    second = after(FIRST)
    third = after(second)
    assert found(third, OLD) == []
    assert found(second, OLD, last=third) == [("rolled_back", "/counter")]


def test_an_old_index_is_not_believed_for_ever():
    assert found(FIRST, OLD, at=FIRST.expires - timedelta(seconds=1)) == []
    assert found(FIRST, OLD, at=FIRST.expires) == [("expired", "/expires")]


def test_the_index_of_another_repository_is_refused():
    assert found(FIRST, OLD, last=None, repository="other") == [("repository", "/repository")]


def test_an_index_that_does_not_follow_the_last_is_a_fork():
    assert found(replace(after(FIRST), previous=digest("x")), OLD) == [("forked", "/previous")]
    assert found(replace(FIRST, expires=FIRST.expires + timedelta(days=1)), OLD) == [("forked", "/counter")]


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"2.0.0": Entry(digest("2.0.0"))}, [("vanished", "/bundles/support/2.1.0")]),
        ({"2.0.0": Entry(digest("x")), "2.1.0": Entry(MANIFEST.digest())}, [("reused", "/bundles/support/2.0.0")]),
        ({"2.0.0": Entry(None), "2.1.0": Entry(MANIFEST.digest())}, []),
    ],
)
def test_a_version_stays_what_it_was(versions, told):
    assert found(after(FIRST, bundles={"support": versions}), OLD) == told


def test_a_reverted_version_is_never_used_again():
    reverted = after(FIRST, bundles={"support": {"2.0.0": Entry(None)}})
    again = after(reverted, bundles={"support": {"2.0.0": Entry(digest("2.0.0"))}})
    assert found(again, OLD, last=reverted) == [("reused", "/bundles/support/2.0.0")]


def test_keys_change_by_an_index_that_a_trusted_key_signed():
    second = after(FIRST, keys=named(NEW))
    third = after(second)
    assert found(second, NEW) == [("unsigned", "/signatures")]
    assert found(second, OLD) == []
    assert found(third, OLD, last=second) == [("unsigned", "/signatures")]
    assert found(third, NEW, last=second) == []
    assert found(third, NEW) == [("unsigned", "/signatures")]


def test_a_given_key_does_not_override_those_of_the_last_index():
    assert found(after(FIRST), STRANGE, given=named(STRANGE)) == [("unsigned", "/signatures")]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"index": 2}, "/index"),
        ({"repository": "@acme"}, "/repository"),
        ({"repository": 1}, "/repository"),
        ({"counter": 0}, "/counter"),
        ({"counter": True}, "/counter"),
        ({"counter": 2**53}, "/counter"),
        ({"previous": digest("x")}, "/previous"),
        ({"counter": 2}, "/previous"),
        ({"counter": 2, "previous": "x"}, "/previous"),
        ({"made": "2026-01-31"}, "/made"),
        ({"expires": "2026-02-31T09:30:00.000Z"}, "/expires"),
        ({"expires": None}, "/expires"),
        ({"keys": {}}, "/keys"),
        ({"keys": {"ed25519:0": "AAAA"}}, "/keys/ed25519:0"),
        ({"keys": {"ed25519:0": "ä"}}, "/keys/ed25519:0"),
        ({"keys": {"ed25519:0": None}}, "/keys/ed25519:0"),
        ({"bundles": []}, "/bundles"),
        ({"bundles": {"A": {}}}, "/bundles/A"),
        ({"bundles": {"a": {"1": {"digest": None, "yanked": False}}}}, "/bundles/a/1"),
        ({"bundles": {"a": {"1.0.0+x": {"digest": None, "yanked": False}}}}, "/bundles/a/1.0.0+x"),
        ({"bundles": {"a": {"1.0.0": {"digest": "x", "yanked": False}}}}, "/bundles/a/1.0.0/digest"),
        ({"bundles": {"a": {"1.0.0": {"digest": None, "yanked": 0}}}}, "/bundles/a/1.0.0/yanked"),
        ({"bundles": {"a": {"1.0.0": {"digest": None}}}}, "/bundles/a/1.0.0/yanked"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_is_no_index_is_refused_at_its_place(change, pointer):
    with pytest.raises(Invalid) as refused:
        Index.from_json({**FIRST.to_json(), **change})
    assert refused.value.problems[0].pointer == pointer
