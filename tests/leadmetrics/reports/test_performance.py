from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from integrations.models import CampaignInsight
from leadmetrics.reports import blocks
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_set, make_campaign, store_insights
from tests.leadmetrics.reports.worlds import (
    NOW,
    TODAY,
    make_account,
    make_ad_day,
    make_day,
    make_run,
    mark_days,
)

URL = "/t/acme/reports/"


def text_of(response: Any) -> str:
    """The page's words, without markup and runs of blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def cells_of(response: Any, name: str) -> list[str]:
    """The figures of the table row that begins with ``name``."""
    (row,) = [
        row
        for row in re.findall(r"<tr>.*?</tr>", response.content.decode(), re.S)
        if f"<bdi>{name}</bdi>" in row.split("</th>")[0]
    ]
    cells = re.findall(r'<td class="table__num">(.*?)</td>', row, re.S)
    return ["–" if "missing" in cell else cell for cell in cells]


def link_of(response: Any, name: str) -> str:
    """Where a click on the row's name leads."""
    pattern = rf'<a href="([^"]*)"><bdi>{name}</bdi>'
    (url,) = re.findall(pattern, response.content.decode())
    return str(url).replace("&amp;", "&")


def order_of(response: Any) -> list[str]:
    rows = re.findall(
        r'<th scope="row" class="table__main">(?:<a [^>]*>)?<bdi>(.*?)</bdi>',
        response.content.decode(),
    )
    return [name for name in rows if not name.startswith("Total")]


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

    (heading,) = re.findall(r'<th[^>]*aria-sort="descending".*?</th>', html)
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


def test_reach_is_never_summed_and_says_why(acme: Tenant, as_vera: Client) -> None:
    make_day(make_account(acme), TODAY - timedelta(days=1), reach=4321, impressions=5000)

    week = as_vera.get(URL, {"range": "7d"}).content.decode()
    one_day = as_vera.get(URL, {"range": "yesterday"})

    assert "4,321" not in week
    assert "Meta is asked for it" in week
    assert cells_of(one_day, "Campaign 1")[-1] == "4,321"
    assert cells_of(one_day, "Total EUR")[-1] == "–"


def test_a_running_pull_shows_progress_and_asks_again(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, insights_complete_at=None)
    run = make_run(account, "running", days_done=12, days_total=90, rows=4310)
    make_day(account, TODAY - timedelta(days=1), spend=999)

    page = as_vera.get(URL)
    assert "12 of 90 days, 4,310 rows" in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert "999" not in text_of(page)
    assert "The first read is not complete yet" in text_of(page)

    run.state = "complete"
    run.save()
    account.insights_complete_at = NOW
    account.save()
    fragment = as_vera.get(f"{URL}freshness/", headers={"HX-Request": "true"})
    assert "every 2s" not in fragment.content.decode()
    assert "Show the new figures" in text_of(fragment)
    assert "<html" not in fragment.content.decode()


def test_a_cut_pull_is_marked_and_the_last_complete_one_shown(
    acme: Tenant, as_vera: Client
) -> None:
    account = make_account(acme)
    make_run(account, "failed", error="Meta stopped answering after 3 of 28 days.")
    make_day(account, TODAY - timedelta(days=1), spend=10)

    words = text_of(as_vera.get(URL))

    assert "The last read of Acme EU was cut short" in words
    assert "Meta stopped answering after 3 of 28 days." in words
    assert "as of 10:00" in words  # 09:00 UTC in Berlin
    assert "€10.00" in words


def test_without_ad_accounts_the_page_says_the_one_thing_to_do(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    assert "An admin of this workspace connects Facebook" in text_of(as_vera.get(URL))
    assert 'href="/t/acme/connections/"' in as_ana.get(URL).content.decode()


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


def test_why_figures_are_old_is_said_to_everybody(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, insights_complete_at=NOW - timedelta(days=2))
    make_day(account, TODAY - timedelta(days=3), spend=1)
    assert "Acme EU is not up to date No read has begun since." in text_of(as_vera.get(URL))

    account.integration.status = "revoked"
    account.integration.save()
    words = text_of(as_vera.get(URL))
    assert "Access through Olga Owner" in words or "Olga Owner" in words
    assert "What you see is the last complete read, as of 22 Nov, 10:30" in words


def test_a_wait_for_meta_is_called_that(acme: Tenant, as_vera: Client) -> None:
    make_run(
        make_account(acme),
        "waiting",
        lease_until=NOW + timedelta(minutes=5),
        error="Meta asks us to wait.",
    )

    words = text_of(as_vera.get(f"{URL}freshness/"))

    assert "Acme EU : Waiting for Meta Meta asks us to wait." in words
    assert "Next try at 10:35 (Europe/Berlin); so far 0 rows." in words


def test_a_month_that_differs_from_metas_total_is_named(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    account = make_account(acme)
    sums = {"ours": {"spend": "90.000000"}, "metas": {"spend": "95.500000"}}
    account.insight_checks.create(month="2026-09-01", checked_at=NOW, matches=False, **sums)
    account.insight_checks.create(month="2026-08-01", checked_at=NOW, matches=True, **sums)

    told = text_of(as_vera.get(URL, {"since": "2026-09-20", "until": "2026-10-02"}))

    assert "September 2026 of Acme EU adds up to €90.00 here; Meta reports €95.50" in told
    assert "adds up to" not in text_of(as_vera.get(URL))
    assert "Different September 2026: €90.00 here, €95.50 at Meta." in text_of(
        as_ana.get("/t/acme/sync/")
    )


def test_what_moved_is_told_from_the_visit_before(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    day = TODAY - timedelta(days=2)
    make_campaign(account, campaign_id="1", name="Spring")
    make_day(account, day, "1", spend=12, conversions=3, conversion_value=90)
    moved = f"{URL}moved/"
    assert "This is your first visit" in text_of(as_vera.get(moved))
    assert "What moved since" not in text_of(as_vera.get(URL))

    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        account.insight_revisions.create(
            campaign_id="1",
            date_start=day,
            noted_at=NOW + timedelta(hours=1),
            spend=10,
            conversions=4,
        )
        assert "What moved since you last looked" in text_of(as_vera.get(URL))
        words = text_of(as_vera.get(moved))

    assert "Spring Acme EU 1 +€2.00 −1 +€90.00" in words
