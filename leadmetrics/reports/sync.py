"""How reading from Meta goes: each ad account in words, and every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from integrations.models import AdAccount, SyncRun
from integrations.words import health_of
from leadmetrics.reports.paging import State
from leadmetrics.tenancy.models import Tenant

RUNS_PER_PAGE = 50
# Performance is read every three hours; one missed read is no reason to worry anybody.
LATE_AFTER = timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """An ad account in use: how fresh its figures are, and why they are no fresher."""

    account: AdAccount
    run: SyncRun | None
    state: State
    can_read: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first, and the id that older ones begin after."""

    items: list[SyncRun]
    older: str


def accounts_of(tenant: Tenant) -> list[AccountHealth]:
    """The ad accounts in use, by name. Two queries."""
    newest = SyncRun.objects.filter(ad_account=OuterRef("pk"), kind=SyncRun.Kind.INSIGHTS)
    accounts = list(
        AdAccount.objects.filter(tenant=tenant, enabled=True)
        .select_related("integration__tenant", "tenant")
        .annotate(newest_run=Subquery(newest.order_by("-created_at", "-pk").values("pk")[:1]))
    )
    keys = {account.pk: account.newest_run for account in accounts}
    runs = SyncRun.objects.in_bulk([key for key in keys.values() if key])
    return [_health(account, runs.get(keys[account.pk])) for account in accounts]


def why_stale(account: AdAccount, run: SyncRun | None, now: datetime) -> State:
    """How fresh the account's figures are, in words: what is so, why, and what happens next."""
    grant = account.integration
    if account.gone_at:
        return State(
            "bad", "Not reachable", f"{grant.meta_user_name} has no access to it any more."
        )
    if not grant.is_usable:
        return State("bad", "Stands still", health_of(grant).sentence)
    if run is not None and run.is_open:
        return _reading(run, now)
    if run is not None and run.has_failed:
        kept = "The last complete read stays." if account.insights_complete_at else ""
        return State("warn", "Incomplete", f"{run.error} {kept} It is tried again by itself.")
    complete = account.insights_complete_at
    if complete is None:
        return State("warn", "Not read yet", "The first read begins with the next scheduled one.")
    if complete < now - LATE_AFTER:
        return State(
            "warn",
            "Late",
            "No read has begun since. The worker of this installation is not running or far "
            "behind; its operator can see to that.",
        )
    return State("good", "Fresh")


def _reading(run: SyncRun, now: datetime) -> State:
    if run.state == SyncRun.State.RUNNING:
        return State("info", "Being read", run.progress_text)
    if run.lease_until is not None and run.lease_until > now:
        reason = run.error or "Meta asks us to wait."
        return State("info", "Waiting for Meta", f"{reason} {run.progress_text}")
    if run.created_at < now - timedelta(minutes=5):
        return State(
            "warn",
            "Waiting for a worker",
            "No worker has taken it for five minutes. Others may be before it, or none is running; "
            "the operator of this installation can see to that.",
        )
    return State("info", "Waiting for a worker", "It begins in a moment.")


def _health(account: AdAccount, run: SyncRun | None) -> AccountHealth:
    can_read = account.integration.is_usable and account.gone_at is None
    is_open = run is not None and run.is_open
    state = why_stale(account, run, timezone.now())
    return AccountHealth(account, run, state, can_read and not is_open)


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


def run_took(run: SyncRun) -> str:
    """How long it worked, or has worked so far; empty when it has not begun."""
    if run.started_at is None:
        return ""
    seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    if seconds < 60:
        return f"{max(seconds, 0.1):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
