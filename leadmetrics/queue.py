"""The one door to the job queue (django-q2).

The database is the truth and a job only a wake-up call: it may be lost, late or run twice, so
every job names a service that does not mind, takes primary keys only, and is enqueued on commit.
The settings follow one rule: retry > timeout x (1 + (queue_limit + bulk) / workers), because the
lease also covers the wait in a worker's memory.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max, Min, Q
from django.utils import timezone
from django_q.models import Failure, OrmQ, Success, Task
from django_q.models import Schedule as QueueSchedule
from django_q.status import Stat
from django_q.tasks import async_task

from leadmetrics.errors import LeadmetricsError

logger = logging.getLogger(__name__)

_TASK_MODULES = (
    "integrations.tasks",
    "approvals.tasks",
    "approvals.tasks_activation",
    "leadmetrics.tasks",
)
_MAY_BE_LATE = timedelta(minutes=10)
_MAY_FAIL = timedelta(hours=26)
_KEEP_RESULTS = timedelta(days=7)
# Keys of rows, and short words such as a kind or a day; never as long as a token.
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ROWS_READ = 1_000
_BEAT_LIVES = 24 * 3600  # seconds; far longer than any wait for a beat


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that runs by itself. ``cron`` has five fields and means UTC."""

    name: str
    task: str
    cron: str


class JobFailed(Exception):
    """What the queue's failure record may hold: the error's code, never its text."""


def enqueue(task: str, *ids: object) -> None:
    """Wake a worker for ``task`` ("integrations.tasks.pull_insights") once this commits."""
    _resolve(task)
    arguments = [str(pk) for pk in ids]

    def wake() -> None:
        # Outside a transaction the broker closes the connection, and with it what a job that goes
        # on afterwards keeps there: temporary tables, settings.
        with transaction.atomic():
            async_task("leadmetrics.queue.run_job", task, *arguments, task_name=task)

    transaction.on_commit(wake)


def run_job(task: str, *ids: str) -> None:
    """Run one task in a worker. Exception texts may hold data, so only a code is kept."""
    _beat()
    try:
        _resolve(task)(*ids)
    except LeadmetricsError as exc:
        logger.warning("job %s %s: %s", task, ids, exc.code)
        raise JobFailed(exc.code) from None
    except Exception as exc:
        logger.exception("job %s %s failed", task, ids)
        raise JobFailed(type(exc).__name__) from None
    finally:
        _beat()


def install_schedules(schedules: Iterable[Schedule]) -> None:
    """Make the schedule table equal to the code's list; rows from elsewhere go."""
    wanted = {schedule.name: schedule for schedule in schedules}
    with transaction.atomic():
        QueueSchedule.objects.exclude(name__in=wanted).delete()
        for schedule in wanted.values():
            _resolve(schedule.task)
            QueueSchedule.objects.update_or_create(
                name=schedule.name,
                defaults={
                    "func": "leadmetrics.queue.run_job",
                    "args": repr((schedule.task,)),
                    "kwargs": None,
                    "schedule_type": QueueSchedule.CRON,
                    "cron": schedule.cron,
                    "repeats": -1,
                },
            )


def next_start(name: str) -> datetime | None:
    """When the schedule of this name runs next; None when it is not installed."""
    row = QueueSchedule.objects.filter(name=name).only("next_run").first()
    return row.next_run if row else None


def late_since() -> datetime | None:
    """Since when nothing has started by itself; None while the schedules keep their time."""
    oldest: datetime | None = QueueSchedule.objects.aggregate(at=Min("next_run"))["at"]
    is_late = oldest is not None and oldest < timezone.now() - _MAY_BE_LATE
    return oldest if is_late else None


def failing_schedules() -> list[str]:
    """The names of schedules that ran, but for more than a day without ending well."""
    ran = Task.objects.exclude(group=None).values_list("group").order_by()
    ends = ran.annotate(good=Max("stopped", filter=Q(success=True)), first=Min("stopped"))
    since = timezone.now() - _MAY_FAIL
    return sorted(name for name, good, first in ends if (good or first) < since)


def prune_results() -> None:
    """Forget finished jobs after a week; the rows they worked on keep the real history."""
    before = timezone.now() - _KEEP_RESULTS
    Success.objects.filter(stopped__lt=before).delete()
    Failure.objects.filter(stopped__lt=before).delete()


def waiting_jobs() -> int:
    """How many jobs nobody has taken yet."""
    return int(OrmQ.objects.count())


def odd_jobs() -> list[str]:
    """Jobs whose row holds anything else than a task of ours and ids; the newest 1,000 are read."""
    waiting = (
        (f"job {row.pk}", row.func(), row.task.get("args", ()))
        for row in OrmQ.objects.order_by("-pk")[:_ROWS_READ]
        if "func" in row.task  # signed with a key that is gone: the cluster drops it unread
    )
    finished = (
        (f"finished job {row.pk}", row.func, row.args or ())
        for row in Task.objects.order_by("-stopped").only("func", "args")[:_ROWS_READ]
    )
    return [name for name, func, args in (*waiting, *finished) if not _is_ours(func, args)]


def _is_ours(func: str, args: Sequence[object]) -> bool:
    task, *ids = map(str, args or ("",))
    known = func == "leadmetrics.queue.run_job" and task.rpartition(".")[0] in _TASK_MODULES
    return known and all(_ID.fullmatch(each) for each in ids)


def is_wanted_elsewhere() -> bool:
    """Whether a job that people wait for is in the queue, so that a long reading should make way.

    Those are the jobs of approvals that somebody's click enqueued: pushes and what follows them.
    """
    newest = OrmQ.objects.order_by("-pk")[:50]
    return any(str(job.name()).startswith("approvals.tasks.") for job in newest)


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What a cluster on this machine says of itself: work in its memory, and its last beat."""

    in_memory: int
    beat: float


def cluster_status(pid: int) -> ClusterStatus | None:
    """The status of the cluster whose main process is ``pid``; None when it sends none.

    A status lives three seconds in the cache, so the cache must be shared between processes.
    """
    host = socket.gethostname()
    for stat in Stat.get_all():
        if (stat.host, stat.pid) == (host, pid):
            in_memory = stat.task_q_size + stat.done_q_size
            return ClusterStatus(in_memory, cache.get(_beat_key(pid), 0.0))
    return None


def _beat() -> None:
    # The supervisor starts each cluster as the leader of a process group of its own, so a worker
    # finds its cluster's main process by the group.
    cache.set(_beat_key(os.getpgrp()), time.time(), timeout=_BEAT_LIVES)


def _beat_key(cluster: int) -> str:
    return f"queue-beat:{socket.gethostname()}:{cluster}"


def _resolve(task: str) -> Any:
    module, _, name = task.rpartition(".")
    if module not in _TASK_MODULES:
        raise ValueError(f"{task} is not a task of ours")
    return getattr(import_module(module), name)
