import pytest

from prompthub_kernel.errors import Invalid
from prompthub_kernel.place import Place
from prompthub_kernel.selector import MAX_LENGTH, Exact, Named, Range, parse_selector
from prompthub_kernel.semver import SemVer

# What node-semver 7 answers to `satisfies`, except that a variant stands beside its version here.
TAKES = [
    ("^2.1", "2.1.0 2.1.7 2.9.0 2.1.0+x", "2.0.9 3.0.0 3.0.0-rc.1 2.1.0-rc.1 2.5.0-rc.1 2.1.0-gpt4"),
    ("^2", "2.0.0 2.9.9", "1.9.9 3.0.0"),
    ("^2.1.3", "2.1.3 2.2.0", "2.1.2 3.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
    ("^0.2", "0.2.0 0.2.9", "0.1.9 0.3.0"),
    ("^0.0.3", "0.0.3", "0.0.2 0.0.4"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("^0", "0.0.0 0.9.0", "1.0.0"),
    ("^0.0.0", "0.0.0", "0.0.1"),
    ("^999999999", "999999999.5.0", "999999998.0.0"),
    ("~2.1", "2.1.0 2.1.9", "2.2.0 2.0.9"),
    ("~2.1.3", "2.1.3 2.1.9", "2.1.2 2.2.0"),
    ("~2", "2.0.0 2.9.0", "3.0.0"),
    ("1.x", "1.0.0 1.9.9", "0.9.9 2.0.0 1.0.0-rc.1"),
    ("1.2.x", "1.2.0 1.2.9", "1.3.0"),
    ("*", "0.0.0 999999999.999999999.999999999", "1.0.0-rc.1 1.0.0-gpt4"),
    (">=1.2 <2", "1.2.0 1.9.9", "1.1.9 2.0.0 2.0.0-rc.1"),
    (">1", "2.0.0", "1.0.0 1.9.9"),
    (">1.2", "1.3.0", "1.2.9"),
    (">1.2.3", "1.2.4", "1.2.3"),
    ("<=1.2", "1.2.9 0.0.0", "1.3.0"),
    ("<=1.2.3", "1.2.3", "1.2.4"),
    ("<1.2.3", "1.2.2 0.0.0", "1.2.3 1.2.3-rc.1"),
    ("^1.4 || ^3", "1.4.0 3.9.0", "2.0.0 4.0.0"),
    ("=1.2.3 || ^3", "1.2.3 3.0.0", "1.2.4"),
    ("^2.1.0-rc.1", "2.1.0-rc.1 2.1.0-rc.2 2.1.0 2.3.0", "2.1.0-beta.1 2.3.0-rc.1 3.0.0-rc.1"),
    (">=2.0.0-rc.1 <2.0.0", "2.0.0-rc.1 2.0.0-rc.9", "2.0.0 2.0.0-beta"),
    (">2.0.0-rc.1", "2.0.0-rc.1.0 2.0.0-rc.2 2.0.0", "2.0.0-rc.1 2.1.0-rc.2"),
    ("<=2.0.0-rc.1", "2.0.0-rc.1 1.9.9", "2.0.0-rc.1.0 2.0.0"),
    ("^2.1-gpt4", "2.1.0-gpt4 2.9.0-gpt4", "2.1.0 2.1.0-claude 2.2.0-gpt4.rc.1 3.0.0-gpt4"),
    (">=1.2 <2-gpt4", "1.2.0-gpt4", "1.2.0"),
    ("2.x-gpt4", "2.0.0-gpt4", "2.0.0"),
    ("*-gpt4", "0.1.0-gpt4", "0.1.0"),
    ("^2.1.0-gpt4.rc.1", "2.1.0-gpt4.rc.2 2.1.0-gpt4", "2.1.0-rc.2 2.1.0"),
    ("2.1.0", "2.1.0 2.1.0+x", "2.1.0-gpt4 2.1.0-rc.1 2.1.1"),
    ("2.1.0-gpt4+tokens.1500", "2.1.0-gpt4 2.1.0-gpt4+x", "2.1.0"),
    ("2.1.0-rc.1", "2.1.0-rc.1", "2.1.0"),
]


@pytest.mark.parametrize(("text", "taken", "left"), TAKES, ids=[row[0] for row in TAKES])
def test_a_selector_takes_what_it_says(text, taken, left):
    selector = parse_selector(text)
    assert isinstance(selector, Exact | Range)
    assert [version for version in taken.split() if not selector.matches(SemVer.parse(version))] == []
    assert [version for version in left.split() if selector.matches(SemVer.parse(version))] == []


@pytest.mark.parametrize("text", [row[0] for row in TAKES] + ["stable", "latest", "active@staging", "v2", "a-b@2"])
def test_a_selector_is_spelled_as_it_is_read(text):
    selector = parse_selector(text)
    assert parse_selector(str(selector)) == selector
    assert str(parse_selector(str(selector))) == str(selector)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        (">= 1.2,<2", ">=1.2 <2"),
        (">=1.2<2", ">=1.2 <2"),
        (" ^1||^2 ", "^1 || ^2"),
        ("=1.2.3 || ^2", "1.2.3 || ^2"),
        ("1.X", "1.x"),
        ("1.*", "1.x"),
        (">=1.2 <2-gpt4", ">=1.2-gpt4 <2"),
        ("^2.1.0-rc1", "^2.1.0-rc.1"),
        ("1.0.0-rc1", "1.0.0-rc.1"),
    ],
)
def test_a_selector_has_one_spelling(text, spelling):
    assert str(parse_selector(text)) == spelling


def test_ranges_that_hold_the_same_are_equal():
    assert parse_selector("^2.1") == parse_selector(">=2.1 <3")
    assert parse_selector("1.2.x") == parse_selector("~1.2") != parse_selector("~1.2-gpt4")
    assert len({parse_selector("1.x"), parse_selector("^1")}) == 1


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("*", "3.0.0"),
        ("^1", "1.10.0"),
        ("^1 || ^2", "2.0.0"),
        ("*-gpt4", "2.1.0-gpt4"),
        (">=3.1.0-beta.1", "3.1.0-rc.1"),
        ("1.2.0", "1.2.0+b"),
        ("1.2.1", None),
        ("^4", None),
    ],
)
def test_the_best_is_the_highest_that_is_taken(text, best):
    names = ["1.10.0", "1.2.0+b", "3.0.0", "2.0.0", "2.1.0-gpt4", "1.0.0-gpt4", "3.1.0-rc.1", "3.1.0-beta.2"]
    found = parse_selector(text).best(map(SemVer.parse, names))
    assert (str(found) if found else None) == best


@pytest.mark.parametrize(
    ("text", "variant", "spelling"),
    [
        ("^2.1", "gpt4", "^2.1-gpt4"),
        ("^2.1-gpt4", "gpt4", "^2.1-gpt4"),
        ("^1 || ^2", "gpt4", "^1-gpt4 || ^2-gpt4"),
        ("2.1.0", "gpt4", "2.1.0-gpt4"),
        ("2.1.0-gpt4+x", "gpt4", "2.1.0-gpt4+x"),
        ("latest", "gpt4", "*-gpt4"),
        ("stable", "", "stable"),
    ],
)
def test_a_variant_can_be_given_apart(text, variant, spelling):
    assert str(parse_selector(text, variant=variant)) == spelling


@pytest.mark.parametrize(
    ("text", "variant"),
    [("^2.1-gpt4", "claude"), ("2.1.0-gpt4", "claude"), ("stable", "gpt4"), ("^2", "rc"), ("2.0.0", "rc")],
)
def test_a_variant_given_apart_may_not_contradict(text, variant):
    with pytest.raises(Invalid) as refused:
        parse_selector(text, variant=variant)
    assert refused.value.problems[0].code == "variant"


def test_a_channel_may_have_an_environment():
    assert parse_selector("active@staging") == Named("active", "staging")
    assert parse_selector("active") == Named("active")


@pytest.mark.parametrize(
    ("text", "code", "character"),
    [
        ("", "empty", 1),
        ("^" + "1" * 1000, "length", MAX_LENGTH + 1),
        ("*||" * 60 + "*", "length", 1),
        ("2", "version", 1),
        ("2.1", "version", 1),
        ("=2.1 <3", "version", 2),
        ("^1.2.3.4", "version", 2),
        ("1.2.3.x", "version", 1),
        ("v2.1.0", "name", 1),
        ("Stable", "name", 1),
        ("ätable", "name", 1),
        ("stable-", "name", 1),
        ("stable\n", "name", 1),
        ("s" * 64, "name", 1),
        ("active@", "environment", 8),
        ("active@a@b", "environment", 8),
        ("latest@staging", "environment", 1),
        ("^", "range", 1),
        ("||", "range", 1),
        ("^1 ||", "range", 6),
        ("^1,", "range", 4),
        ("^1,,^1", "range", 4),
        ("^1|^1", "range", 3),
        ("^^1", "range", 1),
        ("^1.x", "range", 1),
        ("^x", "number", 2),
        ("^-gpt4", "number", 2),
        ("x.1", "name", 1),
        ("^1 ^2", "nothing", 1),
        (">2 <1", "nothing", 1),
        ("<0", "nothing", 1),
        ("^2.1-rc.1", "pre_release", 2),
        ("1.x-rc.1", "pre_release", 1),
        ("^2.1+x", "build", 2),
        ("^1-gpt4 || ^2", "variant", 1),
        (">=1-a <2-b", "variant", 1),
        ("^2.1-GPT", "variant", 6),
        ("^02", "number", 2),
        (">= 1.٣", "number", 6),
        ("^1\0", "number", 2),
        ("@1", "number", 1),
    ],
)
def test_a_text_that_is_no_selector_is_refused_at_its_character_with_the_reason(text, code, character):
    with pytest.raises(Invalid) as refused:
        parse_selector(text, where=Place("/selector"))
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code, refused.value.context["character"]) == ("/selector", code, character)


def test_the_character_is_counted_in_the_whole_text():
    with pytest.raises(Invalid) as refused:
        parse_selector("^1 || ^2.0x", where=Place("", 10))
    assert refused.value.context == {"character": 20}
