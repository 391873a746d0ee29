from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from integrations.models import CampaignInsight
from leadmetrics.reports.files import guarded
from leadmetrics.tenancy.models import Tenant
from tests.builders import store_insights
from tests.leadmetrics.reports.worlds import TODAY, make_account, make_day, make_run

YESTERDAY = TODAY - timedelta(days=1)


def table(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    response: Any = client.get(f"/t/acme/reports/export/{name}.csv{query}")
    assert response.status_code == 200
    assert response.streaming
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("@cmd", "'@cmd"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("-12.50", "-12.50"),
        (Decimal("-12.50"), "-12.50"),
        (-3, "-3"),
        ("Spring - sale", "Spring - sale"),
        (None, ""),
        (0, "0"),
    ],
)
def test_no_cell_becomes_a_formula_and_numbers_stay_numbers(cell: Any, written: str) -> None:
    assert guarded(cell) == written


def test_campaigns_are_written_as_shown_with_their_totals(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, YESTERDAY, "1", spend="10.005", impressions=1000, clicks=3)
    make_day(account, YESTERDAY, "2", name="=HYPERLINK(1)", spend="20", impressions=1000)

    rows = table(as_vera, "campaigns", "?range=7d")

    assert [(row["Row"], row["Campaign"], row["Spend"], row["CTR"]) for row in rows] == [
        ("Campaign", "'=HYPERLINK(1)", "20.00", ""),
        ("Campaign", "Campaign 1", "10.01", "0.30"),
        ("Account total", "", "30.01", "0.15"),
        ("Currency total", "", "30.01", "0.15"),
    ]
    assert rows[0]["First day"] == "2026-11-17"
    assert rows[0]["Read at"] == "2026-11-24T09:00+00:00"
    assert rows[0]["Conversions"] == ""
    assert {row["Currency"] for row in rows} == {"EUR"}


def test_every_page_of_the_campaigns_is_written(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    store_insights(
        CampaignInsight(
            ad_account=account,
            campaign_id=str(number),
            campaign_name=str(number),
            date_start=YESTERDAY,
            spend=number,
        )
        for number in range(120)
    )

    rows = [row for row in table(as_vera, "campaigns") if row["Row"] == "Campaign"]

    assert [row["Campaign ID"] for row in rows] == [str(n) for n in range(119, -1, -1)]


def test_days_are_written_as_under_the_chart(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, YESTERDAY, clicks=5, impressions=100)
    make_day(account, TODAY - timedelta(days=3), clicks=1, impressions=50)

    rows = table(as_vera, "days", "?since=2026-11-22&until=2026-11-23&metric=ctr&compare=1")

    assert [list(row.values()) for row in rows] == [  # newest first, as on the page
        ["EUR", "2026-11-23", "5.00", "2026-11-21", "2.00", "150.0"],
        ["EUR", "2026-11-22", "", "2026-11-20", "", ""],
    ]
    assert list(rows[0]) == ["Currency", "Day", "CTR", "Day before", "CTR before", "Change in %"]
    lowest = table(as_vera, "days", "?since=2026-11-19&until=2026-11-23&metric=ctr&days=figure")
    assert [row["CTR"] for row in lowest] == ["2.00", "5.00", "", "", ""]


def test_the_period_before_stands_beside_the_total_when_it_was_read(
    acme: Tenant, as_vera: Client
) -> None:
    account = make_account(acme)
    make_run(account, since=TODAY - timedelta(days=10))
    make_day(account, YESTERDAY, spend=15)
    make_day(account, TODAY - timedelta(days=8), spend=10)

    def before() -> list[str]:
        rows = table(as_vera, "campaigns", "?range=7d&compare=1")
        return [row["Spend before"] + row["Spend: change in %"] for row in rows]

    assert before() == ["", "", ""]
    make_run(account, since=TODAY - timedelta(days=30))
    assert before() == ["", "", "10.0050.0"]
    assert table(as_vera, "campaigns", "?range=7d&compare=1")[-1]["Clicks: change in %"] == ""
    assert "Spend before" not in table(as_vera, "campaigns", "?range=7d")[0]


def test_every_row_is_written_as_meta_sent_it(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, YESTERDAY, spend="0.123456", reach=70, conversions=None)
    make_day(make_account(acme, "Half", insights_complete_at=None), YESTERDAY, spend=9)

    (row,) = table(as_vera, "every-row", "?range=7d")

    assert (row["Day"], row["Spend"], row["Reach"], row["Conversions"]) == (
        *("2026-11-23", "0.123456", "70", ""),
    )


def test_an_unknown_table_is_a_404(acme: Tenant, as_vera: Client) -> None:
    assert as_vera.get("/t/acme/reports/export/secrets.csv").status_code == 404


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=x&until=y", "“x” is not a date"),
        ("metric=roas&range=7d", "This report has no figure “roas”"),
        ("sort=love&shown=2026-11-02..2026-11-08", "This report has no figure “love”"),
    ],
)
def test_what_cannot_be_read_leads_back_to_the_page_that_says_so(
    acme: Tenant, as_vera: Client, query: str, said: str
) -> None:
    make_account(acme)

    response = as_vera.get(f"/t/acme/reports/export/days.csv?{query}")

    assert response.status_code == 302
    assert response.headers["Location"] == f"/t/acme/reports/?{query}"
    assert said in as_vera.get(response.headers["Location"]).content.decode()
    assert said in as_vera.get(f"/t/acme/reports/moved/?{query}").content.decode()


def workbook(client: Client, name: str, query: str = "") -> list[list[str]]:
    """The first sheet's cells as texts."""
    response: Any = client.get(f"/t/acme/reports/export/{name}.xlsx{query}")
    assert response.status_code == 200
    assert response.streaming
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet  # no formula anywhere
    rows = re.findall(r"<row .*?</row>", sheet, re.S)
    return [re.findall(r"<(?:v|t)(?: [^>]*)?>(.*?)</(?:v|t)>", row) for row in rows]


def test_the_workbook_has_the_same_rows_and_no_formula(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, YESTERDAY, "1", spend="10.005", impressions=1000, clicks=3)
    make_day(account, YESTERDAY, "2", name="=HYPERLINK(1)", spend="20", impressions=1000)

    rows = workbook(as_vera, "campaigns", "?range=7d")

    assert rows[0][:5] == ["Row", "Currency", "Ad account", "Ad account ID", "Campaign"]
    assert rows[1][4] == "=HYPERLINK(1)"  # a text, shown as it is
    assert "10.01" in rows[2]
    assert [row[0] for row in rows[1:]] == [
        *("Campaign", "Campaign", "Account total", "Currency total")
    ]


def test_exports_are_of_what_is_shown(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, YESTERDAY, "1", spend="10", name="Spring")
    make_day(account, YESTERDAY, "2", spend="20", name="Winter")

    shown = table(as_vera, "campaigns", "?range=7d&q=spring")

    assert [row["Spend"] for row in shown] == ["10.00", "10.00", "10.00"]


@pytest.mark.parametrize("path", ["campaigns.pdf", "people.csv"])
def test_other_exports_do_not_exist(acme: Tenant, as_vera: Client, path: str) -> None:
    assert as_vera.get(f"/t/acme/reports/export/{path}").status_code == 404
