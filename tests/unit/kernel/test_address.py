import pytest

from prompthub_kernel.address import MAX_LENGTH, Address, BundleAddress, read_prompt_name
from prompthub_kernel.errors import Invalid
from prompthub_kernel.place import Place
from prompthub_kernel.selector import Exact, Named, Range
from prompthub_kernel.semver import SemVer

LONG = "a" * 63


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "@anvil/core-prompts@2.1.0/welcome_message",
            ("anvil", "core-prompts", Exact(SemVer(2, 1, 0)), "welcome_message"),
        ),
        ("@local/onboarding@stable/first_login", ("local", "onboarding", Named("stable"), "first_login")),
        ("@local/onboarding/first_login", ("local", "onboarding", None, "first_login")),
        ("@local/coach@active@staging/styles/calm", ("local", "coach", Named("active", "staging"), "styles/calm")),
        ("@a/b@^2.1-gpt4/c", ("a", "b", Range.parse("^2.1-gpt4"), "c")),
        ("@a/b@>=1.2 <2 || 3.x/c", ("a", "b", Range.parse(">=1.2 <2 || 3.x"), "c")),
        ("@4o/2@2.1.0-gpt4/1", ("4o", "2", Exact(SemVer(2, 1, 0, "gpt4")), "1")),
        (f"@{LONG}/{LONG}/{LONG}/{LONG}", (LONG, LONG, None, f"{LONG}/{LONG}")),
    ],
)
def test_an_address_is_read_in_its_parts_and_spelled_again(text, parts):
    address = Address.parse(text)
    assert (address.repository, address.bundle, address.selector, address.prompt) == parts
    assert str(address) == text
    assert str(address.of_bundle) + f"/{address.prompt}" == text


def test_what_is_behind_the_plus_stays_readable_in_an_address():
    address = Address.parse("@anvil/core@2.1.0-gpt4+tokens.1500/welcome")
    assert str(address) == "@anvil/core@2.1.0-gpt4+tokens.1500/welcome"
    assert address == Address.parse("@anvil/core@2.1.0-gpt4/welcome")


@pytest.mark.parametrize(
    ("text", "name", "selector"), [("@a/b", "@a/b", None), ("@a/b@^2", "@a/b", "^2"), ("@a/b@stable", "@a/b", "stable")]
)
def test_a_bundle_has_an_address_too(text, name, selector):
    address = BundleAddress.parse(text)
    assert (address.name, str(address)) == (name, text)
    assert (str(address.selector) if address.selector else None) == selector


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("@a/b@^2/c", "@a/b@^2-gpt4/c"),
        ("@a/b/c", "@a/b@*-gpt4/c"),
        ("@a/b@latest/c", "@a/b@*-gpt4/c"),
        ("@a/b@2.1.0/c", "@a/b@2.1.0-gpt4/c"),
    ],
)
def test_a_variant_can_be_given_apart(text, spelling):
    assert str(Address.parse(text, variant="gpt4")) == spelling


@pytest.mark.parametrize(
    ("text", "code", "character"),
    [
        ("", "empty", 1),
        ("@a/b/" + "c" * 1_000_000, "length", MAX_LENGTH + 1),
        ("a/b/c", "repository", 1),
        ("@", "repository", 2),
        ("@/b/c", "repository", 2),
        ("@A/b/c", "repository", 2),
        ("@-a/b/c", "repository", 2),
        ("@a_b/b/c", "repository", 2),
        ("@ä/b/c", "repository", 2),
        ("@\ud800/b/c", "repository", 2),
        ("@a@1/b/c", "repository", 2),
        (f"@{LONG}a/b/c", "repository", 2),
        ("@a", "bundle", 3),
        ("@a/", "bundle", 4),
        ("@a//c", "bundle", 4),
        ("@a/b\0/c", "bundle", 4),
        ("@a/../c", "bundle", 4),
        ("@a/b@/c", "empty", 6),
        ("@a/b@2.1/c", "version", 6),
        ("@a/b@2.1.0-GPT4/c", "variant", 12),
        ("@a/b@^1 ||/c", "range", 11),
        ("@a/b@@1/c", "number", 6),
        ("@a/b", "prompt", 6),
        ("@a/b@1.0.0", "prompt", 12),
        ("@a/b/", "empty", 6),
        ("@a/b/c/", "prompt", 8),
        ("@a/b//c", "prompt", 6),
        ("@a/b/c/../d", "prompt", 8),
        ("@a/b/C", "prompt", 6),
        ("@a/b/c.md", "prompt", 6),
        ("@a/b/c\n", "prompt", 6),
        ("@a/b/c%2f", "prompt", 6),
        ("@a/b/1/2/3/4/5", "prompt", 6),
        ("@a/b/" + "c" * 129, "length", 134),
    ],
)
def test_a_text_that_is_no_address_is_refused_at_its_character_with_the_reason(text, code, character):
    with pytest.raises(Invalid) as refused:
        Address.parse(text, where=Place("/address"))
    (problem,) = refused.value.problems
    assert refused.value.code == "400.address_invalid"
    assert (problem.pointer, problem.code, refused.value.context["character"]) == ("/address", code, character)


def test_a_prompt_in_the_address_of_a_bundle_is_refused():
    with pytest.raises(Invalid) as refused:
        BundleAddress.parse("@a/b@1.0.0/c")
    assert (refused.value.problems[0].code, refused.value.context["character"]) == ("prompt", 12)


@pytest.mark.parametrize("text", ["system", "styles/calm", "a/b/c/d", "x" * 128])
def test_a_prompt_has_a_name_of_its_own(text):
    assert read_prompt_name(text) == text
