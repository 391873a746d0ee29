"""Large, odd and mutated answers: read in smaller parts, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from integrations.days import today_of
from integrations.models import (
    AdAccount,
    CampaignInsight,
)
from integrations.services import readings
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_campaign, make_insights, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU
from tests.integrations.services.pulls import (
    GRAPH,
    assert_equal_to_ledger,
    pull,
)

pytestmark = pytest.mark.usefixtures("usual_time")


# --- large and odd answers ------------------------------------------------------------------------
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


# --- mutated answers ------------------------------------------------------------------------------
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
