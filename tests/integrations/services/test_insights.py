"""Pulling performance: equal to the ledger, whole windows or nothing, newest days first."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db.models import Sum

from integrations.days import today_of
from integrations.models import (
    AdAccount,
    Integration,
    SyncRun,
)
from integrations.services.clients import NotConnected
from integrations.services.insights import (
    pull_now,
    request_all_pulls,
    request_pull,
)
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_campaign, make_insights, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU
from tests.integrations.services.pulls import (
    ledger,
    pull,
    stored,
)

pytestmark = pytest.mark.usefixtures("usual_time")


# --- which days -----------------------------------------------------------------------------------
@pytest.fixture
def here(acme: Tenant) -> AdAccount:
    return make_ad_account(make_integration(acme), timezone="America/New_York")


def test_today_is_the_account_s_own(here: AdAccount) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 3, 0, tzinfo=UTC)):
        assert today_of(here) == date(2026, 11, 23)


def test_first_pull_takes_ninety_days(here: AdAccount) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)):
        run = request_pull(here)
    assert (run.since, run.until, run.days_total) == (date(2026, 8, 27), date(2026, 11, 24), 90)


@pytest.mark.parametrize(
    ("complete", "since"),
    [
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), date(2026, 10, 28)),  # today: 28 days
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), date(2026, 10, 27)),  # yesterday: one more
        (datetime(2026, 9, 1, 9, 0, tzinfo=UTC), date(2026, 8, 5)),  # after a gap: all of it
        (datetime(2026, 11, 26, 9, 0, tzinfo=UTC), date(2026, 10, 28)),  # a clock ahead
    ],
)
def test_later_pulls_take_every_day_that_may_have_changed(
    here: AdAccount, complete: datetime, since: date
) -> None:
    here.insights_complete_at = complete
    with time_machine.travel(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)):
        assert request_pull(here).since == since


def test_schedule_asks_for_accounts_in_use_of_usable_grants(acme: Tenant) -> None:
    good = make_integration(acme)
    wanted = make_ad_account(good)
    make_ad_account(good, enabled=False)
    make_ad_account(good, gone_at=datetime.now(UTC))
    make_ad_account(make_integration(acme, status="revoked"))
    request_all_pulls()
    assert [run.ad_account for run in SyncRun.objects.all()] == [wanted]


def test_person_may_ask_for_a_pull(here: AdAccount, ana: Actor, ben: Actor, olga: Actor) -> None:
    assert pull_now(actor=ana, ad_account_pk=here.pk) == pull_now(actor=ana, ad_account_pk=here.pk)
    with pytest.raises(NotAllowed):
        pull_now(actor=ben, ad_account_pk=here.pk)
    with pytest.raises(NotFound):
        pull_now(actor=olga, ad_account_pk=here.pk)
    AdAccount.objects.update(enabled=False)
    with pytest.raises(InvalidInput):
        pull_now(actor=ana, ad_account_pk=here.pk)
    Integration.objects.update(status="expired")
    with pytest.raises(NotConnected):
        pull_now(actor=ana, ad_account_pk=here.pk)


# --- what is stored -------------------------------------------------------------------------------
def test_totals_equal_the_ledger(account: AdAccount, stand_in: StandIn) -> None:
    run = pull(account)
    assert (run.state, run.days_done, run.error) == ("complete", 90, "")
    truth = ledger(stand_in, run.since, run.until)
    sums = account.insights.aggregate(
        spend=Sum("spend"),
        impressions=Sum("impressions"),
        clicks=Sum("clicks"),
        links=Sum("inline_link_clicks"),
        purchases=Sum("conversions"),
        value=Sum("conversion_value"),
    )
    assert account.insights.count() == truth["rows"] == run.rows
    assert sums["impressions"] == truth["impressions"]
    assert sums["clicks"] == truth["clicks"]
    assert sums["links"] == truth["inline_link_clicks"]
    assert sums["spend"] == Decimal(truth["spend"])
    assert sums["purchases"] == truth["purchases"]
    assert sums["value"] == Decimal(truth["purchase_value"])


def test_completeness_is_as_of_the_start(account: AdAccount) -> None:
    before = datetime.now(UTC)
    run = pull(account)
    account.refresh_from_db()
    assert account.insights_complete_at == run.started_at
    assert before <= account.insights_complete_at <= run.finished_at


def test_pulling_twice_equals_once(account: AdAccount) -> None:
    pull(account)
    before = stored(account)
    assert pull(account).state == "complete"
    assert stored(account) == before


def test_restated_days_are_replaced(account: AdAccount, stand_in: StandIn) -> None:
    run = pull(account)
    days = {"since": str(run.until - timedelta(days=10)), "until": str(run.until)}
    stand_in.control(revise={"account": ACME_EU, **days, "percent": 120})
    pull(account)
    truth = ledger(stand_in, run.since, run.until)
    assert account.insights.aggregate(Sum("spend"))["spend__sum"] == Decimal(truth["spend"])


def test_row_that_meta_no_longer_reports_goes(account: AdAccount) -> None:
    today = today_of(account)
    ghost = make_campaign(account, campaign_id="1")
    make_insights([ghost], days=3, until=today - timedelta(days=2))
    old = make_insights([ghost], days=1, until=today - timedelta(days=200))
    pull(account)
    assert list(account.insights.filter(campaign_id="1")) == old


def test_days_outside_the_run_are_not_touched(account: AdAccount) -> None:
    pull(account)
    before = stored(account)
    today = today_of(account)
    run = pull(account, today - timedelta(days=3), today - timedelta(days=2))
    assert (run.state, run.days_done) == ("complete", 2)
    assert stored(account) == before


@pytest.mark.parametrize(("since_ago", "until_ago"), [(40, 10), (27, 1), (26, 0)])
def test_part_of_the_days_is_no_complete_pull(
    account: AdAccount, since_ago: int, until_ago: int
) -> None:
    complete = datetime.now(UTC) - timedelta(hours=1)
    AdAccount.objects.update(insights_complete_at=complete)
    account.refresh_from_db()
    today = today_of(account)
    run = pull(account, today - timedelta(days=since_ago), today - timedelta(days=until_ago))
    assert run.state == "complete"
    account.refresh_from_db()
    assert account.insights_complete_at == complete
