from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.address import MAX_LENGTH, MAX_SLUG_LENGTH, Address, BundleAddress
from prompthub_kernel.selector import Exact
from tests.property.effort import examples
from tests.property.versions import NAMED, NOISE, RANGE_TEXTS, VERSIONS, outcome, possible

WORDS = st.text("abz059", min_size=1, max_size=6)
SLUGS = st.lists(WORDS, min_size=1, max_size=3).map("-".join) | st.just("a" * MAX_SLUG_LENGTH)
SEGMENTS = st.lists(WORDS, min_size=1, max_size=2).map("_".join)
PROMPTS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
SELECTORS = st.none() | NAMED | VERSIONS.map(Exact) | RANGE_TEXTS.map(possible)


@examples(200)
@given(SLUGS, SLUGS, SELECTORS, PROMPTS)
def test_an_address_is_read_as_it_is_spelled(repository, bundle, selector, prompt):
    address = Address(repository, bundle, selector, prompt)
    assert Address.parse(str(address)) == address
    assert str(Address.parse(str(address))) == str(address)
    assert len(str(address)) <= MAX_LENGTH
    assert BundleAddress.parse(str(address.of_bundle)) == address.of_bundle


@examples(200)
@given(NOISE | NOISE.map("@a/b@{}/c".format) | NOISE.map("@a/b/{}".format))
def test_any_text_is_read_or_refused_with_a_reason(text):
    for read in (Address.parse, BundleAddress.parse):
        found, refused = outcome(read, text)
        if refused is None:
            assert read(str(found)) == found
            assert str(found).isascii()
        else:
            assert refused.code == "400.address_invalid"
            assert 1 <= refused.context["character"] <= len(text) + 1
