"""Reach of a range is Meta's own count, asked once and kept until days may have changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from integrations.days import oldest_day, today_of
from integrations.models import AdAccount, RangeReach
from integrations.selectors.performance import range_reach
from integrations.services.insights import pull_insights, request_pull
from integrations.services.reach import ask_reach, prune_reach, read_reach
from leadmetrics.errors import InvalidInput, NotFound
from leadmetrics.queue import waiting_jobs
from leadmetrics.tenancy.actors import Actor
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU

SINCE, UNTIL = date(2026, 11, 2), date(2026, 11, 15)


def ask(actor: Actor, account: AdAccount) -> RangeReach:
    return ask_reach(actor=actor, ad_account_pk=account.pk, since=SINCE, until=UNTIL)


def test_reach_is_meta_s_count_and_no_sum_of_days(account: AdAccount, vera: Actor) -> None:
    asked = ask(vera, account)
    assert (asked.is_being_read, asked.total, asked.by_campaign) == (True, None, {})
    read_reach(reach_pk=asked.pk)
    (known,) = range_reach([account.pk], SINCE, UNTIL).values()
    assert known.total
    assert known.by_campaign
    assert not known.is_being_read
    assert known.total >= max(known.by_campaign.values())
    pull_insights(run_id=request_pull(account, SINCE, UNTIL).pk)
    by_days = dict.fromkeys(known.by_campaign, 0)
    for row in account.insights.all():
        by_days[row.campaign_id] += row.reach or 0
    assert set(by_days) == set(known.by_campaign)
    assert all(known.by_campaign[pk] < days for pk, days in by_days.items())


def test_many_who_ask_wake_one_worker(
    account: AdAccount, vera: Actor, ana: Actor, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert ask(vera, account).pk == ask(ana, account).pk
    assert waiting_jobs() == 1


@pytest.mark.parametrize(
    ("read_at", "complete_at", "current"),
    [
        (None, None, False),
        (datetime(2026, 11, 20, tzinfo=UTC), None, True),
        (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC), False),
        (datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC), True),
        (datetime(2026, 12, 15, tzinfo=UTC), datetime(2026, 12, 20, tzinfo=UTC), True),
    ],
)
def test_reach_is_read_again_while_its_days_may_change(
    read_at: datetime | None, complete_at: datetime | None, current: bool
) -> None:
    reach = RangeReach(since=SINCE, until=UNTIL, read_at=read_at)
    assert reach.is_current(complete_at, "Europe/Berlin") is current


def test_failure_is_told_and_the_last_count_stays(
    account: AdAccount, vera: Actor, stand_in: StandIn
) -> None:
    asked = ask(vera, account)
    read_reach(reach_pk=asked.pk)
    before = RangeReach.objects.get()
    AdAccount.objects.update(insights_complete_at=datetime.now(UTC) + timedelta(minutes=1))
    stand_in.control(throttle={"account": ACME_EU, "code": 80000, "minutes": 5})
    read_reach(reach_pk=ask(vera, account).pk)
    reach = RangeReach.objects.get()
    assert (reach.total, reach.by_campaign) == (before.total, before.by_campaign)
    assert "wait" in reach.error
    assert reach.is_being_read


def test_account_that_is_not_used_is_not_asked(acme, vera: Actor) -> None:
    idle = make_ad_account(make_integration(acme), enabled=False)
    assert not ask(vera, idle).is_being_read


def test_another_tenant_s_account_does_not_exist(account: AdAccount, olga: Actor) -> None:
    with pytest.raises(NotFound):
        ask(olga, account)


def test_days_that_meta_cannot_answer_for_are_refused(account: AdAccount, vera: Actor) -> None:
    today, oldest = today_of(account), oldest_day(account)
    for since, until, words in (
        (today, today - timedelta(days=1), "Turn them round"),
        (today, today + timedelta(days=1), "still to come"),
        (oldest - timedelta(days=1), today, "37 months"),
    ):
        with pytest.raises(InvalidInput, match=words):
            ask_reach(actor=vera, ad_account_pk=account.pk, since=since, until=until)
    assert not RangeReach.objects.exists()


def test_ranges_nobody_looks_at_are_forgotten(account: AdAccount, vera: Actor) -> None:
    ask(vera, account)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=29)):
        prune_reach()
    assert RangeReach.objects.exists()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        prune_reach()
    assert not RangeReach.objects.exists()
