"""The report page and its exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.services.reach import ask_reach
from integrations.words import differences
from leadmetrics.errors import InvalidInput, NotFound
from leadmetrics.htmx import is_fragment
from leadmetrics.reports import exports, selectors
from leadmetrics.reports.accounts import (
    Account,
    day_begun_anywhere,
    day_begun_everywhere,
    report_accounts,
)
from leadmetrics.reports.blocks import block_of
from leadmetrics.reports.exports import METRICS
from leadmetrics.reports.files import XLSX, csv_lines, xlsx_file
from leadmetrics.reports.looks import note_look
from leadmetrics.reports.moved import moved_rows
from leadmetrics.reports.periods import PRESETS, preset_period
from leadmetrics.reports.query import ReportQuery, read_query
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.middleware import TenantRequest


@require_GET
def performance(request: TenantRequest, tenant: str) -> HttpResponse:
    """The report: figures, a line, its table and the campaigns, one block per currency."""
    everyone = report_accounts(request.tenant)
    query, problems = read_query(request, tenant, everyone)
    if not problems and "shown" in request.GET:
        return redirect(query.url())  # the form's fields become the shortest address
    campaign, ad_set = selectors.scope_names(query.scope)
    if query.campaign and not campaign:
        raise NotFound
    accounts = [query.account] if query.account else everyone
    reports = selectors.performance(
        accounts, query.period, compare=query.compare, scope=query.scope
    )
    typed = request.GET if problems.days else {}
    today = day_begun_everywhere(accounts, request.tenant)
    context = {
        "query": query,
        "problems": problems,
        "campaign": campaign,
        "ad_set": ad_set,
        "all_url": query.url(campaign="", ad_set="", search="", after=""),
        "campaign_url": query.url(ad_set="", after=""),
        "since": typed.get("since") or query.period.since.isoformat(),
        "until": typed.get("until") or query.period.until.isoformat(),
        "newest": day_begun_anywhere(everyone, request.tenant).isoformat(),
        "everyone": everyone,
        "presets": [
            (label, query.url(period=preset_period(key, today=today), after=""))
            for key, label in PRESETS.items()
        ],
        "preset_label": PRESETS.get(query.period.preset, ""),
        "exports": list(_exports(query)),
        "blocks": [block_of(report, query) for report in reports],
        "is_answer": False,
        "in_doubt": [
            (check, differences(check))
            for check in selectors.months_in_doubt(accounts, query.period)
        ],
        "last_look": note_look(request.membership),
        "moved_url": query.url("moved", after=""),
        **_freshness(accounts, query),
    }
    return render(request, "reports/performance.html", context)


def _exports(query: ReportQuery) -> Iterator[tuple[str, str, str]]:
    """What can be taken away: its name, the CSV and the XLSX."""
    names = {
        "campaigns": f"{exports.LEVELS[query.scope.level]}s and totals",
        "days": f"{METRICS[query.metric].label} by day",
    }
    if not query.ad_set and not query.search:
        names["every-row"] = "Every campaign, day by day"
    for table, label in names.items():
        yield (
            label,
            query.url("export", table, "csv", after=""),
            query.url("export", table, "xlsx", after=""),
        )


@require_GET
def freshness(request: TenantRequest, tenant: str) -> HttpResponse:
    """The part of the report page that says how fresh the figures are; it asks again by itself."""
    everyone = report_accounts(request.tenant)
    query, _ = read_query(request, tenant, everyone)
    accounts = [query.account] if query.account else everyone
    context = {"query": query, "is_answer": True, **_freshness(accounts, query)}
    return render(request, "reports/_freshness.html", context)


@require_GET
def reach(request: TenantRequest, tenant: str) -> HttpResponse:
    """How many people the range reached, by Meta's own count; asks again while Meta is asked."""
    everyone = report_accounts(request.tenant)
    query, problems = read_query(request, tenant, everyone)
    accounts = [query.account] if query.account else everyone
    if len(accounts) != 1 or problems.days or problems.account:
        raise NotFound
    context = {
        "query": query,
        "account": accounts[0],
        "reach_url": query.url("reach"),
        "report_url": query.url(),
        # The page was drawn without it; drawn anew, its table has it by campaign.
        "was_asked": "asked" in request.GET and not query.campaign,
        **_reach(request.actor, accounts[0], query),
    }
    template = "_reach" if is_fragment(request) else "reach"
    return render(request, f"reports/{template}.html", context)


def _reach(actor: Actor, account: Account, query: ReportQuery) -> dict[str, Any]:
    period, campaign = query.period, query.scope.campaign
    try:
        found = ask_reach(
            actor=actor, ad_account_pk=account.pk, since=period.since, until=period.until
        )
    except InvalidInput as exc:
        return {"figure": exports.Shown("", exc.user_message), "is_asking": False, "as_of": None}
    people = found.by_campaign.get(campaign[1]) if campaign else found.total
    absent = found.error or "Meta gave no reach for these days"
    return {
        "figure": exports.shown_reach(people, absent),
        "is_asking": found.is_being_read and not found.error,
        "as_of": found.read_at,
    }


@require_GET
def moved(request: TenantRequest, tenant: str) -> HttpResponse:
    """What Meta restated, in days that were over, since this person's visit before this one."""
    everyone = report_accounts(request.tenant)
    query, problems = read_query(request, tenant, everyone)
    accounts = [query.account] if query.account else everyone
    since = note_look(request.membership)
    context = {
        "query": query,
        "problems": problems,
        "since": since,
        "rows": moved_rows(accounts, query.period, since) if since else [],
        "report_url": query.url(),
    }
    return render(request, "reports/moved.html", context)


@require_GET
def export(request: TenantRequest, tenant: str, table: str, kind: str) -> HttpResponseBase:
    """A table of the report page as CSV or XLSX, never more than a chunk of it in memory."""
    everyone = report_accounts(request.tenant)
    query, problems = read_query(request, tenant, everyone)
    if table not in ("campaigns", "days", "every-row") or kind not in ("csv", "xlsx"):
        raise NotFound
    if problems:  # the page says them, and a file could not
        page = reverse("reports:performance", args=[tenant])
        return redirect(f"{page}?{request.GET.urlencode()}")
    rows = _rows(query, everyone, table)
    name = f"{tenant}-{table}-{query.period.since}-{query.period.until}.{kind}"
    if kind == "xlsx":
        return FileResponse(
            xlsx_file(rows, table), as_attachment=True, filename=name, content_type=XLSX
        )
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _rows(
    query: ReportQuery, everyone: Sequence[Account], table: str
) -> Iterator[list[exports.Cell]]:
    accounts = [query.account] if query.account else everyone
    if table == "every-row":
        complete = [account for account in accounts if account.complete_at is not None]
        return exports.every_row(complete, query.period, query.scope)
    reports = selectors.performance(
        accounts, query.period, compare=query.compare, scope=query.scope
    )
    if table == "campaigns":
        return exports.object_rows(
            reports, query.period, query.sort, query.scope.level, compare=query.compare
        )
    return exports.day_rows(
        reports, query.period, METRICS[query.metric], query.day_sort, compare=query.compare
    )


def _freshness(accounts: Sequence[Account], query: ReportQuery) -> dict[str, Any]:
    complete = [account for account in accounts if account.complete_at]
    zones = {account.timezone for account in accounts}
    return {
        "accounts": accounts,
        "oldest": min(complete, key=lambda a: a.complete_at or a.today, default=None),
        # Of several calendars none is everybody's; the base page sets the workspace's own.
        "zone": zones.pop() if len(zones) == 1 else "",
        "pulling": [account for account in accounts if account.is_pulling],
        "cut": [account for account in accounts if account.has_failed],
        "still": [account for account in accounts if account.stands_still],
        "freshness_url": query.url("freshness"),
        "report_url": query.url(),
    }
