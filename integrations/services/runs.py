"""Sync runs: joining an open one, claiming it for a worker, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.failures import note_failure
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError

# Longer than the job's timeout (60 s), so that a running worker is never overtaken.
LEASE = timedelta(seconds=90)
# A long run goes on in another job before the queue's timeout kills this one in mid-window.
TURN_SECONDS = 30.0
# A run that Meta has kept waiting for a day gives up; the schedule starts a new one.
PATIENCE = timedelta(days=1)
SWEEP_SIZE = 20
KEPT = timedelta(days=90)
_TASKS = {
    SyncRun.Kind.CATALOG: "integrations.tasks.sync_catalog",
    SyncRun.Kind.INSIGHTS: "integrations.tasks.pull_insights",
    SyncRun.Kind.HISTORY: "integrations.tasks.pull_insights",
}
_PERFORMANCE = (SyncRun.Kind.INSIGHTS, SyncRun.Kind.HISTORY)
_ENDED = (SyncRun.State.COMPLETE, SyncRun.State.FAILED)
_OPEN = (SyncRun.State.WAITING, SyncRun.State.RUNNING)


class Overtaken(Exception):
    """The run's lease was lost; this worker must not write anything more."""


class NotUsed(LeadmetricsError):
    """Why a run ended: somebody stopped using the ad account meanwhile."""

    code = "not_used"
    user_message = "Stopped, because this ad account is not used here any more."


class TurnOver(Exception):
    """The worker has had its time; the run goes on in another job, from where it stands.

    With ``wait_seconds`` it goes on after these, when there is nothing to do before.
    """

    def __init__(self, wait_seconds: float = 0.0) -> None:
        self.wait_seconds = wait_seconds
        super().__init__()


@dataclass(slots=True)
class Turn:
    """One worker's hold on a run."""

    run: SyncRun
    ends_at: float
    # The lease of a claim is its fence. A rollback brings back the one before, so both are ours.
    leases: tuple[datetime, ...]

    def held(self) -> QuerySet[SyncRun]:
        """The run's row, or none if another worker or a disconnect took the run away."""
        return SyncRun.objects.filter(
            pk=self.run.pk, state=SyncRun.State.RUNNING, lease_until__in=self.leases
        )

    def progress(self, *, rows: int = 0, requests: int = 0, days: int = 0) -> None:
        """Add to the run's counters and renew its lease. Raises Overtaken."""
        lease = timezone.now() + LEASE
        if not self.held().update(
            rows=F("rows") + rows,
            requests=F("requests") + requests,
            days_done=F("days_done") + days,
            lease_until=lease,
        ):
            raise Overtaken
        self.leases = (self.leases[-1], lease)

    def may_go_on(self) -> None:
        """Raises TurnOver when another job should do the rest. Call it between two whole parts."""
        if time.monotonic() >= self.ends_at:
            raise TurnOver


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
        joined = SyncRun.objects.filter(
            integration=integration, ad_account=ad_account, kind=kind, state__in=_OPEN
        ).first()
        if joined is not None:
            return joined
        # It ended between the two statements, so there is room for a new one.
        return request_run(
            integration=integration, kind=kind, ad_account=ad_account, since=since, until=until
        )
    queue.enqueue(_TASKS[kind], run.pk)
    return run


def work_on(run_id: UUID, read: Callable[[Turn], None], seconds: float) -> None:
    """Claim the run, let ``read`` do it, and record how it ended. Safe to call twice or at once.

    After so many seconds the rest is left to another job.
    """
    turn = claim(run_id, seconds)
    if turn is None:
        return
    try:
        read(turn)
    except Exception as exc:
        if not conclude(turn, exc):
            raise
    else:
        conclude(turn)


def conclude(turn: Turn, exc: Exception | None = None) -> bool:
    """Record how a turn ended; False for a failure that nobody foresaw, which must be reported."""
    run = turn.run
    if isinstance(exc, Overtaken):
        return True
    if isinstance(exc, TurnOver):
        _hand_over(turn, exc.wait_seconds)
    elif isinstance(exc, MetaError):
        note_failure(run.integration, exc)
        if exc.kind == ErrorKind.THROTTLED and run.created_at > timezone.now() - PATIENCE:
            _postpone(turn, exc)
        else:
            _fail(turn, exc)
    elif isinstance(exc, LeadmetricsError):
        _fail(turn, exc)
    elif exc is not None:
        _fail(turn, LeadmetricsError("This did not work; the error was reported."))
        return False
    else:
        turn.held().update(
            state=SyncRun.State.COMPLETE,
            finished_at=timezone.now(),
            lease_until=None,
            error_code="",
            error="",
        )
    return True


def stop_runs(of: Integration | AdAccount, reason: LeadmetricsError) -> None:
    """End the open runs of a grant or of one ad account.

    A worker that is at one notices before it writes again.
    """
    of.sync_runs.filter(state__in=_OPEN).update(
        state=SyncRun.State.FAILED,
        finished_at=timezone.now(),
        lease_until=None,
        error_code=reason.code,
        error=reason.user_message,
    )


def begin_anew(ad_account: AdAccount) -> None:
    """Send the account's open readings of performance back to their first day."""
    runs = ad_account.sync_runs.filter(kind__in=_PERFORMANCE, state__in=_OPEN)
    for pk, kind in runs.values_list("pk", "kind"):
        queue.enqueue(_TASKS[SyncRun.Kind(kind)], pk)
    runs.update(
        state=SyncRun.State.WAITING,
        started_at=None,
        lease_until=None,
        days_done=0,
        rows=0,
        reports={},
    )


def sweep_runs() -> None:
    """Wake runs that nobody woke, whose worker died, or whose wait at Meta is over."""
    now = timezone.now()
    due = SyncRun.objects.filter(
        _free(now), Q(lease_until__isnull=False) | Q(created_at__lt=now - timedelta(seconds=30))
    ).order_by("created_at")
    with transaction.atomic():
        for run in due[:SWEEP_SIZE]:
            queue.enqueue(_TASKS[SyncRun.Kind(run.kind)], run.pk)


def prune_runs() -> None:
    """Forget runs of more than 90 days ago, but of nothing the last one that ended like it."""
    newer = SyncRun.objects.annotate(account=Coalesce("ad_account_id", 0)).filter(
        account=Coalesce(OuterRef("ad_account_id"), 0),
        integration=OuterRef("integration"),
        kind=OuterRef("kind"),
        state=OuterRef("state"),
        created_at__gt=OuterRef("created_at"),
    )
    SyncRun.objects.filter(
        Exists(newer), created_at__lt=timezone.now() - KEPT, state__in=_ENDED
    ).delete()


def claim_next(kinds: Sequence[SyncRun.Kind], seconds: float) -> Turn | None:
    """A hold on a run of these kinds that waits, of the first kind before the others."""
    waiting = SyncRun.objects.filter(
        _free(timezone.now()), state=SyncRun.State.WAITING, kind__in=kinds
    ).values_list("kind", "pk")
    for _, pk in sorted(waiting.order_by("created_at")[:50], key=lambda row: kinds.index(row[0])):
        turn = claim(pk, seconds)
        if turn is not None:
            return turn
    return None


def _free(now: datetime) -> Q:
    """Not held by a worker, and not told to wait. A waiting run's lease is its earliest start."""
    return Q(state__in=_OPEN) & (Q(lease_until__isnull=True) | Q(lease_until__lte=now))


def claim(run_id: UUID, seconds: float) -> Turn | None:
    """A worker's hold on the run for so many seconds; None when it is not free."""
    now = timezone.now()
    lease = now + LEASE
    claimed = SyncRun.objects.filter(_free(now), pk=run_id).update(
        state=SyncRun.State.RUNNING,
        lease_until=lease,
        started_at=Coalesce(F("started_at"), now),
        error_code="",
        error="",
    )
    if not claimed:
        return None
    run = SyncRun.objects.select_related("integration", "ad_account", "tenant").get(pk=run_id)
    return Turn(run, time.monotonic() + seconds, (lease,))


def _hand_over(turn: Turn, wait_seconds: float) -> None:
    later = timezone.now() + timedelta(seconds=wait_seconds) if wait_seconds else None
    with transaction.atomic():
        held = turn.held().update(state=SyncRun.State.WAITING, lease_until=later)
        if held and later is None:
            queue.enqueue(_TASKS[SyncRun.Kind(turn.run.kind)], turn.run.pk)


def _postpone(turn: Turn, exc: MetaError) -> None:
    """Keep what was read; the sweeper wakes the run when Meta's time is over."""
    turn.held().update(
        state=SyncRun.State.WAITING,
        lease_until=timezone.now() + timedelta(seconds=exc.wait_seconds or 0),
        error_code=exc.code,
        error=exc.user_message,
    )


def _fail(turn: Turn, exc: LeadmetricsError) -> None:
    turn.held().update(
        state=SyncRun.State.FAILED,
        finished_at=timezone.now(),
        lease_until=None,
        error_code=exc.code,
        error=exc.user_message,
    )
