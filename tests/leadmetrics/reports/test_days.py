"""The table under the chart: its days, their comparison, and what was not read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.test import Client

from leadmetrics.tenancy.models import Tenant
from tests.builders import make_campaign
from tests.leadmetrics.reports.pages import URL, text_of
from tests.leadmetrics.reports.worlds import (
    TODAY,
    make_account,
    make_ad_day,
    make_day,
    make_run,
    mark_days,
)


def test_comparison_shows_both_periods_by_day(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_run(account)
    make_day(account, TODAY - timedelta(days=1), spend=150)
    make_day(account, TODAY - timedelta(days=8), spend=100)

    words = text_of(as_vera.get(URL, {"range": "7d", "compare": "1"}))

    assert "before: €100.00" in words
    assert "+50.0% up" in words
    assert "Mon 23 Nov 2026 €150.00 Mon 16 Nov 2026 €100.00 +50.0% up" in words


def test_half_a_period_before_is_not_compared(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_run(account, since=TODAY - timedelta(days=10))
    make_day(account, TODAY - timedelta(days=1), spend=150)
    make_day(account, TODAY - timedelta(days=8), spend=100)

    words = text_of(as_vera.get(URL, {"range": "7d", "compare": "1"}))

    assert "before: €100.00" not in words
    assert "has not been read completely: no comparison" in words


def test_the_table_under_the_chart_has_the_charts_figures(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_run(account, since=TODAY - timedelta(days=6))
    make_day(account, TODAY - timedelta(days=1), clicks=30)
    make_day(account, TODAY - timedelta(days=3), clicks=12)

    page = as_vera.get(URL, {"range": "7d", "metric": "clicks"})

    words = text_of(page)
    assert "Clicks by day, 17 Nov to 23 Nov. Lowest 12 on 21 Nov, highest 30 on 23 Nov." in (
        page.content.decode()
    )
    assert "Mon 23 Nov 2026 30" in words
    assert "Sun 22 Nov 2026 – Nothing ran on this day" in words
    assert "Tue 17 Nov 2026 – This day has not been read from Meta yet" in words


def test_an_ad_sets_days_are_those_of_which_ads_were_read(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_campaign(account, campaign_id="1", name="Spring")
    make_run(account)
    this, before = TODAY - timedelta(days=1), TODAY - timedelta(days=8)
    for day in (this, before):
        make_ad_day(account, day, "1", "11", "111", name="Tents", spend=3)
    inside = {"campaign": f"{account.pk}-1", "ad_set": "11", "range": "7d", "compare": "1"}

    unread = text_of(as_vera.get(URL, inside))
    mark_days(account, TODAY - timedelta(days=5), this, "ad")
    half = text_of(as_vera.get(URL, inside))
    mark_days(account, TODAY - timedelta(days=20), this, "ad")
    whole = text_of(as_vera.get(URL, inside))

    assert "Sun 22 Nov 2026 – This day has not been read from Meta yet" in unread
    assert "before: €3.00" not in unread
    assert "Sun 22 Nov 2026 – Nothing ran on this day" in half
    assert "Tue 17 Nov 2026 – This day has not been read from Meta yet" in half
    assert "before: €3.00" not in half
    assert "before: €3.00" in whole


def days_of(response: Any) -> list[str]:
    """The days and figures of the table under the chart, from top to bottom."""
    (table,) = re.findall(r'id="days-EUR".*?</table>', response.content.decode(), re.S)
    rows = re.findall(r'<th scope="row">(.*?)</th>\s*<td class="table__num">(.*?)</td>', table)
    return [f"{day[4:6]} {'–' if 'missing' in figure else figure}" for day, figure in rows]


def test_days_sort_by_date_and_by_figure_both_ways(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    for ago, clicks in ((1, 5), (2, 30), (4, 12)):
        make_day(account, TODAY - timedelta(days=ago), clicks=clicks)
    asked = {"since": "2026-11-20", "until": "2026-11-23", "metric": "clicks", "q": "campaign"}

    def order(days: str) -> list[str]:
        return days_of(as_vera.get(URL, {**asked, "days": days}))

    assert order("") == order("-day") == ["23 5", "22 30", "21 –", "20 12"]
    assert order("day") == ["20 12", "21 –", "22 30", "23 5"]
    assert order("-figure") == ["22 30", "20 12", "23 5", "21 –"]
    assert order("figure") == ["23 5", "20 12", "22 30", "21 –"]  # a gap is last, whichever way
    assert "This report has no figure “love”" in text_of(as_vera.get(URL, {"days": "love"}))


def test_sorted_days_are_in_view_and_their_heading_says_how(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme), TODAY - timedelta(days=1), clicks=5)

    usual = as_vera.get(URL, {"metric": "clicks", "sort": "cpc"}).content.decode()
    html = as_vera.get(URL, {"metric": "clicks", "days": "-figure"}).content.decode()

    assert '<details class="disclosure">' in usual
    assert f'href="{URL}?metric=clicks&amp;sort=cpc&amp;days=day#days-EUR"' in usual
    assert '<details class="disclosure" open>' in html
    assert '<input type="hidden" name="days" value="-figure">' in html
    heading = html.partition('id="days-EUR"')[2].partition('aria-sort="descending"')[2]
    assert heading.startswith(
        f'><a class="table__sort" href="{URL}?metric=clicks&amp;days=figure#days-EUR">Clicks<'
    )


def test_who_can_have_older_days_read_is_said(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    account = make_account(acme)
    make_campaign(account, campaign_id="1", name="Spring")
    mark_days(account, TODAY - timedelta(days=5), TODAY)
    mark_days(account, TODAY - timedelta(days=3), TODAY, "ad")
    make_day(account, TODAY - timedelta(days=1), "1", spend=2)
    week, ads = {"range": "7d"}, {"range": "7d", "campaign": f"{account.pk}-1", "ad_set": "11"}

    told, admin = as_vera.get(URL, week), as_ana.get(URL, week)
    assert "complete from 19 Nov 2026 on; earlier days have not been read from Meta yet" in (
        text_of(told)
    )
    assert "An admin of this workspace can have older days read." in text_of(told)
    assert "Read older days under Connections</a>" in admin.content.decode()
    inside = text_of(as_ana.get(URL, ads))
    assert "Ads of Acme EU are complete from 21 Nov 2026 on; earlier days have not been" in inside
    assert "older days" not in inside  # they are read of campaigns only
