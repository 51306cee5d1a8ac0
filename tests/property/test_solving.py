"""The solver against trying everything, on universes small enough for that."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.errors import Invalid
from prompthub_kernel.selector import Range, parse_selector
from prompthub_kernel.semver import SemVer
from prompthub_kernel.solving import solve
from prompthub_kernel.solving_versions import Versions
from tests.property.effort import examples

BUNDLES = ("@acme/a", "@acme/b", "@acme/c", "@acme/d", "@acme/e")
VERSIONS = tuple(map(SemVer.parse, ("1.0.0", "1.1.0", "1.1.0-gpt4", "2.0.0-rc.1", "2.0.0", "2.0.1")))
SELECTORS = tuple(
    map(parse_selector, ("*", "^1", "^1", "^2", "~1.1", ">=1.1", "1.0.0", "^1-gpt4", "^2.0.0-rc.1", "2.0.1", "^3"))
)


class World:
    """A catalogue in memory: bundle → version → requirements, and what was yanked of it."""

    def __init__(self, releases, yanked=()):
        self.releases = releases
        self.skipped = set(yanked)

    def versions(self, bundle):
        return self.releases.get(bundle, {})

    def yanked(self, bundle):
        return [version for name, version in self.skipped if name == bundle]

    def requirements(self, bundle, version):
        return self.releases[bundle][version]


REQUIREMENTS = st.dictionaries(st.sampled_from(BUNDLES), st.sampled_from(SELECTORS), max_size=3)
RELEASES = st.dictionaries(
    st.sampled_from(BUNDLES),
    st.dictionaries(st.sampled_from(VERSIONS), REQUIREMENTS, min_size=1, max_size=4),
    min_size=2,
    max_size=4,
)
YANKED = st.sets(st.tuples(st.sampled_from(BUNDLES), st.sampled_from(VERSIONS)), max_size=2)
WORLDS = st.builds(World, RELEASES, YANKED)
ROOTS = st.dictionaries(st.sampled_from(BUNDLES[:4]), st.sampled_from(SELECTORS[:8]), min_size=1, max_size=3)


def fits(world, root, chosen, locked=()):
    """Whether each is needed, every need is met without a cycle, and what was yanked is there by its very version."""
    spared = {(name, selector.version) for name, selector in root.items() if not isinstance(selector, Range)}
    reached, waiting, edges = set(), [(None, root)], {}
    while waiting:
        source, requirements = waiting.pop()
        edges[source] = set(requirements)
        for name, selector in requirements.items():
            version = chosen.get(name)
            if version is None or not selector.matches(version):
                return False
            skipped = (name, version) in world.skipped and (name, version) not in spared | set(locked)
            if skipped and isinstance(selector, Range):
                return False
            if name not in reached:
                reached.add(name)
                waiting.append((name, world.requirements(name, version)))
    return reached == set(chosen) and acyclic(edges)


def acyclic(edges):
    edges = dict(edges)
    while done := [name for name, needed in edges.items() if not needed & set(edges)]:
        for name in done:
            del edges[name]
    return not edges


def everything(world):
    choices = [[(name, None), *((name, version) for version in versions)] for name, versions in world.releases.items()]
    for combination in itertools.product(*choices):
        yield {name: version for name, version in combination if version}


def attempt(root, world, **more):
    try:
        return dict(solve(root, world, **more).versions)
    except Invalid as error:
        if error.code not in {"422.dependency_unsatisfiable", "422.dependency_cycle"}:
            raise
        return None


@examples(200)
@given(ROOTS, WORLDS)
def test_it_finds_a_solution_exactly_when_there_is_one(root, world):
    chosen = attempt(root, world)
    if chosen is None:
        assert [one for one in everything(world) if fits(world, root, one)] == []
    else:
        assert fits(world, root, chosen)


@examples(200)
@given(ROOTS, WORLDS)
def test_no_release_of_a_solution_could_be_a_higher_one(root, world):
    chosen = attempt(root, world) or {}
    for name, version in chosen.items():
        higher = [other for other in world.versions(name) if other > version]
        assert [other for other in higher if fits(world, root, chosen | {name: other})] == []


@examples(100)
@given(ROOTS, WORLDS, st.randoms())
def test_the_order_in_which_things_are_given_does_not_matter(root, world, choose):
    def shuffled(mapping):
        keys = list(mapping)
        choose.shuffle(keys)
        return {key: mapping[key] for key in keys}

    releases = {
        bundle: shuffled({version: shuffled(needed) for version, needed in versions.items()})
        for bundle, versions in world.releases.items()
    }
    again = World(shuffled(releases), world.skipped)
    assert attempt(shuffled(root), again) == attempt(root, world)


@examples(100)
@given(ROOTS, WORLDS)
def test_what_was_found_stays_when_it_is_locked_even_if_it_is_yanked_meanwhile(root, world):
    chosen = attempt(root, world)
    if chosen is not None:
        later = World(world.releases, world.skipped | set(chosen.items()))
        assert attempt(root, later, locked=chosen) == chosen


@examples(200)
@given(st.sets(st.sampled_from(VERSIONS)), st.sampled_from(SELECTORS))
def test_bits_say_the_same_as_the_selector(versions, selector):
    bits = Versions(versions)
    assert bits.among(bits.taken(selector)) == sorted(filter(selector.matches, versions))
