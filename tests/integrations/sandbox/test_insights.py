"""Rows, totals, lateness, paging and report runs."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from integrations.sandbox.server import SandboxHandle
from tests.integrations.sandbox.conftest import ACCOUNT, Api, Clock

WEEK = {"since": "2026-10-01", "until": "2026-10-07"}
FIELDS = (
    "campaign_id,campaign_name,impressions,reach,clicks,inline_link_clicks,spend,cpm,cpc,ctr,"
    "actions,action_values"
)
SALES = "12021000110000001"
APP_CAMPAIGN = "12021000110000008"
ARCHIVED = "12021000110000010"


def rows(api: Api, path: str = ACCOUNT, **params: Any) -> list[dict[str, Any]]:
    """All rows of a query, following cursors to the end."""
    asked = {"time_increment": "1", "fields": FIELDS, "time_range": WEEK, **params}
    found: list[dict[str, Any]] = []
    while True:
        page = api.get(f"{path}/insights", **asked)
        found += page["data"]
        if "next" not in page.get("paging", {}):
            return found
        asked["after"] = page["paging"]["cursors"]["after"]


def ledger(api: Api, since: str = WEEK["since"], until: str = WEEK["until"]) -> Any:
    return api.page(f"/sandbox/ledger?account={ACCOUNT}&since={since}&until={until}").json()


def total(found: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row.get(name, "0")) for row in found), Decimal(0))


def test_everything_is_text_and_empty_metrics_are_left_out(ana: Api) -> None:
    found = rows(ana, level="campaign")
    row = next(r for r in found if r["campaign_id"] == SALES)
    for name in FIELDS.split(",")[:10]:
        assert isinstance(row[name], str)
    assert row["date_start"] == row["date_stop"]
    assert Decimal(row["cpm"]) == pytest.approx(
        Decimal(row["spend"]) / int(row["impressions"]) * 1000, abs=Decimal("0.01")
    )
    awareness = [r for r in found if r["campaign_name"].startswith("Brand film")]
    assert awareness
    assert not any("action_values" in r for r in awareness)


def test_actions_come_only_when_asked(ana: Api) -> None:
    found = rows(ana, level="campaign", fields="campaign_id,impressions")
    assert set(found[0]) == {"campaign_id", "impressions", "date_start", "date_stop"}
    assert set(rows(ana, level="campaign", fields="")[0]) == {
        "impressions",
        "spend",
        "date_start",
        "date_stop",
    }


def test_one_purchase_has_several_names(ana: Api) -> None:
    web = next(r for r in rows(ana, SALES) if "action_values" in r)
    kinds = {a["action_type"]: a["value"] for a in web["actions"]}
    assert kinds["purchase"] == kinds["omni_purchase"]
    assert kinds["purchase"] == kinds["offsite_conversion.fb_pixel_purchase"]
    assert "link_click" in kinds
    app = next(r for r in rows(ana, APP_CAMPAIGN) if "action_values" in r)
    kinds = {a["action_type"]: a["value"] for a in app["actions"]}
    assert "purchase" not in kinds
    assert "omni_purchase" in kinds


def test_totals_equal_the_ledger_at_every_level(ana: Api) -> None:
    expected = ledger(ana)
    for level in ("campaign", "adset", "ad"):
        found = rows(ana, level=level, limit="200")
        assert total(found, "spend") == Decimal(expected["spend"])
        assert total(found, "impressions") == expected["impressions"]
        assert total(found, "clicks") == expected["clicks"]
    assert len(rows(ana, level="campaign")) == expected["rows"]
    whole = rows(ana, level="account", fields="spend", time_increment="all_days")
    assert len(whole) == 1


def test_same_question_same_numbers(ana: Api) -> None:
    assert rows(ana, level="campaign") == rows(ana, level="campaign", limit="3")


def test_today_is_partial_and_the_future_is_empty(ana: Api, clock: Clock) -> None:
    day = {"since": "2026-11-24", "until": "2026-11-30"}
    noon = rows(ana, SALES, time_range=day)
    assert [r["date_start"] for r in noon] == ["2026-11-24"]
    clock.now += 6 * 3600
    evening = rows(ana, SALES, time_range=day)
    assert Decimal(evening[0]["spend"]) > Decimal(noon[0]["spend"])


def test_sales_come_in_late_and_settle_after_28_days(ana: Api) -> None:
    day = {"since": "2026-11-18", "until": "2026-11-20"}

    def seen() -> tuple[Decimal, Decimal]:
        found = rows(ana, level="campaign", time_range=day)
        sales = sum(
            Decimal(a["value"])
            for r in found
            for a in r.get("action_values", ())
            if a["action_type"] == "purchase"
        )
        return Decimal(sales), total(found, "spend")

    first, spend = seen()
    ana.control(clock_offset_days=10)
    second, spend_then = seen()
    assert second > first
    assert spend_then == spend
    ana.control(clock_offset_days=24)
    final = seen()
    ana.control(clock_offset_days=55)
    assert seen() == final


def test_paused_campaigns_have_no_rows_after_their_end(ana: Api) -> None:
    found = rows(ana, level="campaign")
    assert "Summer sale 2026" not in {r["campaign_name"] for r in found}
    july = {"since": "2026-07-01", "until": "2026-07-07"}
    assert "Summer sale 2026" in {
        r["campaign_name"] for r in rows(ana, level="campaign", time_range=july)
    }


def test_archived_campaigns_hide_from_lists_but_not_from_totals(ana: Api) -> None:
    october = {"since": "2025-10-01", "until": "2025-10-05"}
    listed = rows(ana, level="campaign", time_range=october)
    assert ARCHIVED not in {r["campaign_id"] for r in listed}
    own = rows(ana, ARCHIVED, time_range=october)
    assert own
    whole = rows(ana, time_range=october)
    assert total(whole, "spend") == total(listed, "spend") + total(own, "spend")
    rule = {"field": "campaign.effective_status", "operator": "IN", "value": ["ARCHIVED"]}
    asked = rows(ana, level="campaign", time_range=october, filtering=[rule])
    assert total(asked, "spend") == total(own, "spend")


@pytest.mark.parametrize(
    ("params", "code", "subcode"),
    [
        ({"time_range": {"since": "2023-10-20", "until": "2023-10-21"}}, 3018, None),
        ({"time_range": {"since": "2026-10-07", "until": "2026-10-01"}}, 100, None),
        ({"time_range": {"since": "yesterday", "until": "2026-10-01"}}, 100, None),
        ({"time_range": {"since": "2026-10-01"}}, 100, None),
        ({"fields": "campaign_id,roi"}, 100, None),
        ({"level": "planet"}, 100, None),
        ({"time_increment": "91"}, 100, None),
        ({"breakdowns": ["age", "country"]}, 2, 1504041),
        ({"breakdowns": ["impression_device"]}, 2, 1504041),
        ({"action_attribution_windows": ["8d_click"]}, 100, None),
        ({"sort": ["impressions"]}, 100, None),
        ({"filtering": [{"field": "mood", "operator": "IN", "value": []}]}, 100, None),
        ({"after": "bm9wZQ"}, 100, None),
        ({"date_preset": "lifetime", "time_range": ""}, 100, None),
    ],
)
def test_bad_queries_are_refused(
    ana: Api, params: dict[str, Any], code: int, subcode: int | None
) -> None:
    asked = {"level": "campaign", "time_range": WEEK, **params}
    asked = {name: value for name, value in asked.items() if value != ""}
    error = ana.error("GET", f"{ACCOUNT}/insights", **asked)
    assert (error["code"], error.get("error_subcode")) == (code, subcode)


def test_level_above_the_object_is_an_unknown_error(ana: Api) -> None:
    error = ana.error("GET", f"{SALES}/insights", http=500, level="account")
    assert (error["code"], error["error_subcode"]) == (1, 99)


def test_page_size_is_25_unless_told_and_reduce_beyond_the_limit(ana: Api) -> None:
    page = ana.get(f"{ACCOUNT}/insights", level="campaign", time_increment="1", time_range=WEEK)
    assert len(page["data"]) == 25
    assert ana.error("GET", f"{ACCOUNT}/insights", http=500, limit="1001")["code"] == 1
    page = ana.get(
        f"{ACCOUNT}/insights", level="campaign", time_increment="1", time_range=WEEK, limit="500"
    )
    assert "next" not in page["paging"]
    assert page["paging"]["cursors"]["after"]


def test_cursor_alone_continues_behind_an_empty_page(ana: Api) -> None:
    expected = rows(ana, level="campaign")
    ana.control(empty_page={"path": "insights"})
    assert rows(ana, level="campaign") == expected


@pytest.mark.parametrize(
    ("increment", "groups"), [("all_days", 1), ("monthly", 2), ("7", 5), ("1", 31)]
)
def test_days_are_grouped(ana: Api, increment: str, groups: int) -> None:
    month = {"since": "2026-09-15", "until": "2026-10-15"}
    found = rows(ana, time_range=month, time_increment=increment)
    assert len(found) == groups
    assert found[0]["date_start"] == "2026-09-15"
    assert found[-1]["date_stop"] == "2026-10-15"


def test_grouped_rows_add_up_but_reach_does_not(ana: Api) -> None:
    daily, whole = rows(ana, SALES), rows(ana, SALES, time_increment="all_days")
    assert total(daily, "spend") == Decimal(whole[0]["spend"])
    assert total(daily, "reach") > Decimal(whole[0]["reach"])


def test_time_ranges_give_one_set_each(ana: Api) -> None:
    ranges = [WEEK, {"since": "2026-10-05", "until": "2026-10-09"}]
    asked = {"time_ranges": ranges, "fields": "spend"}
    found = ana.get(f"{SALES}/insights", **asked)["data"]
    assert [row["date_stop"] for row in found] == ["2026-10-07", "2026-10-09"]


def test_default_range_is_the_last_30_days(ana: Api) -> None:
    row = ana.get(f"{SALES}/insights")["data"][0]
    assert (row["date_start"], row["date_stop"]) == ("2026-10-25", "2026-11-23")
    row = ana.get(f"{SALES}/insights", date_preset="last_month")["data"][0]
    assert (row["date_start"], row["date_stop"]) == ("2026-10-01", "2026-10-31")


def test_windows_add_columns_and_the_dead_ones_stay_silent(ana: Api) -> None:
    windows = ["7d_click", "1d_view", "7d_view", "28d_view"]
    found = rows(ana, SALES, action_attribution_windows=windows)
    click = next(a for a in found[0]["actions"] if a["action_type"] == "link_click")
    assert int(click["7d_click"]) + int(click["1d_view"]) == int(click["value"])
    assert "7d_view" not in click
    assert "28d_view" not in click


def test_breakdowns_split_rows_exactly(ana: Api) -> None:
    plain = rows(ana, SALES)
    split = rows(ana, SALES, breakdowns=["age", "gender"])
    assert total(split, "spend") == total(plain, "spend")
    assert Counter(row["gender"] for row in split)["female"] > 0
    assert {row["age"] for row in split} >= {"18-24", "65+"}


def test_reach_is_dropped_from_old_breakdowns(ana: Api) -> None:
    old = {"since": "2025-06-01", "until": "2025-06-02"}
    assert "reach" in rows(ana, SALES, time_range=old)[0]
    assert "reach" not in rows(ana, SALES, time_range=old, breakdowns=["age"])[0]


def test_filters_sort_and_summary(ana: Api) -> None:
    rule = {"field": "campaign.id", "operator": "IN", "value": [SALES]}
    assert {r["campaign_id"] for r in rows(ana, level="campaign", filtering=[rule])} == {SALES}
    many = {"field": "impressions", "operator": "GREATER_THAN", "value": 12000}
    found = rows(ana, level="campaign", filtering=[many])
    assert found
    assert all(int(row["impressions"]) > 12000 for row in found)
    ordered = rows(ana, level="campaign", sort=["spend_descending"], limit="10")
    amounts = [Decimal(row["spend"]) for row in ordered]
    assert amounts == sorted(amounts, reverse=True)
    assert len(ordered) == ledger(ana)["rows"]
    page = ana.get(
        f"{ACCOUNT}/insights",
        level="campaign",
        time_range=WEEK,
        time_increment="1",
        default_summary="true",
        fields="spend",
    )
    assert Decimal(page["summary"]["spend"]) == Decimal(ledger(ana)["spend"])


def test_yen_has_no_decimals(ana: Api) -> None:
    found = rows(ana, "act_210000000000003", level="campaign")
    assert all("." not in row["spend"] for row in found)


def test_days_are_the_accounts_own(ana: Api, clock: Clock) -> None:
    clock.now += 4 * 3600  # 01:00 of the 25th in Tokyo, still the 24th in Berlin.
    day = {"since": "2026-11-25", "until": "2026-11-25"}
    assert rows(ana, "act_210000000000003", time_range=day)
    assert rows(ana, time_range=day) == []


def test_revised_rows_change_and_the_ledger_with_them(ana: Api) -> None:
    before = total(rows(ana, SALES), "spend")
    ana.control(
        revise={"campaign": SALES, "since": WEEK["since"], "until": WEEK["until"], "percent": 200}
    )
    found = rows(ana, SALES)
    assert total(found, "spend") == 2 * before
    assert total(found, "spend") == Decimal(ledger(ana)["campaigns"][SALES]["spend"])


def test_an_activated_ad_delivers_from_its_day_on_top(ana: Api) -> None:
    day = {"since": "2026-11-24", "until": "2026-11-30"}
    ad = ana.ad()
    ana.control(review_seconds=0)
    ana.post(ad, status="ACTIVE")
    ana.control(clock_offset_days=7)
    own = rows(ana, ad, time_range=day)
    assert next(row["date_start"] for row in own) == "2026-11-24"
    assert len(own) == 7
    by_ad = rows(ana, level="ad", time_range=day, limit="500")
    assert total(by_ad, "spend") == total(rows(ana, level="campaign", time_range=day), "spend")
    ana.post(ad, status="PAUSED")
    ana.control(clock_offset_days=9)
    later = {"since": "2026-12-02", "until": "2026-12-03"}
    assert rows(ana, ad, time_range=later) == []


def test_large_worlds_belong_to_the_bench_person(visitor: Api) -> None:
    person = visitor.control(scale={"accounts": 3, "campaigns": 4})["scale"]
    visitor.sign_in(person)
    accounts = visitor.get("me/adaccounts")["data"]
    assert len(accounts) == 3
    found = rows(visitor, accounts[0]["id"], level="campaign")
    assert len({row["campaign_id"] for row in found}) == 4


# --- report runs -------------------------------------------------------------------------------
def start_run(api: Api, **params: Any) -> str:
    asked = {"level": "campaign", "time_increment": "1", "time_range": WEEK, **params}
    return str(api.post(f"{ACCOUNT}/insights", fields=FIELDS.split(","), **asked)["report_run_id"])


def test_a_run_goes_through_its_states_and_pages_the_same_rows(ana: Api) -> None:
    run = start_run(ana)
    assert ana.error("GET", f"{run}/insights")["code"] == 100
    states = []
    while not states or states[-1] != ("Job Completed", 100):
        state = ana.get(run)
        states.append((state["async_status"], state["async_percent_completion"]))
    assert [name for name, _ in states] == [
        "Job Not Started",
        "Job Started",
        "Job Running",
        "Job Completed",
    ]
    assert state["time_completed"] >= state["time_ref"]
    found, after = [], ""
    while True:
        more = {"after": after} if after else {}
        page = ana.get(f"{run}/insights", **more)
        found += page["data"]
        if "next" not in page["paging"]:
            break
        assert "level=" not in page["paging"]["next"]
        after = page["paging"]["cursors"]["after"]
    assert found == rows(ana, level="campaign")


@pytest.mark.parametrize(("mode", "status"), [("fail", "Job Failed"), ("skip", "Job Skipped")])
def test_runs_can_fail_or_be_skipped(ana: Api, mode: str, status: str) -> None:
    ana.control(async_reports=mode)
    run = start_run(ana)
    state = [ana.get(run) for _ in range(4)][-1]
    assert state["async_status"] == status
    assert ("error_code" in state) == (mode == "fail")
    assert ana.error("GET", f"{run}/insights")["code"] == 100


def test_a_bad_query_starts_no_run_and_old_runs_are_gone(ana: Api) -> None:
    assert ana.error("POST", f"{ACCOUNT}/insights", fields=["nope"])["code"] == 100
    run = start_run(ana)
    ana.control(clock_offset_days=31)
    assert ana.error("GET", run)["error_subcode"] == 33


def test_the_ledger_wants_a_whole_question(sandbox: SandboxHandle, visitor: Api) -> None:
    assert visitor.page("/sandbox/ledger?account=1").status_code == 400
    assert visitor.page("/sandbox/ledger?account=77&since=2026-10-01").status_code == 400
