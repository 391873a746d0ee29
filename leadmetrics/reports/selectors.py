"""Performance as the database adds it up: sums first, rates from sums, gaps kept as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Max, QuerySet, Sum

from integrations.models import Campaign, CampaignInsight
from leadmetrics.reports.accounts import Account
from leadmetrics.reports.periods import Period
from leadmetrics.reports.sums import NOTHING, Sums, add_up

_SUMMED = ("spend", "impressions", "clicks", "conversions", "conversion_value")
_CENT = Decimal("0.000001")  # the stored precision; SQLite adds up floats

Day = tuple[int, date]


@dataclass(frozen=True, slots=True)
class CampaignSums:
    """One campaign's sums; ``reach`` only for a single day, because reach does not add up."""

    account: Account
    campaign_id: str
    name: str
    status: str
    sums: Sums
    reach: int | None = None


@dataclass(slots=True)
class CurrencyReport:
    """Everything of one currency. Days without any row are absent from ``days``."""

    currency: str
    accounts: list[Account] = field(default_factory=list)
    total: Sums = NOTHING
    before: Sums | None = None
    days: dict[date, Sums] = field(default_factory=dict)
    days_before: dict[date, Sums] = field(default_factory=dict)
    by_account: dict[int, Sums] = field(default_factory=dict)
    campaigns: list[CampaignSums] = field(default_factory=list)


def daily_sums(accounts: Iterable[Account], since: date, until: date) -> dict[Day, Sums]:
    """Sums by (account pk, day), only for days with rows. One query."""
    rows = _rows(accounts, since, until).values_list("ad_account_id", "date_start")
    return {(row[0], row[1]): _sums(row[2:]) for row in rows.annotate(**_aggregates())}


def performance(
    accounts: Sequence[Account], period: Period, *, compare: bool = False
) -> list[CurrencyReport]:
    """One report per currency, by currency code, over accounts with a complete pull."""
    complete = [account for account in accounts if account.complete_at is not None]
    first = period.before.since if compare else period.since
    daily = daily_sums(complete, first, period.until)
    reports = currency_reports(complete, daily, period, compare=compare)
    for campaign in campaign_sums(complete, period):
        reports[campaign.account.currency].campaigns.append(campaign)
    return list(reports.values())


def currency_reports(
    accounts: Iterable[Account], daily: Mapping[Day, Sums], period: Period, *, compare: bool
) -> dict[str, CurrencyReport]:
    """The accounts' days added up per currency; currencies are never added to each other."""
    reports: dict[str, CurrencyReport] = {}
    by_pk = {account.pk: account for account in accounts}
    for account in sorted(by_pk.values(), key=lambda a: (a.currency, a.name)):
        report = reports.setdefault(account.currency, CurrencyReport(account.currency))
        report.accounts.append(account)
        report.by_account[account.pk] = Sums()
    for (pk, day), sums in daily.items():
        report = reports[by_pk[pk].currency]
        if day < period.since:
            report.days_before[day] = report.days_before.get(day, Sums()) + sums
        else:
            report.days[day] = report.days.get(day, Sums()) + sums
            report.by_account[pk] += sums
    for report in reports.values():
        report.total = add_up(report.days.values())
        report.before = add_up(report.days_before.values()) if compare else None
    return reports


def campaign_sums(accounts: Iterable[Account], period: Period) -> list[CampaignSums]:
    """Sums by campaign. Two queries, three if a campaign is not in the catalog."""
    by_pk = {account.pk: account for account in accounts}
    rows = _rows(by_pk.values(), period.since, period.until)
    grouped = rows.values_list("ad_account_id", "campaign_id").annotate(**_aggregates())
    if period.length == 1:
        grouped = grouped.annotate(highest_reach=Max("reach"))
    found = list(grouped)
    names = _campaign_names(by_pk, {(row[0], row[1]) for row in found})
    return [
        CampaignSums(
            account=by_pk[row[0]],
            campaign_id=row[1],
            name=names[row[0], row[1]][0],
            status=names[row[0], row[1]][1],
            sums=_sums(row[2:]),
            reach=row[7] if period.length == 1 else None,
        )
        for row in found
    ]


def _campaign_names(
    accounts: Iterable[int], wanted: set[tuple[int, str]]
) -> dict[tuple[int, str], tuple[str, str]]:
    """(account, campaign id) to name and effective status, as the catalog has them now."""
    catalog = Campaign.objects.filter(ad_account__in=list(accounts)).values_list(
        "ad_account_id", "campaign_id", "name", "effective_status"
    )
    names = {(row[0], row[1]): (row[2], row[3]) for row in catalog}
    unknown = {
        campaign_id for account, campaign_id in wanted if (account, campaign_id) not in names
    }
    if unknown:
        rows = CampaignInsight.objects.filter(
            ad_account__in=list(accounts), campaign_id__in=unknown
        )
        for account, campaign_id, name in rows.values_list("ad_account_id", "campaign_id").annotate(
            name=Max("campaign_name")
        ):
            names.setdefault((account, campaign_id), (name, ""))
    return names


def daily_rows(accounts: Iterable[Account], period: Period) -> Iterator[CampaignInsight]:
    """Every stored row of the period, day by day, never more than a chunk in memory."""
    rows = _rows(accounts, period.since, period.until)
    ordered = rows.order_by("ad_account_id", "date_start", "campaign_id")
    yield from ordered.iterator(chunk_size=2000)


def _rows(accounts: Iterable[Account], since: date, until: date) -> QuerySet[CampaignInsight]:
    return CampaignInsight.objects.filter(
        ad_account__in=[account.pk for account in accounts], date_start__range=(since, until)
    ).order_by()


def _aggregates() -> dict[str, Sum]:
    return {f"sum_{name}": Sum(name) for name in _SUMMED}


def _sums(values: Sequence[Decimal | int | None]) -> Sums:
    spend, impressions, clicks, conversions, value = values[:5]
    return Sums(
        _exact(spend),
        None if impressions is None else int(impressions),
        None if clicks is None else int(clicks),
        _exact(conversions),
        _exact(value),
    )


def _exact(value: Decimal | int | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(_CENT)
