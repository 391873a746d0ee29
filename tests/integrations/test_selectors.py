"""What the pages read about performance besides the figures themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from integrations.models import AdAccount, InsightDay, InsightRevision
from integrations.selectors.performance import complete_days, what_moved
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_campaign, make_insights, make_integration

DAY = date(2026, 11, 20)
LOOKED = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def account(acme: Tenant) -> AdAccount:
    return make_ad_account(make_integration(acme))


def revise(account: AdAccount, campaign_id: str, hours: int, **old: Decimal | None) -> None:
    InsightRevision.objects.create(
        ad_account=account,
        campaign_id=campaign_id,
        date_start=DAY,
        noted_at=LOOKED + timedelta(hours=hours),
        **old,
    )


def test_what_moved_is_now_against_what_was_seen_then(account: AdAccount) -> None:
    campaign = make_campaign(account)
    make_insights([campaign], days=1, until=DAY)
    account.insights.update(spend=Decimal(20), conversions=Decimal(5), conversion_value=Decimal(90))
    revise(account, campaign.campaign_id, -3, spend=Decimal(1))
    revise(account, campaign.campaign_id, 1, spend=Decimal(18), conversions=Decimal(2))
    revise(account, campaign.campaign_id, 4, spend=Decimal(19), conversions=Decimal(4))
    (moved,) = what_moved([account.pk], DAY, DAY, after=LOOKED)
    assert (moved.campaign_id, moved.days) == (campaign.campaign_id, 1)
    assert (moved.spend, moved.conversions, moved.conversion_value) == (2, 3, 90)
    assert what_moved([account.pk], DAY, DAY, after=LOOKED + timedelta(hours=5)) == []
    assert (
        what_moved([account.pk], DAY + timedelta(days=1), DAY + timedelta(days=1), after=LOOKED)
        == []
    )


def test_row_that_meta_took_back_moved_to_nothing(account: AdAccount) -> None:
    revise(account, "77", 1, spend=Decimal(18))
    (moved,) = what_moved([account.pk], DAY, DAY, after=LOOKED)
    assert (moved.spend, moved.conversions) == (-18, 0)


def test_complete_days_are_those_with_a_mark(account: AdAccount) -> None:
    InsightDay.objects.create(ad_account=account, level="campaign", day=DAY, read_at=LOOKED)
    assert complete_days([account.pk], DAY - timedelta(days=2), DAY) == {account.pk: {DAY: LOOKED}}
    assert complete_days([account.pk], DAY, DAY, "ad") == {}
