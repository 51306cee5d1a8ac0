import pytest

from prompthub_kernel.pointer import pointer, split


@pytest.mark.parametrize(
    ("parts", "text"),
    [([], ""), ([""], "/"), (["a", 0], "/a/0"), (["a/b", "~", "~1"], "/a~1b/~0/~01")],
)
def test_a_path_and_its_pointer_say_the_same(parts, text):
    assert pointer(parts) == text
    assert split(text) == [str(part) for part in parts]


def test_what_does_not_begin_with_a_slash_is_no_pointer():
    with pytest.raises(ValueError, match="JSON Pointer"):
        split("a/b")
