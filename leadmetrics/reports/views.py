"""Home, the report page with its exports, and the audiences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from integrations.models import Integration
from leadmetrics.errors import NotFound
from leadmetrics.reports import exports, selectors
from leadmetrics.reports.charts import LineChart, line_chart
from leadmetrics.reports.exports import DEFAULT_SORT, METRICS, SORT_KEYS, Metric
from leadmetrics.reports.periods import (
    DEFAULT,
    PRESETS,
    Period,
    format_day,
    preset_period,
    read_period,
)
from leadmetrics.reports.selectors import Account, CurrencyReport, Sums
from leadmetrics.templatetags.ui import describe_change
from leadmetrics.tenancy.middleware import TenantRequest

CAMPAIGNS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What the address of a report asks for; ``url`` reproduces it."""

    tenant: str
    period: Period
    account: Account | None = None
    metric: str = "spend"
    sort: str = DEFAULT_SORT
    compare: bool = False
    after: str = ""

    def url(self, name: str = "performance", *args: str, **changes: Any) -> str:
        """The address of this report, or of one that differs by ``changes``."""
        other = replace(self, **changes)
        query = {
            "range": other.period.preset if other.period.preset != DEFAULT else "",
            "since": "" if other.period.preset else other.period.since.isoformat(),
            "until": "" if other.period.preset else other.period.until.isoformat(),
            "account": other.account.pk if other.account else "",
            "metric": other.metric if other.metric != "spend" else "",
            "sort": other.sort if other.sort != DEFAULT_SORT else "",
            "compare": "1" if other.compare else "",
            "after": other.after,
        }
        path = reverse(f"reports:{name}", args=[self.tenant, *args])
        text = urlencode({key: value for key, value in query.items() if value})
        return f"{path}?{text}" if text else path


HOME_METRICS = ("spend", "conversions", "cost_per_conversion", "clicks", "ctr", "cpc")


@require_GET
def home(request: TenantRequest, /, **_: str) -> HttpResponse:
    """What needs me, then yesterday, then four weeks."""
    accounts = selectors.report_accounts(request.tenant)
    counts = selectors.variant_counts(request.tenant)
    integrations = selectors.live_integrations(request.tenant)
    has_target = bool(accounts) and selectors.has_push_target(request.tenant)
    steps = _steps(bool(integrations), bool(accounts), has_target, counts.total > 0)
    today = selectors.day_begun_everywhere(accounts, request.tenant)
    period = preset_period(DEFAULT, today=today)
    complete = [account for account in accounts if account.complete_at is not None]
    newest = selectors.day_begun_anywhere(complete, request.tenant)
    daily = selectors.daily_sums(complete, period.since, newest) if complete else {}
    within = {key: sums for key, sums in daily.items() if key[1] <= period.until}
    reports = selectors.currency_reports(complete, within, period, compare=False)
    context = {
        "needs": list(_needs(request, counts, integrations, accounts)),
        "steps": steps,
        "next_step": next((step for step in steps if step["state"] == "current"), None),
        "blocks": [_home_block(report, daily, period) for report in reports.values()],
        "accounts": accounts,
        "unread": [account for account in accounts if account.complete_at is None],
        "is_connected": bool(integrations),
    }
    return render(request, "reports/home.html", context)


def _steps(connected: bool, enabled: bool, target: bool, proposed: bool) -> list[dict[str, str]]:
    """The way to the first ad; empty once it has been gone."""
    marks = [connected, enabled, target, proposed]
    if all(marks):
        return []
    titles = (
        ("Connect Facebook", "connections:list"),
        ("Choose ad accounts", "connections:list"),
        ("Choose where ads go", "connections:list"),
        ("Let an agent propose", "agents:keys"),
    )
    first_open = marks.index(False)
    return [
        {
            "title": title,
            "state": "done" if mark else "current" if number == first_open else "todo",
            "url_name": name,
        }
        for number, (mark, (title, name)) in enumerate(zip(marks, titles, strict=True))
    ]


def _needs(
    request: TenantRequest,
    counts: selectors.VariantCounts,
    integrations: Sequence[Integration],
    accounts: Sequence[Account],
) -> Iterator[dict[str, Any]]:
    """What waits for somebody, the most urgent first, each with its one next step."""
    slug = request.tenant.slug
    is_admin = request.membership.is_admin
    connections = reverse("connections:list", args=[slug]) if is_admin else ""
    ads = reverse("ads:list", args=[slug])
    fixer = "" if is_admin else " An admin of this workspace can see to it."
    if counts.failed:
        yield _need(
            "triangle-alert",
            "bad",
            f"{_count(counts.failed, 'approved ad')} did not reach Meta",
            "Each says what stopped it and what to do.",
            f"{ads}?status=push_failed",
            "See why",
        )
    for grant in integrations:
        if words := _grant_trouble(grant):
            tone, title, detail = words
            yield _need("plug", tone, title, detail + fixer, connections, "Reconnect")
    for account in accounts:
        if not account.can_run_ads:
            yield _need(
                "ban",
                "bad",
                f"{account.name}: {account.status_label}",
                f"Meta runs no ads there until that is settled in Ads Manager.{fixer}",
                connections,
                "See the ad account",
            )
        elif account.has_failed and account.last_run:
            reason = account.last_run.error or "Meta did not answer."
            yield _need(
                "refresh-cw",
                "warn",
                f"Performance of {account.name} was not read to the end",
                f"{reason} The figures shown are from the last complete read.{fixer}",
                connections,
                "Read again",
            )
    if counts.to_review and request.membership.is_reviewer:
        yield _need(
            "inbox",
            "info",
            f"{_count(counts.to_review, 'variant')} waiting for a decision",
            "",
            reverse("review:queue", args=[request.tenant.slug]),
            "Review",
        ) | {"since": counts.oldest}
    if counts.unknown:
        yield _need(
            "search",
            "neutral",
            f"{_count(counts.unknown, 'ad')} being looked up at Meta",
            "Meta gave no answer. We look whether it is there before anything is sent again.",
            f"{ads}?status=push_unknown",
            "Follow",
        )


def _need(icon: str, tone: str, title: str, detail: str, url: str, label: str) -> dict[str, Any]:
    return {
        "icon": icon,
        "tone": tone,
        "title": title,
        "detail": detail,
        "url": url,
        "label": label,
        "since": None,
    }


def _grant_trouble(grant: Integration) -> tuple[str, str, str] | None:
    """Tone, title and detail for a grant that needs its person; None when it works."""
    person, status = grant.meta_user_name, Integration.Status
    end = grant.token_expires_at
    match grant.status:
        case status.EXPIRING:
            day = format_day(timezone.localdate(end)) if end else "soon"
            return (
                "warn",
                f"The access of {person} ends {'on ' if end else ''}{day}",
                "One click by the same person renews it.",
            )
        case status.NEEDS_RECONNECT | status.EXPIRED | status.REVOKED:
            return (
                "bad",
                f"The access of {person} no longer works",
                "Nothing is read or sent through it until it is connected again.",
            )
    return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _home_block(
    report: CurrencyReport, daily: Mapping[selectors.Day, Sums], period: Period
) -> dict[str, Any]:
    """Yesterday against the day before, each account by its own calendar, and four weeks."""
    ready = [a for a in report.accounts if a.has_all_of(a.today - timedelta(days=1))]
    late = [a for a in report.accounts if a not in ready]
    now = _on_day(daily, ready, days_ago=1)
    then = _on_day(daily, ready, days_ago=2)
    absent = "Nothing ran yesterday" if ready else "Yesterday has not been read completely yet"
    cards = []
    for metric in (METRICS[key] for key in HOME_METRICS):
        before = metric.of(then) if then else None
        cards.append(
            {
                "label": metric.label,
                "figure": exports.shown(metric, now, report.currency, absent),
                "change": describe_change(
                    metric.of(now) if now else None, before, better=metric.better
                ),
                "detail": ""
                if before is None
                else f"day before: {metric.format(before, report.currency)}",
            }
        )
    spend, results = METRICS["spend"], METRICS["conversions"]
    tables = [exports.table_of_days(report, period, metric) for metric in (spend, results)]
    return {
        "currency": report.currency,
        "accounts": report.accounts,
        "oldest": min(report.accounts, key=lambda a: a.complete_at or timezone.now()),
        "late": late if ready else [],
        "cards": cards,
        "charts": [_chart(report, period, metric, compare=False) for metric in (spend, results)],
        "days": list(zip(*tables, strict=True)),
        "period": period,
    }


def _on_day(
    daily: Mapping[selectors.Day, Sums], accounts: Sequence[Account], *, days_ago: int
) -> Sums | None:
    """The accounts' figures of that many days ago, by each one's own calendar."""
    days = ((a.pk, a.today - timedelta(days=days_ago)) for a in accounts)
    found = [daily[day] for day in days if day in daily]
    return selectors.add_up(found) if found else None


@require_GET
def performance(request: TenantRequest, tenant: str) -> HttpResponse:
    """The report: figures, a line, its table and the campaigns, one block per currency."""
    everyone = selectors.report_accounts(request.tenant)
    query, problem = _read_query(request, tenant, everyone)
    if not problem and "shown" in request.GET:
        return redirect(query.url())  # the form's fields become the shortest address
    accounts = [query.account] if query.account else everyone
    reports = selectors.performance(accounts, query.period, compare=query.compare)
    typed = request.GET if problem else {}
    today = selectors.day_begun_everywhere(accounts, request.tenant)
    context = {
        "query": query,
        "problem": problem,
        "since": typed.get("since") or query.period.since.isoformat(),
        "until": typed.get("until") or query.period.until.isoformat(),
        "newest": selectors.day_begun_anywhere(everyone, request.tenant).isoformat(),
        "everyone": everyone,
        "presets": [
            (label, query.url(period=preset_period(key, today=today), after=""))
            for key, label in PRESETS.items()
        ],
        "preset_label": PRESETS.get(query.period.preset, ""),
        "metric_label": METRICS[query.metric].label,
        "export_urls": {
            table.replace("-", "_"): query.url("export", table, after="")
            for table in ("campaigns", "days", "every-row")
        },
        "blocks": [_block(report, query) for report in reports],
        "is_answer": False,
        **_freshness(accounts, query),
    }
    return render(request, "reports/performance.html", context)


@require_GET
def freshness(request: TenantRequest, tenant: str) -> HttpResponse:
    """The part of the report page that says how fresh the figures are; it asks again by itself."""
    everyone = selectors.report_accounts(request.tenant)
    query, _ = _read_query(request, tenant, everyone)
    accounts = [query.account] if query.account else everyone
    context = {"query": query, "is_answer": True, **_freshness(accounts, query)}
    return render(request, "reports/_freshness.html", context)


@require_GET
def export(request: TenantRequest, tenant: str, table: str) -> HttpResponseBase:
    """A table of the report page as CSV, streamed."""
    everyone = selectors.report_accounts(request.tenant)
    query, problem = _read_query(request, tenant, everyone)
    if problem:
        return redirect(query.url())
    accounts = [query.account] if query.account else everyone
    complete = [account for account in accounts if account.complete_at is not None]
    rows: Iterator[list[exports.Cell]]
    if table == "every-row":
        rows = exports.every_row(complete, query.period)
    elif table in ("campaigns", "days"):
        reports = selectors.performance(accounts, query.period, compare=query.compare)
        if table == "campaigns":
            rows = exports.campaign_rows(reports, query.period, query.sort)
        else:
            metric = METRICS[query.metric]
            rows = exports.day_rows(reports, query.period, metric, compare=query.compare)
    else:
        raise NotFound
    response = StreamingHttpResponse(
        exports.csv_lines(rows), content_type="text/csv; charset=utf-8"
    )
    name = f"{tenant}-{table}-{query.period.since}-{query.period.until}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read_query(
    request: TenantRequest, tenant: str, everyone: Sequence[Account]
) -> tuple[ReportQuery, str]:
    """The report asked for, and what was wrong with its range. Raises NotFound."""
    params = request.GET
    account = None
    if wanted := params.get("account"):
        account = next((a for a in everyone if str(a.pk) == wanted), None)
        if account is None:
            raise NotFound
    accounts = [account] if account else everyone
    period, problem = read_period(
        params.dict(),
        today=selectors.day_begun_everywhere(accounts, request.tenant),
        newest=selectors.day_begun_anywhere(accounts, request.tenant),
    )
    sort = params.get("sort", DEFAULT_SORT)
    query = ReportQuery(
        tenant=tenant,
        period=period,
        account=account,
        metric=params.get("metric", "") if params.get("metric") in METRICS else "spend",
        sort=sort if sort.removeprefix("-") in SORT_KEYS else DEFAULT_SORT,
        compare=params.get("compare") == "1",
        after=params.get("after", ""),
    )
    return query, problem


def _freshness(accounts: Sequence[Account], query: ReportQuery) -> dict[str, Any]:
    complete = [account for account in accounts if account.complete_at]
    return {
        "accounts": accounts,
        "oldest": min(complete, key=lambda a: a.complete_at or a.today, default=None),
        "pulling": [account for account in accounts if account.is_pulling],
        "cut": [account for account in accounts if account.has_failed],
        "unread": [account for account in accounts if not account.complete_at],
        "freshness_url": query.url("freshness"),
        "report_url": query.url(),
    }


def _block(report: CurrencyReport, query: ReportQuery) -> dict[str, Any]:
    """One currency of the page."""
    metric = METRICS[query.metric]
    return {
        "currency": report.currency,
        "accounts": report.accounts,
        "metric": metric,
        "cards": _cards(report, query),
        "chart": _chart(report, query.period, metric, compare=query.compare),
        "days": exports.table_of_days(report, query.period, metric),
        "notes": _notes(report, query),
        **_campaign_table(report, query, many=len(report.accounts) > 1),
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
    """Whether the whole period before was read; half of it would fake a rise."""
    return query.compare and all(a.covers(query.period.before.since) for a in report.accounts)


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
    if any(account.today <= query.period.until for account in report.accounts):
        notes.append("Today is not over in every ad account: its figures still grow.")
    return notes


def _chart(report: CurrencyReport, period: Period, metric: Metric, *, compare: bool) -> LineChart:
    def points(days: dict[date, Sums], over: Period) -> list[tuple[date, Decimal | None]]:
        return [(day, metric.of(days[day]) if day in days else None) for day in over.days]

    return line_chart(
        points(report.days, period),
        compare=points(report.days_before, period.before) if compare else None,
        height=220,
        label=f"{metric.label}, {report.currency}" if metric.kind == "money" else metric.label,
        formatter=lambda value: metric.format(value, report.currency),
    )


def _campaign_table(report: CurrencyReport, query: ReportQuery, *, many: bool) -> dict[str, Any]:
    """One page of the campaigns with the totals of all of them."""
    ordered = exports.sorted_campaigns(report.campaigns, query.sort)
    keys = [f"{row.account.pk}-{row.campaign_id}" for row in ordered]
    start = keys.index(query.after) + 1 if query.after in keys else 0
    stop = min(start + CAMPAIGNS_PER_PAGE, len(ordered))
    back = start - CAMPAIGNS_PER_PAGE
    one_day = query.period.length == 1
    rows = [
        {
            "row": row,
            "status": row.status.replace("_", " ").capitalize(),
            "cells": _cells(row.sums, report.currency),
            "reach": exports.shown_reach(row.reach),
        }
        for row in ordered[start:stop]
    ]
    totals = [
        (account.name, _cells(report.by_account[account.pk], report.currency))
        for account in report.accounts
        if many
    ]
    totals.append((f"Total {report.currency}", _cells(report.total, report.currency)))
    return {
        "columns": _columns(query, many=many),
        "rows": rows,
        "totals": totals,
        "many": many,
        "one_day": one_day,
        "reach_missing": exports.REACH_MISSING,
        "summary": f"{start + 1} to {stop} of {len(ordered):,}"
        if len(ordered) > stop - start
        else "",
        "previous_url": query.url(after=keys[back - 1] if back > 0 else "") if start else "",
        "next_url": query.url(after=keys[stop - 1]) if stop < len(ordered) else "",
    }


def _cells(sums: Sums, currency: str) -> list[exports.Shown]:
    return [exports.shown(metric, sums, currency) for metric in METRICS.values()]


def _columns(query: ReportQuery, *, many: bool) -> list[dict[str, Any]]:
    """The headings; a click sorts by one, a second click the other way round."""
    texts = [("campaign", "Campaign"), *([("account", "Ad account")] if many else [])]
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


@require_GET
def audiences(request: TenantRequest, tenant: str) -> HttpResponse:
    """Custom audiences of the enabled ad accounts, with what each is good for."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:100]
    page = selectors.audience_page(
        selectors.audiences(request.tenant, search=search),
        after=_number(request.GET.get("after", "")),
        before=_number(request.GET.get("before", "")),
    )
    context = {
        "search": search,
        "rows": [
            (audience, selectors.audience_size(audience), selectors.audience_state(audience))
            for audience in page.items
        ],
        "previous_url": _audience_url(tenant, search, before=page.before),
        "next_url": _audience_url(tenant, search, after=page.after),
        "read_at": selectors.catalog_read_at(request.tenant),
        "is_connected": bool(selectors.live_integrations(request.tenant)),
    }
    return render(request, "reports/audiences.html", context)


def _audience_url(tenant: str, search: str, **place: int | None) -> str:
    if not any(place.values()):
        return ""
    query = {key: value for key, value in {"q": search, **place}.items() if value}
    return f"{reverse('reports:audiences', args=[tenant])}?{urlencode(query)}"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
