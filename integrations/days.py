"""Which days can be read of an ad account; days are those of its own calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from integrations.insight_models import RESTATED_DAYS
from integrations.models import AdAccount
from leadmetrics.errors import InvalidInput

FIRST_PULL_DAYS = 90
# Error 3018: Meta keeps 37 months.
HISTORY_MONTHS = 37


def today_of(ad_account: AdAccount) -> date:
    """Today in the ad account's timezone, whose days Meta reports."""
    return timezone.localdate(timezone=ZoneInfo(ad_account.timezone))


def oldest_day(ad_account: AdAccount) -> date:
    """The first day that Meta still answers for."""
    today = today_of(ad_account)
    year, month = divmod(today.year * 12 + today.month - 1 - HISTORY_MONTHS, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def check_days(ad_account: AdAccount, since: date, until: date) -> None:
    """Raises InvalidInput for days that are the wrong way round, to come, or beyond 37 months."""
    today, oldest = today_of(ad_account), oldest_day(ad_account)
    if since > until:
        raise InvalidInput(
            f"The first day, {since}, is later than the last day, {until}. Turn them round."
        )
    if until > today:
        raise InvalidInput(
            f"{until} is still to come for {ad_account.name}, where it is {today}. "
            "Choose a last day up to today."
        )
    if since < oldest:
        raise InvalidInput(
            f"Meta keeps 37 months, so for {ad_account.name} nothing before {oldest} can be read. "
            f"Choose {oldest} or a later day."
        )


def first_day_to_read(account: AdAccount, until: date) -> date:
    """The first day of those that may have changed since the last complete pull."""
    if account.insights_complete_at is None:
        return until - timedelta(days=FIRST_PULL_DAYS - 1)
    complete = timezone.localdate(account.insights_complete_at, ZoneInfo(account.timezone))
    return min(complete, until) - timedelta(days=RESTATED_DAYS - 1)
