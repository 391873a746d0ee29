"""Pulling campaign performance: newest days first, each window whole or not at all."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from integrations.access import access_ad_account
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.insights import DEFAULT_ACTION_TYPES
from integrations.meta_ads.types import InsightRow as Row
from integrations.models import AdAccount, CampaignInsight, Integration, SyncRun
from integrations.services.clients import NotConnected, meta_client
from integrations.services.days import today_of
from integrations.services.runs import TURN_SECONDS, Turn, request_run, work_on
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

# Insights, Limits and Best Practices: figures no longer change 28 days after the reported day.
RESTATED_DAYS = 28
FIRST_PULL_DAYS = 90
WINDOW_DAYS = 7
# A window is held in memory until it is whole; large accounts get shorter ones.
WINDOW_ROWS = 5000
_KEY = ("campaign_id", "date_start")
_FIGURES = (
    "campaign_name",
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


def pull_now(*, actor: Actor, ad_account_pk: int) -> SyncRun:
    """A pull that a person asked for; an open one is joined.

    Raises NotFound, NotAllowed, NotConnected, and InvalidInput for an account that is not used.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        account = access_ad_account(actor=actor, pk=ad_account_pk)
        if not account.integration.is_usable:
            raise NotConnected
        if not account.enabled or account.gone_at:
            raise InvalidInput("This ad account is not used here. Choose it first.")
        return request_pull(account)


def request_pull(
    ad_account: AdAccount, since: date | None = None, until: date | None = None
) -> SyncRun:
    """A run over the given days of the account's calendar; an open run of the account is joined.

    By default 90 days for an account that was never read completely, then every day that may have
    changed since the last complete pull: the 28 days up to it, and all after it.
    """
    until = until or today_of(ad_account)
    return request_run(
        integration=ad_account.integration,
        ad_account=ad_account,
        kind=SyncRun.Kind.INSIGHTS,
        since=since or _first_day_to_read(ad_account, until),
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


def pull_insights(*, run_id: UUID, seconds: float = TURN_SECONDS) -> None:
    """Read the run's days. Safe to repeat; a cut pull leaves earlier days as they were."""
    work_on(run_id, _read, seconds)


def _first_day_to_read(account: AdAccount, until: date) -> date:
    if account.insights_complete_at is None:
        return until - timedelta(days=FIRST_PULL_DAYS - 1)
    complete = timezone.localdate(account.insights_complete_at, ZoneInfo(account.timezone))
    return min(complete, until) - timedelta(days=RESTATED_DAYS - 1)


def _read(turn: Turn) -> None:
    run, account = turn.run, turn.run.ad_account
    assert account is not None
    assert run.since is not None and run.until is not None  # noqa: PT018 - and its days
    client = meta_client(run.integration)
    # After a restart the days that were already read in this run are not read again.
    last, days = run.until - timedelta(days=run.days_done), WINDOW_DAYS
    while last >= run.since:
        first = max(run.since, last - timedelta(days=days - 1))
        try:
            rows = _replace_window(turn, client, account, first, last)
        except MetaError as exc:
            if exc.kind != ErrorKind.TOO_MUCH_DATA or days == 1:
                raise
            days = max(1, days // 2)
            continue
        if rows > WINDOW_ROWS:
            days = max(1, days * WINDOW_ROWS // rows)
        last = first - timedelta(days=1)
        if last >= run.since:
            turn.may_go_on()
    _mark_complete(run, account)


def _replace_window(
    turn: Turn, client: MetaAdsClient, account: AdAccount, first: date, last: date
) -> int:
    """Read a window to its end, then replace it in one transaction; returns its rows."""
    types = (
        (account.conversion_action_type,)
        if account.conversion_action_type
        else DEFAULT_ACTION_TYPES
    )
    # A list that changes while it is paged through shows a row twice; the later one counts.
    rows: dict[tuple[str, date], Row] = {}
    requests = 0
    for page in client.get_campaign_insights(
        account.ad_account_id, first, last, action_types=types
    ):
        requests += 1
        rows.update({(row.campaign_id, row.date_start): row for row in page.rows})
    with transaction.atomic():
        turn.progress(rows=len(rows), requests=requests, days=(last - first).days + 1)
        account.insights.filter(date_start__range=(first, last)).delete()
        CampaignInsight.objects.bulk_create(
            [_insight(account, row) for row in rows.values()], batch_size=1000
        )
    return len(rows)


def _insight(account: AdAccount, row: Row) -> CampaignInsight:
    return CampaignInsight(
        ad_account=account,
        conversion_action_type=row.conversion_type,
        **{name: getattr(row, name) for name in (*_KEY, *_FIGURES)},
    )


def _mark_complete(run: SyncRun, account: AdAccount) -> None:
    """The figures are as of the run's start, and only if it read every day that may change."""
    assert run.started_at and run.since and run.until  # noqa: PT018 - a claimed run has them
    zone = ZoneInfo(account.timezone)
    today = timezone.localdate(run.started_at, zone)
    if run.until < today or run.since > _first_day_to_read(account, today):
        return
    AdAccount.objects.filter(pk=account.pk).update(insights_complete_at=run.started_at)
