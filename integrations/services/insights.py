"""Pulling campaign performance: newest days first, each window whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.insights import DEFAULT_ACTION_TYPES
from integrations.meta_ads.types import CampaignInsight as Row
from integrations.models import AdAccount, CampaignInsight, Integration, SyncRun
from integrations.services.clients import meta_client
from integrations.services.runs import progress, request_run, work_on

# Insights, Limits and Best Practices: figures no longer change 28 days after the reported day.
RESTATED_DAYS = 28
FIRST_PULL_DAYS = 90
WINDOW_DAYS = 7
_FIELDS = (
    "campaign_id",
    "campaign_name",
    "date_start",
    "impressions",
    "reach",
    "clicks",
    "inline_link_clicks",
    "spend",
    "cpm",
    "cpc",
    "ctr",
    "conversions",
    "conversion_value",
)
_UPDATED = [name for name in _FIELDS if name not in ("campaign_id", "date_start")]


def request_pull(
    ad_account: AdAccount, since: date | None = None, until: date | None = None
) -> SyncRun:
    """A run over the given days of the account's calendar; an open run of the account is joined.

    By default the last 28 days, or 90 for an account that was never read completely.
    """
    until = until or today_of(ad_account)
    days = RESTATED_DAYS if ad_account.insights_complete_at else FIRST_PULL_DAYS
    return request_run(
        integration=ad_account.integration,
        ad_account=ad_account,
        kind=SyncRun.Kind.INSIGHTS,
        since=since or until - timedelta(days=days - 1),
        until=until,
    )


def request_all_pulls() -> None:
    """A run for every enabled ad account of a usable grant."""
    accounts = AdAccount.objects.filter(
        enabled=True, gone_at=None, integration__status__in=Integration.USABLE
    ).select_related("integration")
    for account in accounts:
        with transaction.atomic():
            request_pull(account)


def pull_insights(*, run_id: UUID) -> None:
    """Read the run's days. Safe to repeat; a cut pull leaves earlier days as they were."""
    work_on(run_id, _read)


def today_of(ad_account: AdAccount) -> date:
    """Today in the ad account's timezone, whose days Meta reports."""
    return timezone.now().astimezone(ZoneInfo(ad_account.timezone)).date()


def windows(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The days from ``until`` back to ``since``, a week at a time."""
    while until >= since:
        first = max(since, until - timedelta(days=WINDOW_DAYS - 1))
        yield first, until
        until = first - timedelta(days=1)


def _read(run: SyncRun) -> None:
    account = run.ad_account
    assert account is not None
    assert run.since is not None and run.until is not None  # noqa: PT018 - and its days
    client = meta_client(run.integration)
    began = timezone.now()
    # After a restart the days that were already read in this run are not read again.
    until = run.until - timedelta(days=run.days_done)
    for first, last in windows(run.since, until):
        _replace_window(run, client, account, first, last)
    _mark_complete(account, began)


def _replace_window(
    run: SyncRun, client: MetaAdsClient, account: AdAccount, first: date, last: date
) -> None:
    """Read a window to its end, then replace it in one transaction."""
    types = (
        (account.conversion_action_type,)
        if account.conversion_action_type
        else DEFAULT_ACTION_TYPES
    )
    rows: list[CampaignInsight] = []
    requests = 0
    for page in client.get_campaign_insights(
        account.ad_account_id, first, last, action_types=types
    ):
        requests += 1
        rows += [_insight(account, row) for row in page.rows]
    with transaction.atomic():
        progress(run, rows=len(rows), requests=requests, days=(last - first).days + 1)
        account.insights.filter(date_start__range=(first, last)).delete()
        CampaignInsight.objects.bulk_create(
            rows,
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["ad_account", "date_start", "campaign_id"],
            update_fields=[*_UPDATED, "conversion_action_type"],
        )


def _insight(account: AdAccount, row: Row) -> CampaignInsight:
    return CampaignInsight(
        ad_account=account,
        conversion_action_type=row.conversion_type,
        **{name: getattr(row, name) for name in _FIELDS},
    )


def _mark_complete(account: AdAccount, began: datetime) -> None:
    AdAccount.objects.filter(pk=account.pk).update(insights_complete_at=began)
