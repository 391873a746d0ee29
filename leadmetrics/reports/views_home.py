"""Home: what needs me, then yesterday, then four weeks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from integrations.models import Integration
from integrations.sums import Sums, add_up
from leadmetrics.reports import exports, needs, selectors
from leadmetrics.reports.accounts import (
    Account,
    day_begun_anywhere,
    day_begun_everywhere,
    report_accounts,
)
from leadmetrics.reports.blocks import chart_of
from leadmetrics.reports.exports import METRICS
from leadmetrics.reports.months import Day, sums_by_day
from leadmetrics.reports.periods import DEFAULT, Period, format_day, preset_period
from leadmetrics.reports.selectors import CurrencyReport
from leadmetrics.templatetags.ui import describe_change
from leadmetrics.tenancy.middleware import TenantRequest

HOME_METRICS = ("spend", "conversions", "cost_per_conversion", "clicks", "ctr", "cpc")


@require_GET
def home(request: TenantRequest, /, **_: str) -> HttpResponse:
    """What needs me, then yesterday, then four weeks."""
    accounts = report_accounts(request.tenant)
    counts = needs.variant_counts(request.tenant)
    integrations = needs.live_integrations(request.tenant)
    has_target = bool(accounts) and needs.has_push_target(request.tenant)
    steps = _steps(bool(integrations), bool(accounts), has_target, counts.total > 0)
    today = day_begun_everywhere(accounts, request.tenant)
    period = preset_period(DEFAULT, today=today)
    complete = [account for account in accounts if account.complete_at is not None]
    newest = day_begun_anywhere(complete, request.tenant)
    daily = sums_by_day(complete, period.since, newest) if complete else {}
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
    counts: needs.VariantCounts,
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
    if counts.refused:
        yield _need(
            "ban",
            "bad",
            f"{_count(counts.refused, 'ad')} refused by Meta",
            "Each says what Meta objects to. Write a new version; it is decided and sent anew.",
            f"{ads}?status=meta_refused",
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
    report: CurrencyReport, daily: Mapping[Day, Sums], period: Period
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
        "charts": [chart_of(report, period, metric, compare=False) for metric in (spend, results)],
        "days": list(zip(*tables, strict=True)),
        "period": period,
    }


def _on_day(
    daily: Mapping[Day, Sums], accounts: Sequence[Account], *, days_ago: int
) -> Sums | None:
    """The accounts' figures of that many days ago, by each one's own calendar."""
    days = ((a.pk, a.today - timedelta(days=days_ago)) for a in accounts)
    found = [daily[day] for day in days if day in daily]
    return add_up(found) if found else None
