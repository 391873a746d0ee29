"""Ads: those of ad sets that we push to are read day by day, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from integrations.models import AdAccount, AdInsight, AdSet, InsightDay, Integration
from integrations.services import readings, shelves, windows
from integrations.services.insights import pull_insights, request_pull
from tests.builders import make_push_target
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU

# Without the value of purchases: the stand-in shares it out apart from them, so that the day of an
# ad may have a value without a purchase, which is not stored.
FIGURES = ("rows", "impressions", "clicks", "inline_link_clicks", "spend", "conversions")
LEDGER = {"conversions": "purchases"}
SINCE, UNTIL = date(2026, 9, 1), date(2026, 9, 20)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC)):
        yield


@pytest.fixture
def ad_set(known: Integration, account: AdAccount) -> AdSet:
    """An ad set that we push to, in a campaign that has delivered."""
    account.refresh_from_db()
    found = account.ad_sets.get(name="Spring, new customers")
    make_push_target(account.tenant, ad_set=found)
    return found


def pull(account: AdAccount) -> None:
    run = request_pull(account, SINCE, UNTIL)
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("complete", 20), run.error


def by_campaign(account: AdAccount) -> dict[str, Decimal]:
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for row in account.ad_insights.all():
        spent[row.campaign_id] += row.spend or 0
    return spent


def test_ads_of_an_ad_set_that_we_push_to_are_read(account: AdAccount, ad_set: AdSet) -> None:
    pull(account)
    rows = list(account.ad_insights.all())
    assert rows
    assert {row.ad_set_id for row in rows} == {ad_set.ad_set_id}
    assert {row.campaign_id for row in rows} == {ad_set.campaign.campaign_id}
    assert all(row.ad_id and row.ad_name for row in rows)
    assert InsightDay.objects.filter(level="ad").count() == 20


def test_ads_equal_the_ledger(account: AdAccount, ad_set: AdSet, stand_in: StandIn) -> None:
    pull(account)
    truth = stand_in.read(f"ledger?account={ACME_EU}&since={SINCE}&until={UNTIL}")["ads"]
    of_ad_set = {
        ad: figures
        for ad, figures in truth.items()
        if figures["adset_id"] == ad_set.ad_set_id and figures["rows"]
    }
    assert of_ad_set
    stored: dict[str, list[Any]] = defaultdict(lambda: [0] * len(FIGURES))
    for row in account.ad_insights.all():
        figures = [1, *(getattr(row, name) or 0 for name in FIGURES[1:])]
        stored[row.ad_id] = [a + b for a, b in zip(stored[row.ad_id], figures, strict=True)]
    assert stored == {
        ad: [Decimal(figures[LEDGER.get(name, name)]) for name in FIGURES]
        for ad, figures in of_ad_set.items()
    }


def test_ads_of_archived_targets_are_still_read(account: AdAccount, ad_set: AdSet) -> None:
    ad_set.push_targets.update(archived_at=datetime.now(UTC))
    pull(account)
    assert account.ad_insights.exists()


def test_account_without_targets_is_read_by_campaign_only(
    known: Integration, account: AdAccount
) -> None:
    pull(account)
    assert account.insights.exists()
    assert not AdInsight.objects.exists()
    assert not InsightDay.objects.filter(level="ad").exists()


def test_ads_are_replaced_like_campaigns(
    account: AdAccount, ad_set: AdSet, stand_in: StandIn
) -> None:
    pull(account)
    before = by_campaign(account)
    ghost = account.ad_insights.first()
    assert ghost is not None
    AdInsight.objects.filter(pk=ghost.pk).update(ad_id="1")
    stand_in.control(
        revise={"account": ACME_EU, "since": str(SINCE), "until": str(UNTIL), "percent": 300}
    )
    pull(account)
    assert not account.ad_insights.filter(ad_id="1").exists()
    spent = by_campaign(account)
    assert all(spent[campaign] > 2 * amount for campaign, amount in before.items())


def test_large_windows_go_through_the_table(
    account: AdAccount, ad_set: AdSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(account)

    def figures() -> list[tuple[object, ...]]:
        columns = ("date_start", "campaign_id", "spend", "conversions")
        return [
            *account.insights.order_by(*columns).values_list(*columns),
            *account.ad_insights.order_by("ad_id", *columns).values_list("ad_id", *columns),
        ]

    expected = figures()
    account.insights.all().delete()
    account.ad_insights.all().delete()
    monkeypatch.setattr(shelves, "SPILL_ROWS", 3)
    monkeypatch.setattr(windows, "PAGE_SIZE", 4)
    monkeypatch.setattr(readings, "WINDOW_ROWS", 40)
    pull(account)
    assert figures() == expected
