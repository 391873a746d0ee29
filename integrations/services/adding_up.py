"""Keeping the sums of days and months equal to the rows that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from django.db import DataError, OperationalError, connection
from django.db.models import DateField, Value

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
    _insert(AccountDay, (ad_account_pk, first, last))
    for month, end in _months(first, last):
        CampaignMonth.objects.filter(ad_account=ad_account_pk, month=month).delete()
        _insert(CampaignMonth, (month, ad_account_pk, month, end))


def _insert(model: type[AccountDay] | type[CampaignMonth], params: tuple[int | date, ...]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_statement(model), params)
    except (DataError, OperationalError) as exc:
        # What SQLite says; it has no kind of error of its own for this.
        if isinstance(exc, DataError) or "integer overflow" in str(exc):
            raise Unreadable from exc
        raise


@cache
def _statement(model: type[AccountDay] | type[CampaignMonth]) -> str:
    """Writes each group's sums without taking them out of the database.

    Once for a process: making the statement takes longer than a day's rows do.
    """
    some_day = date.min
    rows = CampaignInsight.objects.filter(ad_account=0, date_start__range=(some_day, some_day))
    keys: tuple[str, ...] = ("ad_account_id", "day")
    groups = rows.order_by().values_list("ad_account", "date_start")
    if model is CampaignMonth:
        keys = ("month", "ad_account_id", "campaign_id")
        month = Value(some_day, DateField())
        groups = rows.order_by().values_list(month, "ad_account", "campaign_id")
    query, _ = groups.annotate(**STORED_SUMS).query.sql_with_params()
    columns = ", ".join((*keys, *model.COLUMNS))
    return f"INSERT INTO {model._meta.db_table} ({columns}) {query}"


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month that has one of the days."""
    month = first.replace(day=1)
    while month <= last:
        following = (month + timedelta(days=31)).replace(day=1)
        yield month, following - timedelta(days=1)
        month = following
