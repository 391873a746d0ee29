"""Ads: created, reviewed, changed, found again, refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.sandbox.conftest import ACCOUNT, AD_SET, Api, Clock, creative_body

FULL_AD_SET = "12021000120000010"
DSA_AD_SET = "12021000120000012"
DYNAMIC_AD_SET = "12021000120000015"
PAUSED_CAMPAIGN_AD_SET = "12021000120000005"
ARCHIVED_AD_SET = "12021000120000019"
US_AD_SET = "12021000220000001"
STATUS = "configured_status,effective_status"


def statuses(api: Api, ad: str) -> tuple[str, str]:
    read = api.get(ad, fields=STATUS)
    return read["configured_status"], read["effective_status"]


def test_a_paused_ad_is_reviewed_first_and_then_paused(ana: Api, clock: Clock) -> None:
    ad = ana.ad()
    assert statuses(ana, ad) == ("PAUSED", "PENDING_REVIEW")
    clock.now += 60
    assert statuses(ana, ad) == ("PAUSED", "PAUSED")


def test_without_status_an_ad_is_active(ana: Api) -> None:
    ana.control(review_seconds=0)
    body = {"name": "x", "adset_id": AD_SET, "creative": {"creative_id": ana.creative()}}
    ad = ana.post(f"{ACCOUNT}/ads", **body)["id"]
    assert statuses(ana, ad) == ("ACTIVE", "ACTIVE")


def test_parents_pause_an_active_ad(ana: Api) -> None:
    ana.control(review_seconds=0)
    ad = ana.ad(status="ACTIVE", adset_id=PAUSED_CAMPAIGN_AD_SET)
    assert statuses(ana, ad) == ("ACTIVE", "CAMPAIGN_PAUSED")
    other = ana.ad(status="ACTIVE")
    ana.post(AD_SET, status="PAUSED")
    assert statuses(ana, other) == ("ACTIVE", "ADSET_PAUSED")
    ana.post(AD_SET, status="ACTIVE")
    assert statuses(ana, other) == ("ACTIVE", "ACTIVE")


def test_posting_twice_makes_two_ads(ana: Api) -> None:
    creative = ana.creative()
    assert ana.ad(creative) != ana.ad(creative)


def test_an_ad_reads_back_whole(ana: Api) -> None:
    creative = ana.creative()
    ad = ana.ad(creative, name="LM · A tent", adlabels=[{"name": "lm-1"}])
    read = ana.get(
        ad,
        fields="id,name,account_id,adset_id,campaign_id,creative{id},adlabels{name},"
        "created_time,preview_shareable_link",
    )
    assert read["creative"] == {"id": creative}
    assert read["name"] == "LM · A tent"
    assert read["account_id"] == ACCOUNT[4:]
    assert read["adset_id"] == AD_SET
    assert read["campaign_id"] == "12021000110000001"
    assert read["adlabels"][0]["name"] == "lm-1"
    assert read["created_time"] == "2026-11-24T12:00:00+0000"


def test_an_inline_creative_is_made_along(ana: Api) -> None:
    ad = ana.ad("x", creative=creative_body("Inline words"))
    creative = ana.get(ad, fields="creative{body}")["creative"]
    assert creative["body"] == "Inline words"


@pytest.mark.parametrize(
    ("change", "subcode"),
    [
        ({"name": ""}, None),
        ({"adset_id": ""}, None),
        ({"adset_id": "12021000110000001"}, None),
        ({"adset_id": "7"}, None),
        ({"adset_id": US_AD_SET}, None),
        ({"adset_id": FULL_AD_SET}, 1487941),
        ({"adset_id": DSA_AD_SET}, 3858152),
        ({"adset_id": DYNAMIC_AD_SET}, 1885553),
        ({"adset_id": ARCHIVED_AD_SET}, 1487056),
        ({"creative": {"creative_id": "7"}}, None),
        ({"creative": {"creative_id": AD_SET}}, None),
        ({"creative": {"creative_id": "12021000240000001"}}, None),
        ({"creative": "7"}, None),
        ({"creative": {"name": "x" * 101}}, None),
        ({"status": "ARCHIVED"}, None),
        ({"status": "paused"}, None),
        ({"headline": "x"}, None),
        ({"execution_options": ["synchronous_ad_review"]}, None),
    ],
)
def test_bad_ads_are_refused(ana: Api, change: dict[str, Any], subcode: int | None) -> None:
    body = {
        "name": "x",
        "adset_id": AD_SET,
        "status": "PAUSED",
        "creative": {"creative_id": ana.creative()},
        **change,
    }
    before = len(ana.page("/sandbox/state").json()["ads"])
    error = ana.error("POST", f"{ACCOUNT}/ads", **body)
    assert (error["code"], error.get("error_subcode")) == (100, subcode)
    assert len(ana.page("/sandbox/state").json()["ads"]) == before


def test_deleting_makes_room_in_a_full_ad_set(ana: Api) -> None:
    creative = ana.creative()
    body = {"name": "x", "adset_id": FULL_AD_SET, "creative": {"creative_id": creative}}
    ana.error("POST", f"{ACCOUNT}/ads", **body)
    old = ana.get(f"{FULL_AD_SET}/ads", limit="1")["data"][0]["id"]
    ana.call("DELETE", old)
    assert ana.post(f"{ACCOUNT}/ads", **body)["id"]


def test_validate_only_makes_no_ad(ana: Api) -> None:
    body = {
        "name": "x",
        "adset_id": AD_SET,
        "creative": {"creative_id": ana.creative()},
        "execution_options": ["validate_only", "synchronous_ad_review"],
    }
    assert ana.post(f"{ACCOUNT}/ads", **body) == {"success": True}
    assert ana.page("/sandbox/state").json()["ads"] == []
    assert ana.error("POST", f"{ACCOUNT}/ads", **{**body, "adset_id": FULL_AD_SET})


def test_a_new_creative_means_a_new_review(ana: Api, clock: Clock) -> None:
    ad = ana.ad()
    clock.now += 60
    other = ana.creative("New words")
    assert ana.post(ad, creative={"creative_id": other}) == {"success": True}
    assert ana.get(ad, fields="creative")["creative"] == {"id": other}
    assert statuses(ana, ad) == ("PAUSED", "PENDING_REVIEW")


def test_archived_takes_a_name_and_deleted_only_a_name(ana: Api) -> None:
    ad = ana.ad()
    ana.post(ad, status="ARCHIVED")
    assert statuses(ana, ad) == ("ARCHIVED", "ARCHIVED")
    assert ana.error("POST", ad, status="ACTIVE")["error_subcode"] == 1885088
    ana.post(ad, name="Still nameable")
    ana.post(ad, status="DELETED")
    assert ana.error("POST", ad, status="PAUSED")["error_subcode"] == 1487056
    ana.post(ad, name="Even now")
    assert ana.get(ad, fields="name")["name"] == "Even now"
    assert ad not in {row["id"] for row in ana.get(f"{ACCOUNT}/ads", limit="500")["data"]}


def test_disapproval_says_why(ana: Api) -> None:
    ad = ana.ad()
    ana.control(disapprove={"ad_id": ad, "policy": "Sensational content", "text": "Too loud."})
    read = ana.get(ad, fields="effective_status,ad_review_feedback")
    assert read["effective_status"] == "DISAPPROVED"
    assert read["ad_review_feedback"]["global"] == {"Sensational content": "Too loud."}
    ana.control(approve=ad)
    assert statuses(ana, ad) == ("PAUSED", "PAUSED")
    assert "ad_review_feedback" not in ana.get(ad, fields="ad_review_feedback")


def test_ads_are_found_by_name_and_by_label(ana: Api) -> None:
    ad = ana.ad(name="LM · exactly this", adlabels=[{"name": "lm-77"}])
    ana.ad(name="LM · exactly this too")
    rule = {"field": "name", "operator": "EQUAL", "value": "LM · exactly this"}
    wanted = ["PAUSED", "PENDING_REVIEW"]
    found = ana.get(f"{ACCOUNT}/ads", filtering=[rule], effective_status=wanted)["data"]
    assert [row["id"] for row in found] == [ad]
    label = ana.get(f"{ACCOUNT}/adlabels", fields="name")["data"][0]
    assert ana.get(f"{ACCOUNT}/adsbylabels", ad_label_ids=[label["id"]])["data"] == [{"id": ad}]
    assert ana.get(f"{label['id']}/ads")["data"] == [{"id": ad}]


def test_lists_lag_behind_when_told_but_ids_answer(ana: Api, clock: Clock) -> None:
    ana.control(listing_delay_seconds=30)
    ad = ana.ad(adlabels=[{"name": "lm-1"}])
    newest = ana.get(f"{ACCOUNT}/ads", limit="1")["data"][0]["id"]
    assert newest != ad
    assert ana.get(ad)["id"] == ad
    clock.now += 31
    assert ana.get(f"{ACCOUNT}/ads", limit="1")["data"][0]["id"] == ad


def test_updated_since_lists_what_changed(ana: Api, clock: Clock) -> None:
    ad = ana.ad()
    since = str(int(clock.now) - 5)
    assert [r["id"] for r in ana.get(f"{ACCOUNT}/ads", updated_since=since)["data"]] == [ad]


def test_activities_tell_who_changed_what(ana: Api) -> None:
    ad = ana.ad()
    ana.post(ad, status="ACTIVE")
    ana.control(edit_live={"ad_id": ad, "message": "Changed in Ads Manager"})
    rows = ana.get(
        f"{ACCOUNT}/activities",
        fields="actor_name,application_id,event_type,object_id,extra_data,event_time",
        oid=ad,
    )["data"]
    assert [row["event_type"] for row in rows] == [
        "update_ad_creative",
        "update_ad_run_status",
        "create_ad",
    ]
    assert rows[1]["application_id"] == "100000000000001"
    assert rows[1]["extra_data"] == '{"old_value":"PAUSED","new_value":"ACTIVE"}'
    assert "application_id" not in rows[0]
    assert rows[0]["actor_name"] != "Ana Keller"


def test_an_edit_in_ads_manager_changes_the_live_text(ana: Api) -> None:
    creative = ana.creative("Approved words")
    ad = ana.ad(creative)
    fresh = ana.control(edit_live={"ad_id": ad, "message": "Somebody's words"})["edit_live"]
    read = ana.get(ad, fields="creative{body}")["creative"]
    assert read == {"body": "Somebody's words", "id": fresh}
    assert ana.get(creative, fields="body")["body"] == "Approved words"


def test_budgets_of_ad_sets_and_campaigns_are_stored_as_text(ana: Api) -> None:
    ana.post(AD_SET, daily_budget="2500", name="Renamed")
    assert ana.get(AD_SET, fields="daily_budget,name")["daily_budget"] == "2500"
    assert ana.error("POST", AD_SET, daily_budget="-1")["code"] == 100
    ana.post("12021000110000001", status="PAUSED")
    assert ana.get(AD_SET, fields="effective_status")["effective_status"] == "CAMPAIGN_PAUSED"


def test_updates_can_be_only_validated(ana: Api) -> None:
    ad = ana.ad()
    done = ana.post(ad, status="ACTIVE", execution_options=["validate_only"])
    assert done == {"success": True}
    assert statuses(ana, ad)[0] == "PAUSED"
