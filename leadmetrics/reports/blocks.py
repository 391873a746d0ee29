"""The report page's parts: one block per currency, with figures, a line and a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sums import Sums, add_up
from leadmetrics.reports import exports
from leadmetrics.reports.charts import LineChart, line_chart
from leadmetrics.reports.exports import METRICS, REACH_MISSING, REACH_OF_ONE, Metric
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
        "days": exports.table_of_days(report, query.period, metric),
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


def _notes(report: CurrencyReport, query: ReportQuery) -> list[str]:
    notes = [
        f"Figures of {account.name} begin on {format_day(account.first_day, year=True)}; "
        "earlier days have not been read from Meta yet."
        for account in report.accounts
        if account.first_day and account.first_day > query.period.since
    ]
    if query.compare and not _is_comparable(report, query) and not notes:
        before = query.period.before.label
        notes.append(f"The period before, {before}, has not been read completely: no comparison.")
    listed = add_up(row.sums for row in report.objects)
    if query.scope.level == "ad_set" and listed != report.total:
        notes.append(
            "Ad sets and ads are read where approved ads go; other ad sets of this campaign are "
            "not listed, so the rows may be less than the whole campaign."
        )
    if any(account.today <= query.period.until for account in report.accounts):
        notes.append("Today is not over in every ad account: its figures still grow.")
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
    has_reach = bool(report.reach) or any(row.reach is not None for row in report.objects)
    rows = [
        {
            "row": row,
            "status": row.status.replace("_", " ").capitalize(),
            "cells": _cells(row.sums, report.currency),
            "reach": exports.shown_reach(row.reach),
            "url": _inside(row, query),
        }
        for row in ordered[start:stop]
    ]
    totals = [
        (
            account.name,
            _cells(report.by_account[account.pk], report.currency),
            exports.shown_reach(report.reach.get(account.pk), REACH_OF_ONE),
        )
        for account in report.accounts
        if many and level == "campaign"
    ]
    total = exports.TOTALS[level] or f"Total {report.currency}"
    reach = exports.shown_reach(report.total_reach, REACH_OF_ONE if many else REACH_MISSING)
    totals.append((total, _cells(report.total, report.currency), reach))
    return {
        "what": exports.LEVELS[level],
        "level": level,
        "columns": _columns(query, many=many),
        "rows": rows,
        "totals": totals,
        "many": many,
        "has_reach": has_reach,
        "reach_missing": REACH_OF_ONE if many else REACH_MISSING,
        "summary": f"{start + 1} to {stop} of {len(ordered):,}"
        if len(ordered) > stop - start
        else "",
        "previous_url": query.url(after=keys[back - 1] if back > 0 else "") if start else "",
        "next_url": query.url(after=keys[stop - 1]) if stop < len(ordered) else "",
    }


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
    columns = []
    for key, label in [*texts, *((m.key, m.label) for m in METRICS.values())]:
        first, second = (key, f"-{key}") if key in dict(texts) else (f"-{key}", key)
        columns.append(
            {
                "label": label,
                "is_number": key in METRICS,
                "order": {f"-{key}": "descending", key: "ascending"}.get(query.sort, ""),
                "url": query.url(sort=second if query.sort == first else first, after=""),
            }
        )
    return columns
