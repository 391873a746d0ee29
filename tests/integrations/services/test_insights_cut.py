"""Pulls that are cut: whole windows or nothing, then gone on with."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection, transaction

from integrations.days import today_of
from integrations.meta_ads.transport import Transport
from integrations.models import (
    AdAccount,
    CampaignInsight,
    InsightDay,
    SyncRun,
)
from integrations.services import readings, shelves, windows
from integrations.services.insights import (
    pull_insights,
    pull_together,
    request_pull,
)
from leadmetrics import queue
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_US, work
from tests.integrations.services.pulls import (
    REAL_READ,
    cut_after,
    ledger,
    pull,
    stored,
)

pytestmark = pytest.mark.usefixtures("usual_time")


def test_cut_pull_keeps_whole_windows_and_says_it_is_incomplete(
    account: AdAccount, stand_in: StandIn, quick: None
) -> None:
    pull(account)
    before = stored(account)
    complete = AdAccount.objects.get(pk=account.pk).insights_complete_at
    today = today_of(account)
    stand_in.control(
        revise={"account": ACME_EU, "since": "2020-01-01", "until": str(today), "percent": 200}
    )
    stand_in.control(fail={"path": f"{ACME_EU}/insights", "code": 2, "times": 99})
    run = pull(account)

    account.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "meta_unavailable")
    assert run.error
    assert run.requests in (1, 2)  # also what ended badly is counted
    assert account.insights_complete_at == complete
    assert stored(account) == before


@pytest.mark.parametrize("seed", range(2))
def test_cut_pulls_never_mix_old_and_new_within_a_day(
    account: AdAccount,
    harbour: Tenant,
    stand_in: StandIn,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cut at any request, then repeated: the end is what a clean pull gives."""
    today = today_of(account)
    days = (today - timedelta(days=13), today)
    pull(account, *days)
    old = by_day(account)
    stand_in.control(
        revise={"account": ACME_EU, "since": "2020-01-01", "until": str(today), "percent": 150}
    )
    token = stand_in.control(sign_in="ana")["result"]["sign_in"]
    elsewhere = make_ad_account(make_integration(harbour, token=token), ad_account_id=ACME_EU)
    pull(elsewhere, *days)
    new = by_day(elsewhere)

    choose = random.Random(seed)
    for _ in range(3):
        monkeypatch.setattr(readings, "WINDOW_ROWS", 20)
        cut_after(monkeypatch, choose.randrange(4))
        assert pull(account, *days).state == "failed"
        monkeypatch.undo()
        assert all(rows in (old[day], new[day]) for day, rows in by_day(account).items())
    assert pull(account, *days).state == "complete"
    assert by_day(account) == new


def test_window_is_replaced_whole_or_not_at_all(account: AdAccount) -> None:
    """The database goes away between taking the old rows out and putting the new ones in."""
    pull(account)
    before = stored(account)

    def no_more(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and CampaignInsight._meta.db_table in sql:
            raise OperationalError
        return execute(sql, *args)

    run = request_pull(account)
    with connection.execute_wrapper(no_more), pytest.raises(OperationalError):
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("failed", 0)
    assert stored(account) == before


def by_day(account: AdAccount) -> dict[date, dict[str, Decimal | None]]:
    """Spend by day and campaign."""
    days: dict[date, dict[str, Decimal | None]] = defaultdict(dict)
    for row in account.insights.all():
        days[row.date_start][row.campaign_id] = row.spend
    return days


def test_restarted_run_does_not_read_its_days_again(account: AdAccount, stand_in: StandIn) -> None:
    run = request_pull(account)
    SyncRun.objects.update(days_done=84, started_at=datetime.now(UTC))
    account.insight_days.bulk_create(
        InsightDay(
            level="campaign",
            ad_account=account,
            day=run.until - timedelta(days=ago),
            read_at=datetime.now(UTC),
        )
        for ago in range(84)
    )
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("complete", 90)
    assert run.requests <= 2  # the six days may be in two months
    assert (
        account.insights.count()
        == ledger(stand_in, run.since, run.since + timedelta(days=5))["rows"]
    )


def test_long_pull_goes_on_in_turns(account: AdAccount) -> None:
    run = request_pull(account)
    pull_insights(run_id=run.pk, seconds=0)
    run.refresh_from_db()
    # Its first window: a week, as far as that is in one month.
    assert (run.state, run.days_done) == ("waiting", min(7, run.until.day))
    newest = account.insights.order_by("-date_start").first()
    assert newest.date_start == run.until
    done = work(account.integration)
    assert done[-1].days_done == 90


def test_throttled_pull_goes_on_where_it_stopped(
    account: AdAccount, stand_in: StandIn, quick: None
) -> None:
    stand_in.control(throttle={"account": ACME_EU, "code": 80000, "minutes": 5})
    run = pull(account)
    assert (run.state, run.error_code) == ("waiting", "meta_throttled")
    assert run.lease_until > datetime.now(UTC)
    stand_in.control(clear_faults=True)
    with time_machine.travel(run.lease_until + timedelta(seconds=1)):
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == "complete"


def test_expired_token_stops_the_pull_and_marks_the_grant(
    account: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(expire_token="ana")
    run = pull(account)
    account.integration.refresh_from_db()
    assert (run.state, account.integration.status) == ("failed", "expired")
    assert "reconnect" in run.error


def test_account_that_meta_refuses_keeps_what_was_read_and_others_go_on(
    account: AdAccount, stand_in: StandIn
) -> None:
    pull(account)
    account.refresh_from_db()
    complete_at = account.insights_complete_at
    rows = list(account.insights.order_by("pk").values_list())
    other = make_ad_account(account.integration, ad_account_id=ACME_US, timezone="America/New_York")
    stand_in.control(fail={"path": f"{ACME_EU}/insights", "code": 200, "status": 403, "times": 99})
    runs = [request_pull(one) for one in (account, other)]

    pull_together(run_ids=[run.pk for run in runs])

    for run in runs:
        run.refresh_from_db()
    refused, read = runs
    assert (refused.state, refused.error_code) == ("failed", "permission_missing")
    assert "may not do this" in refused.error
    account.refresh_from_db()
    assert account.insights_complete_at == complete_at
    assert list(account.insights.order_by("pk").values_list()) == rows
    assert read.state == "complete"
    assert other.insights.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_cut_pull_read_is_not_given_to_another_account(
    account: AdAccount, stand_in: StandIn, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are read by one worker, one after the other, and in pages that wait in its tables."""
    other = make_ad_account(account.integration, ad_account_id=ACME_US, timezone="UTC")
    monkeypatch.setattr(shelves, "SPILL_ROWS", 0)
    monkeypatch.setattr(windows, "PAGE_SIZE", 10)
    cut_after(monkeypatch, 2)
    assert pull(account).state == "failed"
    monkeypatch.setattr(Transport, "read", REAL_READ)
    run = pull(other)
    assert run.state == "complete"
    theirs = set(other.insights.values_list("campaign_id", flat=True))
    pull(account)
    assert theirs
    assert theirs.isdisjoint(account.insights.values_list("campaign_id", flat=True))


@pytest.mark.django_db(transaction=True)
def test_run_that_is_handed_over_takes_nothing_from_the_others(
    account: AdAccount, stand_in: StandIn
) -> None:
    """Waking the next job must not close the connection in which the others' pages wait."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE keep (x integer)")
    with transaction.atomic():
        queue.enqueue("integrations.tasks.pull_all_insights")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM keep")
        assert cursor.fetchone() == (0,)
