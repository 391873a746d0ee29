"""The report page's parts: one block per currency, with figures, a line and a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sums import Sums, add_up
from leadmetrics.reports import exports
from leadmetrics.reports.charts import LineChart, line_chart
from leadmetrics.reports.exports import METRICS, REACH_NOT_ASKED, REACH_NOT_SENT, Metric
from leadmetrics.reports.periods import Period, format_day
from leadmetrics.reports.query import ReportQuery
from leadmetrics.reports.selectors import CurrencyReport, ObjectSums
from leadmetrics.templatetags.ui import describe_change

ROWS_PER_PAGE = 100


def block_of(report: CurrencyReport, query: ReportQuery) -> dict[str, Any]:
    """One currency of the page."""
    metric = METRICS[query.metric]
    return {
        "currency": report.currency,
        "accounts": report.accounts,
        "metric": metric,
        "cards": _cards(report, query),
        "chart_id": f"chart-{report.currency}",
        "chart": chart_of(report, query.period, metric, compare=query.compare),
        "days": exports.table_of_days(report, query.period, metric, query.day_sort),
        "day_columns": _day_columns(query),
        "notes": _notes(report, query),
        "reach_url": replace(query, account=report.accounts[0]).url("reach")
        if len(report.accounts) == 1 and not query.search and not query.ad_set
        else "",
        **_table(report, query, many=len(report.accounts) > 1),
    }


def _cards(report: CurrencyReport, query: ReportQuery) -> list[dict[str, Any]]:
    before = report.before if _is_comparable(report, query) else None
    cards: list[dict[str, Any]] = []
    for metric in METRICS.values():
        now = metric.of(report.total)
        then = metric.of(before) if before else None
        total = report.total if report.days else None
        cards.append(
            {
                "label": metric.label,
                "figure": exports.shown(
                    metric, total, report.currency, "Nothing ran in these days"
                ),
                "change": describe_change(now, then, better=metric.better),
                "before": "" if then is None else metric.format(then, report.currency),
                "url": query.url(metric=metric.key, after=""),
                "is_current": metric.key == query.metric,
            }
        )
    return cards


def _is_comparable(report: CurrencyReport, query: ReportQuery) -> bool:
    return query.compare and exports.is_comparable(report, query.period)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody must know of the figures. ``lacks_history``: older days can be read."""

    text: str
    lacks_history: bool = False


def _notes(report: CurrencyReport, query: ReportQuery) -> list[Note]:
    # Older days are read of campaigns only; ads begin when approved ads go to their ad set.
    what = "Ads" if query.ad_set else "Figures"
    can_be_read = not query.ad_set
    notes = [
        Note(
            f"{what} of {account.name} are complete from {format_day(account.first_day, year=True)}"
            f" on; earlier days have not been read from Meta{' yet' if can_be_read else ''}.",
            can_be_read,
        )
        for account in report.accounts
        if account.first_day and account.first_day > query.period.since
    ]
    if query.compare and not _is_comparable(report, query) and not notes:
        before = query.period.before.label
        words = f"The period before, {before}, has not been read completely: no comparison."
        notes.append(Note(words, can_be_read))
    listed = add_up(row.sums for row in report.objects)
    if query.scope.level == "ad_set" and listed != report.total:
        notes.append(
            Note(
                "Ad sets and ads are read where approved ads go; other ad sets of this campaign "
                "are not listed, so the rows may be less than the whole campaign."
            )
        )
    if any(account.today <= query.period.until for account in report.accounts):
        notes.append(Note("Today is not over in every ad account: its figures still grow."))
    return notes


def chart_of(report: CurrencyReport, period: Period, metric: Metric, *, compare: bool) -> LineChart:
    def points(days: dict[date, Sums], over: Period) -> list[tuple[date, Decimal | None]]:
        return [(day, metric.of(days[day]) if day in days else None) for day in over.days]

    return line_chart(
        points(report.days, period),
        compare=points(report.days_before, period.before) if compare else None,
        height=220,
        label=f"{metric.label}, {report.currency}" if metric.kind == "money" else metric.label,
        formatter=lambda value: metric.format(value, report.currency),
    )


def _table(report: CurrencyReport, query: ReportQuery, *, many: bool) -> dict[str, Any]:
    """One page of the campaigns (ad sets, ads) with the totals of all of them."""
    ordered = exports.sorted_objects(report.objects, query.sort)
    keys = [f"{row.account.pk}-{row.object_id}" for row in ordered]
    start = keys.index(query.after) + 1 if query.after in keys else 0
    stop = min(start + ROWS_PER_PAGE, len(ordered))
    back = start - ROWS_PER_PAGE
    level = query.scope.level
    no_total = exports.why_no_total_reach(query.scope, many=many)
    told = bool(report.reach) or any(row.reach is not None for row in report.objects)
    has_reach = told and level != "ad_set"  # of ad sets Meta is not asked
    rows = [
        {
            "row": row,
            "status": row.status.replace("_", " ").capitalize(),
            "cells": _cells(row.sums, report.currency),
            "reach": exports.shown_reach(row.reach, _why_no_reach(row, report, query)),
            "url": _inside(row, query),
        }
        for row in ordered[start:stop]
    ]
    totals = [
        (
            account.name,
            _cells(report.by_account[account.pk], report.currency),
            exports.shown_reach(
                report.reach.get(account.pk), no_total if query.search else REACH_NOT_ASKED
            ),
        )
        for account in report.accounts
        if many and level == "campaign"
    ]
    total = exports.TOTALS[level] or f"Total {report.currency}"
    reach = exports.shown_reach(report.total_reach, no_total)
    totals.append((total, _cells(report.total, report.currency), reach))
    return {
        "what": exports.LEVELS[level],
        "level": level,
        "columns": _columns(query, many=many),
        "rows": rows,
        "totals": totals,
        "many": many,
        "has_reach": has_reach,
        "reach_missing": no_total,
        "summary": f"{start + 1} to {stop} of {len(ordered):,}"
        if len(ordered) > stop - start
        else "",
        "previous_url": query.url(after=keys[back - 1] if back > 0 else "") if start else "",
        "next_url": query.url(after=keys[stop - 1]) if stop < len(ordered) else "",
    }


def _why_no_reach(row: ObjectSums, report: CurrencyReport, query: ReportQuery) -> str:
    """A single day's reach comes with its figures; of more days Meta is asked by ad account."""
    is_told = query.period.length == 1 or row.account.pk in report.asked
    return REACH_NOT_SENT if is_told else REACH_NOT_ASKED


def _inside(row: ObjectSums, query: ReportQuery) -> str:
    """The report of what is in a row: a campaign's ad sets, an ad set's ads."""
    if query.scope.level == "campaign":
        key = f"{row.account.pk}-{row.object_id}"
        return query.url(campaign=key, search="", after="")
    return query.url(ad_set=row.object_id, after="") if query.scope.level == "ad_set" else ""


def _cells(sums: Sums, currency: str) -> list[exports.Shown]:
    return [exports.shown(metric, sums, currency) for metric in METRICS.values()]


def _columns(query: ReportQuery, *, many: bool) -> list[dict[str, Any]]:
    """The headings; a click sorts by one, a second click the other way round."""
    texts = [
        ("campaign", exports.LEVELS[query.scope.level]),
        *([("account", "Ad account")] if many else []),
    ]
    figures = [(metric.key, metric.label) for metric in METRICS.values()]

    def url(sort: str) -> str:
        return query.url(sort=sort, after="")

    return [
        _column(label, key, query.sort, url, is_number=key in METRICS)
        for key, label in [*texts, *figures]
    ]


def _day_columns(query: ReportQuery) -> list[dict[str, Any]]:
    """The headings of the table under the chart by which it can be sorted."""

    def url(sort: str) -> str:
        return query.url(days=sort)

    label = METRICS[query.metric].label
    return [
        _column("Day", "day", query.day_sort, url),
        _column(label, "figure", query.day_sort, url, is_number=True),
    ]


def _column(
    label: str, key: str, sort: str, url: Callable[[str], str], *, is_number: bool = False
) -> dict[str, Any]:
    """A heading: what it is called, how the table is sorted by it now, and what a click leads to.

    Figures begin with the highest.
    """
    first, second = (f"-{key}", key) if is_number else (key, f"-{key}")
    return {
        "label": label,
        "is_number": is_number,
        "order": {f"-{key}": "descending", key: "ascending"}.get(sort, ""),
        "url": url(second if sort == first else first),
    }
