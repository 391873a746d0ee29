"""Why an ad account's figures are no fresher, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from integrations.models import AdAccount, SyncRun
from integrations.words import health_of
from leadmetrics.reports.paging import State

# Performance is read every three hours; one missed read is no reason to worry anybody.
LATE_AFTER = timedelta(hours=7)
FRESH = State("good", "Fresh")


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
        return _reading(run, now, account.timezone)
    if run is not None and run.has_failed:
        kept = "The last complete read stays." if account.insights_complete_at else ""
        return State("warn", "Incomplete", f"{run.error} {kept}".strip())
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
    return FRESH


def _reading(run: SyncRun, now: datetime, zone: str) -> State:
    if run.state == SyncRun.State.RUNNING:
        if run.lease_until is None or run.lease_until > now:
            return State("info", "Being read", run.so_far)
        return State(
            "warn",
            "Waiting for a worker",
            f"The worker that read it has ended in the middle; so far {run.so_far}. Another one "
            "goes on within a minute or two, or none is running; the operator of this installation "
            "can see to that.",
        )
    if run.lease_until is not None and run.lease_until > now:
        reason = run.error or "Meta asks us to wait."
        clock = f"{timezone.localtime(run.lease_until, ZoneInfo(zone)):%H:%M}"
        words = f"{reason} Next try at {clock} ({zone}); so far {run.so_far}."
        return State("info", "Waiting for Meta", words)
    if run.created_at < now - timedelta(minutes=5):
        return State(
            "warn",
            "Waiting for a worker",
            "No worker has taken it for five minutes. Others may be before it, or none is running; "
            "the operator of this installation can see to that.",
        )
    return State("info", "Waiting for a worker", "It begins in a moment.")
