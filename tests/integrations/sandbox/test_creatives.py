"""Creatives: what is refused, what is the same, what can change."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.meta_ads.enhancements import build_degrees_of_freedom_spec
from tests.integrations.sandbox.conftest import (
    ACCOUNT,
    DISABLED_ACCOUNT,
    LINK,
    PAGE,
    Api,
    creative_body,
)

SEED_IMAGE = "1".rjust(32, "0")


def test_a_creative_reads_back_as_it_was_sent(ana: Api) -> None:
    body = creative_body("Größe zählt – nicht.", image_hash=SEED_IMAGE)
    body["url_tags"] = "utm_source=meta&utm_content={{ad.id}}"
    made = ana.post(f"{ACCOUNT}/adcreatives", **body)
    assert set(made) == {"id"}
    read = ana.get(
        made["id"],
        fields="name,object_story_spec,url_tags,body,title,image_hash,call_to_action_type,"
        "effective_object_story_id,thumbnail_url",
    )
    assert read["object_story_spec"] == body["object_story_spec"]
    assert read["url_tags"] == body["url_tags"]
    assert read["body"] == "Größe zählt – nicht."
    assert read["call_to_action_type"] == "SHOP_NOW"
    assert read["effective_object_story_id"].startswith(f"{PAGE}_")


def test_status_is_in_process_then_active(ana: Api) -> None:
    creative = ana.creative()
    assert ana.get(creative, fields="status")["status"] == "IN_PROCESS"
    ana.control(clock_offset_days=1)
    assert ana.get(creative, fields="status")["status"] == "ACTIVE"


def test_same_content_gives_the_same_id_whatever_the_name(ana: Api) -> None:
    body = creative_body()
    first = ana.post(f"{ACCOUNT}/adcreatives", **body)["id"]
    renamed = {**body, "name": "LM-2", "adlabels": [{"name": "lm-2"}]}
    assert ana.post(f"{ACCOUNT}/adcreatives", **renamed)["id"] == first
    assert ana.creative("Other words") != first
    ana.control(dedupe_creatives="off")
    assert ana.post(f"{ACCOUNT}/adcreatives", **body)["id"] != first


def test_dedupe_by_name_too_can_be_switched_on(ana: Api) -> None:
    ana.control(dedupe_creatives="content_and_name")
    first = ana.post(f"{ACCOUNT}/adcreatives", **creative_body())["id"]
    assert ana.post(f"{ACCOUNT}/adcreatives", **creative_body())["id"] == first
    other = {**creative_body(), "name": "LM-2"}
    assert ana.post(f"{ACCOUNT}/adcreatives", **other)["id"] != first


def test_validate_only_makes_nothing(ana: Api) -> None:
    before = len(ana.get(f"{ACCOUNT}/adcreatives", limit="500")["data"])
    body = {**creative_body(), "execution_options": ["validate_only"]}
    assert ana.post(f"{ACCOUNT}/adcreatives", **body) == {"success": True}
    assert len(ana.get(f"{ACCOUNT}/adcreatives", limit="500")["data"]) == before
    body["object_story_spec"]["link_data"]["link"] = "nowhere"
    assert ana.error("POST", f"{ACCOUNT}/adcreatives", **body)["code"] == 100


def test_read_after_write_gives_the_asked_fields(ana: Api) -> None:
    made = ana.post(f"{ACCOUNT}/adcreatives", **creative_body(), fields="name,status")
    assert made["name"] == "LM-1"
    assert made["status"] == "IN_PROCESS"


@pytest.mark.parametrize(
    ("link_data", "blamed", "subcode"),
    [
        ({"link": ""}, "link", None),
        ({"link": "shop.acme.example"}, "link", None),
        ({"link": "ftp://shop.acme.example/"}, "link", None),
        ({"link": "https://shop.acme.example/" + "x" * 1000}, "link", None),
        ({"link": LINK + "?other"}, "link", None),
        ({"call_to_action": {"type": "SHOP_NOW"}}, "value", 2446383),
        ({"call_to_action": {"type": "BUY_SOMETHING"}}, "type", 1373054),
        ({"call_to_action": "SHOP_NOW"}, "call_to_action", None),
        ({"picture": "https://x.example/a.png", "image_hash": SEED_IMAGE}, "image_hash", None),
        ({"image_hash": "f" * 32}, "image_hash", None),
        ({"title": "Headline"}, "title", None),
        ({"message": 5}, "message", None),
    ],
)
def test_bad_link_data_is_blamed(
    ana: Api, link_data: dict[str, Any], blamed: str, subcode: int | None
) -> None:
    error = ana.error("POST", f"{ACCOUNT}/adcreatives", **creative_body(**link_data))
    assert (error["code"], error.get("error_subcode")) == (100, subcode)
    assert error["error_data"]["blame_field_specs"][0][-1] == blamed


@pytest.mark.parametrize(
    ("change", "subcode"),
    [
        ({"name": "x" * 101}, None),
        ({"object_story_spec": "nonsense"}, None),
        ({"object_story_spec": {"page_id": PAGE}}, None),
        ({"object_story_spec": {"page_id": PAGE, "link_data": {}, "photo_data": {}}}, None),
        ({"object_story_spec": {"link_data": {"link": LINK}}}, None),
        ({"object_story_spec": {"page_id": "1", "link_data": {"link": LINK}}}, 1885029),
        ({"object_story_spec": {"page_id": PAGE, "instagram_actor_id": "1"}}, None),
        ({"instagram_user_id": "178414000000003"}, 1815199),
        ({"headline": "x"}, None),
        (
            {
                "degrees_of_freedom_spec": {
                    "creative_features_spec": {
                        "standard_enhancements": {"enroll_status": "OPT_OUT"}
                    }
                }
            },
            None,
        ),
        (
            {"degrees_of_freedom_spec": {"creative_features_spec": {"text_optimizations": {}}}},
            3858082,
        ),
        (
            {
                "degrees_of_freedom_spec": {
                    "creative_features_spec": {"make_it_nice": {"enroll_status": "OPT_OUT"}}
                }
            },
            None,
        ),
        ({"execution_options": ["include_recommendations"]}, None),
    ],
)
def test_bad_creatives_are_refused(ana: Api, change: dict[str, Any], subcode: int | None) -> None:
    error = ana.error("POST", f"{ACCOUNT}/adcreatives", **{**creative_body(), **change})
    assert (error["code"], error.get("error_subcode")) == (100, subcode)


def test_a_creative_needs_a_story(ana: Api) -> None:
    assert ana.error("POST", f"{ACCOUNT}/adcreatives", name="x")["code"] == 100


def test_our_own_opt_outs_are_accepted_and_come_back_with_a_dead_key(ana: Api) -> None:
    body = {**creative_body(), "degrees_of_freedom_spec": build_degrees_of_freedom_spec()}
    made = ana.post(f"{ACCOUNT}/adcreatives", **body)["id"]
    spec = ana.get(made, fields="degrees_of_freedom_spec")["degrees_of_freedom_spec"]
    assert spec["creative_features_spec"]["text_generation"] == {"enroll_status": "OPT_OUT"}
    body["degrees_of_freedom_spec"] = spec
    assert ana.error("POST", f"{ACCOUNT}/adcreatives", **body)["code"] == 100


def test_advertising_for_a_page_needs_permission_and_task(ana: Api) -> None:
    ana.control(remove_scope={"user": "ana", "scope": "pages_manage_ads"})
    error = ana.error("POST", f"{ACCOUNT}/adcreatives", http=403, **creative_body())
    assert error["code"] == 200


def test_texts_never_change_but_names_and_labels_do(ana: Api) -> None:
    creative = ana.creative()
    assert ana.post(creative, name="Renamed", adlabels=[{"name": "lm-1"}]) == {"success": True}
    read = ana.get(creative, fields="name,adlabels")
    assert read["name"] == "Renamed"
    assert read["adlabels"][0]["name"] == "lm-1"
    assert ana.error("POST", creative, body="New words")["code"] == 100
    assert ana.error("POST", creative, object_story_spec={})["code"] == 100


def test_deleted_creatives_leave_lists_and_are_not_reused(ana: Api) -> None:
    creative = ana.creative()
    assert ana.call("DELETE", creative).json() == {"success": True}
    assert ana.get(creative, fields="status")["status"] == "DELETED"
    listed = {c["id"] for c in ana.get(f"{ACCOUNT}/adcreatives", limit="500")["data"]}
    assert creative not in listed
    assert ana.creative() != creative


def test_labels_find_creatives(ana: Api) -> None:
    body = {**creative_body(), "adlabels": [{"name": "lm-a"}, {"name": "lm-b"}]}
    made = ana.post(f"{ACCOUNT}/adcreatives", **body)["id"]
    labels = {
        row["name"]: row["id"] for row in ana.get(f"{ACCOUNT}/adlabels", fields="name")["data"]
    }
    other = ana.post(f"{ACCOUNT}/adlabels", name="lm-c")["id"]
    edge = f"{ACCOUNT}/adcreativesbylabels"
    assert ana.get(edge, ad_label_ids=[labels["lm-a"], other])["data"] == [{"id": made}]
    assert ana.get(edge, ad_label_ids=[labels["lm-a"], other], operator="ALL")["data"] == []
    assert ana.get(edge, ad_label_ids=list(labels.values()), operator="ALL")["data"]


@pytest.mark.parametrize(
    "labels", [[{"name": ""}], [{"id": "1"}], [{"name": f"l{n}"} for n in range(51)], ["lm"]]
)
def test_bad_labels_are_refused(ana: Api, labels: list[Any]) -> None:
    body = {**creative_body(), "adlabels": labels}
    assert ana.error("POST", f"{ACCOUNT}/adcreatives", **body)["code"] == 100


def test_a_disabled_account_takes_nothing(ana: Api) -> None:
    body = creative_body()
    body["object_story_spec"]["page_id"] = "110000000000002"
    error = ana.error("POST", f"{DISABLED_ACCOUNT}/adcreatives", http=403, **body)
    assert error["code"] == 200


def test_previews_of_stored_and_unstored_creatives(ana: Api) -> None:
    creative = ana.creative("Look at <this>")
    for path, params in (
        (f"{creative}/previews", {}),
        (f"{ACCOUNT}/generatepreviews", {"creative": {"creative_id": creative}}),
        (f"{ACCOUNT}/generatepreviews", {"creative": creative_body("Look at <this>")}),
    ):
        body = ana.get(path, ad_format="MOBILE_FEED_STANDARD", **params)["data"][0]["body"]
        assert body.startswith('<iframe src="http://127.0.0.1')
        source = body.split('"')[1].replace("&amp;", "&")
        page = ana.page(source.removeprefix(ana.base_url))
        assert "Look at &lt;this&gt;" in page.text
        assert "frame-ancestors http://localhost:*" in page.headers["Content-Security-Policy"]
    assert ana.error("GET", f"{creative}/previews", ad_format="BILLBOARD")["code"] == 100
    assert ana.error("GET", f"{creative}/previews")["code"] == 100
    assert ana.page("/ads/api/preview_iframe.php?d=xx").status_code == 404
    ana.token = ana.get("me/accounts")["data"][0]["access_token"]
    wrong = ana.error("GET", f"{creative}/previews", ad_format="MOBILE_FEED_STANDARD")
    assert wrong["code"] == 2606
