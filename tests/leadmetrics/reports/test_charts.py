"""The chart's geometry: gaps stay gaps, labels are round, words say the same as the line."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmetrics.reports.charts import LineChart, Point, line_chart, nice_ceiling

START = date(2026, 11, 1)


def days(*values: int | str | None) -> list[Point]:
    return [
        (START + timedelta(days=i), None if value is None else Decimal(value))
        for i, value in enumerate(values)
    ]


def euros(value: Decimal) -> str:
    return f"€{value:.2f}"


def chart(points: list[Point], compare: list[Point] | None = None) -> LineChart:
    return line_chart(
        points, compare=compare, width=100, height=112, label="Spend", formatter=euros
    )


def test_line_goes_through_every_day() -> None:
    # Four columns of 25, their middles at 12.5 and so on; 100 px from 0 up to the top of 400.
    assert chart(days(0, 100, 200, 400)).line == "M12.5 112 L37.5 87 L62.5 62 L87.5 12"


def test_missing_day_breaks_the_line_and_is_no_zero() -> None:
    drawn = chart(days(400, 400, None, 400, 400))
    assert drawn.line == "M10 12 L30 12 M70 12 L90 12"
    assert drawn.days[2].y == ""
    assert drawn.days[2].text == "3 Nov: no figure"
    assert drawn.lone_days == ()


def test_day_without_neighbours_becomes_a_dot() -> None:
    drawn = chart(days(400, None, 200, None, None))
    assert [day.text for day in drawn.lone_days] == ["1 Nov: €400.00", "3 Nov: €200.00"]


def test_compare_runs_beside_day_by_day_and_may_be_shorter_or_longer() -> None:
    before = [(day - timedelta(days=28), value) for day, value in days(100, 200)]
    drawn = chart(days(400, 400, 400, 400), before)
    assert drawn.compare_line == "M12.5 87 L37.5 62"
    assert drawn.days[0].text == "1 Nov: €400.00 (before, 4 Oct: €100.00)"
    assert drawn.days[3].compare_y == ""
    assert len(chart(days(400), days(1, 2, 3)).days) == 1


def test_compare_counts_for_the_scale() -> None:
    assert chart(days(1), days(400)).y_ticks[-1].label == "€400"


def test_value_axis_has_five_round_labels_from_the_base_up() -> None:
    ticks = chart(days(390)).y_ticks
    assert [tick.label for tick in ticks] == ["€0", "€100", "€200", "€300", "€400"]
    assert [tick.place for tick in ticks] == ["112", "87", "62", "37", "12"]


def test_cents_stay_on_the_axis_when_they_matter() -> None:
    labels = [tick.label for tick in chart(days("1.70")).y_ticks]
    assert labels == ["€0.00", "€0.50", "€1.00", "€1.50", "€2.00"]


def test_newest_day_is_always_named_and_labels_are_evenly_spaced() -> None:
    ticks = chart(days(*range(28))).x_ticks
    assert [tick.label for tick in ticks] == [
        "3 Nov",
        "8 Nov",
        "13 Nov",
        "18 Nov",
        "23 Nov",
        "28 Nov",
    ]


def test_a_long_chart_tells_the_years_apart_and_keeps_its_last_word_inside() -> None:
    drawn = chart(days(*range(400)))
    assert [tick.label for tick in drawn.x_ticks][-2:] == ["Aug ’27", "Dec ’27"]
    assert [tick.anchor for tick in drawn.x_ticks][-2:] == ["middle", "end"]
    assert "1 Nov 2026 to 5 Dec 2027" in drawn.description
    assert drawn.days[0].text.startswith("1 Nov 2026:")


def test_a_date_too_near_to_the_newest_is_left_out_where_there_is_no_room() -> None:
    def near(count: int) -> list[str]:
        return [tick.label for tick in chart(days(*range(count))).x_ticks if tick.is_near]

    assert near(28) == ["23 Nov"]
    assert near(90) == ["14 Jan"]
    assert near(7) == []  # its newest date does not end at the edge


def test_description_says_what_the_line_shows() -> None:
    assert chart(days(3, None, 9)).description == (
        "Spend by day, 1 Nov to 3 Nov. Lowest €3.00 on 1 Nov, highest €9.00 on 3 Nov. "
        "1 of 3 days have no figure."
    )


@pytest.mark.parametrize("points", [[], days(None), days(None, None)])
def test_chart_without_figures_says_so(points: list[Point]) -> None:
    drawn = chart(points)
    assert drawn.is_empty
    assert drawn.line == ""
    assert drawn.description == "Spend: no figures in this period."


def test_negative_value_is_drawn_at_the_base_line() -> None:
    assert chart(days(-5, 4)).line == "M25 112 L75 12"


@pytest.mark.parametrize(
    ("highest", "whole", "top"),
    [
        ("0", False, "4"),
        ("0.7", False, "0.8"),
        ("0.9", False, "1"),
        ("4", True, "4"),
        ("3", True, "4"),
        ("9", True, "12"),
        ("9", False, "10"),
        ("401", False, "500"),
        ("999", True, "1000"),
        ("1000001", True, "1200000"),
    ],
)
def test_nice_ceiling_is_round(highest: str, whole: bool, top: str) -> None:
    assert nice_ceiling(Decimal(highest), whole=whole) == Decimal(top)


@given(st.lists(st.none() | st.integers(0, 10**11).map(lambda n: Decimal(n) / 100), max_size=30))
def test_every_figure_lies_inside_the_plot(values: list[Decimal | None]) -> None:
    points = [(START + timedelta(days=i), value) for i, value in enumerate(values)]
    drawn = chart(points)
    ys = [Decimal(day.y) for day in drawn.days if day.y]
    assert all(12 <= y <= 112 for y in ys)
    assert len(ys) == sum(value is not None for value in values)
    assert drawn.line.count("M") + drawn.line.count("L") == len(ys)


def test_figures_are_handed_to_the_script_with_what_stands_around_them() -> None:
    drawn = chart(days("12.5", None, 3), compare=days(1, 2))

    assert drawn.data == {
        "values": [12.5, None, 3.0],
        "before": [1.0, 2.0, None],
        "mark": "€",
        "unit": "",
    }
    percents = line_chart(days(1), label="CTR", formatter=lambda value: f"{value:.2f}%")
    assert percents.data == {"values": [1.0], "mark": "", "unit": "%"}
