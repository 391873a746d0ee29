"""The report page and its exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from leadmetrics.errors import NotFound
from leadmetrics.reports import exports, selectors
from leadmetrics.reports.accounts import (
    Account,
    day_begun_anywhere,
    day_begun_everywhere,
    report_accounts,
)
from leadmetrics.reports.blocks import block_of
from leadmetrics.reports.exports import METRICS
from leadmetrics.reports.periods import PRESETS, preset_period
from leadmetrics.reports.query import ReportQuery, read_query
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def performance(request: TenantRequest, tenant: str) -> HttpResponse:
    """The report: figures, a line, its table and the campaigns, one block per currency."""
    everyone = report_accounts(request.tenant)
    query, problem = read_query(request, tenant, everyone)
    if not problem and "shown" in request.GET:
        return redirect(query.url())  # the form's fields become the shortest address
    accounts = [query.account] if query.account else everyone
    reports = selectors.performance(accounts, query.period, compare=query.compare)
    typed = request.GET if problem else {}
    today = day_begun_everywhere(accounts, request.tenant)
    context = {
        "query": query,
        "problem": problem,
        "since": typed.get("since") or query.period.since.isoformat(),
        "until": typed.get("until") or query.period.until.isoformat(),
        "newest": day_begun_anywhere(everyone, request.tenant).isoformat(),
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
        "blocks": [block_of(report, query) for report in reports],
        "is_answer": False,
        **_freshness(accounts, query),
    }
    return render(request, "reports/performance.html", context)


@require_GET
def freshness(request: TenantRequest, tenant: str) -> HttpResponse:
    """The part of the report page that says how fresh the figures are; it asks again by itself."""
    everyone = report_accounts(request.tenant)
    query, _ = read_query(request, tenant, everyone)
    accounts = [query.account] if query.account else everyone
    context = {"query": query, "is_answer": True, **_freshness(accounts, query)}
    return render(request, "reports/_freshness.html", context)


@require_GET
def export(request: TenantRequest, tenant: str, table: str) -> HttpResponseBase:
    """A table of the report page as CSV, streamed."""
    everyone = report_accounts(request.tenant)
    query, problem = read_query(request, tenant, everyone)
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
