"""Numbers, money, times and icons as pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import time_machine
from django.template import Context, Template
from django.test import RequestFactory

from leadmetrics.templatetags.ui import (
    Change,
    ago,
    as_of,
    current,
    describe_change,
    format_money,
    format_number,
    format_percent,
    full_day,
    icon,
    initial,
    missing,
    money,
    number,
    percent,
)

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal("1234.5"), "EUR", "€1,234.50"),
        (Decimal("1234.5"), "USD", "US$1,234.50"),
        (Decimal("1234.5"), "JPY", "¥1,235"),
        (Decimal("1234567"), "KRW", "₩1,234,567"),
        (Decimal("99000"), "VND", "₫99,000"),
        (Decimal("1234.5"), "CLP", "CLP\u00a01,235"),
        (Decimal("1234.5"), "SEK", "SEK\u00a01,234.50"),
        (Decimal("-3"), "GBP", "−£3.00"),
        (Decimal("-0.001"), "EUR", "€0.00"),
        (Decimal("0.005"), "EUR", "€0.01"),
        (0, "EUR", "€0.00"),
        (Decimal("5"), "", "5.00"),
    ],
)
def test_format_money_writes_the_currency(amount: Decimal | int, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown


def test_format_number_groups_and_rounds_half_up() -> None:
    assert format_number(1234567) == "1,234,567"
    assert format_number(Decimal("2.5")) == "3"
    assert format_number(Decimal("1234.005"), 2) == "1,234.01"
    assert format_number(-12) == "−12"


def test_full_day_names_weekday_and_year() -> None:
    assert full_day(date(2026, 11, 3)) == "Tue 3 Nov 2026"


def test_format_percent_takes_metas_percent() -> None:
    assert format_percent(Decimal("1.2345")) == "1.2%"
    assert format_percent(Decimal("1.2345"), 2) == "1.23%"


@pytest.mark.parametrize("shown", [money(None, "EUR"), number(None), percent(None), as_of(None)])
def test_missing_figure_is_a_dash_with_a_reason_never_zero(shown: str) -> None:
    assert "–" in shown
    assert "0" not in shown.replace('tabindex="0"', "")
    assert 'class="missing__reason"' in shown


def test_zero_is_not_missing() -> None:
    assert money(Decimal(0), "EUR") == "€0.00"
    assert number(0) == "0"


def test_missing_escapes_its_reason() -> None:
    assert "<b>" not in missing("<b>x</b>")


@pytest.mark.parametrize(
    ("now", "before", "better", "said"),
    [
        (112, 100, "up", Change("+12.0% up", "good", "trending-up", Decimal(12))),
        (90, 100, "up", Change("−10.0% down", "bad", "trending-down", Decimal(-10))),
        (90, 100, "down", Change("−10.0% down", "good", "trending-down", Decimal(-10))),
        (112, 100, "", Change("+12.0% up", "neutral", "trending-up", Decimal(12))),
        (100, 100, "up", Change("no change", "neutral", "minus", Decimal(0))),
        (Decimal("100.01"), 100, "up", Change("no change", "neutral", "minus", Decimal(0))),
        (
            Decimal("1e16"),
            Decimal("1e-18"),
            "",
            Change("+1,000,000.0% up", "neutral", "trending-up", Decimal(1_000_000)),
        ),
        (5, 0, "up", None),
        (None, 100, "up", None),
        (5, None, "up", None),
    ],
)
def test_describe_change_says_sign_word_and_tone(
    now: Decimal | int | None, before: Decimal | int | None, better: str, said: Change | None
) -> None:
    assert describe_change(now, before, better=better) == said


def test_icon_is_decorative_without_a_label_and_an_image_with_one() -> None:
    assert 'aria-hidden="true"' in icon("check")
    assert "icons.svg#check" in icon("check")
    assert 'role="img" aria-label="A &amp; B"' in icon("check", label="A & B")
    assert 'width="20" height="20"' in icon("check", size=20)


@time_machine.travel(NOW, tick=False)
def test_as_of_names_the_day_unless_it_is_today() -> None:
    assert ">as of 09:12</time>" in as_of(NOW)
    assert ">as of 23 Nov, 09:12</time>" in as_of(NOW - timedelta(days=1))
    assert ">as of 24 Nov 2025, 09:12</time>" in as_of(NOW - timedelta(days=365))


@time_machine.travel(NOW, tick=False)
def test_as_of_speaks_in_the_accounts_timezone() -> None:
    shown = as_of(NOW, "Asia/Tokyo")
    assert ">as of 18:12</time>" in shown
    assert 'datetime="2026-11-24T09:12:00+00:00"' in shown
    assert "Asia/Tokyo" in shown
    # 23:30 in Los Angeles was yesterday there, although the same moment is today in UTC.
    assert ">as of 23 Nov, 23:30</time>" in as_of(
        datetime(2026, 11, 24, 7, 30, tzinfo=UTC), "America/Los_Angeles"
    )


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=5, seconds=59), "5 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=1), "23 Nov, 09:12"),
        (timedelta(days=-2), "26 Nov, 09:12"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_ago_counts_for_a_day_and_then_names_it(age: timedelta, words: str) -> None:
    assert f">{words}</time>" in ago(NOW - age)


@pytest.mark.parametrize(
    ("name", "letter"), [("ana", "A"), ("“Ölberg”", "Ö"), ("أكمي", "أ"), ("", "?"), ("– –", "?")]
)
def test_initial_is_the_first_letter(name: str, letter: str) -> None:
    assert initial(name) == letter


def on_page(view_name: str) -> Context:
    request = RequestFactory().get("/")
    request.resolver_match = SimpleNamespace(view_name=view_name)
    return Context({"request": request})


def test_current_marks_the_page_and_what_lies_below_it() -> None:
    assert current(on_page("review:queue"), "review") == ' aria-current="page"'
    assert current(on_page("reports:audiences"), "reports:audiences") == ' aria-current="page"'
    assert current(on_page("reports:audiences"), "reports:performance") == ""
    assert current(on_page("review:queue"), "rev", "ads") == ""
    assert current(Context({}), "review") == ""


def test_tags_work_in_a_template_without_loading() -> None:
    page = Template('{% icon "check" %}{{ spend|money:"EUR" }}{% change 3 2 as c %}{{ c.text }}')
    shown = page.render(Context({"spend": Decimal("2")}))
    assert "icons.svg#check" in shown
    assert shown.endswith("€2.00+50.0% up")
