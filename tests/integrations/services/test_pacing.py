"""As fast as Meta's usage headers allow, and no faster; each ad account for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import time_machine

from integrations.days import today_of
from integrations.meta_ads.types import UsageSnapshot
from integrations.models import AdAccount, Integration, SyncRun
from integrations.services import pacing, pulling
from integrations.services.allowance import closed_for
from integrations.services.catalog import request_account_catalog, sync_catalog
from integrations.services.insights import (
    TURN_SECONDS,
    pull_insights,
    request_history,
    request_pull,
)
from integrations.services.pacing import LONGEST_GAP, REQUESTS_PER_ACCOUNT, Lane, lane_of
from integrations.services.reach import ask_reach, read_reach
from leadmetrics import queue
from leadmetrics.tenancy.actors import Actor
from tests.builders import make_ad_account
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_US


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lane(clock: Clock) -> Lane:
    return Lane(clock=clock)


def told(lane: Lane, percent: float, wait: float = 0.0) -> None:
    lane.on_usage("act_1", UsageSnapshot(percent, wait))


@pytest.mark.parametrize(
    ("percent", "gap"),
    [(0, 0), (74.9, 0), (75, 0), (80, LONGEST_GAP / 5), (95, LONGEST_GAP * 0.8)],
)
def test_pauses_grow_from_three_quarters_of_a_budget(
    lane: Lane, percent: float, gap: float
) -> None:
    told(lane, percent)
    assert lane.wait == pytest.approx(gap)
    assert lane.closed_for == 0


def test_account_without_pressure_is_asked_a_few_things_at_once(lane: Lane) -> None:
    for _ in range(REQUESTS_PER_ACCOUNT):
        assert lane.has_room
        lane.sent()
    assert not lane.has_room


def test_account_in_slow_motion_is_asked_one_thing_at_a_time(lane: Lane, clock: Clock) -> None:
    told(lane, 90)
    clock.now += LONGEST_GAP
    assert lane.has_room
    lane.sent()
    clock.now += LONGEST_GAP
    assert not lane.has_room
    lane.in_flight -= 1
    assert lane.has_room


def test_it_is_quick_again_once_the_budget_is_free(lane: Lane) -> None:
    told(lane, 99)
    told(lane, 10)
    assert lane.has_room


@pytest.mark.parametrize(("percent", "wait", "seconds"), [(40, 240, 240), (100, 0, 300)])
def test_account_is_closed_until_the_time_that_meta_names(
    lane: Lane, clock: Clock, percent: float, wait: float, seconds: float
) -> None:
    told(lane, percent, wait)
    assert lane.closed_for == seconds
    clock.now += seconds - 1
    assert not lane.has_room
    clock.now += 1
    assert lane.closed_for == 0


# --- with the stand-in --------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC)):
        yield


@pytest.fixture
def other(grant: Integration) -> AdAccount:
    return make_ad_account(grant, ad_account_id=ACME_US, timezone="America/New_York")


def test_one_account_stops_and_the_others_go_on(
    account: AdAccount, other: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(throttle={"account": ACME_EU, "code": 80000, "minutes": 7})
    stopped, goes_on = request_pull(account), request_pull(other)
    pull_insights(run_id=stopped.pk)
    stopped.refresh_from_db()
    goes_on.refresh_from_db()
    assert (stopped.state, goes_on.state) == ("waiting", "complete")
    assert stopped.lease_until == pytest.approx(
        datetime.now(UTC) + timedelta(minutes=7), abs=timedelta(seconds=5)
    )
    assert "Meta asks us to wait" in stopped.progress_text


def test_account_that_meta_closed_is_left_alone_by_every_job(
    account: AdAccount, stand_in: StandIn, ana: Actor, settings: Any
) -> None:
    stand_in.control(throttle={"account": ACME_EU, "code": 80000, "minutes": 7})
    pull_insights(run_id=request_pull(account).pk)
    history, catalog = request_history(account), request_account_catalog(account)
    today = today_of(account)
    reach = ask_reach(actor=ana, ad_account_pk=account.pk, since=today, until=today)
    settings.META_API_BASE_URL = "http://graph.test"
    with responses.RequestsMock():  # nothing may be asked
        pull_insights(run_id=history.pk)
        sync_catalog(run_id=catalog.pk)
        read_reach(reach_pk=reach.pk)
    for waiting in (history, catalog):
        waiting.refresh_from_db()
        assert (waiting.state, waiting.error_code) == ("waiting", "meta_throttled")
    reach.refresh_from_db()
    for one in (history, catalog, reach):
        assert one.lease_until > datetime.now(UTC) + timedelta(minutes=6)


def test_throttle_without_headers_closes_the_account_for_every_job(
    account: AdAccount, stand_in: StandIn, ana: Actor
) -> None:
    """As a report that Meta prepares is looked after, no address names the account."""
    lane = lane_of(ACME_EU)
    lane.on_usage("", UsageSnapshot(100.0, 240.0))
    assert closed_for(ACME_EU) == pytest.approx(240, abs=2)
    assert closed_for(ACME_US) == 0

    stand_in.control(usage="off")
    stand_in.control(fail={"path": f"{ACME_US}/insights", "code": 17, "status": 400})
    other = make_ad_account(account.integration, ad_account_id=ACME_US, timezone="UTC")
    pull_insights(run_id=request_pull(other).pk)
    assert closed_for(ACME_US) == pytest.approx(300, abs=5)


def test_headers_of_a_good_answer_stop_the_account_too(
    account: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(usage={"x-business-use-case-usage": {"estimated_time_to_regain_access": 3}})
    run = request_pull(account)
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.requests) == ("waiting", "meta_throttled", 1)
    assert run.lease_until > datetime.now(UTC) + timedelta(minutes=2)
    assert run.days_done == 7


def test_pull_in_slow_motion_is_complete_all_the_same(
    account: AdAccount, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "LONGEST_GAP", 0.1)
    stand_in.control(usage={"x-ad-account-usage": {"acc_id_util_pct": 95.0}})
    run = request_pull(account)
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("complete", 90)


def test_pull_makes_way_for_a_push(
    account: AdAccount, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    assert not queue.is_wanted_elsewhere()
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue("integrations.tasks.pull_all_insights")
    assert not queue.is_wanted_elsewhere()
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue("approvals.tasks.push_variant", 1)
    assert queue.is_wanted_elsewhere()

    monkeypatch.setattr(pulling, "LOOK_EVERY", 0.0)
    run = request_pull(account)
    pull_insights(run_id=run.pk, seconds=TURN_SECONDS)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("waiting", 7)
    assert not SyncRun.objects.filter(state="running").exists()
