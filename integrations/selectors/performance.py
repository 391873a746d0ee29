"""What is known of performance besides the figures themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber

from integrations.models import CampaignInsight, InsightDay, InsightRevision, RangeReach

_MOVING = ("spend", "impressions", "clicks", "conversions", "conversion_value")


def range_reach(accounts: Iterable[int], since: date, until: date) -> dict[int, RangeReach]:
    """What is known of each ad account's reach over exactly these days, by its primary key."""
    found = RangeReach.objects.filter(ad_account__in=list(accounts), since=since, until=until)
    return {reach.ad_account_id: reach for reach in found}


def complete_days(
    accounts: Iterable[int], since: date, until: date, level: str = InsightDay.Level.CAMPAIGN
) -> dict[int, dict[date, datetime]]:
    """Per ad account the days that were read to their end, and as of when."""
    found: dict[int, dict[date, datetime]] = {}
    for pk, day, read_at in InsightDay.objects.filter(
        ad_account__in=list(accounts), level=level, day__range=(since, until)
    ).values_list("ad_account_id", "day", "read_at"):
        found.setdefault(pk, {})[day] = read_at
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much Meta restated a campaign's days; figures that it never gave count as nothing."""

    ad_account_pk: int
    campaign_id: str
    days: int
    spend: Decimal
    impressions: Decimal
    clicks: Decimal
    conversions: Decimal
    conversion_value: Decimal


def what_moved(
    accounts: Iterable[int], since: date, until: date, *, after: datetime
) -> list[Moved]:
    """What changed after this moment on days that were over already, by campaign. One query.

    Days of which nothing was known then have not moved. Revisions are kept for 90 days.
    """
    row = CampaignInsight.objects.filter(
        ad_account=OuterRef("ad_account"),
        campaign_id=OuterRef("campaign_id"),
        date_start=OuterRef("date_start"),
    )
    first_ones = (
        InsightRevision.objects.filter(
            ad_account__in=list(accounts), date_start__range=(since, until), noted_at__gt=after
        )
        .annotate(
            place=Window(
                RowNumber(),
                partition_by=[F("ad_account"), F("campaign_id"), F("date_start")],
                order_by=["noted_at", "pk"],
            ),
            **{f"now_{name}": Subquery(row.values(name)) for name in _MOVING},
        )
        .filter(place=1)
        .order_by("ad_account", "campaign_id")
        .values_list("ad_account", "campaign_id", *_MOVING, *(f"now_{name}" for name in _MOVING))
    )
    moved, count = [], len(_MOVING)
    for (pk, campaign_id), days in groupby(first_ones, key=itemgetter(0, 1)):
        changes = [
            [
                (now or Decimal(0)) - (old or Decimal(0))
                for old, now in zip(r[2 : 2 + count], r[2 + count :], strict=True)
            ]
            for r in days
        ]
        sums = (sum(column, Decimal(0)) for column in zip(*changes, strict=True))
        moved.append(Moved(pk, campaign_id, len(changes), *sums))
    return moved
