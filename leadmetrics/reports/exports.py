"""What the report page shows, as rows: drawn by the page, written by the CSV export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from integrations.sums import NOTHING, Sums
from leadmetrics.reports.accounts import Account
from leadmetrics.reports.periods import Period
from leadmetrics.reports.selectors import CurrencyReport, ObjectSums, Scope, daily_rows
from leadmetrics.templatetags.ui import (
    WHOLE_UNIT_CURRENCIES,
    Change,
    describe_change,
    format_money,
    format_number,
    format_percent,
)

Cell = str | int | Decimal | date | None
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure people can pick. ``better`` is the direction that is good news, or empty."""

    key: str
    label: str
    kind: str
    better: str
    missing: str

    def of(self, sums: Sums) -> Decimal | None:
        """Its value, None when it is missing."""
        value: Decimal | int | None = getattr(sums, self.key)
        return None if value is None else Decimal(value)

    def rounded(self, value: Decimal, currency: str) -> Decimal:
        """The value with as many digits as are shown."""
        digits = {"money": 0 if currency in WHOLE_UNIT_CURRENCIES else 2, "percent": 2}
        places = digits.get(self.kind, 2 if value % 1 else 0)
        return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)

    def format(self, value: Decimal, currency: str) -> str:
        """The value as people read it."""
        if self.kind == "money":
            return format_money(value, currency)
        if self.kind == "percent":
            return format_percent(value, 2)
        return format_number(value, 2 if value % 1 else 0)


_NO_CONVERSIONS = "Meta reported none of the kind that this ad account counts"
METRICS: Mapping[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric("spend", "Spend", "money", "", "Meta sent no spend"),
        Metric("impressions", "Impressions", "count", "", "Meta sent no impressions"),
        Metric("clicks", "Clicks", "count", "up", "Meta sent no clicks"),
        Metric("ctr", "CTR", "percent", "up", "There are no impressions to divide by"),
        Metric("cpc", "CPC", "money", "down", "There are no clicks to divide by"),
        Metric("cpm", "CPM", "money", "down", "There are no impressions to divide by"),
        Metric("conversions", "Conversions", "count", "up", _NO_CONVERSIONS),
        Metric("conversion_value", "Conversion value", "money", "up", _NO_CONVERSIONS),
        Metric(
            "cost_per_conversion",
            "Cost per conversion",
            "money",
            "down",
            "There are no conversions to divide by",
        ),
    )
}
DEFAULT_SORT = "-spend"
SORT_KEYS = ("campaign", "account", *METRICS)
DEFAULT_DAY_SORT = "-day"
DAY_SORT_KEYS = ("day", "figure")
CHANGE = "Change in %"
LEVELS = {"campaign": "Campaign", "ad_set": "Ad set", "ad": "Ad"}
# An ad set's ads are all read; of a campaign only the ad sets that approved ads go to.
TOTALS = {"campaign": "", "ad_set": "Whole campaign", "ad": "Whole ad set"}

REACH_NOT_SENT = "Meta sent no reach"
# Of several ad accounts together nobody can say it, of one of them Meta can.
REACH_NOT_ASKED = "Meta was not asked for the reach of this ad account. Choose it, and Meta is."


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure in words; without ``text`` it is missing for the reason in ``missing``."""

    text: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the table under the chart, beside its day in the period before."""

    day: date
    value: Decimal | None
    figure: Shown
    day_before: date
    value_before: Decimal | None
    figure_before: Shown
    change: Change | None


def shown(metric: Metric, sums: Sums | None, currency: str, absent: str = "") -> Shown:
    """The metric in words; ``absent`` says why there are no sums at all."""
    if sums is None:
        return Shown("", absent)
    value = metric.of(sums)
    return Shown("", metric.missing) if value is None else Shown(metric.format(value, currency))


def why_no_total_reach(scope: Scope, *, many: bool) -> str:
    """Why nobody can say how many people all that is shown has reached; ``many`` ad accounts."""
    who, next_step = "campaigns", "Meta's own count stands above."
    if scope.ad_set:
        who, next_step = "ads", "Meta is asked for ad accounts and campaigns, not for ad sets."
    elif scope.search:
        next_step = "Meta is asked for whole ad accounts: take the words away to see it."
    elif many:
        who, next_step = "ad accounts", "Choose one ad account, and Meta is asked."
    return (
        f"Reach counts people. Somebody reached by two {who}, or on two days, would count twice, "
        f"so it cannot be added up. {next_step}"
    )


def shown_reach(reach: int | None, absent: str) -> Shown:
    """Meta's own figure for one campaign or one ad account in just these days, never a sum."""
    return Shown("", absent) if reach is None else Shown(format_number(reach))


def table_of_days(
    report: CurrencyReport, period: Period, metric: Metric, sort: str = DEFAULT_DAY_SORT
) -> list[DayRow]:
    """The chart's figures, day by day, in the order asked for ("figure": lowest first)."""
    rows = []
    for day, before in zip(period.days, period.before.days, strict=True):
        now, then = report.days.get(day), report.days_before.get(before)
        value, value_before = (metric.of(sums) if sums else None for sums in (now, then))
        rows.append(
            DayRow(
                day=day,
                value=value,
                figure=shown(metric, now, report.currency, why_absent(report, day)),
                day_before=before,
                value_before=value_before,
                figure_before=shown(metric, then, report.currency, why_absent(report, before)),
                change=describe_change(value, value_before, better=metric.better),
            )
        )
    if sort.removeprefix("-") == "figure":
        return _by_figure(rows, lambda row: row.value, backwards=sort.startswith("-"))
    return rows[::-1] if sort.startswith("-") else rows


def is_comparable(report: CurrencyReport, period: Period) -> bool:
    """Whether the whole period before was read; half of it would fake a rise."""
    return all(account.covers(period.before.since) for account in report.accounts)


def why_absent(report: CurrencyReport, day: date) -> str:
    """Why a day has no rows: not read yet, or nothing ran (Meta leaves such days out)."""
    read = [a for a in report.accounts if a.covers(day)]
    return "Nothing ran on this day" if read else "This day has not been read from Meta yet"


def sorted_objects(objects: Iterable[ObjectSums], sort: str) -> list[ObjectSums]:
    """In the order asked for ("-spend": highest first); what has no figure comes last."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(objects, key=lambda row: (row.name.casefold(), row.object_id))
    if key == "campaign":
        return by_name[::-1] if backwards else by_name
    if key == "account":
        return sorted(by_name, key=lambda row: row.account.name.casefold(), reverse=backwards)
    metric = METRICS[key]
    return _by_figure(by_name, lambda row: metric.of(row.sums), backwards=backwards)


def _by_figure(
    rows: Sequence[Row], figure: Callable[[Row], Decimal | None], *, backwards: bool
) -> list[Row]:
    known = [row for row in rows if figure(row) is not None]
    unknown = [row for row in rows if figure(row) is None]
    known.sort(key=lambda row: figure(row) or Decimal(0), reverse=backwards)
    return known + unknown


def object_rows(
    reports: Iterable[CurrencyReport], period: Period, sort: str, level: str, *, compare: bool
) -> Iterator[list[Cell]]:
    """The table of campaigns (ad sets, ads) with its totals, one header, every page of it.

    With ``compare`` the total of a currency has the period before and the change beside it, as its
    cards do.
    """
    what = LEVELS[level]
    before = [
        heading
        for metric in METRICS.values()
        if compare
        for heading in (f"{metric.label} before", f"{metric.label}: {CHANGE.lower()}")
    ]
    no_before = [None for _ in before]
    yield [
        *("Row", "Currency", "Ad account", "Ad account ID", what, f"{what} ID", "Status"),
        *("First day", "Last day", *(metric.label for metric in METRICS.values()), "Reach"),
        *("Read at", *before),
    ]
    for report in reports:
        for row in sorted_objects(report.objects, sort):
            names = (what, report.currency, *_account(row.account))
            yield [
                *(*names, row.name, row.object_id, row.status, period.since, period.until),
                *(*_figures(row.sums, report.currency), row.reach, _read_at(row.account)),
                *no_before,
            ]
        for account in report.accounts if level == "campaign" else ():
            names = ("Account total", report.currency, *_account(account))
            figures = _figures(report.by_account[account.pk], report.currency)
            yield [
                *(*names, None, None, None, period.since, period.until, *figures),
                *(report.reach.get(account.pk), _read_at(account), *no_before),
            ]
        figures = _figures(report.total, report.currency)
        yield [
            *(TOTALS[level] or "Currency total", report.currency, None, None, None, None, None),
            *(period.since, period.until, *figures, report.total_reach, None),
            *(_compared(report, period) if compare else ()),
        ]


def day_rows(
    reports: Iterable[CurrencyReport], period: Period, metric: Metric, sort: str, *, compare: bool
) -> Iterator[list[Cell]]:
    """The table under the chart in its order; beside the period before if asked for."""
    before = ["Day before", f"{metric.label} before", CHANGE] if compare else []
    yield ["Currency", "Day", metric.label, *before]
    for report in reports:
        for row in table_of_days(report, period, metric, sort):
            now, then = (_figure(metric, v, report.currency) for v in (row.value, row.value_before))
            beside = (row.day_before, then, _percent(row.change)) if compare else ()
            yield [report.currency, row.day, now, *beside]


def every_row(accounts: Sequence[Account], period: Period, scope: Scope) -> Iterator[list[Cell]]:
    """Each campaign on each day as Meta sent it, read from the database while it is written."""
    by_pk = {account.pk: account for account in accounts}
    yield [
        *("Day", "Currency", "Ad account", "Ad account ID", "Campaign", "Campaign ID", "Spend"),
        *("Impressions", "Reach", "Clicks", "Link clicks", "Conversions", "Conversion value"),
        "Conversion kind",
    ]
    for row in daily_rows(accounts, period, scope):
        account = by_pk[row.ad_account_id]
        yield [
            *(row.date_start, account.currency, *_account(account), row.campaign_name),
            *(row.campaign_id, _plain(row.spend), row.impressions, row.reach, row.clicks),
            *(row.inline_link_clicks, _plain(row.conversions), _plain(row.conversion_value)),
            row.conversion_action_type,
        ]


def _compared(report: CurrencyReport, period: Period) -> Iterator[Decimal | None]:
    """Each metric of the period before, and by how many per cent it has changed since."""
    before = report.before if report.before and is_comparable(report, period) else NOTHING
    for metric in METRICS.values():
        then = metric.of(before)
        change = describe_change(metric.of(report.total), then)
        yield _figure(metric, then, report.currency)
        yield _percent(change)


def _plain(value: Decimal | None) -> Decimal | None:
    """Without the zeros that only the column's precision adds."""
    return None if value is None else value.normalize()


def _account(account: Account) -> tuple[str, str]:
    return account.name, account.ad_account_id


def _read_at(account: Account) -> str:
    return account.complete_at.isoformat(timespec="minutes") if account.complete_at else ""


def _figures(sums: Sums, currency: str) -> list[Decimal | None]:
    return [_figure(metric, metric.of(sums), currency) for metric in METRICS.values()]


def _percent(change: Change | None) -> Decimal | None:
    return change.percent if change else None


def _figure(metric: Metric, value: Decimal | None, currency: str) -> Decimal | None:
    return None if value is None else metric.rounded(value, currency)
