"""What passes the gate is what was written; what does not says why and where."""

from __future__ import annotations

import io
import json

import pytest
from django.http import UnreadablePostError
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from gateway.gate import StrictJSONParser
from gateway.problems import translated
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.strict_json import MAX_BYTES, require_storable, storable_problem, strict_json


def problem(raw: bytes, **limits) -> Problem:
    with pytest.raises(Invalid) as refusal:
        strict_json(raw, **limits)
    assert refusal.value.code == "400.json_invalid"
    (only,) = refusal.value.problems
    return only


class TestStrictJson:
    @pytest.mark.parametrize(
        "value",
        [
            {},
            [],
            None,
            True,
            0,
            -1,
            1.5,
            -0.0,
            1e308,
            "",
            'é 漢 😀 \n \t " \\ / \x7f \u2028 \u200b',
            {"content_md": "Hello {{ name }}", "variables": {"a": [1, {"b": None}]}},
            {"": {"": ""}},
            99999999999999999999,
            -99999999999999999999,
        ],
    )
    @pytest.mark.parametrize("ascii_only", [True, False])
    def test_returns_what_was_written(self, value, ascii_only):
        assert strict_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value

    def test_keeps_the_kinds_of_numbers_apart(self):
        assert [type(number) for number in strict_json(b"[1, 1.0, 1e0, true]")] == [int, float, float, bool]

    def test_accepts_white_space_around_the_value(self):
        assert strict_json(b" \r\n\t{ } \n") == {}

    def test_accepts_a_body_of_exactly_the_limit(self):
        body = b'"' + b"x" * (MAX_BYTES - 2) + b'"'
        assert len(strict_json(body)) == MAX_BYTES - 2

    def test_refuses_a_body_above_the_limit_as_too_large(self):
        with pytest.raises(Invalid) as refusal:
            strict_json(b'"' + b"x" * (MAX_BYTES - 1) + b'"')
        assert refusal.value.code == "413.body_too_large"
        assert refusal.value.problems[0].code == "size"

    def test_measures_size_before_anything_else(self):
        with pytest.raises(Invalid) as refusal:
            strict_json(b"\xff" * 11, max_bytes=10)
        assert refusal.value.status == 413

    @pytest.mark.parametrize(("levels", "passes"), [(31, True), (32, True), (33, False), (100_000, False)])
    @pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
    def test_accepts_32_levels_and_no_more(self, levels, passes, opening, closing):
        body = opening * levels + b"1" + closing * levels
        if passes:
            strict_json(body)
        else:
            assert problem(body).code == "depth"

    def test_does_not_count_brackets_in_strings_or_side_by_side(self):
        assert strict_json(b'["' + b"[{" * 100 + b'\\"[[[[", "\\\\", {"[": 1}]')[2] == {"[": 1}
        assert strict_json(b"[" + b"[],{}," * 100 + b"[]]")[-1] == []

    def test_counts_brackets_after_a_string_that_ends_in_a_backslash(self):
        assert problem(b'["\\\\",' + b"[" * 40 + b"]" * 41).code == "depth"

    @pytest.mark.parametrize(
        ("raw", "pointer", "code"),
        [
            (b"1e999", "", "number"),
            (b'{"a": -1e999}', "/a", "number"),
            (b'{"a": [0, NaN]}', "/a/1", "number"),
            (b"[Infinity]", "/0", "number"),
            (b"[-Infinity]", "/0", "number"),
            (b"[100000000000000000000]", "/0", "number"),
            (b"[-100000000000000000000]", "/0", "number"),
            (b"[" + b"9" * 5000 + b"]", "/0", "number"),
            (b"[0." + b"1" * 200 + b"]", "/0", "number"),
            (b'{"a": "x\\u0000y"}', "/a", "nul"),
            (b'{"b": {"\\u0000": 1}}', "/b", "nul"),
            (b'"x\0y"', "", "nul"),
            (b"\0", "", "nul"),
            (b'["\\ud83d"]', "/0", "surrogate"),
            (b'["\\uDE00"]', "/0", "surrogate"),
            (b'["\\ude00\\ud83d"]', "/0", "surrogate"),
            (b'{"\\ud83d": 1}', "", "surrogate"),
            (b'{"a": 1, "a": 1}', "/a", "duplicate_key"),
            (b'{"x": [{"a/b~c": 1, "\\u0061/b~c": 2}]}', "/x/0/a~1b~0c", "duplicate_key"),
            (b'{"": 1, "": 1}', "/", "duplicate_key"),
            (b'{"a": {"b": 1, "b": 1}, "a": 1}', "/a", "duplicate_key"),
            (b"\xff", "", "encoding"),
            (b'"\xed\xa0\x80"', "", "encoding"),
            (b'"\xc0\x80"', "", "encoding"),
            (b"\xef\xbb\xbf{}", "", "encoding"),
            ('{"a": 1}'.encode("utf-16"), "", "encoding"),
            ("é".encode("latin-1"), "", "encoding"),
            (b"", "", "syntax"),
            (b"   ", "", "syntax"),
            (b"{", "", "syntax"),
            (b"]" * 50 + b"[" * 50, "", "syntax"),
            (b"[1,]", "", "syntax"),
            (b"{'a': 1}", "", "syntax"),
            (b"{} {}", "", "syntax"),
            (b"// x\n1", "", "syntax"),
            (b"01", "", "syntax"),
            (b"+1", "", "syntax"),
            (b".5", "", "syntax"),
            (b"0x10", "", "syntax"),
            (b"True", "", "syntax"),
            (b'"\n"', "", "syntax"),
            (b'"\\x41"', "", "syntax"),
            (b'"\\u00"', "", "syntax"),
            ("[١]".encode(), "", "syntax"),
            ("[1\u00a0]".encode(), "", "syntax"),
        ],
    )
    def test_says_what_is_wrong_and_where(self, raw, pointer, code):
        found = problem(raw)
        assert (found.pointer, found.code) == (pointer, code)

    def test_says_line_and_column_of_a_mistake(self):
        assert "Line 2, column 8" in problem(b'{\n  "a": oops}').detail

    def test_never_repeats_what_was_sent(self):
        for raw in (b'{"password": hunter2}', b'{"a": "hunter2\\u0000"}', b'["hunter2", "\\ud800hunter2"]', b"hunter2"):
            assert "hunter2" not in str(problem(raw))

    def test_points_at_the_parent_of_what_is_too_long_to_print(self):
        long = b'{"a": {"' + b"k" * 10_000 + b'": 1e999}}'
        assert problem(long).pointer == "/a"
        assert problem(b'{"a": {"' + b"k" * 497 + b'": 1e999}}').pointer == "/a/" + "k" * 497
        assert problem(b'{"a": {"' + b"k" * 498 + b'": 1e999}}').pointer == "/a"

    def test_can_be_stricter(self):
        assert problem(b"[[1]]", max_depth=1).code == "depth"
        assert strict_json(b"[1]", max_depth=1) == [1]

    def test_can_take_longer_integers(self):
        assert strict_json(b"9" * 4000, max_digits=4000) == 10**4000 - 1
        assert problem(b"9" * 4001, max_digits=4000).code == "number"


class TestStorable:
    @pytest.mark.parametrize(
        ("value", "pointer", "code"),
        [
            ("a\0", "/x", "nul"),
            ({"a": ["\ud800"]}, "/x/a/0", "surrogate"),
            ({"\0": 1}, "/x", "nul"),
            (float("nan"), "/x", "number"),
            ([10**20], "/x/0", "number"),
            (json.loads("[" * 33 + "]" * 33), "/x" + "/0" * 32, "depth"),
        ],
    )
    def test_says_what_no_database_stores_and_where(self, value, pointer, code):
        found = storable_problem(value, "/x")
        assert (found.pointer, found.code) == (pointer, code)
        with pytest.raises(Invalid) as refusal:
            require_storable(value, "/x")
        assert (refusal.value.code, refusal.value.problems) == ("422.request_invalid", (found,))

    @pytest.mark.parametrize(
        "value", [None, "", "é😀", 10**20 - 1, -1.5, True, {"a": [{}]}, json.loads("[" * 32 + "]" * 32)]
    )
    def test_lets_everything_else_through(self, value):
        require_storable(value, "/x")


class TestStrictJSONParser:
    def posted(self, body, content_type="application/json"):
        raw = APIRequestFactory().generic("POST", "/", body, content_type=content_type)
        return Request(raw, parsers=[StrictJSONParser()]).data

    def test_is_what_the_api_reads_bodies_with(self, settings):
        assert settings.REST_FRAMEWORK["DEFAULT_PARSER_CLASSES"] == ["gateway.gate.StrictJSONParser"]

    def test_gives_views_the_value(self):
        assert self.posted(b'{"a": [1, "\xc3\xa9"]}') == {"a": [1, "é"]}
        assert self.posted(b"{}", "application/json; charset=utf-8") == {}

    def test_refuses_what_the_gate_refuses(self):
        with pytest.raises(Invalid) as refusal:
            self.posted(b'{"a": 1, "a": 2}')
        assert refusal.value.problems[0].code == "duplicate_key"

    def test_refuses_a_body_of_white_space(self):
        with pytest.raises(Invalid):
            self.posted(b" ")

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    def test_reads_no_other_media_type(self, content_type):
        with pytest.raises(UnsupportedMediaType):
            self.posted(b"{}", content_type)

    def test_never_reads_more_than_it_accepts(self):
        body = io.BytesIO(b" " * (MAX_BYTES + 100_000))
        with pytest.raises(Invalid) as refusal:
            StrictJSONParser().parse(body)
        assert refusal.value.code == "413.body_too_large"
        assert body.tell() == MAX_BYTES + 1

    def test_refuses_by_its_length_a_body_that_the_server_has_not_read(self):
        raw = APIRequestFactory().generic("POST", "/", b"", content_type="application/json")
        raw.META["CONTENT_LENGTH"] = str(MAX_BYTES + 1)
        with pytest.raises(Invalid) as refusal:
            _ = Request(raw, parsers=[StrictJSONParser()]).data
        assert refusal.value.code == "413.body_too_large"

    @pytest.mark.parametrize("content_type", ["*/*", "application/*", "*/json"])
    def test_a_body_is_of_one_type(self, content_type):
        with pytest.raises((Invalid, UnsupportedMediaType)) as refusal:
            self.posted(b"{}", content_type)
        assert translated(refusal.value).code == "415.media_type_unsupported"

    def test_calls_a_body_that_breaks_off_invalid(self):
        class Breaking(io.BytesIO):
            def read(self, *_):
                raise UnreadablePostError

        with pytest.raises(Invalid, match="broke off"):
            StrictJSONParser().parse(Breaking())
