"""Pulling performance: equal to the ledger, whole windows or nothing, newest days first."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
import time_machine
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.transport import Transport
from integrations.models import (
    AdAccount,
    CampaignInsight,
    InsightDay,
    InsightRevision,
    Integration,
    SyncRun,
)
from integrations.selectors.performance import what_moved
from integrations.services import readings, shelves, windows
from integrations.services.account_settings import save_settings
from integrations.services.clients import NotConnected
from integrations.services.days import oldest_day, today_of
from integrations.services.insights import (
    prune_revisions,
    pull_history,
    pull_insights,
    pull_now,
    pull_together,
    request_all_pulls,
    request_pull,
)
from integrations.services.runs import Overtaken, claim
from leadmetrics import queue
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_campaign, make_insights, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_US, work

Rows = list[dict[str, Any]]
REAL_READ = Transport.read


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """Far from a quarter of an hour, at which the stand-in's figures of today move on."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC)):
        yield


def pull(account: AdAccount, since: date | None = None, until: date | None = None) -> SyncRun:
    run = request_pull(account, since, until)
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    return run


def stored(account: AdAccount) -> Rows:
    """Every row without its key, in order."""
    rows = account.insights.order_by("date_start", "campaign_id").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def ledger(stand_in: StandIn, since: date, until: date) -> dict[str, Any]:
    answer: dict[str, Any] = stand_in.read(f"ledger?account={ACME_EU}&since={since}&until={until}")
    return answer


# --- which days ---------------------------------------------------------------------------------
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


# --- what is stored -----------------------------------------------------------------------------
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


# --- cut pulls ----------------------------------------------------------------------------------
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


def cut_after(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Lose the connection for good after so many requests."""
    real: Callable[..., Any] = Transport.read
    left = iter(range(pages))

    def read(self: Transport, *args: Any) -> Any:
        if next(left, None) is None:
            raise MetaError(ErrorKind.TRANSIENT)
        return real(self, *args)

    monkeypatch.setattr(Transport, "read", read)


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


# --- large and odd answers ----------------------------------------------------------------------
GRAPH = "http://graph.test/v26.0"


@pytest.fixture
def odd(acme: Tenant, settings: Any) -> AdAccount:
    settings.META_API_BASE_URL = "http://graph.test"
    return make_ad_account(make_integration(acme), ad_account_id="act_9", timezone="UTC")


def row(day: date, campaign: str = "1", **metrics: Any) -> dict[str, Any]:
    return {
        "campaign_id": campaign,
        "campaign_name": f"Campaign {campaign}",
        "date_start": day.isoformat(),
        "date_stop": day.isoformat(),
        **metrics,
    }


def answering(mock: responses.RequestsMock, rows_of: Callable[[date, date], Any]) -> None:
    """Answer each window by ``rows_of(since, until)``: rows, or a status and an error."""

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        span = json.loads(parse_qs(urlsplit(request.url).query)["time_range"][0])
        rows = rows_of(date.fromisoformat(span["since"]), date.fromisoformat(span["until"]))
        if isinstance(rows, tuple):
            return rows[0], {}, json.dumps({"error": rows[1]})
        return 200, {}, json.dumps({"data": rows, "paging": {"cursors": {"after": "x"}}})

    mock.add_callback(responses.GET, f"{GRAPH}/act_9/insights", callback=answer)


TOO_LARGE = {"message": "reduce", "code": 100, "error_subcode": 1487534}


def refusing_reports(mock: responses.RequestsMock) -> None:
    mock.post(f"{GRAPH}/act_9/insights", status=400, json={"error": TOO_LARGE})


def in_one_month(account: AdAccount) -> date:
    """A day with two weeks of its month before it: windows end where a month begins."""
    return today_of(account).replace(day=1) - timedelta(days=10)


def test_window_that_is_too_large_is_halved(odd: AdAccount, quick: None) -> None:
    asked: list[int] = []

    def rows_of(since: date, until: date) -> Any:
        days = (until - since).days + 1
        asked.append(days)
        if days > 2:
            return 400, TOO_LARGE
        return [row(since + timedelta(days=n)) for n in range(days)]

    until = in_one_month(odd)
    with responses.RequestsMock() as mock:
        answering(mock, rows_of)
        refusing_reports(mock)
        run = pull(odd, until - timedelta(days=6), until)
    assert (run.state, run.days_done, odd.insights.count()) == ("complete", 7, 7)
    assert sorted(asked) == [1, 2, 2, 2, 3, 4, 7]


def test_day_that_is_too_large_ends_the_run(odd: AdAccount, quick: None) -> None:
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: (400, TOO_LARGE))
        refusing_reports(mock)
        run = pull(odd)
    assert (run.state, run.error_code) == ("failed", "too_much_data")


def test_large_account_gets_shorter_windows(
    odd: AdAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "WINDOW_ROWS", 20)
    asked: list[int] = []

    def rows_of(since: date, until: date) -> Any:
        days = (until - since).days + 1
        asked.append(days)
        return [row(since + timedelta(days=n), str(c)) for n in range(days) for c in range(1, 11)]

    until = in_one_month(odd)
    with responses.RequestsMock() as mock:
        answering(mock, rows_of)
        run = pull(odd, until - timedelta(days=12), until)
    assert asked == [7, 2, 2, 2]
    assert (run.rows, odd.insights.count()) == (130, 130)


def test_row_that_comes_twice_counts_once(odd: AdAccount) -> None:
    today = today_of(odd)
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: [row(today, spend="1.00"), row(today, spend="2.00")])
        run = pull(odd, today, today)
    assert (run.rows, odd.insights.get().spend) == (1, Decimal(2))


def test_missing_stays_missing(odd: AdAccount) -> None:
    today = today_of(odd)
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: [row(today, impressions="0")])
        pull(odd, today, today)
    stored_row = odd.insights.get()
    assert stored_row.impressions == 0
    assert stored_row.conversions is stored_row.spend is stored_row.reach is None
    assert stored_row.conversion_action_type == ""


def test_account_s_own_conversion_counts(odd: AdAccount) -> None:
    odd.conversion_action_type = "lead"
    odd.save()
    today = today_of(odd)
    actions = [{"action_type": "purchase", "value": "3"}, {"action_type": "lead", "value": "8"}]
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: [row(today, actions=actions)])
        pull(odd, today, today)
    stored_row = odd.insights.get()
    assert (stored_row.conversions, stored_row.conversion_action_type) == (8, "lead")


@pytest.mark.parametrize(
    "nonsense",
    [
        [{"campaign_id": "x"}],
        [{"campaign_id": "1", "date_start": "yesterday"}],
        ["a row"],
        [[]],
    ],
)
def test_nonsense_is_not_stored_and_old_rows_stay(
    odd: AdAccount, quick: None, nonsense: Any
) -> None:
    today = today_of(odd)
    make_insights([make_campaign(odd, campaign_id="5")], days=3, until=today)
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: nonsense)
        run = pull(odd, today, today)
    assert (run.state, run.error_code) == ("failed", "unreadable_answer")
    assert CampaignInsight.objects.count() == 3


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


# --- reports that Meta prepares -----------------------------------------------------------------
@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is looked after at once."""
    monkeypatch.setattr(windows, "FIRST_LOOK", 0.01)


def too_large(stand_in: StandIn, times: int = 1) -> None:
    """What the next direct queries are told."""
    path = f"{ACME_EU}/insights"
    fault = {"path": path, "method": "GET", "code": 100, "subcode": 1487534, "status": 400}
    stand_in.control(fail={**fault, "times": times})


def test_query_that_is_too_large_is_read_as_a_report(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    too_large(stand_in)
    run = pull(account)
    assert (run.state, run.days_done, run.reports) == ("complete", 90, {})
    assert_equal_to_ledger(account, stand_in, run)


def test_report_is_gone_on_with_after_a_restart(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    too_large(stand_in)
    run = request_pull(account)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "FIRST_LOOK", 60.0)
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    ((name, report_id),) = run.reports.items()
    assert (run.state, name.split()[0]) == ("waiting", "campaign")
    assert run.lease_until > datetime.now(UTC)
    with time_machine.travel(run.lease_until):
        pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.reports) == ("complete", {})
    assert report_id
    assert_equal_to_ledger(account, stand_in, run)


@pytest.mark.parametrize("mode", ["fail", "skip"])
def test_report_that_fails_is_asked_for_in_smaller_parts(
    account: AdAccount, stand_in: StandIn, soon: None, mode: str
) -> None:
    too_large(stand_in)
    stand_in.control(async_reports=mode)
    run = pull(account)
    assert (run.state, run.days_done) == ("complete", 90)
    assert_equal_to_ledger(account, stand_in, run)


def test_report_that_meta_lost_is_asked_for_anew(
    account: AdAccount, stand_in: StandIn, soon: None
) -> None:
    run = request_pull(account)
    days = f"{run.until - timedelta(days=6)} {run.until}"
    SyncRun.objects.update(reports={f"campaign {days}": "999"})
    pull_insights(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.reports) == ("complete", {})
    assert_equal_to_ledger(account, stand_in, run)


def assert_equal_to_ledger(account: AdAccount, stand_in: StandIn, run: SyncRun) -> None:
    truth = ledger(stand_in, run.since, run.until)
    spend = account.insights.aggregate(Sum("spend"))["spend__sum"]
    # SQLite adds money up in floating point.
    assert (account.insights.count(), round(spend, 4)) == (truth["rows"], Decimal(truth["spend"]))


# --- older days ---------------------------------------------------------------------------------
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


# --- what was restated --------------------------------------------------------------------------
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


# --- mutated answers ----------------------------------------------------------------------------
FOLLOWED = {"paging": {"cursors": {"after": "a1"}, "next": "https://elsewhere.example/"}}
MUTATED: dict[str, Callable[[date], Any]] = {
    "a web page": lambda _: "<!doctype html><title>Sorry</title>",
    "nothing": lambda _: "",
    "cut in the middle": lambda day: json.dumps({"data": [row(day)]})[:-9],
    "another type": lambda day: {"data": {"0": row(day)}},
    "no data": lambda _: {"paging": {}},
    "a row without its day": lambda day: {"data": [{**row(day), "date_start": None}]},
    "a row without its campaign": lambda day: {"data": [{**row(day), "campaign_id": None}]},
    "a number that is none": lambda day: {"data": [row(day, impressions="many")]},
    "a list as a number": lambda day: {"data": [row(day, spend=["1.00"])]},
    "actions that are none": lambda day: {"data": [row(day, actions="purchase")]},
    "an action that is none": lambda day: {"data": [row(day, actions=["purchase"])]},
    "a figure that is no number": lambda day: {"data": [row(day, spend="NaN")]},
    "a figure without end": lambda day: {"data": [row(day, spend="1e400")]},
    "a yes for a figure": lambda day: {"data": [row(day, clicks=True)]},
    "more money than there is": lambda day: {
        "data": [row(day, str(n), spend="999999999999") for n in range(40)]
    },
    "another day": lambda day: {"data": [row(day - timedelta(days=300))]},
    "a cursor without a value": lambda day: {"data": [row(day)], "paging": {"next": "x"}},
    "the same cursor again": lambda day: {"data": [row(day)], **FOLLOWED},
}


@pytest.mark.parametrize("mutated", MUTATED.values(), ids=MUTATED)
def test_mutated_answer_keeps_the_last_good_data(
    odd: AdAccount, quick: None, mutated: Callable[[date], Any]
) -> None:
    """The newest window is fine, the one before it is not: the first counts, the other stays."""
    today = today_of(odd)
    first = today - timedelta(days=8)
    make_insights([make_campaign(odd, campaign_id="5")], days=9, until=today)

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        span = json.loads(parse_qs(urlsplit(request.url).query)["time_range"][0])
        since, until = (date.fromisoformat(span[name]) for name in ("since", "until"))
        good: Any = {"data": [row(day, spend="7.00") for day in (since, until)]}
        said = good if until == today else mutated(until)
        return 200, {}, said if isinstance(said, str) else json.dumps(said)

    with responses.RequestsMock() as mock, pytest.MonkeyPatch.context() as patch:
        patch.setattr(readings, "WINDOW_ROWS", 5)
        patch.setattr(readings, "REQUESTS_PER_ACCOUNT", 1)  # so that the newest comes first
        mock.add_callback(responses.GET, f"{GRAPH}/act_9/insights", callback=answer)
        run = pull(odd, first, today)
    odd.refresh_from_db()
    assert (run.state, run.error_code, odd.insights_complete_at) == (
        "failed",
        "unreadable_answer",
        None,
    )
    assert "could not be read" in run.error
    marked = set(odd.insight_days.values_list("day", flat=True))
    kept = set(odd.insights.filter(campaign_id="5").values_list("date_start", flat=True))
    assert marked
    assert kept == {first + timedelta(days=n) for n in range(9)} - marked
    assert all(one.spend == 7 for one in odd.insights.filter(date_start__in=marked))


def test_empty_page_with_next_is_not_the_end(account: AdAccount, stand_in: StandIn) -> None:
    stand_in.control(empty_page={"path": f"{ACME_EU}/insights", "times": 2})
    run = pull(account)
    assert run.state == "complete"
    assert_equal_to_ledger(account, stand_in, run)


def test_row_that_comes_again_on_a_later_page_counts_once(odd: AdAccount) -> None:
    today = today_of(odd)
    with responses.RequestsMock() as mock:
        for spend, more in (("1.00", FOLLOWED), ("2.00", {})):
            body = {"data": [row(today, spend=spend), row(today, spend, spend=spend)], **more}
            body["data"][1]["campaign_id"] = spend.replace(".", "")
            mock.get(f"{GRAPH}/act_9/insights", json=body)
        run = pull(odd, today, today)
    spent = dict(odd.insights.values_list("campaign_id", "spend"))
    assert (run.rows, spent) == (3, {"1": 2, "100": 1, "200": 2})


@pytest.mark.parametrize(
    "kept", [("purchase", "omni_purchase"), ("omni_purchase",), ("web_in_store_purchase",)]
)
def test_purchases_are_one_definition_and_never_a_sum(
    odd: AdAccount, kept: tuple[str, ...]
) -> None:
    today = today_of(odd)
    counts = [{"action_type": kind, "value": "3"} for kind in kept]
    worth = [{"action_type": kind, "value": "90.50"} for kind in kept]
    with responses.RequestsMock() as mock:
        answering(mock, lambda *_: [row(today, actions=counts, action_values=worth)])
        pull(odd, today, today)
    one = odd.insights.get()
    known = kept[0] != "web_in_store_purchase"
    assert (one.conversions, one.conversion_value) == (
        (3, Decimal("90.50")) if known else (None, None)
    )
