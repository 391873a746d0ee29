"""Sync runs: joining an open one, claiming it for a worker, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from integrations.meta_ads.errors import MetaError
from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.clients import note_failure
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError

# Longer than the job's timeout (60 s), so that a running worker is never overtaken.
LEASE = timedelta(seconds=90)
SWEEP_SIZE = 20
_TASKS = {
    SyncRun.Kind.CATALOG: "integrations.tasks.sync_catalog",
    SyncRun.Kind.INSIGHTS: "integrations.tasks.pull_insights",
}
_OPEN = (SyncRun.State.WAITING, SyncRun.State.RUNNING)


class Overtaken(Exception):
    """The run's lease was lost; this worker must not write anything more."""


def request_run(
    *,
    integration: Integration,
    kind: SyncRun.Kind,
    ad_account: AdAccount | None = None,
    since: date | None = None,
    until: date | None = None,
) -> SyncRun:
    """A waiting run that wakes a worker on commit; an open one of the same kind is joined."""
    days = (until - since).days + 1 if since and until else 0
    try:
        with transaction.atomic():
            run = SyncRun.objects.create(
                tenant_id=integration.tenant_id,
                integration=integration,
                ad_account=ad_account,
                kind=kind,
                since=since,
                until=until,
                days_total=days,
            )
    except IntegrityError:
        return SyncRun.objects.get(
            integration=integration, ad_account=ad_account, kind=kind, state__in=_OPEN
        )
    queue.enqueue(_TASKS[kind], run.pk)
    return run


def work_on(run_id: UUID, read: Callable[[SyncRun], None]) -> None:
    """Claim the run, let ``read`` do it, and record how it ended. Safe to call twice or at once."""
    run = _claim(run_id)
    if run is None:
        return
    try:
        read(run)
    except Overtaken:
        return
    except MetaError as exc:
        note_failure(run.integration, exc)
        _end(run, SyncRun.State.FAILED, exc)
    except LeadmetricsError as exc:
        _end(run, SyncRun.State.FAILED, exc)
    except Exception:
        _end(run, SyncRun.State.FAILED, LeadmetricsError("This did not work; it was reported."))
        raise
    else:
        _end(run, SyncRun.State.COMPLETE, None)


def progress(run: SyncRun, *, rows: int = 0, requests: int = 0, days: int = 0) -> None:
    """Add to the run's counters and renew its lease. Raises Overtaken."""
    mine = SyncRun.objects.filter(pk=run.pk, lease_until=run.lease_until)
    lease = timezone.now() + LEASE
    if not mine.update(
        rows=F("rows") + rows,
        requests=F("requests") + requests,
        days_done=F("days_done") + days,
        lease_until=lease,
    ):
        raise Overtaken
    run.lease_until = lease
    run.days_done += days


def sweep_runs() -> None:
    """Wake runs that nobody woke or whose worker died."""
    now = timezone.now()
    due = SyncRun.objects.filter(
        Q(state=SyncRun.State.WAITING, created_at__lt=now - timedelta(seconds=30))
        | Q(state=SyncRun.State.RUNNING, lease_until__lt=now)
    ).order_by("created_at")
    with transaction.atomic():
        for run in due[:SWEEP_SIZE]:
            queue.enqueue(_TASKS[SyncRun.Kind(run.kind)], run.pk)


def _claim(run_id: UUID) -> SyncRun | None:
    now = timezone.now()
    free = Q(state=SyncRun.State.WAITING) | Q(state=SyncRun.State.RUNNING, lease_until__lt=now)
    claimed = SyncRun.objects.filter(free, pk=run_id).update(
        state=SyncRun.State.RUNNING, lease_until=now + LEASE, started_at=now
    )
    if not claimed:
        return None
    return SyncRun.objects.select_related("integration", "ad_account", "tenant").get(pk=run_id)


def _end(run: SyncRun, state: SyncRun.State, exc: LeadmetricsError | None) -> None:
    SyncRun.objects.filter(pk=run.pk, lease_until=run.lease_until).update(
        state=state,
        finished_at=timezone.now(),
        lease_until=None,
        error_code=exc.code if exc else "",
        error=exc.user_message if exc else "",
    )
