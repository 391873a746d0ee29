"""Whatever happens on the way, what is stored in the end is what the ledger says, to the cent.

Random worlds: accounts with other currencies, timezones and purchase aliases, metrics that are left
out, more than fifty campaigns, days restated between pulls, throttles, outages, web pages instead
of JSON, empty pages that go on, queries that are too large, and pulls cut at any page and repeated.
One world has everything at once, whatever chance draws.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db.models import Count, Q
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integrations.days import today_of
from integrations.exact import MillionthsSum, WholeSum
from integrations.insight_models import AddedUp
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.insights import DEFAULT_ACTION_TYPES
from integrations.meta_ads.transport import Transport
from integrations.models import AdAccount, SyncRun
from integrations.sandbox.seed import BENCH_PERSON, account_id
from integrations.services import readings, windows
from integrations.services.insights import pull_insights, request_pull
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_JP, ACME_US

LARGE = f"act_{account_id('100')}"
ZONES = {ACME_US: "America/New_York", ACME_JP: "Asia/Tokyo"}
# The ledger's name: how the same is summed here, and how many of its units one is.
METRICS = {
    "impressions": (WholeSum("impressions"), 1),
    "clicks": (WholeSum("clicks"), 1),
    "inline_link_clicks": (WholeSum("inline_link_clicks"), 1),
    "spend": (MillionthsSum("spend"), 10**6),
    "purchases": (MillionthsSum("conversions"), 10**6),
    "purchase_value": (MillionthsSum("conversion_value"), 10**6),
}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """Far from a quarter of an hour, at which the stand-in's figures of today move on."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC), tick=True):
        yield


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages and windows, so that small worlds have many of them."""
    monkeypatch.setattr(windows, "PAGE_SIZE", 60)
    monkeypatch.setattr(readings, "WINDOW_ROWS", 200)
    monkeypatch.setattr(windows, "FIRST_LOOK", 0.001)
    monkeypatch.setattr(windows, "LONGEST_LOOK", 0.001)


def faults(act: str) -> st.SearchStrategy[dict[str, Any]]:
    """One switch that goes wrong on the way of the next pull."""
    path = f"{act}/insights"
    few = st.integers(1, 3)
    return st.one_of(
        few.map(lambda n: {"fail": {"path": path, "code": 2, "times": n}}),
        few.map(lambda n: {"html_error": {"path": path, "times": n}}),
        few.map(lambda n: {"empty_page": {"path": path, "times": n}}),
        st.just({"throttle": {"account": act, "code": 80000, "minutes": 1, "times": 1}}),
        st.sampled_from([(100, 1487534, 400), (1, 99, 500)]).map(
            lambda error: {
                "fail": {
                    **{"path": path, "method": "GET", "times": 1, "status": error[2]},
                    **{"code": error[0], "subcode": error[1]},
                }
            }
        ),
        st.sampled_from(["complete", "fail"]).map(lambda mode: {"async_reports": mode}),
        st.tuples(st.integers(0, 50), st.integers(50, 180)).map(
            lambda drawn: {
                "revise": {
                    **{"account": act, "until": "2026-11-24", "percent": drawn[1]},
                    "since": str(datetime(2026, 11, 24).date() - timedelta(days=drawn[0])),
                }
            }
        ),
    )


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    act = draw(st.sampled_from([ACME_EU, ACME_US, ACME_JP, LARGE]))
    return {
        "act": act,
        "campaigns": draw(st.integers(51, 60)) if act == LARGE else 0,
        "days": draw(st.integers(1, 45)),
        "counts": draw(st.sampled_from(["", "omni_purchase"])),
        "steps": draw(
            st.lists(
                st.tuples(st.lists(faults(act), max_size=3), st.none() | st.integers(0, 12)),
                max_size=3,
            )
        ),
    }


def _fault(kind: str, **more: Any) -> dict[str, Any]:
    return {kind: {"path": f"{LARGE}/insights", "times": 1, **more}}


EVERYTHING = {
    **{"act": LARGE, "campaigns": 53, "days": 16, "counts": "omni_purchase"},
    "steps": [
        ([_fault("html_error"), _fault("empty_page")], 5),
        (
            [
                _fault("fail", method="GET", code=100, subcode=1487534, status=400),
                {"revise": {"account": LARGE, "since": "2026-11-12", "until": "2026-11-20"}},
            ],
            9,
        ),
        ([{"throttle": {"account": LARGE, "code": 80000, "minutes": 1, "times": 1}}], None),
    ],
}


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(world=EVERYTHING)
@given(world=worlds())
def test_stored_totals_equal_the_ledger(
    acme: Tenant, stand_in: StandIn, quick: None, small: None, world: dict[str, Any]
) -> None:
    act, person = world["act"], BENCH_PERSON if world["campaigns"] else "ana"
    stand_in.control(reset={})
    if world["campaigns"]:
        stand_in.control(scale={"accounts": 1, "campaigns": world["campaigns"]})
    token = stand_in.control(sign_in=person)["result"]["sign_in"]
    account = make_ad_account(
        make_integration(acme, token=token),
        ad_account_id=act,
        timezone=ZONES.get(act, "Europe/Berlin"),
        conversion_action_type=world["counts"],
    )
    for switches, cut in world["steps"]:
        for switch in switches:
            stand_in.control(**switch)
        pull(account, world["days"], cut)
        marked = account.insight_days.values_list("day", flat=True)
        assert not account.insights.exclude(date_start__in=marked).exists()
        assert_added_up(account)
    stand_in.control(clear_faults=True)
    cache.clear()
    SyncRun.objects.update(lease_until=None)
    for _ in range(2):  # the first one may have begun before days were restated
        run = pull(account, world["days"], None)
        assert run.state == "complete", run.error
    for first, last in ((run.since, run.until), (run.since, run.since), (run.until, run.until)):
        assert_equal(account, stand_in, first, last)
    assert_left_out(account)
    assert_added_up(account)


def pull(account: AdAccount, days: int, cut: int | None) -> SyncRun:
    """A pull of so many days; the connection is lost for good after ``cut`` requests.

    On a slow machine a turn may end before the run does; the next job goes on.
    """
    until = today_of(account)
    run = request_pull(account, until - timedelta(days=days - 1), until)
    with pytest.MonkeyPatch.context() as patch:
        if cut is not None:
            lose_after(patch, cut)
        for _ in range(20):
            pull_insights(run_id=run.pk)
            run.refresh_from_db()
            if run.state != SyncRun.State.WAITING or run.lease_until is not None:
                break
    return run


def lose_after(patch: pytest.MonkeyPatch, requests: int) -> None:
    real: Callable[..., Any] = Transport.read
    left = iter(range(requests))

    def read(self: Transport, *args: Any) -> Any:
        if next(left, None) is None:
            raise MetaError(ErrorKind.TRANSIENT)
        return real(self, *args)

    patch.setattr(Transport, "read", read)


def assert_added_up(account: AdAccount) -> None:
    """What is kept of days and months is what the rows add up to, to the last digit."""
    columns = AddedUp.COLUMNS
    days: dict[Any, list[Any]] = defaultdict(lambda: [None] * len(columns))
    months: dict[Any, list[Any]] = defaultdict(lambda: [None] * len(columns))
    for row in account.insights.all():
        figures = [getattr(row, name.removesuffix("_millionths")) for name in columns]
        for sums in (
            days[row.date_start],
            months[row.date_start.replace(day=1), row.campaign_id],
        ):
            for place, (name, figure) in enumerate(zip(columns, figures, strict=True)):
                if figure is not None:
                    scaled = figure * 1_000_000 if name.endswith("_millionths") else figure
                    sums[place] = (sums[place] or 0) + scaled
    kept_days = {day: sums for day, *sums in account.days_added_up.values_list("day", *columns)}
    kept_months = {
        (month, campaign): sums
        for month, campaign, *sums in account.months_added_up.values_list(
            "month", "campaign_id", *columns
        )
    }
    assert kept_days == days
    assert kept_months == months


def assert_left_out(account: AdAccount) -> None:
    """What Meta leaves out, because it is nothing, is missing and not zero."""
    nothing = Q(reach=0) | Q(inline_link_clicks=0) | Q(conversions=0) | Q(conversion_value=0)
    assert not account.insights.filter(nothing).exists()
    counted = account.insights.exclude(conversions=None)
    assert not counted.exclude(conversion_action_type__in=DEFAULT_ACTION_TYPES).exists()


def assert_equal(account: AdAccount, stand_in: StandIn, first: date, last: date) -> None:
    """By campaign, and so the whole."""
    truth = stand_in.read(f"ledger?account={account.ad_account_id}&since={first}&until={last}")
    rows = account.insights.filter(date_start__range=(first, last)).order_by()
    ours = {f"sum_{name}": one for name, (one, _) in METRICS.items()}
    sums = rows.values_list("campaign_id").annotate(rows=Count("pk"), **ours)
    stored = {
        campaign: {"rows": count, **{n: v or 0 for n, v in zip(METRICS, figures, strict=True)}}
        for campaign, count, *figures in sums
    }
    expected = {
        campaign: {
            "rows": totals["rows"],
            **{name: int(Decimal(totals[name]) * scale) for name, (_, scale) in METRICS.items()},
        }
        for campaign, totals in truth["campaigns"].items()
        if totals["rows"]
    }
    assert stored == expected
