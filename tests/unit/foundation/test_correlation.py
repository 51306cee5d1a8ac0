"""One id for one piece of work."""

from __future__ import annotations

import re
import uuid

import pytest
import structlog
from django.http import HttpResponse
from django.test import RequestFactory

from foundation import correlation


class TestNew:
    def test_is_a_uuid_of_version_7(self):
        assert uuid.UUID(correlation.new()).version == 7

    def test_is_different_each_time_and_in_order(self):
        ids = [correlation.new() for _ in range(1000)]
        assert len(set(ids)) == 1000
        assert ids == sorted(ids)


class TestAccept:
    @pytest.mark.parametrize("header", ["a" * 8, "Z_9.-abc", "x" * 64, "01a1fd8b-2d20-762e-a0df-2d08a480ead7"])
    def test_takes_what_is_well_formed(self, header):
        assert correlation.accept(header) == header

    @pytest.mark.parametrize(
        "header",
        [None, "", "short", "x" * 65, "abcdefgh\n", "abc defgh", "abcdefgé", "abcd\x00efgh", "<script>", "a;b=cdefgh"],
    )
    def test_replaces_everything_else(self, header):
        assert uuid.UUID(correlation.accept(header)).version == 7


class TestUse:
    def test_holds_inside_the_block_only(self):
        assert correlation.current() == ""
        with correlation.use("outer-id-1"):
            with correlation.use("inner-id-1") as given:
                assert correlation.current() == given == "inner-id-1"
            assert correlation.current() == "outer-id-1"
            assert structlog.contextvars.get_contextvars()["correlation_id"] == "outer-id-1"
        assert correlation.current() == ""
        assert "correlation_id" not in structlog.contextvars.get_contextvars()

    def test_ends_with_an_exception_too(self):
        with pytest.raises(ZeroDivisionError), correlation.use("broken-id-1"):
            _ = 1 / 0
        assert correlation.current() == ""


class TestMiddleware:
    def answer(self, **headers):
        seen = []

        def view(request):
            seen.append(correlation.current())
            return HttpResponse("x")

        response = correlation.CorrelationMiddleware(view)(RequestFactory().get("/", headers=headers))
        return seen[0], response.headers["X-Correlation-ID"]

    def test_echoes_the_callers_id(self):
        assert self.answer(**{"X-Correlation-ID": "caller-id-1"}) == ("caller-id-1", "caller-id-1")

    def test_makes_one_where_there_is_none_or_a_bad_one(self):
        for headers in ({}, {"X-Correlation-ID": "bad id\r\nSet-Cookie: x"}):
            inside, outside = self.answer(**headers)
            assert inside == outside
            assert re.fullmatch(r"[0-9a-f-]{36}", inside)

    def test_leaves_nothing_behind(self):
        self.answer()
        assert correlation.current() == ""
