"""Performance as the database adds it up: sums first, rates from sums, gaps kept as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Max, QuerySet

from integrations.models import (
    AdInsight,
    AdSet,
    Campaign,
    CampaignInsight,
    InsightCheck,
    RangeReach,
)
from integrations.selectors.performance import range_reach
from integrations.sums import NOTHING, Sums, add_up, as_sums
from leadmetrics.reports.accounts import Account, with_days_of_ads
from leadmetrics.reports.months import (
    CampaignKey,
    Day,
    campaigns_between,
    summed,
    sums_by_campaign,
    sums_by_day,
)
from leadmetrics.reports.periods import Period

Named = tuple[str, str]  # a campaign's name and effective status


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the ad accounts a report is about: everything, a campaign, or an ad set of it.

    ``search`` narrows a list of campaigns to those whose name or id holds the words.
    """

    campaign: tuple[int, str] | None = None
    ad_set: str = ""
    search: str = ""

    @property
    def level(self) -> str:
        """What the table lists: "campaign", "ad_set" or "ad"."""
        return "campaign" if self.campaign is None else "ad" if self.ad_set else "ad_set"


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class ObjectSums:
    """A campaign's (ad set's, ad's) sums; ``reach`` is Meta's own count of just these days."""

    account: Account
    object_id: str
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
    objects: list[ObjectSums] = field(default_factory=list)
    # Of whole ad accounts, or of the campaign that the report is of, where Meta told it.
    reach: dict[int, int] = field(default_factory=dict)
    asked: frozenset[int] = frozenset()  # ad accounts for whose reach of these days Meta was asked

    @property
    def total_reach(self) -> int | None:
        """People reached by all that is shown: known of one ad account as a whole, else of none."""
        return self.reach.get(self.accounts[0].pk) if len(self.accounts) == 1 else None


def performance(
    accounts: Sequence[Account],
    period: Period,
    *,
    compare: bool = False,
    scope: Scope = EVERYTHING,
) -> list[CurrencyReport]:
    """One report per currency, by currency code, over accounts with a complete pull."""
    complete = [account for account in accounts if account.complete_at is not None]
    if scope.campaign:
        complete = [account for account in complete if account.pk == scope.campaign[0]]
    if scope.ad_set:
        complete = with_days_of_ads(complete)
    first = period.before.since if compare else period.since
    asked = {} if scope.ad_set else _current_reach(complete, period)
    if scope.campaign:
        objects = (
            _ads(complete, period, scope) if scope.ad_set else _ad_sets(complete, period, scope)
        )
        daily = _daily(_rows(complete, first, period.until, scope))
    else:
        found = sums_by_campaign(complete, period)
        if scope.search:
            names = _fitting(complete, first, period.until, scope.search)
            rows = _rows(complete, first, period.until, scope)
            daily = _daily(rows.filter(campaign_id__in={key[1] for key in names}))
        else:
            names = campaign_names([account.pk for account in complete], set(found))
            daily = sums_by_day(complete, first, period.until)
        objects = _campaigns(complete, period, found, asked, names)
    reports = currency_reports(complete, daily, period, compare=compare)
    for row in objects:
        reports[row.account.currency].objects.append(row)
    for report in reports.values():
        report.asked = frozenset(asked)
        if scope.search:
            continue
        known = {a.pk: _reach_in(asked[a.pk], scope) for a in report.accounts if a.pk in asked}
        report.reach = {pk: people for pk, people in known.items() if people is not None}
    return list(reports.values())


def _current_reach(accounts: Iterable[Account], period: Period) -> dict[int, RangeReach]:
    """What Meta told of these days since the last complete read, by ad account. One query."""
    by_pk = {account.pk: account for account in accounts}
    found = range_reach(by_pk, period.since, period.until)
    return {
        pk: reach
        for pk, reach in found.items()
        if reach.is_current(by_pk[pk].complete_at, by_pk[pk].timezone)
    }


def _reach_in(asked: RangeReach, scope: Scope) -> int | None:
    """Meta's count for the whole ad account, or for the one campaign that the report is of."""
    return asked.by_campaign.get(scope.campaign[1]) if scope.campaign else asked.total


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


def months_in_doubt(accounts: Sequence[Account], period: Period) -> list[InsightCheck]:
    """Months of the period that do not add up to what Meta reports for the whole ad account."""
    months = (period.since.replace(day=1), period.until)
    found = InsightCheck.objects.filter(
        ad_account__in=[account.pk for account in accounts], month__range=months, matches=False
    )
    return list(found.select_related("ad_account").order_by("month", "ad_account__name"))


def scope_names(scope: Scope) -> tuple[str, str]:
    """What its campaign (empty: nobody knows it) and ad set are called; at most three queries."""
    if scope.campaign is None:
        return "", ""
    names = campaign_names([scope.campaign[0]], {scope.campaign}, only=scope.campaign[1])
    found = AdSet.objects.filter(ad_account=scope.campaign[0], ad_set_id=scope.ad_set)
    ad_set = found.values_list("name", flat=True).first() if scope.ad_set else ""
    return names.get(scope.campaign, ("", ""))[0], ad_set or scope.ad_set


def daily_rows(
    accounts: Iterable[Account], period: Period, scope: Scope = EVERYTHING
) -> Iterator[CampaignInsight]:
    """Every stored campaign row, day by day, never more than a chunk in memory."""
    campaign_scope = Scope(campaign=scope.campaign)
    ordered = _rows(accounts, period.since, period.until, campaign_scope).order_by(
        "ad_account_id", "date_start", "campaign_id"
    )
    yield from ordered.iterator(chunk_size=2000)


def _fitting(
    accounts: Sequence[Account], since: date, until: date, search: str
) -> dict[CampaignKey, Named]:
    """The campaigns with these words that ran in these days, or in the months around them."""
    words = search.casefold()
    ran = campaigns_between(accounts, since, until)
    names = campaign_names([account.pk for account in accounts], ran)
    return {key: names[key] for key in ran if words in names[key][0].casefold() or words == key[1]}


def _campaigns(
    accounts: Iterable[Account],
    period: Period,
    found: Mapping[CampaignKey, Sums],
    asked: Mapping[int, RangeReach],
    names: Mapping[CampaignKey, Named],
) -> list[ObjectSums]:
    """Those campaigns of the period that are in ``names``."""
    by_pk = {account.pk: account for account in accounts}
    reach: dict[CampaignKey, int | None] = {
        (pk, campaign): people
        for pk, one in asked.items()
        for campaign, people in one.by_campaign.items()
    }
    if period.length == 1:
        rows = _rows(by_pk.values(), period.since, period.until, EVERYTHING)
        reach = {(r[0], r[1]): r[2] for r in rows.values_list("ad_account", "campaign_id", "reach")}
    return [
        ObjectSums(by_pk[key[0]], key[1], *names[key], sums, reach.get(key))
        for key, sums in found.items()
        if key in names
    ]


def _ad_sets(accounts: Sequence[Account], period: Period, scope: Scope) -> list[ObjectSums]:
    rows = _ad_rows(accounts, period.since, period.until, scope)
    grouped = rows.values_list("campaign_id", "ad_set_id")
    catalog = AdSet.objects.filter(ad_account__in=[account.pk for account in accounts])
    known = {
        row[0]: (row[1], row[2])
        for row in catalog.filter(campaign__campaign_id=(scope.campaign or (0, ""))[1]).values_list(
            "ad_set_id", "name", "effective_status"
        )
    }
    return [
        ObjectSums(accounts[0], ad_set, name, status, as_sums(values))
        for (_, ad_set), values in summed(grouped)
        for name, status in [known.get(ad_set, (ad_set, ""))]
    ]


def _ads(accounts: Sequence[Account], period: Period, scope: Scope) -> list[ObjectSums]:
    rows = _ad_rows(accounts, period.since, period.until, scope)
    names = dict(rows.values_list("ad_id").annotate(name=Max("ad_name")))
    grouped = rows.values_list("campaign_id", "ad_id")
    reach = dict(rows.values_list("ad_id", "reach")) if period.length == 1 else {}
    return [
        ObjectSums(accounts[0], ad, names[ad], "", as_sums(values), reach.get(ad))
        for (_, ad), values in summed(grouped)
    ]


def campaign_names(
    accounts: Iterable[int], wanted: set[CampaignKey], *, only: str = ""
) -> dict[CampaignKey, Named]:
    """(account, campaign id) to name and effective status, as the catalog has them now."""
    catalog = Campaign.objects.filter(ad_account__in=list(accounts))
    if only:
        catalog = catalog.filter(campaign_id=only)
    names = {
        (row[0], row[1]): (row[2], row[3])
        for row in catalog.values_list("ad_account_id", "campaign_id", "name", "effective_status")
    }
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


def _daily(rows: QuerySet[Any]) -> dict[Day, Sums]:
    grouped = rows.values_list("ad_account", "date_start")
    return {key: as_sums(values) for key, values in summed(grouped)}


def _rows(accounts: Iterable[Account], since: date, until: date, scope: Scope) -> QuerySet[Any]:
    if scope.ad_set:
        return _ad_rows(accounts, since, until, scope)
    rows = CampaignInsight.objects.filter(
        ad_account__in=[account.pk for account in accounts], date_start__range=(since, until)
    ).order_by()
    return rows.filter(campaign_id=scope.campaign[1]) if scope.campaign else rows


def _ad_rows(
    accounts: Iterable[Account], since: date, until: date, scope: Scope
) -> QuerySet[AdInsight]:
    """Ads of ad sets that approved ads go to; no others are read."""
    assert scope.campaign is not None
    rows = AdInsight.objects.filter(
        ad_account__in=[account.pk for account in accounts],
        date_start__range=(since, until),
        campaign_id=scope.campaign[1],
    ).order_by()
    return rows.filter(ad_set_id=scope.ad_set) if scope.ad_set else rows
