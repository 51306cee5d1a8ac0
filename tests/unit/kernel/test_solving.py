import pytest

from prompthub_kernel.errors import Invalid
from prompthub_kernel.selector import parse_selector
from prompthub_kernel.semver import SemVer
from prompthub_kernel.solving import solve
from prompthub_kernel.solving_explaining import MAX_SENTENCES


class Shelf:
    """A catalogue from texts; a version that ends with ``!`` was yanked. ``asked`` is what the solver asked about."""

    def __init__(self, **bundles):
        self.bundles = {f"@acme/{name}": releases for name, releases in bundles.items()}
        self.asked = []

    def versions(self, bundle):
        self.asked.append(bundle)
        return [SemVer.parse(text.rstrip("!")) for text in self.bundles.get(bundle, ())]

    def yanked(self, bundle):
        return [SemVer.parse(text[:-1]) for text in self.bundles[bundle] if text.endswith("!")]

    def requirements(self, bundle, version):
        releases = self.bundles[bundle]
        return needs(releases.get(str(version), releases.get(f"{version}!")))


def needs(texts):
    return {f"@acme/{name}": parse_selector(text) for name, text in texts.items()}


def chosen(root, shelf, **more):
    found = solve(needs(root), shelf, **more)
    return {name.removeprefix("@acme/"): str(version) for name, version in found.versions.items()}


def refused(root, shelf, **more):
    with pytest.raises(Invalid) as caught:
        solve(needs(root), shelf, **more)
    return caught.value


TONES = {"1.0.0": {}, "1.4.0": {}, "2.0.0": {}, "2.1.0": {}}


def test_the_highest_releases_are_chosen_and_only_of_what_is_needed():
    shelf = Shelf(base={"1.0.0": {}, "1.2.0": {"tone": "^2"}}, tone=TONES, other={"1.0.0": {}})
    assert chosen({"base": "^1"}, shelf) == {"base": "1.2.0", "tone": "2.1.0"}
    assert "@acme/other" not in shelf.asked


def test_an_older_release_is_chosen_when_the_newest_needs_what_does_not_fit():
    shelf = Shelf(base={"1.0.0": {}, "1.1.0": {"tone": "^1"}, "1.2.0": {"tone": "^1.4"}}, tone=TONES)
    assert chosen({"base": "^1", "tone": "^2"}, shelf) == {"base": "1.0.0", "tone": "2.1.0"}


def test_a_range_takes_the_builds_of_its_variant():
    shelf = Shelf(base={"1.0.0": {}, "1.0.0-gpt4": {"tone": "^1"}, "1.1.0": {}}, tone=TONES)
    assert chosen({"base": "^1-gpt4"}, shelf) == {"base": "1.0.0-gpt4", "tone": "1.4.0"}
    assert chosen({"base": "^1"}, shelf) == {"base": "1.1.0"}


def test_a_pre_release_is_chosen_only_when_the_range_names_one():
    shelf = Shelf(base={"1.0.0": {}, "1.1.0-rc.1": {}})
    assert chosen({"base": "^1"}, shelf) == {"base": "1.0.0"}
    assert chosen({"base": "^1.1.0-rc.1"}, shelf) == {"base": "1.1.0-rc.1"}


def test_what_a_lock_holds_is_kept_where_it_fits():
    shelf = Shelf(base={"1.0.0": {"tone": "*"}, "1.1.0": {"tone": "^2"}}, tone=TONES)
    locked = {"@acme/base": SemVer.parse("1.0.0"), "@acme/tone": SemVer.parse("1.0.0")}
    assert chosen({"base": "^1"}, shelf, locked=locked) == {"base": "1.0.0", "tone": "1.0.0"}
    assert chosen({"base": "^1.1"}, shelf, locked=locked) == {"base": "1.1.0", "tone": "2.1.0"}
    assert chosen({"tone": "*"}, shelf, locked={"@acme/tone": SemVer.parse("1.9.0")}) == {"tone": "2.1.0"}


def test_a_yanked_release_is_chosen_only_when_it_is_named_or_locked():
    shelf = Shelf(base={"1.0.0": {}, "1.1.0!": {}}, sure={"1.0.0": {"base": "1.1.0"}})
    assert chosen({"base": "^1"}, shelf) == {"base": "1.0.0"}
    assert chosen({"base": "1.1.0"}, shelf) == {"base": "1.1.0"}
    assert chosen({"base": "^1"}, shelf, locked={"@acme/base": SemVer.parse("1.1.0")}) == {"base": "1.1.0"}
    assert chosen({"sure": "*"}, shelf) == {"base": "1.1.0", "sure": "1.0.0"}


def test_a_conflict_is_told_in_sentences():
    shelf = Shelf(base={"1.0.0": {}, "2.0.0": {"tone": "^1"}, "2.1.0": {"tone": "^1"}}, tone=TONES)
    error = refused({"base": "^2", "tone": "^2"}, shelf, bundle="@acme/sales")
    assert error.code == "422.dependency_unsatisfiable"
    assert error.context["explanation"] == [
        (
            "Because every version of @acme/base that fits ^2 needs @acme/tone ^1 "
            "and your bundle needs @acme/base ^2, @acme/tone ^1 is needed."
        ),
        "And because your bundle needs @acme/tone ^2, the requirements of your bundle cannot all be met.",
    ]
    assert error.detail == " ".join(error.context["explanation"])
    assert sorted(problem.pointer for problem in error.problems) == [
        "/requirements/@acme~1base",
        "/requirements/@acme~1tone",
    ]


@pytest.mark.parametrize(
    ("tones", "other", "own", "told"),
    [
        (["1.0.0", "2.0.0"], ">=1.0 <1.5", ">=1.2 <3", "."),
        (["1.0.0", "1.3.0!", "2.0.0"], ">=1.0 <1.5", ">=1.2 <3", ": 1.3.0 would, but was yanked."),
        (["1.0.0", "1.1.0-rc.1"], "^1.0", "^1.1.0-rc.1", ": ^1.0 takes no pre-release of 1.1.0, since it names none."),
        (["1.0.0", "1.1.0-rc.1"], "1.1.0-rc.1", "^1.0", ": ^1.0 takes no pre-release of 1.1.0, since it names none."),
        (["1.0.0", "1.0.0-gpt4"], "^1", "^1-gpt4", ": a range takes the builds of one variant."),
        (["1.0.0", "1.5.0", "2.6.0"], "1.0.0 || ^2", ">=1.0.1 <2.5", "."),
    ],
)
def test_of_ranges_that_overlap_it_is_told_why_no_release_is_in_both(tones, other, own, told):
    shelf = Shelf(base={"1.0.0": {"tone": other}}, tone={one: {} for one in tones})
    explanation = refused({"base": "^1", "tone": own}, shelf, bundle="@acme/sales").context["explanation"]
    assert explanation[-2].endswith("the requirements of your bundle cannot all be met.")
    orders = ((other, own), (own, other))
    assert explanation[-1] in {f"No release of @acme/tone fits both {one} and {two}{told}" for one, two in orders}


def test_what_is_not_in_a_range_as_a_pre_release_is_told():
    error = refused({"tone": "^1.0"}, Shelf(tone={"1.1.0-rc.1": {}}))
    assert error.detail == (
        "Your project needs @acme/tone ^1.0, but ^1.0 takes no pre-release of 1.1.0, since it names none."
    )


def test_a_story_stays_as_long_as_it_may_be_with_what_is_told_of_ranges():
    chain = {
        f"r{rung:03}": {"1.0.0": {f"r{rung + 1:03}": "^1"}, "1.1.0": {f"r{rung + 1:03}": "^1"}} for rung in range(60)
    }
    root = {"r000": "*", "r060": ">=1.5 <3"}
    told = refused(root, Shelf(**chain, r060={"1.0.0": {}, "2.0.0": {}})).context["explanation"]
    assert len(told) == MAX_SENTENCES
    assert any("further steps are left out" in sentence for sentence in told)
    assert told[-2].endswith("the requirements of your project cannot all be met.")
    assert told[-1] == "No release of @acme/r060 fits both >=1.5 <3 and ^1."


def test_what_has_nothing_to_do_with_a_conflict_is_not_told():
    noise = {f"noise{number}": {"1.0.0": {"tone": "*"}, "1.1.0": {"tone": ">=1"}} for number in range(20)}
    shelf = Shelf(base={"2.0.0": {"tone": "^1"}}, tone=TONES, **noise)
    error = refused(dict.fromkeys(noise, "^1") | {"base": "^2", "tone": "^2"}, shelf)
    assert "noise" not in error.detail
    assert len(error.problems) == 2


def test_a_conflict_of_several_releases_is_told_step_by_step():
    shelf = Shelf(
        a={"1.0.0": {"c": "^1"}, "1.1.0": {"d": "^1"}},
        b={"1.0.0": {"c": "^2", "d": "^2"}, "1.1.0": {"c": "^2", "d": "^2"}},
        c={"1.0.0": {}, "2.0.0": {}},
        d={"1.0.0": {}, "2.0.0": {}},
    )
    assert refused({"a": "*", "b": "*"}, shelf).context["explanation"] == [
        (
            "Because @acme/a 1.0.0 needs @acme/c ^1 and @acme/a 1.1.0 needs @acme/d ^1, "
            "every version of @acme/a needs @acme/c ^1 or @acme/d ^1."
        ),
        "And because every version of @acme/b needs @acme/d ^2, @acme/a and @acme/b together need @acme/c ^1.",
        "And because every version of @acme/b needs @acme/c ^2, @acme/a and @acme/b cannot be used together.",
        "And because your project needs @acme/a, no version of @acme/b can be used.",
        "And because your project needs @acme/b, the requirements of your project cannot all be met.",
    ]


@pytest.mark.parametrize(
    ("base", "selector", "told"),
    [
        ({}, "^1", "Your project needs @acme/base ^1, of which there is no release."),
        ({"1.0.0": {}}, "^2", "Your project needs @acme/base ^2, which its only version, 1.0.0, does not fit."),
        (
            {"1.0.0": {}, "1.1.0-gpt4": {}},
            "^1-gpt5",
            "Your project needs @acme/base ^1-gpt5, which none of its versions, 1.0.0 to 1.1.0-gpt4, fits.",
        ),
        ({"1.0.0!": {}}, "^1", "Your project needs @acme/base ^1, of which 1.0.0 would fit, but was yanked."),
    ],
)
def test_what_is_not_there_is_told(base, selector, told):
    assert refused({"base": selector}, Shelf(base=base)).context["explanation"] == [told]


def test_a_bundle_that_needs_itself_by_way_of_others_is_told_with_the_way():
    shelf = Shelf(base={"1.0.0": {"tone": "*"}}, tone={"1.0.0": {"sales": "^1"}}, sales={"1.0.0": {}})
    error = refused({"base": "*"}, shelf, bundle="@acme/sales")
    assert error.code == "422.dependency_cycle"
    assert error.context["cycle"] == ["@acme/sales", "@acme/base", "@acme/tone", "@acme/sales"]
    assert error.detail.startswith(
        "Bundles cannot need themselves: @acme/sales → @acme/base → @acme/tone → @acme/sales."
    )
    assert refused({"sales": "*"}, shelf, bundle="@acme/sales").context["cycle"] == ["@acme/sales", "@acme/sales"]


@pytest.mark.parametrize(
    ("shelf", "cycle"),
    [
        (Shelf(a={"1.0.0": {"a": "*"}}), ["@acme/a", "@acme/a"]),
        (Shelf(a={"1.0.0": {"b": "*"}}, b={"1.0.0": {"a": "*"}}), ["@acme/a", "@acme/b", "@acme/a"]),
        (
            Shelf(a={"1.0.0": {"b": "*"}}, b={"1.0.0": {"c": "*"}}, c={"1.0.0": {"b": "*"}, "1.1.0": {"b": "^1"}}),
            ["@acme/b", "@acme/c", "@acme/b"],
        ),
    ],
)
def test_a_cycle_among_others_is_named(shelf, cycle):
    error = refused({"a": "*"}, shelf)
    assert error.code == "422.dependency_cycle"
    assert error.context["cycle"] == cycle


def test_a_release_that_closes_a_cycle_is_passed_over_for_one_that_does_not():
    shelf = Shelf(a={"1.0.0": {"b": "*"}}, b={"1.0.0": {}, "1.1.0": {"a": "*"}})
    assert chosen({"a": "*"}, shelf) == {"a": "1.0.0", "b": "1.0.0"}


def test_it_gives_up_with_a_reason_when_its_steps_are_used_up():
    error = refused({"tone": "^1"}, Shelf(tone=TONES), limit=1)
    assert error.code == "422.dependency_unsatisfiable"
    assert [problem.code for problem in error.problems] == ["steps"]
    assert "1 steps" in error.detail


def ladder(rungs, width):
    """Each rung fits with everything but the last: whoever tries combinations tries ``width ** rungs``."""
    versions = [f"{major}.0.0" for major in range(1, width + 1)]
    bundles = {f"r{rung:03}": {version: {f"r{rung + 1:03}": "*"} for version in versions} for rung in range(rungs)}
    bundles[f"r{rungs:03}"] = {version: {"left": "^1", "right": "^1"} for version in versions}
    bundles |= {"left": {"1.0.0": {"end": "1.0.0"}}, "right": {"1.0.0": {"end": "2.0.0"}}}
    return Shelf(**bundles, end={"1.0.0": {}, "2.0.0": {}})


def pigeons(holes):
    """One bundle too many, each in a release of its own major number of one of ``holes``: no two in the same."""
    birds = range(holes + 1)
    bundles = {
        f"bird{bird}": {
            f"{hole + 1}.0.0": {f"hole{hole}x{one}x{two}": f"^{1 + (bird == two)}" for one in birds for two in birds
                                if one < two and bird in (one, two)}
            for hole in range(holes)
        }
        for bird in birds
    }  # fmt: skip
    for hole in range(holes):
        bundles |= {
            f"hole{hole}x{one}x{two}": {"1.0.0": {}, "2.0.0": {}} for one in birds for two in birds if one < two
        }
    return Shelf(**bundles), {f"bird{bird}": "*" for bird in birds}


@pytest.mark.parametrize("rungs", [10, 100, 400])
def test_a_conflict_below_many_choices_takes_steps_in_proportion(rungs):
    error = refused({"r000": "*"}, ladder(rungs, 10), limit=20 * rungs + 500)
    assert [problem.code for problem in error.problems] == ["conflict"]
    assert len(error.context["explanation"]) <= MAX_SENTENCES


def test_a_long_story_is_told_from_both_ends():
    chain = {
        f"r{rung:03}": {"1.0.0": {f"r{rung + 1:03}": "^1"}, "1.1.0": {f"r{rung + 1:03}": "^1"}} for rung in range(60)
    }
    told = refused({"r000": "*", "r060": "^2"}, Shelf(**chain, r060={"1.0.0": {}, "2.0.0": {}})).context["explanation"]
    assert len(told) == MAX_SENTENCES
    assert any("further steps are left out" in sentence for sentence in told)
    assert told[-1].endswith("the requirements of your project cannot all be met.")


def test_even_what_is_hard_for_every_solver_ends_soon():
    shelf, root = pigeons(6)
    error = refused(root, shelf)
    assert error.context["explanation"][-1].endswith("requirements cannot all be met.")
    assert len(error.context["explanation"]) == MAX_SENTENCES
    assert [problem.code for problem in refused(root, shelf, limit=2_000).problems] == ["steps"]


def test_twins_that_exclude_each_other_do_not_multiply():
    """Independent conflicts in the newest releases: a backtracker meets each again for every choice in the others."""
    pairs = 60
    bundles = {}
    for pair in range(pairs):
        bundles[f"x{pair:02}"] = {"1.0.0": {}, "2.0.0": {f"z{pair:02}": "^1"}, "3.0.0": {f"z{pair:02}": "^1"}}
        bundles[f"y{pair:02}"] = {"1.0.0": {f"z{pair:02}": "^2"}, "2.0.0": {f"z{pair:02}": "^2"}}
        bundles[f"z{pair:02}"] = {"1.0.0": {}, "2.0.0": {}}
    shelf = Shelf(**bundles)
    found = chosen({name: "*" for name in bundles if name[0] in "xy"}, shelf, limit=4 * pairs**2)
    assert {found[f"x{pair:02}"] for pair in range(pairs)} == {"1.0.0"}


def test_a_sentence_names_a_few_bundles_and_counts_the_rest():
    shelf, root = pigeons(5)
    explanation = refused(root, shelf).context["explanation"]
    assert max(map(len, explanation)) < 500

    names = [f"ring{place:03}" for place in range(100)]
    ring = {name: {"1.0.0": {after: "*"}} for name, after in zip(names, [*names[1:], names[0]], strict=True)}
    error = refused({names[0]: "*"}, Shelf(**ring))
    assert len(error.context["cycle"]) == 101
    assert max(map(len, error.context["explanation"])) < 500
