"""The monthly comparison of stored campaigns with Meta's total for the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from integrations.models import AdAccount, InsightCheck, InsightDay, SyncRun
from integrations.services.clients import meta_transport, open_token
from integrations.services.insight_checks import (
    check_insights,
    last_final_month,
    request_checks,
)
from integrations.services.insights import pull_insights, request_pull
from leadmetrics.notices.models import Notice
from leadmetrics.queue import waiting_jobs
from leadmetrics.tenancy.actors import Actor
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU

MONTH = date(2026, 9, 1)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC)):
        yield


@pytest.fixture
def september(account: AdAccount) -> AdAccount:
    """The account with all of September read."""
    run = request_pull(account, MONTH, date(2026, 9, 30))
    pull_insights(run_id=run.pk)
    return account


def check(account: AdAccount) -> InsightCheck | None:
    check_insights(ad_account_pk=account.pk, month=MONTH)
    return account.insight_checks.first()


@pytest.mark.parametrize(
    ("today", "month"),
    [
        (date(2026, 10, 27), date(2026, 8, 1)),
        (date(2026, 10, 29), date(2026, 9, 1)),
        (date(2026, 11, 24), date(2026, 9, 1)),
        (date(2027, 1, 31), date(2026, 12, 1)),
    ],
)
def test_month_is_compared_once_it_can_no_longer_change(
    account: AdAccount, today: date, month: date
) -> None:
    with time_machine.travel(datetime(today.year, today.month, today.day, 12, tzinfo=UTC)):
        assert last_final_month(account) == month


def test_month_that_is_equal_is_found_equal(september: AdAccount) -> None:
    found = check(september)
    assert found is not None
    assert found.matches
    assert found.ours == found.metas
    assert Decimal(found.ours["spend"]) > 0
    assert found.conversion_action_type == "purchase"
    assert Decimal(found.ours["conversions"]) > 0
    assert Decimal(found.ours["conversion_value"]) > 0
    assert not SyncRun.objects.filter(state="waiting").exists()


def test_a_millionth_is_a_difference(september: AdAccount) -> None:
    september.insights.filter(date_start__lt=date(2026, 9, 29)).update(spend=Decimal("98765432.1"))
    row = september.insights.filter(date_start=date(2026, 9, 30)).first()
    rest = september.insights.exclude(pk=row.pk)
    others = sum((spend for spend in rest.values_list("spend", flat=True)), Decimal(0))
    row.spend = Decimal("0.000001")
    row.save()

    found = check(september)

    assert found is not None
    assert Decimal(found.ours["spend"]) == others + row.spend


def test_purchases_that_differ_are_a_difference_and_named(september: AdAccount, ana: Actor) -> None:
    row = september.insights.filter(conversion_action_type="purchase").first()
    row.conversions, row.clicks = row.conversions - 1, row.clicks + 1
    row.save()
    check(september)
    found = check(september)
    assert found is not None
    assert (found.matches, found.ours["spend"]) == (False, found.metas["spend"])
    body = Notice.objects.values_list("body", flat=True).first()
    ours, metas = (Decimal(side["conversions"]) for side in (found.ours, found.metas))
    assert f"conversions (purchase) {ours:.0f} here, {metas:.0f} at Meta. Compare it" in body
    assert "again: clicks " in body
    assert "spend" not in body


def test_conversions_of_another_kind_may_be_in_the_total_or_not(september: AdAccount) -> None:
    other = september.insights.filter(conversion_action_type="omni_purchase").first()

    def is_equal_with(more: int) -> bool:
        september.insights.filter(pk=other.pk).update(conversions=other.conversions + more)
        found = check(september)
        assert found is not None
        return bool(found.matches)

    assert [is_equal_with(more) for more in (0, 3, -1)] == [True, True, False]


def test_month_that_differs_is_read_again_and_then_told(
    september: AdAccount, ana: Actor, ben: Actor, stand_in: StandIn
) -> None:
    september.insights.filter(date_start=date(2026, 9, 9)).delete()
    found = check(september)
    assert found is not None
    assert not found.matches
    assert Decimal(found.ours["spend"]) < Decimal(found.metas["spend"])
    again = SyncRun.objects.get(state="waiting")
    assert (again.since, again.until) == (MONTH, date(2026, 9, 30))
    assert not Notice.objects.exists()

    pull_insights(run_id=again.pk)
    found = check(september)
    assert found is not None
    assert found.matches

    InsightCheck.objects.update(matches=False)
    september.insights.all().delete()
    check(september)
    check(september)
    (notice,) = Notice.objects.all()
    assert notice.user_id == ana.user_id
    assert "September 2026" in notice.subject


def test_archived_campaign_keeps_its_history(september: AdAccount) -> None:
    row = september.insights.order_by("-spend").first()
    assert row is not None
    token = open_token(september.integration)
    meta_transport().post(row.campaign_id, {"status": "ARCHIVED"}, token)
    run = request_pull(september, MONTH, date(2026, 9, 30))
    pull_insights(run_id=run.pk)
    assert september.insights.filter(campaign_id=row.campaign_id).exists()
    found = check(september)
    assert found is not None
    assert found.matches


def test_month_that_was_read_too_early_is_read_again_first(september: AdAccount) -> None:
    InsightDay.objects.filter(day=date(2026, 9, 30)).update(
        read_at=datetime(2026, 10, 20, tzinfo=UTC)
    )
    assert check(september) is None
    assert SyncRun.objects.filter(state="waiting", since=MONTH).exists()


def test_month_that_is_not_stored_as_a_whole_is_not_compared(september: AdAccount) -> None:
    InsightDay.objects.filter(day=date(2026, 9, 3)).delete()
    assert check(september) is None
    assert not SyncRun.objects.filter(state="waiting").exists()


def test_equal_months_are_not_compared_again(
    september: AdAccount, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        request_checks()
    assert waiting_jobs() == 1
    check(september)
    with django_capture_on_commit_callbacks(execute=True):
        request_checks()
    assert waiting_jobs() == 1


def test_that_meta_could_not_be_asked_is_written_down(
    september: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(throttle={"account": ACME_EU, "code": 80000, "minutes": 5})
    found = check(september)
    assert found is not None
    assert (found.matches, found.verdict) == (None, "could not be asked")
    assert found.error == "Meta asks us to wait before the next call. It goes on by itself."
    assert found.checked_at > datetime.now(UTC) - timedelta(minutes=1)
    assert september.insights.filter(date_start=MONTH + timedelta(days=3)).exists()

    stand_in.control(clear_faults=True)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        found = check(september)
    assert found is not None
    assert (found.verdict, found.error) == ("equal", "")
