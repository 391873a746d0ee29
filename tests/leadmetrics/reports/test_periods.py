from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmetrics.errors import InvalidInput
from leadmetrics.reports.periods import (
    PRESETS,
    Period,
    custom_period,
    oldest_day,
    preset_period,
    read_period,
)

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        ("yesterday", date(2026, 11, 23), date(2026, 11, 23)),
        ("7d", date(2026, 11, 17), date(2026, 11, 23)),
        ("14d", date(2026, 11, 10), date(2026, 11, 23)),
        ("28d", date(2026, 10, 27), date(2026, 11, 23)),
        ("90d", date(2026, 8, 26), date(2026, 11, 23)),
        ("this_month", date(2026, 11, 1), date(2026, 11, 24)),
        ("last_month", date(2026, 10, 1), date(2026, 10, 31)),
    ],
)
def test_preset_covers_its_days(preset: str, since: date, until: date) -> None:
    period = preset_period(preset, today=TODAY)

    assert (period.since, period.until, period.preset) == (since, until, preset)


@given(today=st.dates(date(2020, 1, 1), date(2040, 12, 31)), preset=st.sampled_from(list(PRESETS)))
def test_preset_is_never_reversed_or_in_the_future(today: date, preset: str) -> None:
    period = preset_period(preset, today=today)

    assert period.since <= period.until <= today
    assert period.before.until < period.since
    assert period.before.length == period.length == len(period.days)


@given(today=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_oldest_day_lies_37_months_back(today: date) -> None:
    oldest = oldest_day(today)

    months = (today.year - oldest.year) * 12 + today.month - oldest.month
    assert months == 37
    assert oldest.day <= today.day


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("2026-02-31", "2026-03-05", "“2026-02-31” is not a date"),
        ("tomorrow", "2026-03-05", "“tomorrow” is not a date"),
        ("2026-11-20", "2026-11-01", "comes after the last day"),
        ("2026-11-20", "2026-11-25", "is in the future"),
        ("2023-10-23", "2026-11-20", "The earliest first day is 24 Oct 2023"),
        ("", "2026-11-20", "both a first and a last day"),
    ],
)
def test_custom_range_that_cannot_be_says_why(since: str, until: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        custom_period(since, until, today=TODAY)


def test_custom_range_up_to_today_is_taken() -> None:
    assert custom_period("2023-10-24", "2026-11-24", today=TODAY).length == 1128


def test_a_bad_range_keeps_the_one_shown_before() -> None:
    params = {"since": "2026-11-20", "until": "2026-11-01", "shown": "2026-11-02..2026-11-08"}

    period, problem = read_period(params, today=TODAY, newest=TODAY)

    assert (period.since, period.until) == (date(2026, 11, 2), date(2026, 11, 8))
    assert problem.endswith("Still showing 2 Nov to 8 Nov 2026.")


def test_a_bad_range_keeps_the_preset_shown_before() -> None:
    params = {"since": "x", "until": "y", "range": "7d", "shown": "2026-11-17..2026-11-23"}

    period, problem = read_period(params, today=TODAY, newest=TODAY)

    assert period.preset == "7d"
    assert problem


def test_dates_that_only_repeat_the_preset_do_not_replace_it() -> None:
    params = {
        "since": "2026-11-17",
        "until": "2026-11-23",
        "range": "7d",
        "shown": "2026-11-17..2026-11-23",
    }

    assert read_period(params, today=TODAY, newest=TODAY) == (
        Period(date(2026, 11, 17), date(2026, 11, 23), "7d"),
        "",
    )


def test_an_unknown_preset_is_said_and_28_days_are_shown() -> None:
    period, problem = read_period({"range": "fortnight"}, today=TODAY, newest=TODAY)

    assert period.preset == "28d"
    assert "not one that we know" in problem


@settings(max_examples=40)
@given(text=st.text(max_size=12), other=st.text(max_size=12), shown=st.text(max_size=25))
def test_no_text_breaks_the_range(text: str, other: str, shown: str) -> None:
    params = {"since": text, "until": other, "shown": shown, "range": text}

    period, _ = read_period(params, today=TODAY, newest=TODAY)

    assert period.since <= period.until <= TODAY


def test_label_names_the_year_once_or_twice() -> None:
    assert Period(date(2026, 11, 2), date(2026, 11, 8)).label == "2 Nov to 8 Nov 2026"
    assert Period(date(2025, 12, 30), date(2026, 1, 2)).label == "30 Dec 2025 to 2 Jan 2026"
    assert Period(date(2026, 1, 2), date(2026, 1, 2)).label == "2 Jan 2026"
