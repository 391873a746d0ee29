from __future__ import annotations

import logging
import os
import socket
from datetime import UTC, datetime, timedelta
from queue import Queue
from types import SimpleNamespace

import pytest
import time_machine
from croniter import croniter
from django.db import transaction
from django_q.models import Failure, OrmQ, Success, Task
from django_q.models import Schedule as Row
from django_q.status import Stat
from pytest_django import DjangoCaptureOnCommitCallbacks

from approvals import tasks as approvals_tasks
from leadmetrics import queue
from leadmetrics.errors import NotFound
from leadmetrics.queue import JobFailed, Schedule
from leadmetrics.schedules import SCHEDULES
from leadmetrics.tasks import prune_results

PRUNE = "leadmetrics.tasks.prune_results"


@pytest.mark.django_db(transaction=True)
def test_job_waits_in_the_database_once_the_change_is_committed() -> None:
    with transaction.atomic():
        queue.enqueue("approvals.tasks.push_variant", 7)
        assert queue.waiting_jobs() == 0
    assert queue.waiting_jobs() == 1
    job = OrmQ.objects.get().task
    assert job["func"] == "leadmetrics.queue.run_job"
    assert job["args"] == ("approvals.tasks.push_variant", "7")


@pytest.mark.django_db(transaction=True)
def test_change_that_rolls_back_leaves_no_job() -> None:
    with transaction.atomic():
        queue.enqueue(PRUNE)
        transaction.set_rollback(True)
    assert queue.waiting_jobs() == 0


@pytest.mark.parametrize(
    "task",
    [
        "os.system",
        "prune_results",
        "",
        "leadmetrics.queue.run_job",
        "approvals.services.push.push_variant",
        "approvals.tasks.services.push.push_variant",
    ],
)
def test_function_that_is_no_task_of_ours_is_refused(db: None, task: str) -> None:
    with pytest.raises(ValueError, match="is not a task of ours"):
        queue.enqueue(task)
    with pytest.raises(JobFailed, match=r"^ValueError$"):
        queue.run_job(task, "true")


def test_task_that_does_not_exist_is_refused_at_once(db: None) -> None:
    with pytest.raises(AttributeError):
        queue.enqueue("approvals.tasks.no_such_task")


def test_arguments_are_ids_as_text(
    db: None, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(PRUNE, 1, "a")
    assert OrmQ.objects.get().task["args"] == (PRUNE, "1", "a")


def test_task_runs_with_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(approvals_tasks, "push_variant", seen.append)
    queue.run_job("approvals.tasks.push_variant", "7")
    assert seen == ["7"]


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(approvals_tasks, "push_variant", fail)


def test_failure_of_ours_is_kept_as_its_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing(monkeypatch, NotFound("The token EAAExample is gone"))
    with pytest.raises(JobFailed, match=r"^not_found$") as caught:
        queue.run_job("approvals.tasks.push_variant", "7")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "EAAExample" not in caplog.text


def test_other_failure_is_kept_as_its_kind_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing(monkeypatch, KeyError("detail"))
    with pytest.raises(JobFailed, match=r"^KeyError$"):
        queue.run_job("approvals.tasks.push_variant", "7")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "approvals.tasks.push_variant" in record.getMessage()


# --- Schedules ----------------------------------------------------------------------------------


def test_installing_makes_the_table_equal_to_the_list(db: None) -> None:
    Row.objects.create(name="from elsewhere", func="os.system", args="('true',)")
    queue.install_schedules(SCHEDULES)
    rows = {row.name: row for row in Row.objects.all()}
    assert rows.keys() == {schedule.name for schedule in SCHEDULES}
    for schedule in SCHEDULES:
        row = rows[schedule.name]
        assert (row.func, row.args) == ("leadmetrics.queue.run_job", f"('{schedule.task}',)")
        assert (row.schedule_type, row.cron, row.repeats) == (Row.CRON, schedule.cron, -1)


def test_installing_again_keeps_what_is_due_and_takes_changes(db: None) -> None:
    queue.install_schedules([Schedule("Prune", PRUNE, "30 3 * * *")])
    due = datetime(2026, 11, 25, 3, 30, tzinfo=UTC)
    Row.objects.update(next_run=due, kwargs="{'unreadable", func="os.system")
    queue.install_schedules([Schedule("Prune", PRUNE, "0 4 * * *")])
    row = Row.objects.get()
    assert (row.next_run, row.cron, row.kwargs) == (due, "0 4 * * *", None)
    assert row.func == "leadmetrics.queue.run_job"


def test_schedule_of_a_task_that_does_not_exist_installs_nothing(db: None) -> None:
    queue.install_schedules([Schedule("Prune", PRUNE, "30 3 * * *")])
    with pytest.raises(ValueError, match="not a task of ours"):
        queue.install_schedules([Schedule("Bad", "os.system", "* * * * *")])
    assert [row.name for row in Row.objects.all()] == ["Prune"]


def test_names_of_schedules_are_unique() -> None:
    assert len({schedule.name for schedule in SCHEDULES}) == len(SCHEDULES)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.name)
def test_schedule_has_a_readable_time(schedule: Schedule) -> None:
    assert len(schedule.cron.split()) == 5
    assert croniter.is_valid(schedule.cron)


@pytest.mark.parametrize(
    "task",
    [
        "approvals.tasks.sweep_pushes",
        "integrations.tasks.sweep_runs",
        "integrations.tasks.pull_all_insights",
        "integrations.tasks.sync_all_catalogs",
        "integrations.tasks.refresh_tokens",
        PRUNE,
    ],
)
def test_what_must_run_by_itself_is_scheduled(task: str) -> None:
    assert task in {schedule.task for schedule in SCHEDULES}


def test_what_nobody_woke_is_looked_for_each_minute() -> None:
    sweepers = [schedule for schedule in SCHEDULES if "sweep" in schedule.task]
    assert sweepers
    assert {schedule.cron for schedule in sweepers} == {"* * * * *"}


# --- Finished jobs ------------------------------------------------------------------------------


def finished(name: str, days_ago: float, success: bool) -> None:
    stopped = datetime.now(UTC) - timedelta(days=days_ago)
    Task.objects.create(
        id=name, name=name, func=PRUNE, started=stopped, stopped=stopped, success=success
    )


def test_finished_jobs_are_forgotten_after_a_week(db: None) -> None:
    for success in (True, False):
        finished(f"old {success}", 7.1, success)
        finished(f"new {success}", 6.9, success)
    prune_results()
    assert [task.name for task in Success.objects.all()] == ["new True"]
    assert [task.name for task in Failure.objects.all()] == ["new False"]


# --- What a cluster says of itself ---------------------------------------------------------------


def send_status(pid: int, *, waiting: int = 0, results: int = 0) -> None:
    """Leave a status in the cache as the cluster with this main process does."""

    def holding(count: int) -> Queue[int]:
        held: Queue[int] = Queue()
        for number in range(count):
            held.put(number)
        return held

    sentinel = SimpleNamespace(
        pid=pid + 1,
        parent_pid=pid,
        cluster_id=str(pid),
        broker=None,
        tob=None,
        reincarnations=0,
        status=lambda: "Working",
        task_queue=holding(waiting),
        result_queue=holding(results),
        monitor=None,
        pusher=None,
        pool=[],
    )
    Stat(sentinel).save()


def test_cluster_that_sends_no_status_has_none(db: None) -> None:
    send_status(4711)
    assert queue.cluster_status(4712) is None


def test_status_tells_what_the_cluster_holds(db: None) -> None:
    send_status(4711, waiting=2, results=1)
    send_status(4799, waiting=9)
    status = queue.cluster_status(4711)
    assert status is not None
    assert (status.in_memory, status.beat) == (3, 0.0)


def test_status_of_another_machine_with_the_same_process_id_is_not_ours(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_status(4711)
    monkeypatch.setattr(socket, "gethostname", lambda: "another-machine")
    assert queue.cluster_status(4711) is None


def test_status_that_is_seconds_old_no_longer_counts(db: None) -> None:
    with time_machine.travel(datetime.now(UTC)) as clock:
        send_status(4711)
        clock.shift(4)
        assert queue.cluster_status(4711) is None


def test_each_job_moves_the_beat(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals_tasks, "push_variant", lambda _: None)
    beats = []
    for _ in range(2):
        queue.run_job("approvals.tasks.push_variant", "7")
        send_status(os.getpgrp())
        status = queue.cluster_status(os.getpgrp())
        assert status is not None
        beats.append(status.beat)
    assert 0.0 < beats[0] < beats[1]


def test_beat_of_one_cluster_does_not_hide_the_stall_of_another_on_the_machine(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals_tasks, "push_variant", lambda _: None)
    send_status(os.getpgrp() + 1, waiting=2)
    before = queue.cluster_status(os.getpgrp() + 1)
    queue.run_job("approvals.tasks.push_variant", "7")
    assert queue.cluster_status(os.getpgrp() + 1) == before
