"""Runs: joined, claimed by one worker, handed over, put off, swept up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.models import AdAccount, Integration, SyncRun
from integrations.services.catalog import request_catalog
from integrations.services.insights import request_pull
from integrations.services.runs import Turn, prune_runs, request_run, sweep_runs, work_on
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration


@pytest.fixture
def integration(acme: Tenant) -> Integration:
    return make_integration(acme)


@pytest.fixture
def run(integration: Integration) -> SyncRun:
    return request_catalog(integration)


def failing(exc: Exception) -> Any:
    def read(turn: Turn) -> None:
        turn.progress(rows=7)
        raise exc

    return read


def test_second_request_joins_the_open_run(integration: Integration) -> None:
    account = make_ad_account(integration)
    assert request_catalog(integration) == request_catalog(integration)
    assert request_pull(account) == request_pull(account)
    assert SyncRun.objects.count() == 2


def test_runs_of_a_grant_and_of_its_accounts_are_apart(integration: Integration) -> None:
    account = make_ad_account(integration)
    of_account = request_run(integration=integration, ad_account=account, kind=SyncRun.Kind.CATALOG)
    assert request_catalog(integration) != of_account


def test_finished_run_makes_room_for_the_next(run: SyncRun, integration: Integration) -> None:
    work_on(run.pk, lambda _turn: None, 30)
    assert request_catalog(integration) != run


def test_request_wakes_a_worker_once_it_is_stored(
    integration: Integration, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as jobs:
        request_catalog(integration)
        request_catalog(integration)
    assert len(jobs) == 1


def test_complete_run_says_when(run: SyncRun) -> None:
    work_on(run.pk, lambda turn: turn.progress(rows=3, requests=2), 30)
    run.refresh_from_db()
    assert (run.state, run.rows, run.requests, run.error) == ("complete", 3, 2, "")
    assert run.started_at
    assert run.finished_at
    assert run.lease_until is None


def test_run_is_worked_on_once_at_a_time(run: SyncRun) -> None:
    reads: list[str] = []

    def read(_turn: Turn) -> None:
        reads.append("outer")
        work_on(run.pk, lambda _turn: reads.append("inner"), 30)

    work_on(run.pk, read, 30)
    work_on(run.pk, lambda _turn: reads.append("again"), 30)
    assert reads == ["outer"]


def test_worker_that_was_overtaken_writes_nothing_more(run: SyncRun) -> None:
    """It slept past its lease; another worker took the run meanwhile."""

    def read(turn: Turn) -> None:
        later = datetime.now(UTC) + timedelta(seconds=91)
        with time_machine.travel(later):
            work_on(run.pk, lambda other: other.progress(rows=5), 30)
        turn.progress(rows=100)

    work_on(run.pk, read, 30)
    run.refresh_from_db()
    assert (run.state, run.rows) == ("complete", 5)


def test_work_renews_the_lease(run: SyncRun) -> None:
    def read(turn: Turn) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=60)):
            turn.progress(rows=1)
        run.refresh_from_db()
        assert run.lease_until > datetime.now(UTC) + timedelta(seconds=140)

    work_on(run.pk, read, 30)


def test_long_run_goes_on_in_another_job(
    run: SyncRun, django_capture_on_commit_callbacks: Any
) -> None:
    def read(turn: Turn) -> None:
        turn.progress(rows=1)
        turn.may_go_on()
        raise AssertionError("its time was over")

    with django_capture_on_commit_callbacks() as jobs:
        work_on(run.pk, read, 0)
    run.refresh_from_db()
    assert (run.state, run.rows, len(jobs)) == ("waiting", 1, 1)
    began = run.started_at

    work_on(run.pk, lambda turn: turn.may_go_on(), 30)
    run.refresh_from_db()
    assert (run.state, run.started_at) == ("complete", began)


def test_failure_keeps_what_was_counted_and_says_why(run: SyncRun) -> None:
    work_on(run.pk, failing(MetaError(ErrorKind.PERMISSION, code=200)), 30)
    run.refresh_from_db()
    assert (run.state, run.rows, run.error_code) == ("failed", 7, "permission_missing")
    assert "may not do this" in run.error


def test_token_error_is_noted_on_the_grant(run: SyncRun, integration: Integration) -> None:
    exc = MetaTokenError(ErrorKind.RECONNECT, code=190, subcode=463)
    work_on(run.pk, failing(exc), 30)
    run.refresh_from_db()
    integration.refresh_from_db()
    assert (run.state, integration.status) == ("failed", "expired")


def test_our_own_errors_are_told_in_words(run: SyncRun) -> None:
    work_on(run.pk, failing(LeadmetricsError("In words.")), 30)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "In words.")


def test_unforeseen_error_is_raised_but_not_shown(run: SyncRun) -> None:
    with pytest.raises(ZeroDivisionError):
        work_on(run.pk, failing(ZeroDivisionError("token EAAsecret")), 30)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "EAAsecret" not in run.error


def test_throttled_run_waits_as_long_as_meta_says(run: SyncRun) -> None:
    exc = MetaError(ErrorKind.THROTTLED, code=80004, wait_seconds=600)
    work_on(run.pk, failing(exc), 30)
    run.refresh_from_db()
    assert (run.state, run.rows) == ("waiting", 7)
    assert "Meta asks us to wait" in run.progress_text

    work_on(run.pk, failing(AssertionError("too early")), 30)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=601)):
        work_on(run.pk, lambda _turn: None, 30)
    run.refresh_from_db()
    assert (run.state, run.error) == ("complete", "")


def test_run_that_meta_kept_waiting_for_a_day_gives_up(run: SyncRun) -> None:
    exc = MetaError(ErrorKind.THROTTLED, code=80004, wait_seconds=600)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, seconds=1)):
        work_on(run.pk, failing(exc), 30)
    run.refresh_from_db()
    assert run.state == "failed"


@pytest.mark.parametrize(
    ("state", "age", "lease", "woken"),
    [
        ("waiting", 10, None, 0),  # its job is on the way
        ("waiting", 31, None, 1),  # nobody woke it
        ("waiting", 10, -1, 1),  # Meta's time is over
        ("waiting", 900, 60, 0),  # Meta's time is not over
        ("running", 900, 60, 0),  # a worker is at it
        ("running", 900, -1, 1),  # its worker died
        ("complete", 900, None, 0),
        ("failed", 900, None, 0),
    ],
)
def test_sweeper_wakes_what_nobody_works_on(
    run: SyncRun,
    state: str,
    age: int,
    lease: int | None,
    woken: int,
    django_capture_on_commit_callbacks: Any,
) -> None:
    now = datetime.now(UTC)
    SyncRun.objects.update(
        state=state,
        created_at=now - timedelta(seconds=age),
        lease_until=now + timedelta(seconds=lease) if lease is not None else None,
    )
    with django_capture_on_commit_callbacks() as jobs:
        sweep_runs()
    assert len(jobs) == woken


def test_run_of_a_deleted_row_is_nothing(db: None, acme: Tenant) -> None:
    run = request_catalog(make_integration(acme))
    SyncRun.objects.all().delete()
    work_on(run.pk, failing(AssertionError("there is no run")), 30)


def test_progress_is_told_in_words(acme: Tenant) -> None:
    account: AdAccount = make_ad_account(make_integration(acme), name="Acme EU")
    run = SyncRun(ad_account=account, kind="insights", days_total=28, days_done=7, rows=4310)
    assert run.progress_text == "7 of 28 days, 4,310 rows, waiting for a worker"
    assert run.label == "Acme EU: performance"
    run.state = "running"
    assert run.progress_text == "7 of 28 days, 4,310 rows"
    assert SyncRun(kind="catalog").progress_text == "Waiting for a worker"
    assert SyncRun(kind="catalog").label == "Ad accounts and Pages"


def test_old_runs_are_forgotten_but_not_the_last_of_their_kind(integration: Integration) -> None:
    first, second = make_ad_account(integration), make_ad_account(integration)
    now = datetime.now(UTC)

    def ended(account: AdAccount | None, days_ago: int, state: str = "complete") -> SyncRun:
        run = SyncRun.objects.create(
            tenant=integration.tenant,
            integration=integration,
            ad_account=account,
            kind="catalog",
            state=state,
        )
        SyncRun.objects.filter(pk=run.pk).update(created_at=now - timedelta(days=days_ago))
        return run

    kept = {
        ended(first, 100),
        ended(first, 95, "failed"),
        ended(second, 89),
        ended(None, 200),
        ended(second, 400, "waiting"),
    }
    gone = {ended(first, 120), ended(second, 91), ended(None, 300), ended(first, 96, "failed")}
    prune_runs()
    assert set(SyncRun.objects.all()) == kept
    assert gone.isdisjoint(SyncRun.objects.all())
