"""How reading from Meta goes: each ad account in words, and every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from integrations.models import AdAccount, InsightCheck, SyncRun
from integrations.words import differences
from leadmetrics.reports.freshness import why_stale
from leadmetrics.reports.paging import State
from leadmetrics.reports.periods import format_day
from leadmetrics.templatetags.ui import format_money
from leadmetrics.tenancy.models import Tenant

RUNS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """An ad account in use: how fresh its figures are, and why they are no fresher."""

    account: AdAccount
    run: SyncRun | None
    history: SyncRun | None
    state: State
    can_read: bool
    check: State | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first, and the id that older ones begin after."""

    items: list[SyncRun]
    older: str


def accounts_of(tenant: Tenant) -> list[AccountHealth]:
    """The ad accounts in use, by name. Three queries."""
    accounts = list(
        AdAccount.objects.filter(tenant=tenant, enabled=True)
        .select_related("integration__tenant", "tenant")
        .annotate(
            newest_run=_newest(SyncRun.Kind.INSIGHTS), newest_history=_newest(SyncRun.Kind.HISTORY)
        )
    )
    keys = [key for one in accounts for key in (one.newest_run, one.newest_history) if key]
    runs = SyncRun.objects.in_bulk(keys)
    checks = InsightCheck.objects.filter(ad_account__in=accounts).order_by("month")
    newest_check = {check.ad_account_id: check for check in checks}
    return [
        _health(
            account,
            runs.get(account.newest_run),
            runs.get(account.newest_history),
            newest_check.get(account.pk),
        )
        for account in accounts
    ]


def _newest(kind: SyncRun.Kind) -> Subquery:
    found = SyncRun.objects.filter(ad_account=OuterRef("pk"), kind=kind)
    return Subquery(found.order_by("-created_at", "-pk").values("pk")[:1])


def _health(
    account: AdAccount, run: SyncRun | None, history: SyncRun | None, check: InsightCheck | None
) -> AccountHealth:
    can_read = account.integration.is_usable and account.gone_at is None
    is_open = run is not None and run.is_open
    state = why_stale(account, run, timezone.now())
    verdict = _verdict(check, account) if check else None
    return AccountHealth(account, run, history, state, can_read and not is_open, verdict)


def _verdict(check: InsightCheck, account: AdAccount) -> State:
    """Whether the newest month that was compared equals Meta's total, and as of when."""
    check.ad_account = account
    when = timezone.localtime(check.checked_at, ZoneInfo(account.timezone))
    detail = f"{check.month:%B %Y}, {format_day(when.date())}, {when:%H:%M}"
    different = f"{differences(check)}. It is read and compared again."
    if check.error:
        before = f" Before: {different}" if check.matches is False else ""
        return State("warn", "Could not be asked", f"{detail}: {check.error}{before}")
    if check.matches:
        spend = format_money(check.ours["spend"], account.currency)
        return State("good", "Equal", f"{detail}: {spend} spent")
    return State("warn", "Different", f"{detail}: {different}")


def run_page(tenant: Tenant, *, after: str = "") -> RunPage:
    """The tenant's runs, newest first, from the one with this id on."""
    found = SyncRun.objects.filter(tenant=tenant).select_related("ad_account", "integration")
    anchor = found.filter(pk=after).first() if after else None
    if anchor is not None:
        older = Q(created_at__lt=anchor.created_at)
        found = found.filter(older | Q(created_at=anchor.created_at, pk__lt=anchor.pk))
    rows = list(found.order_by("-created_at", "-pk")[: RUNS_PER_PAGE + 1])
    has_more, rows = len(rows) > RUNS_PER_PAGE, rows[:RUNS_PER_PAGE]
    return RunPage(rows, str(rows[-1].pk) if has_more else "")


_RUN_STATES: Mapping[str, State] = {
    SyncRun.State.WAITING: State("info", "Waiting"),
    SyncRun.State.RUNNING: State("info", "Running"),
    SyncRun.State.COMPLETE: State("good", "Complete"),
    SyncRun.State.FAILED: State("warn", "Incomplete"),
}


def run_state(run: SyncRun) -> State:
    """The run's completeness in words, with the reason where it is cut."""
    state = _RUN_STATES[run.state]
    return State(state.tone, state.label, run.error)
