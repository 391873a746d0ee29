"""Listing people's accounts, Pages and what lies under an ad account."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integrations.sandbox.conftest import ACCOUNT, PAGE, Api

FULL_AD_SET = "12021000120000010"


def test_ad_accounts_come_in_several_states(ana: Api) -> None:
    rows = ana.get(
        "me/adaccounts",
        fields="name,account_status,disable_reason,currency,timezone_name,business,user_tasks",
    )["data"]
    assert [row["currency"] for row in rows] == ["EUR", "USD", "JPY", "EUR"]
    assert [row["account_status"] for row in rows] == [1, 1, 3, 2]
    assert rows[0]["business"] == {"id": "177000000000001", "name": "Acme Outdoor"}
    assert rows[0]["timezone_name"] == "Europe/Berlin"
    assert "ADVERTISE" in rows[0]["user_tasks"]


def test_offset_hours_follow_the_accounts_own_timezone(ana: Api) -> None:
    rows = ana.get("me/adaccounts", fields="timezone_offset_hours_utc")["data"]
    assert [row["timezone_offset_hours_utc"] for row in rows] == [1.0, -5.0, 9.0, 1.0]


def test_without_fields_only_the_few_defaults_come(ana: Api) -> None:
    assert ana.get("me/adaccounts")["data"][0] == {"account_id": ACCOUNT[4:], "id": ACCOUNT}
    assert ana.get("me") == {"name": "Ana Keller", "id": "122000000000001"}
    assert set(ana.get(f"{ACCOUNT}/campaigns")["data"][0]) == {"id"}


def test_pages_carry_tasks_and_instagram(ana: Api) -> None:
    rows = ana.get("me/accounts", fields="id,name,tasks,instagram_business_account")["data"]
    assert [row["name"] for row in rows] == ["Acme Outdoor", "Acme Trail Club"]
    assert rows[0]["instagram_business_account"] == {"id": "178414000000001"}
    assert "instagram_business_account" not in rows[1]
    assert "access_token" not in rows[0]


def test_pages_are_empty_without_the_permission(ana: Api) -> None:
    ana.control(remove_scope={"user": "ana", "scope": "pages_show_list"})
    assert ana.get("me/accounts") == {"data": []}


def test_promotable_pages_leave_out_those_without_the_task(visitor: Api) -> None:
    visitor.sign_in("ben")
    assert len(visitor.get("me/accounts")["data"]) == 1
    assert visitor.get("me/accounts", is_promotable="true")["data"] == []


def test_businesses_and_their_edges(ana: Api) -> None:
    assert [b["name"] for b in ana.get("me/businesses")["data"]] == ["Acme Outdoor"]
    owned = ana.get("177000000000001/owned_ad_accounts", fields="name")["data"]
    assert len(owned) == 4
    # Borealis is a client, but Ana has no task there.
    assert ana.get("177000000000001/client_ad_accounts")["data"] == []
    pages = ana.get("177000000000001/owned_pages", fields="name")["data"]
    assert {page["name"] for page in pages} == {"Acme Outdoor", "Acme Trail Club"}


def test_instagram_and_promoted_pages_of_an_account(ana: Api) -> None:
    found = ana.get(f"{ACCOUNT}/instagram_accounts", fields="id,username")["data"]
    assert found == [{"id": "178414000000001", "username": "acme.outdoor"}]
    assert ana.get(f"{ACCOUNT}/promote_pages")["data"] == [{"name": "Acme Outdoor", "id": PAGE}]


def test_archived_campaigns_hide_unless_asked_for(ana: Api) -> None:
    names = {c["name"] for c in ana.get(f"{ACCOUNT}/campaigns", fields="name")["data"]}
    assert len(names) == 9
    archived = ana.get(f"{ACCOUNT}/campaigns", fields="name", effective_status=["ARCHIVED"])
    assert [c["name"] for c in archived["data"]] == ["Autumn clearance 2025"]


def test_deleted_cannot_be_listed_and_unknown_statuses_are_refused(ana: Api) -> None:
    for wrong in ("DELETED", "SLEEPING"):
        assert ana.error("GET", f"{ACCOUNT}/ads", effective_status=[wrong])["code"] == 100


def test_ad_sets_name_their_campaign_and_missing_dsa_data(ana: Api) -> None:
    rows = ana.get(
        f"{ACCOUNT}/adsets",
        fields="name,campaign{name},effective_status,is_dynamic_creative,dsa_beneficiary",
        limit="100",
    )["data"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["Spring, new customers"]["campaign"]["name"] == "Spring hiking boots"
    assert by_name["Summer sale, all DE"]["effective_status"] == "CAMPAIGN_PAUSED"
    assert "dsa_beneficiary" not in by_name["Cold regions, no DSA data"]
    assert by_name["Daypacks, dynamic texts"]["is_dynamic_creative"] is True


def test_audiences_cover_the_states_people_meet(ana: Api) -> None:
    rows = ana.get(
        f"{ACCOUNT}/customaudiences",
        fields="name,delivery_status,operation_status,approximate_count_lower_bound,time_updated",
    )["data"]
    codes = {(r["delivery_status"]["code"], r["operation_status"]["code"]) for r in rows}
    assert codes == {(200, 200), (300, 200), (200, 100), (400, 471), (300, 441)}
    assert isinstance(rows[0]["approximate_count_lower_bound"], int)
    assert isinstance(rows[0]["time_updated"], int)


def test_full_ad_set_has_fifty_ads(ana: Api) -> None:
    page = ana.get(f"{FULL_AD_SET}/ads", summary="true")
    assert page["summary"] == {"total_count": 50}
    assert len(page["data"]) == 25


def test_paging_ends_only_when_next_is_missing(ana: Api) -> None:
    seen, after, pages = [], "", 0
    while True:
        more = {"after": after} if after else {}
        page = ana.get(f"{ACCOUNT}/ads", limit="30", **more)
        seen += [ad["id"] for ad in page["data"]]
        after, pages = page["paging"]["cursors"]["after"], pages + 1
        if "next" not in page["paging"]:
            break
    assert pages == 3
    assert len(seen) == len(set(seen)) == 84


def test_next_is_an_absolute_address_with_the_token(ana: Api) -> None:
    page = ana.get(f"{ACCOUNT}/campaigns", fields="id", limit="2")
    address = urlsplit(page["paging"]["next"])
    query = parse_qs(address.query)
    assert query["access_token"] == [ana.token]
    assert query["fields"] == ["id"]
    token, ana.token = ana.token, ""
    following = ana.page(f"{address.path}?{address.query}").json()
    ana.token = token
    assert following["data"][0]["id"] not in {row["id"] for row in page["data"]}
    back = ana.get(
        f"{ACCOUNT}/campaigns", limit="2", before=following["paging"]["cursors"]["before"]
    )
    assert [row["id"] for row in back["data"]] == [row["id"] for row in page["data"]]


def test_cursors_survive_new_objects(ana: Api) -> None:
    first = ana.get(f"{ACCOUNT}/ads", limit="5")
    ana.ad()
    second = ana.get(f"{ACCOUNT}/ads", limit="5", after=first["paging"]["cursors"]["after"])
    assert not {r["id"] for r in first["data"]} & {r["id"] for r in second["data"]}


@pytest.mark.parametrize("cursor", ["nonsense!", "MTIz", "%%%"])
def test_bad_cursors_are_refused(ana: Api, cursor: str) -> None:
    assert ana.error("GET", f"{ACCOUNT}/ads", after=cursor)["code"] == 100


def test_empty_page_may_still_have_next(ana: Api) -> None:
    ana.control(empty_page={"path": "campaigns"})
    first = ana.get(f"{ACCOUNT}/campaigns", limit="5")
    assert first["data"] == []
    assert "next" in first["paging"]
    second = ana.get(f"{ACCOUNT}/campaigns", limit="5", after=first["paging"]["cursors"]["after"])
    assert len(second["data"]) == 5


def test_name_filter_finds_one_campaign(ana: Api) -> None:
    rule = {"field": "campaign.name", "operator": "EQUAL", "value": "Family tents"}
    rows = ana.get(f"{ACCOUNT}/campaigns", fields="name", filtering=[rule])["data"]
    assert [row["name"] for row in rows] == ["Family tents"]
    wrong = {**rule, "operator": "SOUNDS_LIKE"}
    assert ana.error("GET", f"{ACCOUNT}/campaigns", filtering=[wrong])["code"] == 100
    wrong = {**rule, "field": "colour"}
    assert ana.error("GET", f"{ACCOUNT}/campaigns", filtering=[wrong])["code"] == 100


def test_expansion_brings_children_along(ana: Api) -> None:
    campaign = ana.get("12021000110000001", fields="name,adsets.limit(1){name,ads{id}}")
    assert len(campaign["adsets"]["data"]) == 1
    assert len(campaign["adsets"]["data"][0]["ads"]["data"]) == 2


def test_what_a_person_cannot_see_looks_missing(visitor: Api) -> None:
    visitor.sign_in("vera")
    for path in (ACCOUNT, f"{ACCOUNT}/ads", "12021000110000001", PAGE, "act_1", "123456"):
        error = visitor.error("GET", path)
        assert (error["code"], error["error_subcode"]) == (100, 33)
        assert error["type"] == "GraphMethodException"


def test_reading_needs_a_scope_and_writing_needs_a_task(visitor: Api) -> None:
    visitor.sign_in("ben")
    assert visitor.get(f"{ACCOUNT}/campaigns")["data"]
    error = visitor.error("POST", f"{ACCOUNT}/adlabels", http=403, name="x")
    assert (error["code"], error["error_subcode"]) == (200, 1815694)
    visitor.sign_in("ana", scopes=["ads_read"])
    visitor.control(remove_scope={"user": "ana", "scope": "ads_management"})
    assert visitor.error("POST", f"{ACCOUNT}/adlabels", http=403, name="x")["code"] == 200
    visitor.control(remove_scope={"user": "ana", "scope": "ads_read"})
    assert visitor.error("GET", f"{ACCOUNT}/campaigns", http=403)["code"] == 200


def test_image_label_and_instagram_nodes_can_be_read(ana: Api) -> None:
    image = ana.get(f"{ACCOUNT}/adimages", fields="hash,url,width")["data"][0]
    assert ana.get(image["id"], fields="hash")["hash"] == image["hash"]
    assert ana.page(urlsplit(image["url"]).path).headers["Content-Type"] == "image/png"
    assert ana.get("178414000000001", fields="username")["username"] == "acme.outdoor"
