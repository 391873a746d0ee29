"""Ad accounts with days of performance, for the tests of the reports."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from integrations.models import (
    AdAccount,
    AdInsight,
    CampaignInsight,
    InsightDay,
    Integration,
    SyncRun,
)
from integrations.services.adding_up import add_up
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TODAY = NOW.date()


def make_account(tenant: Tenant, name: str = "Acme EU", **changes: Any) -> AdAccount:
    """An enabled ad account whose performance was read completely half an hour before NOW.

    All accounts of a tenant belong to the grant of Olga Owner.
    """
    integration = Integration.objects.filter(tenant=tenant).first() or make_integration(
        tenant, meta_user_name="Olga Owner"
    )
    read_at = NOW - timedelta(minutes=30)
    return make_ad_account(
        integration, **{"name": name, "insights_complete_at": read_at, **changes}
    )


def make_run(account: AdAccount, state: str = "complete", **changes: Any) -> SyncRun:
    """A pull of the account's performance; a complete one has marked its days."""
    values = {"since": TODAY - timedelta(days=60), "until": TODAY, "kind": "insights", **changes}
    if state == "complete":
        mark_days(account, values["since"], values["until"])
    return SyncRun.objects.create(
        tenant=account.tenant,
        integration=account.integration,
        ad_account=account,
        state=state,
        **values,
    )


def mark_days(account: AdAccount, since: date, until: date, level: str = "campaign") -> None:
    """These days were read to their end."""
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    InsightDay.objects.bulk_create(
        (InsightDay(ad_account=account, level=level, day=day, read_at=NOW) for day in days),
        ignore_conflicts=True,
    )


def make_day(account: AdAccount, day: date, campaign: str = "1", **figures: Any) -> CampaignInsight:
    """One row; figures that are not given are missing, as when Meta leaves them out."""
    money = ("spend", "conversions", "conversion_value")
    values = {
        key: Decimal(str(value)) if key in money and value is not None else value
        for key, value in figures.items()
    }
    name = values.pop("name", f"Campaign {campaign}")
    row = CampaignInsight.objects.create(
        ad_account=account, campaign_id=campaign, campaign_name=name, date_start=day, **values
    )
    with transaction.atomic():
        add_up(account.pk, day, day)
    return row


def make_ad_day(
    account: AdAccount, day: date, campaign: str, ad_set: str, ad: str, *, name: str, **figures: Any
) -> AdInsight:
    """One ad on one day."""
    return AdInsight.objects.create(
        ad_account=account,
        campaign_id=campaign,
        ad_set_id=ad_set,
        ad_id=ad,
        ad_name=name,
        date_start=day,
        **figures,
    )
