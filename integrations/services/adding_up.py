"""Keeping the sums of days and months equal to the rows that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.db import DataError, OperationalError, connection
from django.db.models import DateField, QuerySet, Value

from integrations.exact import STORED_SUMS
from integrations.meta_ads.errors import Unreadable
from integrations.models import AccountDay, AdAccount, CampaignInsight, CampaignMonth


def add_up(ad_account_pk: int, first: date, last: date) -> None:
    """Add up these days, and the months they are in, anew. In the transaction that wrote the rows.

    The lock makes two runs of one account take turns: each sees what the other one wrote to the
    month that they share. Raises Unreadable when there is more than a sum can hold.
    """
    AdAccount.objects.select_for_update(no_key=True).only("pk").get(pk=ad_account_pk)
    AccountDay.objects.filter(ad_account=ad_account_pk, day__range=(first, last)).delete()
    days = _rows(ad_account_pk, first, last).values_list("ad_account", "date_start")
    _insert(AccountDay, ("ad_account_id", "day"), days)
    for month, end in _months(first, last):
        CampaignMonth.objects.filter(ad_account=ad_account_pk, month=month).delete()
        campaigns = _rows(ad_account_pk, month, end).values_list(
            "ad_account", Value(month, DateField()), "campaign_id"
        )
        _insert(CampaignMonth, ("ad_account_id", "month", "campaign_id"), campaigns)


def _rows(ad_account_pk: int, first: date, last: date) -> QuerySet[CampaignInsight]:
    return CampaignInsight.objects.filter(
        ad_account=ad_account_pk, date_start__range=(first, last)
    ).order_by()


def _insert(
    model: type[AccountDay] | type[CampaignMonth], keys: tuple[str, ...], groups: QuerySet[Any, Any]
) -> None:
    """Write each group's sums without taking them out of the database."""
    query, params = groups.annotate(**STORED_SUMS).query.sql_with_params()
    columns = ", ".join((*keys, *model.COLUMNS))
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {model._meta.db_table} ({columns}) {query}", params)
    except (DataError, OperationalError) as exc:
        # What SQLite says; it has no kind of error of its own for this.
        if isinstance(exc, DataError) or "integer overflow" in str(exc):
            raise Unreadable from exc
        raise


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month that has one of the days."""
    month = first.replace(day=1)
    while month <= last:
        following = (month + timedelta(days=31)).replace(day=1)
        yield month, following - timedelta(days=1)
        month = following
