"""The one door to the job queue (django-q2).

The database is the truth and a job only a wake-up call: it may be lost, late or run twice, so
every job names a service that does not mind, takes primary keys only, and is enqueued on commit.
The settings follow one rule: retry > timeout x (1 + (queue_limit + bulk) / workers), because the
lease also covers the wait in a worker's memory.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_q.models import Failure, OrmQ, Success
from django_q.models import Schedule as QueueSchedule
from django_q.status import Stat
from django_q.tasks import async_task

from leadmetrics.errors import LeadmetricsError

logger = logging.getLogger(__name__)

_TASK_MODULES = ("integrations.tasks", "approvals.tasks", "leadmetrics.tasks")
_KEEP_RESULTS = timedelta(days=7)


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
    transaction.on_commit(
        lambda: async_task("leadmetrics.queue.run_job", task, *arguments, task_name=task)
    )


def run_job(task: str, *ids: str) -> None:
    """Run one task in a worker. Exception texts may hold data, so only a code is kept."""
    try:
        _resolve(task)(*ids)
    except LeadmetricsError as exc:
        logger.warning("job %s %s: %s", task, ids, exc.code)
        raise JobFailed(exc.code) from None
    except Exception as exc:
        logger.exception("job %s %s failed", task, ids)
        raise JobFailed(type(exc).__name__) from None


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


def prune_results() -> None:
    """Forget finished jobs after a week; the rows they worked on keep the real history."""
    before = timezone.now() - _KEEP_RESULTS
    Success.objects.filter(stopped__lt=before).delete()
    Failure.objects.filter(stopped__lt=before).delete()


def waiting_jobs() -> int:
    """How many jobs nobody has taken yet."""
    return int(OrmQ.objects.count())


def cluster_alive() -> bool:
    """Whether a worker cluster has reported itself within the cache's short life of a status."""
    return bool(Stat.get_all())


def _resolve(task: str) -> Any:
    module, _, name = task.rpartition(".")
    if module not in _TASK_MODULES:
        raise ValueError(f"{task} is not a task of ours")
    return getattr(import_module(module), name)
