"""Performance as the database adds it up: sums first, rates from sums, gaps kept as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from approvals.models import AdVariant
from approvals.states import VariantStatus
from integrations.models import (
    AdAccount,
    Campaign,
    CampaignInsight,
    CustomAudience,
    Integration,
    PushTarget,
    SyncRun,
)
from leadmetrics.reports.periods import Period
from leadmetrics.tenancy.models import Tenant

AUDIENCES_PER_PAGE = 50
SMALLEST_BAND = 1000  # Meta does not tell sizes below it apart
_SUMMED = ("spend", "impressions", "clicks", "conversions", "conversion_value")
_CENT = Decimal("0.000001")  # the stored precision; SQLite adds up floats

Day = tuple[int, date]
N = TypeVar("N", int, Decimal)


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures added up over days and campaigns. None: Meta said nothing for any of them."""

    spend: Decimal | None = None
    impressions: int | None = None
    clicks: int | None = None
    conversions: Decimal | None = None
    conversion_value: Decimal | None = None

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            _plus(self.spend, other.spend),
            _plus(self.impressions, other.impressions),
            _plus(self.clicks, other.clicks),
            _plus(self.conversions, other.conversions),
            _plus(self.conversion_value, other.conversion_value),
        )

    @property
    def ctr(self) -> Decimal | None:
        """Clicks per impression in percent, as Meta writes it."""
        return _ratio(self.clicks, self.impressions, 100)

    @property
    def cpc(self) -> Decimal | None:
        """Spend per click."""
        return _ratio(self.spend, self.clicks)

    @property
    def cpm(self) -> Decimal | None:
        """Spend per thousand impressions."""
        return _ratio(self.spend, self.impressions, 1000)

    @property
    def cost_per_conversion(self) -> Decimal | None:
        """Spend per conversion."""
        return _ratio(self.spend, self.conversions)


@dataclass(frozen=True, slots=True)
class CampaignSums:
    """One campaign's sums; ``reach`` only for a single day, because reach does not add up."""

    account: Account
    campaign_id: str
    name: str
    status: str
    sums: Sums
    reach: int | None = None


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

    def covers(self, day: date) -> bool:
        """Whether complete pulls reached this day, as far as we know."""
        began = self.first_day is None or self.first_day <= day
        return began and (self.last_day is None or day <= self.last_day)

    def has_all_of(self, day: date) -> bool:
        """Whether a complete pull read this day after it was over."""
        if self.complete_at is None or (self.last_day is not None and self.last_day < day):
            return False
        return timezone.localdate(self.complete_at, ZoneInfo(self.timezone)) > day


@dataclass(slots=True)
class CurrencyReport:
    """Everything of one currency. Days without any row are absent from ``days``."""

    currency: str
    accounts: list[Account] = field(default_factory=list)
    total: Sums = Sums()
    before: Sums | None = None
    days: dict[date, Sums] = field(default_factory=dict)
    days_before: dict[date, Sums] = field(default_factory=dict)
    by_account: dict[int, Sums] = field(default_factory=dict)
    campaigns: list[CampaignSums] = field(default_factory=list)


def report_accounts(tenant: Tenant) -> list[Account]:
    """The enabled ad accounts, by name, each once even if two grants reach it. Two queries."""
    complete = SyncRun.objects.filter(
        ad_account=OuterRef("pk"), kind=SyncRun.Kind.INSIGHTS, state=SyncRun.State.COMPLETE
    ).values("ad_account")
    newest = SyncRun.objects.filter(ad_account=OuterRef("pk"), kind=SyncRun.Kind.INSIGHTS).order_by(
        "-created_at", "-pk"
    )
    rows = list(
        AdAccount.objects.filter(tenant=tenant, enabled=True)
        .annotate(
            first_day=Subquery(complete.annotate(day=Min("since")).values("day")),
            last_day=Subquery(complete.annotate(day=Max("until")).values("day")),
            last_run_id=Subquery(newest.values("pk")[:1]),
        )
        .order_by("name", F("insights_complete_at").desc(nulls_last=True), "pk")
    )
    runs = SyncRun.objects.in_bulk([row.last_run_id for row in rows if row.last_run_id])
    accounts: dict[str, Account] = {}
    for row in rows:
        account = Account(
            pk=row.pk,
            ad_account_id=row.ad_account_id,
            name=row.name,
            currency=row.currency,
            timezone=row.timezone,
            complete_at=row.insights_complete_at,
            first_day=row.first_day,
            last_day=row.last_day,
            last_run=runs.get(row.last_run_id),
            can_run_ads=row.can_run_ads,
            status_label=row.status_label,
        )
        accounts.setdefault(row.ad_account_id, account)
    return list(accounts.values())


def day_begun_everywhere(accounts: Sequence[Account], tenant: Tenant) -> date:
    """The earliest "today" among the accounts; without any, the workspace's."""
    here = timezone.localdate(timezone=ZoneInfo(tenant.timezone))
    return min((account.today for account in accounts), default=here)


def day_begun_anywhere(accounts: Sequence[Account], tenant: Tenant) -> date:
    """The latest "today" among the accounts; without any, the workspace's."""
    here = timezone.localdate(timezone=ZoneInfo(tenant.timezone))
    return max((account.today for account in accounts), default=here)


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


def add_up(parts: Iterable[Sums]) -> Sums:
    """The sum of sums."""
    return reduce(Sums.__add__, parts, Sums())


@dataclass(frozen=True, slots=True)
class VariantCounts:
    """What waits for people in the queue and behind it."""

    total: int
    to_review: int
    oldest: datetime | None
    failed: int
    unknown: int


def variant_counts(tenant: Tenant) -> VariantCounts:
    """One query."""
    rows = (
        AdVariant.objects.filter(tenant=tenant)
        .values_list("status")
        .annotate(count=Count("pk"), oldest=Min("created_at"))
    )
    counts = {status: (count, oldest) for status, count, oldest in rows}
    none = (0, None)
    return VariantCounts(
        total=sum(count for count, _ in counts.values()),
        to_review=counts.get(VariantStatus.PROPOSED, none)[0],
        oldest=counts.get(VariantStatus.PROPOSED, none)[1],
        failed=counts.get(VariantStatus.PUSH_FAILED, none)[0],
        unknown=counts.get(VariantStatus.PUSH_UNKNOWN, none)[0],
    )


def live_integrations(tenant: Tenant) -> list[Integration]:
    """The grants that somebody wants to work, whether they do or not."""
    live = Integration.objects.filter(tenant=tenant).exclude(status=Integration.Status.DISCONNECTED)
    return list(live.select_related("connected_by").order_by("connected_at"))


def has_push_target(tenant: Tenant) -> bool:
    """Whether there is a place where approved ads can go."""
    return PushTarget.objects.filter(tenant=tenant, archived_at=None).exists()


def audiences(tenant: Tenant, *, search: str = "") -> QuerySet[CustomAudience]:
    """Custom audiences of the enabled ad accounts, by name; ``search`` in name and id."""
    found = CustomAudience.objects.filter(
        ad_account__tenant=tenant, ad_account__enabled=True, gone_at=None
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(audience_id=search))
    return found.select_related("ad_account").order_by("name", "pk")


@dataclass(frozen=True, slots=True)
class AudiencePage:
    """Some audiences and the ids the neighbouring pages begin beside (None: there are none)."""

    items: list[CustomAudience]
    before: int | None
    after: int | None


def audience_page(
    found: QuerySet[CustomAudience], *, after: int | None = None, before: int | None = None
) -> AudiencePage:
    """The page after (or before) the audience with this id, by key and not by counting."""
    place = after or before
    anchor = found.filter(pk=place).first() if place else None
    beside = found
    if anchor is not None:
        way = "gt" if after else "lt"
        beside = found.filter(
            Q(**{f"name__{way}": anchor.name}) | Q(name=anchor.name, **{f"pk__{way}": anchor.pk})
        )
    is_back = anchor is not None and not after
    rows = list((beside.reverse() if is_back else beside)[: AUDIENCES_PER_PAGE + 1])
    has_more, rows = len(rows) > AUDIENCES_PER_PAGE, rows[:AUDIENCES_PER_PAGE]
    if is_back:
        rows.reverse()
    has_before = has_more if is_back else anchor is not None
    has_after = is_back or has_more
    return AudiencePage(
        items=rows,
        before=rows[0].pk if rows and has_before else None,
        after=rows[-1].pk if rows and has_after else None,
    )


@dataclass(frozen=True, slots=True)
class AudienceState:
    """What an audience is good for now, in words."""

    tone: str
    label: str
    detail: str


# Custom Audience reference, operation_status: what stands in the way, most serious first.
_OPERATIONS: Mapping[int, AudienceState] = {
    471: AudienceState("bad", "Flagged", "Meta flagged it for breaking its rules; it cannot run."),
    470: AudienceState("bad", "Flagged", "Meta flagged it for breaking its rules."),
    500: AudienceState("bad", "Broken", "Meta reports an error. Make it again in Ads Manager."),
    450: AudienceState("bad", "Source is gone", "What it was made from cannot be read any more."),
    433: AudienceState("bad", "Not built", "Meta could not build this lookalike audience."),
    432: AudienceState("bad", "Not built", "Meta could not build this lookalike audience."),
    431: AudienceState("warn", "Out of date", "Meta could not refresh this lookalike audience."),
    434: AudienceState("info", "Being built", "Meta tries once more to build this lookalike."),
    423: AudienceState("warn", "Pixel is wrong", "It is fed by a pixel that is not valid."),
    422: AudienceState("warn", "Pixel is silent", "It is fed by a pixel that sends nothing."),
    421: AudienceState("warn", "No pixel", "It needs a pixel to be fed."),
    412: AudienceState("warn", "Bad upload", "Many of the uploaded entries are not usable."),
    411: AudienceState("warn", "Few matches", "Few of the uploaded people were found at Meta."),
    410: AudienceState("warn", "No upload", "Nobody has been uploaded yet."),
    100: AudienceState("warn", "Expires soon", "Use it, or Meta will delete it."),
    441: AudienceState("info", "Being filled", "Meta is still adding people; it grows."),
    442: AudienceState("info", "Being filled", "Meta is still adding people; it grows."),
}
_READY = AudienceState("good", "Ready", "")
_TOO_SMALL = AudienceState("warn", "Too small", "It has too few people to run ads to.")
_UNUSABLE = AudienceState("bad", "Cannot be used", "Ads cannot run to it; see it in Ads Manager.")


def audience_state(audience: CustomAudience) -> AudienceState:
    """From Meta's two codes: what went wrong first, then whether ads can run to it."""
    operation, delivery = audience.operation_code, audience.delivery_code
    known = _OPERATIONS.get(operation) if operation is not None else None
    if known and known.tone == "bad":
        return known
    if delivery is not None and delivery >= 400:
        return _UNUSABLE
    if known:
        return known
    if delivery == 300:
        return _TOO_SMALL
    if operation is not None and operation not in (0, 200):
        return AudienceState("warn", "Needs a look", f"Meta reports status {operation}.")
    if delivery == 200:
        return _READY
    return AudienceState("neutral", "Not known", "Meta did not say whether ads can run to it.")


def audience_size(audience: CustomAudience) -> str:
    """The band Meta gives, in words; empty when it gives none (-1: an inactive lookalike)."""
    low, high = audience.lower_bound, audience.upper_bound
    if low is None or high is None or low < 0 or high < 0:
        return ""
    if high <= SMALLEST_BAND:
        return f"Fewer than {SMALLEST_BAND:,} people"
    if low == high:
        return f"About {low:,} people"
    return f"{low:,} to {high:,} people"


def catalog_read_at(tenant: Tenant) -> datetime | None:
    """When campaigns, Pages and audiences were last read completely."""
    runs = SyncRun.objects.filter(
        tenant=tenant, kind=SyncRun.Kind.CATALOG, state=SyncRun.State.COMPLETE
    )
    newest: datetime | None = runs.aggregate(at=Max("finished_at"))["at"]
    return newest


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


def _plus(a: N | None, b: N | None) -> N | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _ratio(
    part: Decimal | int | None, whole: Decimal | int | None, times: int = 1
) -> Decimal | None:
    """None when either is missing, or nothing is there to divide by."""
    if part is None or not whole:
        return None
    return Decimal(part) / Decimal(whole) * times
