import copy
import itertools
import pickle

import pytest

from prompthub_kernel.errors import Invalid
from prompthub_kernel.place import Place
from prompthub_kernel.semver import MAX_LENGTH, SemVer, read_variant

# Each one lower than the next. Without variants this is SemVer 2.0, rule 11, and the order of the semver library.
RISING = [
    "0.0.0-alpha", "0.0.0", "0.0.1", "0.9.9", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.0", "1.0.0-alpha.1",
    "1.0.0-alpha.1.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-dev.1",
    "1.0.0-pre.1", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.1.0-rc.1", "2.1.0-gpt4.rc.1",
    "2.1.0-rc.2", "2.1.0", "2.1.0-claude", "2.1.0-gpt4", "2.1.0-gpt4.turbo", "2.1.1", "999999999.0.0",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "numbers", "variant", "pre", "build"),
    [
        ("2.1.0", (2, 1, 0), "", (), ""),
        ("2.1.0-gpt4+tokens.1500", (2, 1, 0), "gpt4", (), "tokens.1500"),
        ("2.1.0+Tokens-1.01", (2, 1, 0), "", (), "Tokens-1.01"),
        ("2.1.0-rc.1", (2, 1, 0), "", ("rc", 1), ""),
        ("2.1.0-rc", (2, 1, 0), "", ("rc",), ""),
        ("2.1.0-alpha.beta.1.2", (2, 1, 0), "", ("alpha", "beta", 1, 2), ""),
        ("2.1.0-gpt-4o.mini", (2, 1, 0), "gpt-4o.mini", (), ""),
        ("2.1.0-gpt4.rc.1", (2, 1, 0), "gpt4", ("rc", 1), ""),
        ("2.1.0-4o", (2, 1, 0), "4o", (), ""),
        ("2.1.0-release", (2, 1, 0), "release", (), ""),
        ("2.1.0-preview", (2, 1, 0), "preview", (), ""),
        ("2.1.0-pre-order", (2, 1, 0), "pre-order", (), ""),
        ("0.0.999999999", (0, 0, 999999999), "", (), ""),
    ],
)
def test_a_version_is_read_in_its_parts_and_spelled_again(text, numbers, variant, pre, build):
    version = SemVer.parse(text)
    assert (version.numbers, version.variant, version.pre, version.build) == (numbers, variant, pre, build)
    assert str(version) == text


def test_a_number_at_the_word_of_a_pre_release_is_set_apart():
    assert str(SemVer.parse("2.1.0-gpt4.rc1")) == "2.1.0-gpt4.rc.1"
    assert SemVer.parse("2.1.0-rc10") > SemVer.parse("2.1.0-rc9")


def test_versions_rise_in_one_order():
    versions = [SemVer.parse(text) for text in RISING]
    for low, high in itertools.combinations(versions, 2):
        assert low < high
        assert not high <= low
        assert low != high


def test_what_is_behind_the_plus_is_shown_and_not_compared():
    some, other = SemVer.parse("2.1.0+a"), SemVer.parse("2.1.0+b")
    assert some == other
    assert hash(some) == hash(other)
    assert some <= other
    assert {str(some), str(other)} == {"2.1.0+a", "2.1.0+b"}


def test_a_variant_is_another_build_of_the_same_version():
    plain, built = SemVer.parse("2.1.0"), SemVer.parse("2.1.0-gpt4+tokens.1500")
    assert plain != built
    assert plain.precedence == built.precedence
    assert plain.with_variant("gpt4") == built
    assert str(built.with_variant("")) == "2.1.0"
    assert str(built.with_variant("claude")) == "2.1.0-claude"


def test_a_version_survives_copying_and_pickling():
    version = SemVer.parse("2.1.0-gpt4.rc.1+x")
    assert pickle.loads(pickle.dumps(version)) == copy.deepcopy(version) == version
    assert str(pickle.loads(pickle.dumps(version))) == str(version)


@pytest.mark.parametrize(
    ("text", "code", "character"),
    [
        ("", "empty", 1),
        ("1" * 10_000, "length", MAX_LENGTH + 1),
        ("1.0", "version", 1),
        ("1.0.0.0", "version", 1),
        ("v1.0.0", "number", 1),
        ("1..0", "number", 3),
        ("1.0.-1", "number", 5),
        (" 1.0.0", "number", 1),
        ("1.0.0\n", "number", 5),
        ("1.0.0\0", "number", 5),
        ("1.0.\ud800", "number", 5),
        ("1.0.٣", "number", 5),
        ("2026.02.0", "number", 6),
        ("1.0.1000000000", "number", 5),
        ("1.0.0-", "variant", 7),
        ("1.0.0-a..b", "variant", 9),
        ("1.0.0-GPT4", "variant", 7),
        ("1.0.0-RC.1", "variant", 7),
        ("1.0.0--a", "variant", 7),
        ("1.0.0-a-", "variant", 7),
        ("1.0.0-ä", "variant", 7),
        ("1.0.0-a_b", "variant", 7),
        ("1.0.0-" + "a" * 64, "variant", 7),
        ("1.0.0-01", "number", 7),
        ("1.0.0-rc.01", "number", 10),
        ("1.0.0-rc01", "number", 9),
        ("1.0.0-rc.1.gpt4", "pre_release", 12),
        ("1.0.0-rc.1.2.3.4", "pre_release", 7),
        ("1.0.0-rc-1", "pre_release", 7),
        ("1.0.0-gpt4.beta2x", "pre_release", 12),
        ("1.0.0+", "build", 7),
        ("1.0.0+a..b", "build", 9),
        ("1.0.0+a+b", "build", 7),
        ("1.0.0+a\n", "build", 7),
        ("1.0.0-x+" + "a" * 64, "build", 9),
    ],
)
def test_a_text_that_is_no_version_is_refused_at_its_character_with_the_reason(text, code, character):
    with pytest.raises(Invalid) as refused:
        SemVer.parse(text, where=Place("/version"))
    (problem,) = refused.value.problems
    assert (refused.value.code, problem.pointer, problem.code) == ("400.address_invalid", "/version", code)
    assert refused.value.context == {"character": character}
    assert refused.value.detail == f"Character {character}: {problem.detail}"


def test_what_is_no_text_is_refused():
    with pytest.raises(Invalid) as refused:
        SemVer.parse(2.1)
    assert refused.value.problems[0].code == "type"


@pytest.mark.parametrize("text", ["rc", "gpt4.rc.1", "beta2"])
def test_a_pre_release_is_no_variant(text):
    with pytest.raises(Invalid) as refused:
        read_variant(text)
    assert refused.value.problems[0].code == "variant"
