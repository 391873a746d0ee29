"""The ad accounts of a report, and how complete their figures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Max, Min, OuterRef, Subquery
from django.utils import timezone

from integrations.models import AdAccount, InsightDay, SyncRun
from leadmetrics.reports.freshness import FRESH, why_stale
from leadmetrics.reports.paging import State
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Account:
    """An ad account with what we know about the completeness of its figures."""

    pk: int
    ad_account_id: str
    name: str
    currency: str
    timezone: str
    complete_at: datetime | None
    first_day: date | None
    last_day: date | None
    last_run: SyncRun | None
    can_run_ads: bool = True
    status_label: str = ""
    freshness: State = FRESH

    @property
    def today(self) -> date:
        """The current day in this account's calendar."""
        return timezone.localdate(timezone=ZoneInfo(self.timezone))

    @property
    def is_pulling(self) -> bool:
        return self.last_run is not None and self.last_run.is_open

    @property
    def has_failed(self) -> bool:
        """Whether the newest pull was cut short."""
        return self.last_run is not None and self.last_run.state == SyncRun.State.FAILED

    @property
    def stands_still(self) -> bool:
        """Whether nothing will freshen its figures by itself, though no read has failed."""
        return self.freshness.tone in ("warn", "bad") and not (self.has_failed or self.is_pulling)

    def covers(self, day: date) -> bool:
        """Whether this day was read to its end, as far as we know."""
        began = self.first_day is None or self.first_day <= day
        return began and (self.last_day is None or day <= self.last_day)

    def has_all_of(self, day: date) -> bool:
        """Whether a complete pull read this day after it was over."""
        if self.complete_at is None or (self.last_day is not None and self.last_day < day):
            return False
        return timezone.localdate(self.complete_at, ZoneInfo(self.timezone)) > day


def report_accounts(tenant: Tenant) -> list[Account]:
    """The enabled ad accounts, by name, each once even if two grants reach it.

    Three queries, and one more where days are missing in between.
    """
    newest = SyncRun.objects.filter(ad_account=OuterRef("pk"), kind=SyncRun.Kind.INSIGHTS).order_by(
        "-created_at", "-pk"
    )
    rows = list(
        AdAccount.objects.filter(tenant=tenant, enabled=True)
        .select_related("integration__tenant")
        .annotate(
            last_run_id=Subquery(newest.values("pk")[:1]),
        )
        .order_by("name", F("insights_complete_at").desc(nulls_last=True), "pk")
    )
    runs = SyncRun.objects.in_bulk([row.last_run_id for row in rows if row.last_run_id])
    read = _days_read([row.pk for row in rows], InsightDay.Level.CAMPAIGN)
    accounts, now = dict[str, Account](), timezone.now()
    for row in rows:
        first_day, last_day = read.get(row.pk, (None, None))
        account = Account(
            pk=row.pk,
            ad_account_id=row.ad_account_id,
            name=row.name,
            currency=row.currency,
            timezone=row.timezone,
            complete_at=row.insights_complete_at,
            first_day=first_day,
            last_day=last_day,
            last_run=runs.get(row.last_run_id),
            can_run_ads=row.can_run_ads,
            status_label=row.status_label,
            freshness=why_stale(row, runs.get(row.last_run_id), now),
        )
        accounts.setdefault(row.ad_account_id, account)
    return list(accounts.values())


def disused_account(tenant: Tenant, pk: int) -> AdAccount | None:
    """The workspace's ad account with this key, if it is not used any more."""
    return AdAccount.objects.filter(tenant=tenant, pk=pk, enabled=False).first()


def with_days_of_ads(accounts: Sequence[Account]) -> list[Account]:
    """The accounts with the days of which ads were read, apart from campaigns.

    One query, and one more where days are missing in between.
    """
    read = _days_read([account.pk for account in accounts], InsightDay.Level.AD)
    # Ads are read only where approved ads go: without a mark no day was.
    spans = ((account, read.get(account.pk, (None, date.min))) for account in accounts)
    return [replace(account, first_day=first, last_day=last) for account, (first, last) in spans]


def _days_read(pks: Sequence[int], level: str) -> dict[int, tuple[date, date]]:
    """The days that were read to their end, back from the newest to the first gap."""
    marks = InsightDay.objects.filter(ad_account__in=pks, level=level).order_by()
    spans = marks.values_list("ad_account").annotate(
        first=Min("day"), last=Max("day"), days=Count("pk")
    )
    found, gappy = {}, []
    for pk, first, last, days in spans:
        found[pk] = (first, last)
        if (last - first).days + 1 > days:
            gappy.append(pk)
            found[pk] = (last, last)
    if gappy:
        backwards = marks.filter(ad_account__in=gappy).order_by("ad_account", "-day")
        for pk, day in backwards.values_list("ad_account", "day"):
            first, last = found[pk]
            if (first - day).days == 1:
                found[pk] = (day, last)
    return found


def day_begun_everywhere(accounts: Sequence[Account], tenant: Tenant) -> date:
    """The earliest "today" among the accounts; without any, the workspace's."""
    here = timezone.localdate(timezone=ZoneInfo(tenant.timezone))
    return min((account.today for account in accounts), default=here)


def day_begun_anywhere(accounts: Sequence[Account], tenant: Tenant) -> date:
    """The latest "today" among the accounts; without any, the workspace's."""
    here = timezone.localdate(timezone=ZoneInfo(tenant.timezone))
    return max((account.today for account in accounts), default=here)
