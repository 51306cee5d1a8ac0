"""A chart's bars: as high as their numbers, in an order that does not change."""

from __future__ import annotations

from portal.presenters import charts


def test_columns_stand_upon_each_other_and_reach_the_top():
    chart = charts.columns(["a", "b"], {("a", "delivered"): 3, ("a", "given_up"): 1, ("b", "delivered"): 2})
    assert [outcome for outcome, _ in chart.outcomes] == ["delivered", "given_up"]
    low, high = chart.stacks[0].bars
    assert low.y + low.height == charts.HEIGHT
    assert high.y + high.height == low.y
    assert high.y == 0
    assert chart.stacks[1].bars[0].height == charts.HEIGHT // 2
    assert [stack.counts for stack in chart.stacks] == [[3, 1], [2, 0]]
    assert chart.stacks[1].x > chart.stacks[0].x + charts.COLUMN
    assert chart.stacks[1].x + charts.COLUMN < chart.width


def test_rows_lie_beside_each_other():
    chart = charts.rows(["a"], {("a", "under_way"): 1, ("a", "superseded"): 1})
    first, second = chart.stacks[0].bars
    assert (first.x, second.x) == (0, first.width)
    assert first.width + second.width == charts.BAR_WIDTH


def test_a_small_number_is_still_seen():
    chart = charts.columns(["a", "b"], {("a", "delivered"): 100_000, ("b", "delivered"): 1})
    assert chart.stacks[1].bars[0].height == 2
    assert charts.rows(["a", "b"], {("a", "delivered"): 100_000, ("b", "delivered"): 1}).stacks[1].bars[0].width == 4


def test_nothing_is_an_empty_chart():
    chart = charts.columns(["a"], {})
    assert chart.empty
    assert chart.top == 1
    assert chart.outcomes == []
