"""Sums of whole months, kept until a day of theirs is read again.

Adding up a year of 500 campaigns takes the database most of a second, and all but the newest days
stay as they are from one look to the next. So a report is put together from months; each is added
up once and kept under a name that changes with the marks of its days (``InsightDay``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Case, IntegerField, QuerySet, Sum, Value, When

from integrations.models import CampaignInsight
from integrations.selectors import complete_days
from leadmetrics.reports.accounts import Account
from leadmetrics.reports.periods import Period
from leadmetrics.reports.sums import Sums

KEPT_SECONDS = 7 * 24 * 3600
SUMMED = ("spend", "impressions", "clicks", "conversions", "conversion_value")
# Kept as whole millionths, the stored precision: quick to add and to unpack.
_EXACT = 1_000_000
_ONE = Decimal("0.000001")

Values = tuple[int | None, ...]
Day = tuple[int, date]
Campaign = tuple[int, str]
# Ad account, first and last day, and whether its campaigns are asked for beside its days.
Place = tuple[int, date, date, bool]


@dataclass(slots=True)
class Part:
    """A month of an ad account, or what of it lies in the period."""

    by_day: dict[date, Values] = field(default_factory=dict)
    by_campaign: dict[str, Values] = field(default_factory=dict)


@dataclass(slots=True)
class Totals:
    """Sums by day (of the period before, too, if asked for) and by campaign."""

    by_day: dict[Day, Sums] = field(default_factory=dict)
    by_campaign: dict[Campaign, Sums] = field(default_factory=dict)


def totals_of(accounts: Sequence[Account], period: Period, before: Period | None = None) -> Totals:
    """The sums of the accounts. One query, and two more for months that are not kept."""
    pks = [account.pk for account in accounts]
    marks = complete_days(pks, (before or period).since, period.until)
    months = [(*month, True) for month in _months(period)]
    months += [(*month, False) for month in _months(before)] if before else []
    places = [(pk, *month) for pk in pks for month in months]
    names = {place: _name(place, marks.get(place[0], {})) for place in places}
    kept = cache.get_many([name for name in names.values() if name])
    parts = {place: kept[name] for place, name in names.items() if name in kept}
    absent = [place for place in places if place not in parts]
    if absent:
        fresh = _read(absent)
        parts |= fresh
        named = {names[place]: part for place, part in fresh.items() if names[place]}
        cache.set_many(named, KEPT_SECONDS)
    return _put_together(parts)


def summed(rows: QuerySet[Any, Any]) -> Iterator[tuple[Any, Values]]:
    """Each group of ``rows`` (a ``values_list`` of three names) with its sums."""
    for row in rows.annotate(**{f"sum_{name}": Sum(name) for name in SUMMED}):
        yield row[:3], tuple(_whole(value) for value in row[3:])


def as_sums(values: Values) -> Sums:
    """The figures as decimals and counts again."""
    spend, impressions, clicks, conversions, value = values
    return Sums(
        _decimal(spend),
        None if impressions is None else impressions // _EXACT,
        None if clicks is None else clicks // _EXACT,
        _decimal(conversions),
        _decimal(value),
    )


def _read(absent: Sequence[Place]) -> dict[Place, Part]:
    parts = {place: Part() for place in absent}
    owner = {
        (pk, first + timedelta(days=i)): parts[pk, first, last, whole]
        for pk, first, last, whole in absent
        for i in range((last - first).days + 1)
    }
    days = _rows(absent).annotate(all=Value(0)).values_list("ad_account", "date_start", "all")
    for (pk, day, _), values in summed(days):
        if part := owner.get((pk, day)):
            part.by_day[day] = values
    whole_ones = [place for place in absent if place[3]]
    if whole_ones:
        months = sorted({(first, last) for _, first, last, _ in whole_ones})
        rows = _rows(whole_ones).annotate(month=_month_number(months))
        for (pk, campaign, number), values in summed(
            rows.values_list("ad_account", "campaign_id", "month")
        ):
            if number is not None and (part := parts.get((pk, *months[number], True))):
                part.by_campaign[campaign] = values
    return parts


def _rows(places: Sequence[Place]) -> QuerySet[CampaignInsight]:
    return CampaignInsight.objects.filter(
        ad_account__in={place[0] for place in places},
        date_start__range=(min(p[1] for p in places), max(p[2] for p in places)),
    ).order_by()


def _month_number(months: Sequence[tuple[date, date]]) -> Case:
    """Which of the months a row's day is in. SQLite would call Python for a real month."""
    return Case(
        *(When(date_start__range=month, then=Value(number)) for number, month in enumerate(months)),
        output_field=IntegerField(null=True),
    )


def _put_together(parts: Mapping[Place, Part]) -> Totals:
    totals = Totals()
    campaigns: dict[Campaign, Values] = {}
    for (pk, *_), part in sorted(parts.items(), key=lambda item: item[0]):
        totals.by_day |= {(pk, day): as_sums(values) for day, values in part.by_day.items()}
        for campaign, values in part.by_campaign.items():
            before = campaigns.get((pk, campaign))
            campaigns[pk, campaign] = values if before is None else _add(before, values)
    totals.by_campaign = {key: as_sums(values) for key, values in campaigns.items()}
    return totals


def _add(some: Values, more: Values) -> Values:
    return tuple(
        b if a is None else a if b is None else a + b for a, b in zip(some, more, strict=True)
    )


def _months(period: Period) -> Iterator[tuple[date, date]]:
    """First and last day of each month within the period."""
    first = period.since
    while first <= period.until:
        month_end = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        last = min(month_end, period.until)
        yield first, last
        first = last + timedelta(days=1)


def _name(place: Place, marks: Mapping[date, datetime]) -> str:
    """Under which the month is kept; empty when a day of it was not read to its end."""
    pk, first, last, whole = place
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    if any(day not in marks for day in days):
        return ""
    read = "".join(marks[day].isoformat() for day in days)
    digest = hashlib.sha256(read.encode()).hexdigest()[:32]
    return f"report:{pk}:{first}:{last}:{'all' if whole else 'days'}:{digest}"


def _whole(value: Decimal | int | None) -> int | None:
    return None if value is None else int(Decimal(value).quantize(_ONE).scaleb(6))


def _decimal(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value).scaleb(-6)
