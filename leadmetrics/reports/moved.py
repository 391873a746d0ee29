"""What Meta restated since somebody looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from integrations.selectors.performance import what_moved
from leadmetrics.reports.accounts import Account
from leadmetrics.reports.periods import Period
from leadmetrics.reports.selectors import campaign_names
from leadmetrics.templatetags.ui import MINUS, format_money, format_number


@dataclass(frozen=True, slots=True)
class MovedRow:
    """A campaign some of whose days say something else now; differences in words."""

    name: str
    account: str
    days: int
    spend: str
    impressions: str
    clicks: str
    conversions: str
    conversion_value: str


def moved_rows(accounts: Sequence[Account], period: Period, since: datetime) -> list[MovedRow]:
    """The campaigns of the period that moved, the largest change of spend first. Three queries."""
    by_pk = {account.pk: account for account in accounts}
    found = what_moved(by_pk, period.since, period.until, after=since)
    found.sort(key=lambda row: (-abs(row.spend), -abs(row.conversion_value), row.campaign_id))
    names = campaign_names(by_pk, {(row.ad_account_pk, row.campaign_id) for row in found})
    return [
        MovedRow(
            name=names.get((row.ad_account_pk, row.campaign_id), (row.campaign_id, ""))[0],
            account=account.name,
            days=row.days,
            spend=_signed(row.spend, account.currency),
            impressions=_signed(row.impressions),
            clicks=_signed(row.clicks),
            conversions=_signed(row.conversions),
            conversion_value=_signed(row.conversion_value, account.currency),
        )
        for row in found
        for account in [by_pk[row.ad_account_pk]]
    ]


def _signed(change: Decimal, currency: str = "") -> str:
    if not change:
        return "no change"
    places = 2 if change % 1 else 0
    size = format_money(abs(change), currency) if currency else format_number(abs(change), places)
    return f"{'+' if change > 0 else MINUS}{size}"
