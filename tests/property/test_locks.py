import json

from hypothesis import given
from hypothesis import strategies as st

import contracts
from prompthub_kernel.canonical import canonical_json
from prompthub_kernel.errors import Invalid
from prompthub_kernel.lockfile import Lockfile, problems
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.selector import Exact
from tests.property.effort import examples
from tests.property.versions import CLOSE_VERSIONS, NAMED, outcome

DIGESTS = st.integers(0, 3).map(lambda digit: f"sha256:{digit}" + "0" * 63)
TEXTS = st.dictionaries(st.sampled_from(["system", "styles/calm", "a_b"]), DIGESTS, max_size=2)
NAMES = [f"@acme/b{number}" for number in range(3)]


@st.composite
def locks(draw):
    """A lock whose bundles require later ones, all of them needed."""
    versions = [draw(CLOSE_VERSIONS) for _ in NAMES]
    manifests = []
    for place, (name, version) in enumerate(zip(NAMES, versions, strict=True)):
        later = [other for other in range(place + 1, len(NAMES)) if draw(st.booleans())]
        requires = {NAMES[other]: Exact(versions[other]) for other in later}
        manifests.append(Manifest(name, version, draw(TEXTS), requires))
    selectors = NAMED | st.just(None)
    asked = {name: draw(selectors) or Exact(version) for name, version in zip(NAMES, versions, strict=True)}
    return Lockfile.of(asked, manifests)


@examples()
@given(locks())
def test_a_lock_is_read_as_it_is_written(lock):
    again = Lockfile.parse(lock.dump())
    assert again == lock
    assert again.dump() == lock.dump()
    assert again.digest() == lock.digest() == Lockfile.parse(canonical_json(lock.to_json())).digest()
    assert problems(lock, again) == []
    assert contracts.problems("lockfile", lock.to_json()) == []


@examples()
@given(locks(), locks())
def test_two_locks_have_no_problems_exactly_when_they_are_one(some, other):
    assert (problems(some, other) == []) == (some.digest() == other.digest())


PIECES = st.sampled_from([None, True, 1, 2, "", "x", "^1", "2.1", "stable", [], {}, {"@a/b": "^1"}, "sha256:"])


def replaced(value, places, piece):
    """The value with the piece at one of its places."""
    spots = [()]
    for spot in spots:
        inner = value
        for step in spot:
            inner = inner[step]
        spots += [(*spot, name) for name in inner] if isinstance(inner, dict) else []
    spot = spots[places % len(spots)]
    if not spot:
        return piece
    inner = value
    for step in spot[:-1]:
        inner = inner[step]
    inner[spot[-1]] = piece
    return value


@examples(150)
@given(locks(), st.integers(0, 200), PIECES)
def test_what_the_contract_refuses_is_refused(lock, places, piece):
    value = replaced(json.loads(lock.dump()), places, piece)
    found, refused = outcome(Lockfile.from_json, value)
    if contracts.problems("lockfile", value):
        assert refused is not None
    if refused is None:
        assert Lockfile.parse(found.dump()) == found
    else:
        assert isinstance(refused, Invalid)
        assert refused.problems
