"""Reach on the report page: Meta's own count, or the true reason why there is none."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.test import Client

from leadmetrics.tenancy.models import Tenant
from tests.builders import make_campaign
from tests.leadmetrics.reports.pages import URL, cells_of, text_of
from tests.leadmetrics.reports.worlds import (
    NOW,
    TODAY,
    make_account,
    make_ad_day,
    make_day,
)


def test_reach_is_never_summed_and_says_why(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme), TODAY - timedelta(days=1), reach=4321, impressions=5000)

    week = as_vera.get(URL, {"range": "7d"}).content.decode()
    one_day = as_vera.get(URL, {"range": "yesterday"})

    assert "4,321" not in week
    assert "Meta is asked for it" in week
    assert cells_of(one_day, "Campaign 1")[-1] == "4,321"
    assert cells_of(one_day, "Total EUR")[-1] == "–"


def test_reach_is_asked_from_meta_and_shown_when_it_came(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, TODAY - timedelta(days=1), spend=1)
    (url,) = re.findall(
        r'hx-get="(/t/acme/reports/reach/[^"]*)"', as_vera.get(URL).content.decode()
    )

    asked = as_vera.get(url, headers={"HX-Request": "true"})
    account.range_reach.update(total=4321, read_at=NOW, lease_until=None)
    told = as_vera.get(url, headers={"HX-Request": "true"})

    assert "asking Meta" in text_of(asked)
    assert "load delay:2s" in asked.content.decode()
    assert "4,321" in text_of(told)
    assert "load delay" not in told.content.decode()
    assert "<html" in as_vera.get(url).content.decode()  # a page of its own without JavaScript


def test_reach_of_a_range_stands_by_campaign_and_in_the_total_as_meta_counted_it(
    acme: Tenant, as_vera: Client
) -> None:
    account = make_account(acme)
    for ago in (1, 2):
        make_day(account, TODAY - timedelta(days=ago), "1", spend=2, reach=600)
        make_day(account, TODAY - timedelta(days=ago), "2", spend=1, reach=500)
    week = {"range": "7d"}
    assert len(cells_of(as_vera.get(URL, week), "Campaign 1")) == 9  # Meta was not asked yet

    asked = {"since": TODAY - timedelta(days=7), "until": TODAY - timedelta(days=1)}
    account.range_reach.create(**asked, total=1500, by_campaign={"1": 900, "2": 800}, read_at=NOW)

    page = as_vera.get(URL, week)
    reach = [cells_of(page, name)[-1] for name in ("Campaign 1", "Campaign 2", "Total EUR")]
    assert reach == ["900", "800", "1,500"]
    narrowed = as_vera.get(URL, {**week, "q": "Campaign 1"})
    assert [cells_of(narrowed, name)[-1] for name in ("Campaign 1", "Total EUR")] == ["900", "–"]
    handed: Any = as_vera.get(f"{URL}export/campaigns.csv", week)
    lines = b"".join(handed.streaming_content).decode().splitlines()
    assert [line.split(",")[-2] for line in lines] == ["Reach", "900", "800", "1500", "1500"]
    account.range_reach.update(read_at=NOW - timedelta(hours=1))  # before the last complete read
    assert len(cells_of(as_vera.get(URL, week), "Campaign 1")) == 9


def test_reach_of_a_campaign_is_in_its_file_as_on_its_card(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_campaign(account, campaign_id="1", name="Spring")
    day = TODAY - timedelta(days=1)
    make_day(account, day, "1", spend=2)
    make_ad_day(account, day, "1", "11", "111", name="Tents", spend=1)
    days = {"since": TODAY - timedelta(days=7), "until": day}
    account.range_reach.create(**days, total=1500, by_campaign={"1": 900}, read_at=NOW)
    inside = {"range": "7d", "campaign": f"{account.pk}-1"}

    page = as_vera.get(URL, inside)
    handed: Any = as_vera.get(f"{URL}export/campaigns.csv", inside)

    assert "900 people" in text_of(as_vera.get(f"{URL}reach/", inside))
    *_, ad_set, total = b"".join(handed.streaming_content).decode().splitlines()
    assert [line.split(",")[-2] for line in (ad_set, total)] == ["", "900"]
    assert len(cells_of(page, "Whole campaign")) == 9  # a column of ad sets would have nothing


def test_why_there_is_no_reach_is_true_where_it_is_said(acme: Tenant, as_vera: Client) -> None:
    account, other = make_account(acme, "EU"), make_account(acme, "Outlet")
    make_campaign(account, campaign_id="1", name="Spring")
    for ago in (1, 2):
        make_day(account, TODAY - timedelta(days=ago), "1", spend=2, reach=600)
        make_day(other, TODAY - timedelta(days=ago), "2", spend=1, reach=500)
    asked = {"since": TODAY - timedelta(days=7), "until": TODAY - timedelta(days=1)}
    account.range_reach.create(**asked, total=1500, by_campaign={"1": 900}, read_at=NOW)

    def told(**query: str) -> str:
        return text_of(as_vera.get(URL, {"range": "7d", **query}))

    both = told()
    assert "Somebody reached by two ad accounts, or on two days, would count twice" in both
    assert "Choose one ad account, and Meta is asked." in both
    assert both.count("Meta was not asked for the reach of this ad account.") == 2  # row, total
    assert "Meta sent no reach" not in both
    words = told(q="spring", account=str(account.pk))
    assert "by two campaigns" in words
    assert "take the words away to see it" in words
    ads = told(campaign=f"{account.pk}-1", ad_set="11")
    assert "by two ads" in ads
    assert "Meta is asked for ad accounts and campaigns, not for ad sets." in ads
