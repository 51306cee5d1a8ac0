from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.address import MAX_LENGTH, Address, BundleAddress
from prompthub_kernel.selector import Exact
from tests.property.effort import examples
from tests.property.versions import NAMED, NOISE, RANGE_TEXTS, VERSIONS, outcome, possible

SLUGS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
SEGMENTS = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?", fullmatch=True)
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
