"""Faults outside of Meta's answers, row by row, with the tests that meet them.

The last test says whether each of them exists. CRASH_ROUNDS repeats what is drawn by lot, as in
`make campaign`; the campaign itself kills the real processes thousands of times.

Outgoing calls
    code and long exchange on connect
      test_callback.py::test_trouble_at_meta_stores_nothing_half
      test_callback.py::test_used_code_leads_to_the_connections
    refresh exchange
      test_token_life.py::test_lost_answer_of_the_exchange_keeps_the_old_token
      test_tokens.py::test_meta_s_answer_to_the_exchange_decides
    token inspection, account list
      test_tokens.py::test_lost_answer_of_the_read_back_keeps_the_old_token
      test_catalog.py::test_one_account_that_fails_costs_no_other_one
    insights page
      test_insights_cut.py::test_cut_pulls_never_mix_old_and_new_within_a_day
      test_insights_cut.py::test_throttled_pull_goes_on_where_it_stopped
      test_insights_answers.py::test_mutated_answer_keeps_the_last_good_data
    image, creative, ad, look-up, read-back: each with up to 20 faults
      test_fault_matrix.py::test_fault_does_what_it_must_and_all_ends_well
      test_fault_matrix.py::test_read_that_goes_on_failing_neither_proves_nor_burns_anything
    activate and pause
      test_activate.py::test_a_lost_answer_is_read_before_anything_is_repeated
      test_activate.py::test_a_throttled_activation_waits_as_long_as_meta_asks
      test_activate.py::test_pausing_wins_over_an_activation_whose_call_is_under_way
      test_activate.py::test_an_unanswered_activation_that_is_given_up_ends_in_a_pause
    disconnect
      test_connect.py::test_disconnecting_erases_the_token_at_once
      test_revoke.py::test_failure_is_tried_again_for_a_day

Inside
    approval, killed before each statement
      test_crash_points.py::test_death_before_every_statement_of_an_approval_leaves_all_or_nothing
    job lost, doubled, queue emptied
      test_faults_inside.py::test_jobs_that_are_lost_doubled_or_late_cost_nothing
    Redis down
      test_cache.py::test_people_and_workers_go_on
      test_cache.py::test_status_that_cannot_be_read_is_an_error_and_no_reason_to_start_anew
    worker killed (for its memory, too, and when a job is over its time), paused
      test_crash_points.py::test_death_at_every_point_leaves_exactly_one_ad
      test_campaign.py::test_every_approval_becomes_exactly_one_paused_ad_whatever_dies
      test_push.py::test_late_worker_whose_push_was_taken_over_changes_nothing
      test_push.py::test_worker_stopped_between_intent_and_call_does_not_send
    pusher, waiting worker, busy worker, monitor, guard, parent killed
      test_processes.py::test_work_goes_on_whoever_of_the_cluster_dies
      test_cluster_check.py::test_stalled_cluster_works_again_within_two_minutes
    supervisor killed
      test_processes.py::test_cluster_ends_at_once_with_its_supervisor_although_a_job_hangs
    scheduler dead
      test_doctor.py::test_a_worker_that_starts_nothing_any_more_is_a_finding
      test_doctor.py::test_a_day_without_a_refresh_that_ended_well_is_a_finding
    scheduler doubled, slept for a week
      test_faults_inside.py::test_three_schedulers_after_a_week_of_sleep_make_one_job
    database locked, full, read-only, connection cut
      test_database_faults.py::test_request_fails_clean_and_works_again_afterwards
      test_database_faults.py::test_push_that_meets_it_midway_goes_on_and_doubles_nothing
    database restarts
      test_database_restart.py::test_restarts_under_load_lose_and_double_nothing
    clock jumps
      test_faults_inside.py::test_clock_that_jumps_in_the_middle_of_a_push_doubles_nothing
      test_watch.py::test_clock_that_was_ahead_puts_no_look_off_for_longer_than_two_days
      test_activate.py::test_pausing_wins_over_an_activation_whose_call_is_under_way
      test_token_life.py::test_wrong_clock_stores_no_wrong_end
    worker over its job's time is killed and replaced
      test_processes.py::test_work_goes_on_whoever_of_the_cluster_dies
    rolling restart, stopped in the middle of a job, stop that hangs
      test_processes.py::test_new_cluster_goes_on_while_the_old_one_ends_amid_a_hung_job
      test_processes.py::test_child_that_ignores_the_request_is_killed_after_its_grace
    encryption keys rotate under load
      test_rekey.py::test_rotation_under_load_loses_no_token
      test_rekey.py::test_killed_rotation_goes_on_where_it_was
    SECRET_KEY replaced while jobs wait
      test_processes.py::test_work_goes_on_whoever_of_the_cluster_dies
      test_faults_inside.py::test_jobs_that_are_lost_doubled_or_late_cost_nothing
    restored from a backup
      test_reconcile.py::test_restored_database_sends_nothing_before_and_doubles_nothing_after
      test_reconcile.py::test_restored_activation_switches_nothing_on
      test_revoke.py::test_restored_database_withdraws_nothing_before_it_is_reconciled
"""

from __future__ import annotations

import random
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from approvals.invariants import violations
from approvals.models import Push
from approvals.services.push import push_variant, sweep_pushes
from approvals.states import PushState
from leadmetrics import crash_points, queue
from leadmetrics.schedules import SCHEDULES
from tests.approvals.conftest import propose
from tests.approvals.services.test_crash_points import ROUNDS, go_on
from tests.approvals.services.test_push import ads_of, approve, approved, meta
from tests.ledger import ledger_of

__all__ = ["approved", "meta"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_jobs_that_are_lost_doubled_or_late_cost_nothing(meta, agent, target, ben, settings):
    """Each job is drawn by lot to be lost, run, or run twice; what is lost, the sweep finds."""
    settings.PUSH_TAKES_ALONG_SECONDS = 0
    dice = random.Random(20261124)
    pushes = [approve(propose(agent, target), ben) for _ in range(6 * ROUNDS)]
    while Push.objects.exclude(state=PushState.DONE).exists():
        jobs = [row.task["args"] for row in OrmQ.objects.all()]
        OrmQ.objects.all().delete()  # lost, unless it runs now
        dice.shuffle(jobs)
        for job in jobs:
            for _ in range(dice.choice([0, 1, 1, 2])):
                queue.run_job(*job)
        sweep_pushes()
    assert [len(ads_of(meta, push)) for push in pushes] == [1] * len(pushes)
    assert violations(ledger_of(meta.read("state"), meta.read("writes")["writes"])) == []


@pytest.mark.django_db(transaction=True)
def test_three_schedulers_after_a_week_of_sleep_make_one_job():
    queue.install_schedules([each for each in SCHEDULES if each.name == "Sweep pushes"])
    for _ in range(ROUNDS):
        OrmQ.objects.all().delete()
        Schedule.objects.update(next_run=datetime.now(UTC) - 7 * DAY)
        start = threading.Barrier(3)

        def fire(start: threading.Barrier = start) -> None:
            start.wait()
            scheduler()
            connection.close()

        threads = [threading.Thread(target=fire) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert OrmQ.objects.count() == 1
        assert Schedule.objects.get().next_run > datetime.now(UTC)


@pytest.mark.parametrize("jump", [-8 * DAY, -HOUR, HOUR, 8 * DAY])
@pytest.mark.parametrize("moment", ["ad.intended", "ad.before", "ad.answered"])
def test_clock_that_jumps_in_the_middle_of_a_push_doubles_nothing(
    meta, approved, monkeypatch, moment, jump
):
    """The answer of the ad's write is lost as well; later the clock is right again."""
    meta.control(lose_reply={"path": "ads", "times": 1})
    clock = time_machine.travel(datetime.now(UTC), tick=True)
    now = clock.start()

    def jumps(point: str) -> None:
        if point == moment:
            now.shift(jump)

    monkeypatch.setattr(crash_points, "handler", jumps)
    push_variant(push_id=approved.pk)
    clock.stop()
    monkeypatch.undo()
    push = go_on(approved)
    assert push.state == PushState.DONE, push.problem
    assert len(ads_of(meta, push)) == 1


def test_every_test_of_the_table_exists():
    rows = re.findall(r"(test_\w+\.py)::(test_\w+)", __doc__ or "")
    assert len(rows) > 40
    there = {
        (path.name, name)
        for path in Path(__file__).parents[2].rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert set(rows) <= there, set(rows) - there
