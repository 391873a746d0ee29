"""Paths, versions, parameters, fields and batches: as picky as Meta."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integrations.sandbox.conftest import ACCOUNT, AD_SET, Api, creative_body


@pytest.mark.parametrize("path", ["me/", "me//", "/me", "//me/"])
def test_trailing_and_double_slashes_do_not_matter(ana: Api, path: str) -> None:
    assert ana.get(path, fields="id")["id"] == "122000000000001"


def test_answers_name_their_version(ana: Api) -> None:
    assert ana.call("GET", "me").headers["facebook-api-version"] == "v26.0"
    assert ana.call("GET", "me", version="v25.0").headers["facebook-api-version"] == "v25.0"
    assert ana.call("GET", "nobody").headers["facebook-api-version"] == "v26.0"


def test_the_two_calendars_differ(ana: Api) -> None:
    dead = ana.error("GET", f"{ACCOUNT}/campaigns", version="v24.0")
    assert dead["code"] == 2635
    assert ana.get("me", version="v24.0", fields="id")["id"]
    assert ana.error("GET", "me", version="v19.0")["code"] == 2635
    assert ana.error("GET", "me", version="v99.0")["code"] == 2500


def test_upgrades_are_switched_on_per_endpoint(ana: Api) -> None:
    ana.control(auto_upgrade=["campaigns"])
    response = ana.call("GET", f"{ACCOUNT}/campaigns", version="v22.0")
    assert response.status_code == 200
    assert response.headers["facebook-api-version"] == "v25.0"
    assert "v22.0" in response.headers["x-ad-api-version-warning"]
    assert ana.error("GET", f"{ACCOUNT}/adsets", version="v22.0")["code"] == 2635


def test_a_version_dies_on_its_day(ana: Api) -> None:
    ana.control(clock_offset_days=-50)
    assert ana.get(f"{ACCOUNT}/campaigns", version="v24.0")["data"]
    ana.control(clock_offset_days=-49)
    assert ana.error("GET", f"{ACCOUNT}/campaigns", version="v24.0")["code"] == 2635


def test_unversioned_marketing_calls_fail_and_core_calls_do_not(ana: Api) -> None:
    assert ana.error("GET", f"{ACCOUNT}/campaigns", version="")["code"] == 2635
    assert ana.get("me", version="", fields="id")["id"]


def test_root_ids_are_gone(ana: Api) -> None:
    assert ana.error("GET", "", ids=f"{ACCOUNT},{AD_SET}")["code"] == 100
    assert ana.error("GET", "")["code"] == 2500


def test_there_are_no_etags(ana: Api) -> None:
    headers = {"Authorization": f"Bearer {ana.token}", "If-None-Match": "*"}
    response = ana.page("/v26.0/me", headers=headers)
    assert response.status_code == 200
    assert "ETag" not in response.headers


def test_unknown_fields_fail_the_whole_read(ana: Api) -> None:
    error = ana.error("GET", f"{ACCOUNT}/ads", fields="id,review_feedback")
    assert error["code"] == 100
    assert error["message"] == (
        "(#100) Tried accessing nonexisting field (review_feedback) on node type (Ad)"
    )
    assert ana.error("GET", "me", fields="id,shoe_size")["code"] == 100
    assert ana.error("GET", ACCOUNT, fields="name{")["code"] == 2500


def test_fields_may_be_json_and_repeat(ana: Api) -> None:
    assert set(ana.get("me", fields='["name","id","name"]')) == {"name", "id"}


def test_unknown_edges_and_methods_say_so(ana: Api) -> None:
    assert "nonexisting field (biscuits)" in ana.error("GET", f"{ACCOUNT}/biscuits")["message"]
    assert ana.error("POST", f"{ACCOUNT}/biscuits")["error_subcode"] == 33
    assert ana.error("GET", f"{ACCOUNT}/ads/more")["code"] == 2500
    assert ana.error("PUT", ACCOUNT)["error_subcode"] == 33


@pytest.mark.parametrize(
    ("path", "params", "blamed"),
    [
        ("ads", {"colour": "red"}, "colour"),
        ("campaigns", {"effective_status": ["RUNNING"]}, "effective_status"),
        ("ads", {"updated_since": "yesterday"}, "updated_since"),
        ("ads", {"limit": "0"}, "limit"),
        ("ads", {"limit": "many"}, "limit"),
        ("ads", {"date_format": "U"}, "date_format"),
        ("adsbylabels", {}, "ad_label_ids"),
        ("adsbylabels", {"ad_label_ids": ["1"], "operator": "SOME"}, "operator"),
        ("ads", {"filtering": "name"}, "filtering"),
        ("ads", {"filtering": ["name"]}, "filtering"),
        ("ads", {"time_range": "[1]"}, "time_range"),
    ],
)
def test_bad_read_parameters_are_blamed(
    ana: Api, path: str, params: dict[str, Any], blamed: str
) -> None:
    error = ana.error("GET", f"{ACCOUNT}/{path}", **params)
    assert error["code"] == 100
    assert error["error_data"]["blame_field_specs"] == [[blamed]]


def test_too_large_a_page_says_reduce_in_the_bare_way(ana: Api) -> None:
    error = ana.error("GET", f"{ACCOUNT}/ads", http=500, limit="5000")
    assert set(error) == {"code", "message"}
    assert error["code"] == 1


def test_pretty_and_debug_are_ignored(ana: Api) -> None:
    response = ana.call("GET", "me", pretty="true", debug="all", fields="id")
    assert response.text == '{"id":"122000000000001"}'


def test_lists_may_be_json_or_comma_text(ana: Api) -> None:
    as_json = ana.get(f"{ACCOUNT}/campaigns", effective_status=["PAUSED", "ARCHIVED"])
    as_text = ana.get(f"{ACCOUNT}/campaigns", effective_status="PAUSED,ARCHIVED")
    assert as_json["data"] == as_text["data"] != []


def test_json_bodies_are_understood(ana: Api) -> None:
    headers = {"Authorization": f"Bearer {ana.token}"}
    where = f"/v26.0/{ACCOUNT}/adcreatives"
    made = ana.page(where, method="POST", json=creative_body(), headers=headers)
    assert made.status_code == 200
    broken = {**headers, "Content-Type": "application/json"}
    answer = ana.page(where, method="POST", data=b'{"name":', headers=broken)
    assert answer.json()["error"]["code"] == 100


def test_other_host_names_are_refused(ana: Api) -> None:
    answer = ana.page("/v26.0/me", headers={"Host": "evil.example:8001"})
    assert answer.status_code == 403


def test_errors_carry_a_trace_and_usage(ana: Api) -> None:
    response = ana.call("GET", f"{ACCOUNT}/ads", fields="nope")
    error = response.json()["error"]
    assert error["fbtrace_id"].startswith("A")
    assert error["is_transient"] is False
    assert "x-business-use-case-usage" in response.headers
    assert "x-app-usage" in response.headers


# --- batches -----------------------------------------------------------------------------------
def batch(api: Api, items: list[dict[str, Any]], **more: Any) -> Any:
    return api.post("", batch=items, **more)


def test_batch_answers_each_item_with_its_own_status_and_headers(ana: Api) -> None:
    answers = batch(
        ana,
        [
            {"method": "GET", "relative_url": "me?fields=id"},
            {"method": "GET", "relative_url": f"v26.0/{ACCOUNT}/campaigns?limit=1"},
            {"method": "GET", "relative_url": "1/nothing"},
        ],
    )
    assert [answer["code"] for answer in answers] == [200, 200, 400]
    assert json.loads(answers[0]["body"]) == {"id": "122000000000001"}
    headers = {h["name"].lower(): h["value"] for h in answers[1]["headers"]}
    assert headers["facebook-api-version"] == "v26.0"
    assert ACCOUNT[4:] in headers["x-business-use-case-usage"]
    bare = batch(ana, [{"method": "GET", "relative_url": "me"}], include_headers="false")
    assert "headers" not in bare[0]


def test_batch_items_refer_to_earlier_ones(ana: Api) -> None:
    body = creative_body()
    story = json.dumps(body["object_story_spec"])
    answers = batch(
        ana,
        [
            {
                "method": "POST",
                "relative_url": f"{ACCOUNT}/adcreatives",
                "name": "c",
                "body": f"name=LM&object_story_spec={story}",
            },
            {
                "method": "POST",
                "relative_url": f"{ACCOUNT}/ads",
                "body": f"name=LM&adset_id={AD_SET}&status=PAUSED"
                '&creative={"creative_id":"{result=c:$.id}"}',
            },
        ],
    )
    ids = [json.loads(answer["body"])["id"] for answer in answers]
    assert ana.get(ids[1], fields="creative")["creative"]["id"] == ids[0]


@pytest.mark.parametrize("items", [[], [{}] * 51])
def test_batch_takes_one_to_fifty(ana: Api, items: list[dict[str, Any]]) -> None:
    assert ana.error("POST", "", batch=items)["code"] == 100


def test_batch_items_may_stay_unanswered_with_and_without_effect(ana: Api) -> None:
    item = {"method": "POST", "relative_url": f"{ACCOUNT}/adlabels", "body": "name=lost"}
    ana.control(batch_null={"times": 1, "with_effect": True})
    assert batch(ana, [item]) == [None]
    assert [label["name"] for label in ana.get(f"{ACCOUNT}/adlabels", fields="name")["data"]] == [
        "lost"
    ]
    ana.control(batch_null={"times": 1})
    assert batch(ana, [{**item, "body": "name=never"}]) == [None]
    assert "never" not in str(ana.get(f"{ACCOUNT}/adlabels", fields="name"))
