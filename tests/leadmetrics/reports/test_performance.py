"""The report page: figures, totals, campaigns, and the address that reproduces it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import CampaignInsight
from leadmetrics.reports import blocks
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_set, make_campaign, store_insights
from tests.leadmetrics.reports.pages import URL, cells_of, link_of, order_of, text_of
from tests.leadmetrics.reports.worlds import (
    TODAY,
    make_account,
    make_ad_day,
    make_day,
    make_run,
)


@pytest.mark.parametrize("name", ["reports:performance", "reports:freshness", "reports:audiences"])
def test_logged_out_people_go_to_sign_in(acme: Tenant, client: Client, name: str) -> None:
    url = reverse(name, args=["acme"])

    assert client.get(url).headers["Location"] == f"/sign-in/?next={url}"


@pytest.mark.parametrize(
    "path", ["reports/", "reports/freshness/", "reports/export/days.csv", "audiences/", ""]
)
def test_strangers_get_404(acme: Tenant, as_olga: Client, path: str) -> None:
    assert as_olga.get(f"/t/acme/{path}").status_code == 404


@pytest.mark.parametrize(
    "path", ["reports/", "reports/freshness/", "reports/export/days.csv", "audiences/", ""]
)
def test_posting_is_not_allowed(as_vera: Client, path: str) -> None:
    assert as_vera.post(f"/t/acme/{path}").status_code == 405


def test_figures_equal_hand_computed_sums(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_campaign(account, campaign_id="1", name="Spring")
    for ago, spend, shown, clicks, bought, value in (
        (1, "12.50", 1000, 20, 2, "80"),
        (2, "7.50", 3000, 30, 3, "45.5"),
    ):
        make_day(
            account,
            TODAY - timedelta(days=ago),
            "1",
            spend=spend,
            impressions=shown,
            clicks=clicks,
            conversions=bought,
            conversion_value=value,
        )
    make_day(account, TODAY - timedelta(days=1), "2", spend="4", impressions=1000, clicks=0)

    page = as_vera.get(URL)

    spring = ["€20.00", "4,000", "50", "1.25%", "€0.40", "€5.00", "5", "€125.50", "€4.00"]
    assert cells_of(page, "Spring") == spring
    assert cells_of(page, "Campaign 2") == [
        *("€4.00", "1,000", "0", "0.00%", "–", "€4.00", "–", "–", "–")
    ]
    assert cells_of(page, "Total EUR") == [
        *("€24.00", "5,000", "50", "1.00%", "€0.48", "€4.80", "5", "€125.50", "€4.80")
    ]


def test_each_currency_is_a_block_of_its_own(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme, "EU"), TODAY - timedelta(days=1), "1", spend=10)
    make_day(make_account(acme, "JP", currency="JPY"), TODAY - timedelta(days=1), "2", spend=1200)

    page = as_vera.get(URL)

    assert cells_of(page, "Total EUR")[0] == "€10.00"
    assert cells_of(page, "Total JPY")[0] == "¥1,200"


def test_accounts_of_one_currency_have_totals_of_their_own(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme, "EU"), TODAY - timedelta(days=1), "1", spend=10)
    make_day(make_account(acme, "Outlet"), TODAY - timedelta(days=1), "2", spend=5)

    page = as_vera.get(URL)

    assert [cells_of(page, name)[0] for name in ("EU", "Outlet", "Total EUR")] == [
        *("€10.00", "€5.00", "€15.00")
    ]


def test_one_account_can_be_chosen_and_a_strangers_cannot(acme: Tenant, as_vera: Client) -> None:
    first = make_account(acme, "EU")
    make_day(first, TODAY - timedelta(days=1), "1", spend=10)
    make_day(make_account(acme, "Outlet"), TODAY - timedelta(days=1), "2", spend=5)
    theirs = make_account(Tenant.objects.create(slug="other", name="Other"))

    assert cells_of(as_vera.get(URL, {"account": first.pk}), "Total EUR")[0] == "€10.00"
    assert as_vera.get(URL, {"account": theirs.pk}).status_code == 404
    assert as_vera.get(URL, {"account": "1 OR 1"}).status_code == 404


@pytest.mark.parametrize("key", ["account", "campaign"])
def test_an_account_that_is_not_used_any_more_is_named(
    acme: Tenant, as_vera: Client, key: str
) -> None:
    make_day(make_account(acme, "EU"), TODAY - timedelta(days=1), "1", spend=10)
    off = make_account(acme, "Old <shop>", enabled=False)
    theirs = make_account(Tenant.objects.create(slug="other", name="Other"), enabled=False)
    wanted = {key: off.pk if key == "account" else f"{off.pk}-1"}

    page = as_vera.get(URL, wanted)

    assert "Old &lt;shop&gt; is not used here any more" in page.content.decode()
    assert cells_of(page, "Total EUR")[0] == "€10.00"
    assert as_vera.get(f"{URL}export/days.csv", wanted).status_code == 302
    assert as_vera.get(f"{URL}reach/", wanted).status_code == 404
    assert as_vera.get(URL, {key: theirs.pk}).status_code == 404
    assert as_vera.get(URL, {"campaign": "-1"}).status_code == 404


def test_campaigns_sort_by_every_column_both_ways(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_day(account, TODAY - timedelta(days=1), "b", spend=1, impressions=10, clicks=5)
    make_day(account, TODAY - timedelta(days=1), "a", spend=2, impressions=1000, clicks=1)
    make_day(account, TODAY - timedelta(days=1), "c", impressions=100)

    def order(sort: str) -> str:
        return "".join(name[-1] for name in order_of(as_vera.get(URL, {"sort": sort})))

    assert order("") == "abc"
    assert order("spend") == "bac"  # what has no figure comes last, whichever way
    assert order("-campaign") == "cba"
    assert order("-ctr") == "bac"
    assert order("impressions") == "bca"
    assert order("nonsense") == "abc"


def test_the_sorted_column_says_so_and_turns_round_when_clicked(
    acme: Tenant, as_vera: Client
) -> None:
    make_day(make_account(acme), TODAY - timedelta(days=1), spend=1)

    html = as_vera.get(URL, {"sort": "-clicks"}).content.decode()

    campaigns = html.partition('id="campaigns-EUR"')[2]
    (heading,) = re.findall(r'<th[^>]*aria-sort="descending".*?</th>', campaigns)
    assert "Clicks" in heading
    assert f'href="{URL}?sort=clicks#' in heading


def test_a_bad_range_is_explained_and_the_last_good_one_kept(acme: Tenant, as_vera: Client) -> None:
    make_account(acme)

    page = as_vera.get(
        URL, {"since": "2026-11-30", "until": "2026-12-01", "shown": "2026-11-02..2026-11-08"}
    )

    assert "is in the future" in text_of(page)
    assert "Still showing 2 Nov to 8 Nov 2026." in text_of(page)
    assert 'value="2026-11-30"' in page.content.decode()  # what was typed can be corrected


def test_the_form_ends_at_the_address_that_reproduces_the_page(
    acme: Tenant, as_vera: Client
) -> None:
    account = make_account(acme)

    form = {"range": "7d", "shown": "2026-11-17..2026-11-23", "metric": "clicks", "sort": "-spend"}
    same = {**form, "since": "2026-11-17", "until": "2026-11-23", "account": account.pk}
    other = {**form, "since": "2026-11-01", "until": "2026-11-03", "compare": "1", "account": ""}

    assert as_vera.get(URL, same).headers["Location"] == (
        f"{URL}?range=7d&account={account.pk}&metric=clicks"
    )
    assert as_vera.get(URL, other).headers["Location"] == (
        f"{URL}?since=2026-11-01&until=2026-11-03&metric=clicks&compare=1"
    )


def test_campaigns_page_by_key(
    acme: Tenant, as_vera: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROWS_PER_PAGE", 10)
    account = make_account(acme)
    day = TODAY - timedelta(days=1)
    store_insights(
        CampaignInsight(
            ad_account=account,
            campaign_id=f"{n:03}",
            campaign_name=f"N{n:03}",
            date_start=day,
            spend=500 - n,
        )
        for n in range(25)
    )

    seen: list[str] = []
    url = URL
    while url:
        page = as_vera.get(url)
        seen += order_of(page)
        links = re.findall(r'rel="next" href="([^"]*?)#', page.content.decode())
        url = links[0].replace("&amp;", "&") if links else ""

    assert seen == [f"N{n:03}" for n in range(25)]
    back = re.findall(r'rel="prev" href="([^"]*?)#', page.content.decode())[0]
    assert order_of(as_vera.get(back))[0] == "N010"


def test_campaign_names_are_text_never_markup(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme, "<b>EU</b>"), TODAY - timedelta(days=1), name="<script>x</script>")

    html = as_vera.get(URL).content.decode()

    assert "<script>x" not in html
    assert "<b>EU" not in html


def test_figures_beyond_every_column_are_shown_and_handed_out(
    acme: Tenant, as_vera: Client
) -> None:
    """As large as can be stored by row, day and month: more in sum than 64 bits hold."""
    account = make_account(acme)
    make_run(account, since=TODAY - timedelta(days=200))
    rows = []
    for month in (7, 8, 9, 10):
        for day in range(1, 10):
            rows += [
                CampaignInsight(
                    ad_account=account,
                    campaign_id="1",
                    campaign_name="Huge",
                    date_start=date(2026, month, day),
                    spend=Decimal("999999999999"),
                    impressions=10**18,
                    clicks=1,
                    conversions=Decimal("0.0001") if month > 8 else Decimal(999_999_999_999),
                )
            ]
    store_insights(rows)
    days = {"since": "2026-09-01", "until": "2026-10-31", "compare": "1"}

    page = as_vera.get(URL, days)

    assert cells_of(page, "Huge")[:2] == ["€17,999,999,999,982.00", f"{18 * 10**18:,}"]
    assert "€17,999,999,999,982.00" in text_of(page)
    for path in ("campaigns.csv", "days.xlsx", "every-row.csv"):
        handed: Any = as_vera.get(f"{URL}export/{path}", {**days, "metric": "cost_per_conversion"})
        assert b"".join(handed.streaming_content)


@pytest.mark.parametrize("query", ["", "?compare=1&range=90d", "?range=yesterday&sort=campaign"])
def test_queries_do_not_grow_with_the_rows(
    acme: Tenant, as_vera: Client, django_assert_max_num_queries: Any, query: str
) -> None:
    for number in range(6):
        account = make_account(acme, f"Account {number}", currency=("EUR", "USD")[number % 2])
        make_run(account)
        make_run(account, "running" if number else "failed", days_total=5)
        store_insights(
            CampaignInsight(
                ad_account=account,
                campaign_id=str(campaign),
                campaign_name="Not in the catalog",
                date_start=TODAY - timedelta(days=ago),
                spend=1,
            )
            for campaign in range(4)
            for ago in range(40)
        )

    # The first look notes that somebody looked.
    with django_assert_max_num_queries(14):
        assert as_vera.get(URL + query).status_code == 200
    with django_assert_max_num_queries(13):
        assert as_vera.get(URL + query).status_code == 200


def test_a_click_leads_from_campaign_to_ad_set_to_ad(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    campaign = make_campaign(account, campaign_id="1", name="Spring")
    make_ad_set(campaign, ad_set_id="11", name="25 and older")
    make_day(account, TODAY - timedelta(days=1), "1", spend=10)
    make_day(account, TODAY - timedelta(days=1), "2", spend=90)
    make_ad_day(account, TODAY - timedelta(days=1), "1", "11", "111", name="Tents", spend=3)
    make_ad_day(account, TODAY - timedelta(days=1), "1", "11", "112", name="Stoves", spend=4)

    campaigns = as_vera.get(URL)
    ad_sets = as_vera.get(link_of(campaigns, "Spring"))
    ads = as_vera.get(link_of(ad_sets, "25 and older"))

    assert cells_of(ad_sets, "25 and older")[0] == "€7.00"
    assert cells_of(ad_sets, "Whole campaign")[0] == "€10.00"
    assert "the rows may be less than the whole campaign" in text_of(ad_sets)
    assert [cells_of(ads, name)[0] for name in ("Stoves", "Tents")] == ["€4.00", "€3.00"]
    assert cells_of(ads, "Whole ad set")[0] == "€7.00"
    assert "All campaigns Spring 25 and older" in text_of(ads)


def test_a_campaign_that_nobody_knows_is_a_404(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)

    assert as_vera.get(URL, {"campaign": f"{account.pk}-5"}).status_code == 404
    assert as_vera.get(URL, {"campaign": "x-5"}).status_code == 404


def test_words_narrow_the_campaigns_and_their_totals(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_run(account)
    for ago in (1, 8):
        make_day(account, TODAY - timedelta(days=ago), "1", spend=10, name="Spring tents")
        make_day(account, TODAY - timedelta(days=ago), "2", spend=90, name="Winter coats")

    page = as_vera.get(URL, {"q": "TENT", "range": "7d", "compare": "1"})

    assert order_of(page) == ["Spring tents"]
    assert cells_of(page, "Total EUR")[0] == "€10.00"
    assert "before: €10.00" in text_of(page)
    assert "Only campaigns with “ TENT ” in their name, or with this id." in text_of(page)
    assert "No campaign fits" in text_of(as_vera.get(URL, {"q": "boats"}))


@pytest.mark.parametrize("others", [True, False])
def test_words_narrow_the_period_before_by_the_same_names(
    acme: Tenant, as_vera: Client, others: bool
) -> None:
    """Whether or not this period has campaigns of other names: both periods are of the words."""
    account = make_account(acme)
    make_run(account)
    this, before = TODAY - timedelta(days=1), TODAY - timedelta(days=8)
    make_day(account, this, "1", spend=10, name="Spring tents")
    make_day(account, before, "2", spend=7, name="Old tents")
    make_day(account, before, "3", spend=500, name="Summer boats")
    if others:
        make_day(account, this, "4", spend=90, name="Winter coats")

    page = as_vera.get(URL, {"q": "tents", "range": "7d", "compare": "1"})

    assert order_of(page) == ["Spring tents"]
    assert cells_of(page, "Total EUR")[0] == "€10.00"
    assert "before: €7.00" in text_of(page)


def test_an_unknown_figure_is_named_and_the_usual_one_shown(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme), TODAY - timedelta(days=1), spend=1)

    words = text_of(as_vera.get(URL, {"metric": "roas", "sort": "-love"}))

    assert "This report has no figure “roas” or “-love”; the usual one is shown." in words
    assert "Spend by day" in words
