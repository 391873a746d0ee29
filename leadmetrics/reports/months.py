"""What the figures of ad accounts add up to, by day and by campaign.

Reading adds up each day and each month as it stores them (``AccountDay``, ``CampaignMonth``), so a
year of 500 campaigns is a few thousand rows here instead of all 180,000. Only the ends of a period
that are not whole months are added up from their rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from integrations.exact import SUMS, WholeSum
from integrations.models import AccountDay, CampaignInsight, CampaignMonth
from integrations.sums import Sums, as_sums
from leadmetrics.reports.accounts import Account
from leadmetrics.reports.periods import Period

# As the database hands them out: in millionths, see ``AddedUp``.
Values = tuple[int | None, ...]
Day = tuple[int, date]
CampaignKey = tuple[int, str]


def sums_by_day(accounts: Iterable[Account], since: date, until: date) -> dict[Day, Sums]:
    """The sums of each ad account on each day that has any row. One query."""
    rows = AccountDay.objects.filter(ad_account__in=_pks(accounts), day__range=(since, until))
    found = rows.values_list("ad_account_id", "day", *AccountDay.COLUMNS)
    return {(pk, day): as_sums(values) for pk, day, *values in found}


def sums_by_campaign(accounts: Iterable[Account], period: Period) -> dict[CampaignKey, Sums]:
    """The sums of each campaign that has any row in the period. At most two queries."""
    pks = _pks(accounts)
    months, ends = _parts(period)
    found: dict[CampaignKey, Values] = {}
    if months:
        rows = CampaignMonth.objects.filter(
            ad_account__in=pks, month__range=(months.since, months.until)
        )
        sums = {f"sum_{name}": WholeSum(name) for name in CampaignMonth.COLUMNS}
        groups = rows.order_by().values_list("ad_account", "campaign_id").annotate(**sums)
        found = {(pk, campaign): tuple(values) for pk, campaign, *values in groups}
    if ends:
        days = reduce(or_, (Q(date_start__range=(end.since, end.until)) for end in ends))
        insights = CampaignInsight.objects.filter(days, ad_account__in=pks)
        for key, values in summed(insights.values_list("ad_account", "campaign_id")):
            found[key] = _add(found[key], values) if key in found else values
    return {key: as_sums(values) for key, values in found.items()}


def campaigns_between(accounts: Iterable[Account], since: date, until: date) -> set[CampaignKey]:
    """The campaigns that have any row in the months of these days. One query."""
    rows = CampaignMonth.objects.filter(
        ad_account__in=_pks(accounts), month__range=(since.replace(day=1), until)
    )
    return set(rows.order_by().values_list("ad_account_id", "campaign_id").distinct())


def summed(rows: QuerySet[Any, Any]) -> Iterator[tuple[Any, Values]]:
    """Each group of ``rows``, a ``values_list`` of two names, with its sums."""
    for row in rows.order_by().annotate(**SUMS):
        yield row[:2], row[2:]


def _parts(period: Period) -> tuple[Period | None, list[Period]]:
    """Its whole months together, and what lies before and after them."""
    one = timedelta(days=1)
    first = period.since
    if first.day > 1:
        first = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
    # The first day of the month that the day after the period is in.
    after = (period.until + one).replace(day=1)
    if first >= after:
        return None, [period]
    ends = [Period(period.since, first - one), Period(after, period.until)]
    return Period(first, after - one), [end for end in ends if end.since <= end.until]


def _pks(accounts: Iterable[Account]) -> list[int]:
    return [account.pk for account in accounts]


def _add(some: Values, more: Values) -> Values:
    return tuple(
        b if a is None else a if b is None else a + b for a, b in zip(some, more, strict=True)
    )
