"""Older days, and days that were restated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db.models import Sum

from integrations.days import oldest_day, today_of
from integrations.models import (
    AdAccount,
    InsightRevision,
    SyncRun,
)
from integrations.selectors.performance import what_moved
from integrations.services.account_settings import save_settings
from integrations.services.insights import (
    prune_revisions,
    pull_history,
    pull_insights,
    request_pull,
)
from integrations.services.runs import Overtaken, claim
from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from tests.builders import make_campaign, make_insights
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU
from tests.integrations.services.pulls import (
    assert_equal_to_ledger,
    pull,
)

pytestmark = pytest.mark.usefixtures("usual_time")


# --- older days -----------------------------------------------------------------------------------
def test_history_is_read_beside_the_regular_pulls(
    account: AdAccount, stand_in: StandIn, ana: Actor, ben: Actor, olga: Actor
) -> None:
    pull(account)
    account.refresh_from_db()
    regular = request_pull(account)
    run = pull_history(actor=ana, ad_account_pk=account.pk)
    assert run == pull_history(actor=ana, ad_account_pk=account.pk)
    assert run.since == oldest_day(account)
    assert run.until == regular.since - timedelta(days=1)
    with pytest.raises(NotAllowed):
        pull_history(actor=ben, ad_account_pk=account.pk)
    with pytest.raises(NotFound):
        pull_history(actor=olga, ad_account_pk=account.pk)

    complete = AdAccount.objects.get(pk=account.pk).insights_complete_at
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.days_done) == ("complete", run.days_total)
    assert_equal_to_ledger(account, stand_in, SyncRun(since=run.since, until=today_of(account)))
    assert complete <= AdAccount.objects.get(pk=account.pk).insights_complete_at

    again = pull_history(actor=ana, ad_account_pk=account.pk)
    pull_insights(run_id=again.pk)
    again.refresh_from_db()
    assert again != run
    assert (again.state, again.days_total, again.requests) == ("complete", 0, 0)  # all are final


def test_all_days_are_read_again_when_another_action_counts(
    account: AdAccount, stand_in: StandIn, ana: Actor
) -> None:
    until = today_of(account)
    pull(account)
    counted = account.insights.exclude(conversions=None)
    assert counted.count() > counted.filter(date_start__gt=until - timedelta(days=28)).count() > 0
    account.refresh_from_db()
    cut = request_pull(account)
    overtaken = claim(cut.pk, 20)
    assert overtaken is not None

    save_settings(
        actor=ana, pk=account.pk, page=None, use_instagram=False, default_link="", url_tags="",
        conversion_action_type="omni_purchase",
    )  # fmt: skip

    with pytest.raises(Overtaken):
        overtaken.progress()
    for run in account.sync_runs.filter(state="waiting"):
        pull_insights(run_id=run.pk)
    assert set(account.sync_runs.values_list("state", flat=True)) == {"complete"}
    kinds = set(counted.values_list("conversion_action_type", flat=True))
    assert kinds == {"omni_purchase"}
    assert not account.insight_revisions.exists()  # Meta has restated nothing
    assert account.sync_runs.filter(kind="history").get().since == until - timedelta(days=89)


# --- what was restated ----------------------------------------------------------------------------
def test_restated_days_leave_their_old_values(account: AdAccount, stand_in: StandIn) -> None:
    pull(account)
    today = today_of(account)
    day = today - timedelta(days=5)
    before = dict(account.insights.filter(date_start=day).values_list("campaign_id", "spend"))
    stand_in.control(
        revise={"account": ACME_EU, "since": str(day), "until": str(today), "percent": 200}
    )
    looked = datetime.now(UTC)
    with time_machine.travel(datetime(2026, 11, 24, 9, 38, tzinfo=UTC)):
        pull(account)
    revisions = account.insight_revisions.filter(date_start=day)
    assert dict(revisions.values_list("campaign_id", "spend")) == before
    assert not account.insight_revisions.filter(date_start=today).exists()
    assert not account.insight_revisions.filter(date_start__lt=day).exists()
    moved = what_moved([account.pk], day, day, after=looked)
    now = account.insights.filter(date_start=day).aggregate(Sum("spend"))["spend__sum"]
    assert sum(one.spend for one in moved) == now - sum(before.values())


def test_row_that_came_or_went_is_a_revision_too(account: AdAccount) -> None:
    pull(account)
    day = today_of(account) - timedelta(days=3)
    gone = account.insights.filter(date_start=day).first()
    gone.delete()
    ghost = make_campaign(account, campaign_id="1")
    make_insights([ghost], days=1, until=day)
    pull(account)
    found = dict(
        account.insight_revisions.filter(date_start=day).values_list("campaign_id", "spend")
    )
    assert found == {gone.campaign_id: None, "1": Decimal("12.50")}


def test_unchanged_rows_are_not_written_again(account: AdAccount) -> None:
    pull(account)
    before = list(account.insights.order_by("pk").values_list("pk", flat=True))
    pull(account)
    assert list(account.insights.order_by("pk").values_list("pk", flat=True)) == before
    assert not account.insight_revisions.exists()


def test_old_revisions_are_forgotten(account: AdAccount) -> None:
    for days_ago in (89, 91):
        InsightRevision.objects.create(
            ad_account=account,
            campaign_id=str(days_ago),
            date_start=today_of(account),
            noted_at=datetime.now(UTC) - timedelta(days=days_ago),
        )
    prune_revisions()
    assert [one.campaign_id for one in InsightRevision.objects.all()] == ["89"]
