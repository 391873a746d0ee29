"""The client's contract: the six cases of the first specification, and what it got wrong."""

from __future__ import annotations

import inspect
import json
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from integrations.meta_ads import ads
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import MetaError, MetaTokenError, Unreadable
from integrations.meta_ads.types import AdCreativeSpec, AdState
from tests.integrations.meta_ads.conftest import ACT, BASE, answer, failing

SINCE, UNTIL = date(2026, 9, 1), date(2026, 9, 2)
SPEC = AdCreativeSpec(
    name="lm-1",
    page_id="555",
    message="Pack light.",
    headline="Tents",
    description="Free returns",
    link="https://acme.example/tents",
    call_to_action="SHOP_NOW",
    image_hash="0a1b",
    url_tags="utm_source=meta",
    label="lm-1",
)
ROW = {
    "campaign_id": "1202",
    "campaign_name": "Spring",
    "impressions": "18234",
    "reach": "15001",
    "clicks": "412",
    "inline_link_clicks": "301",
    "spend": "96.37",
    "cpm": "5.285181",
    "cpc": "0.233908",
    "ctr": "2.259515",
    "date_start": "2026-09-01",
    "date_stop": "2026-09-01",
    "actions": [
        {"action_type": "link_click", "value": "301"},
        {"action_type": "offsite_conversion.fb_pixel_purchase", "value": "7"},
        {"action_type": "omni_purchase", "value": "8"},
        {"action_type": "purchase", "value": "6"},
    ],
    "action_values": [
        {"action_type": "omni_purchase", "value": "800.00"},
        {"action_type": "purchase", "value": "540.00"},
    ],
}


def rows_of(client, *rows, graph):
    graph.get(f"{BASE}/{ACT}/insights", json={"data": list(rows)})
    (page,) = client.get_campaign_insights(ACT, SINCE, UNTIL)
    return page.rows


def body_of(call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.request.body).items()}


# --- The six cases -------------------------------------------------------------------------------


def test_get_campaign_insights_builds_correct_api_params(client, graph):
    rows_of(client, ROW, graph=graph)
    params = graph.calls[0].request.params
    assert params["level"] == "campaign"
    assert json.loads(params["time_range"]) == {"since": "2026-09-01", "until": "2026-09-02"}
    assert params["time_increment"] == "1"
    fields = set(params["fields"].split(","))
    assert {"campaign_id", "impressions", "spend", "actions", "action_values"} <= fields
    assert "conversions" not in fields


def test_get_campaign_insights_maps_every_metric_from_string_to_number(client, graph):
    (row,) = rows_of(client, ROW, graph=graph)
    assert (row.campaign_id, row.campaign_name) == ("1202", "Spring")
    assert (row.date_start, row.date_stop) == (date(2026, 9, 1), date(2026, 9, 1))
    assert (row.impressions, row.reach, row.clicks, row.inline_link_clicks) == (
        18234,
        15001,
        412,
        301,
    )
    assert (row.spend, row.cpm, row.cpc, row.ctr) == (
        Decimal("96.37"),
        Decimal("5.285181"),
        Decimal("0.233908"),
        Decimal("2.259515"),
    )


def test_get_campaign_insights_extracts_purchases_from_actions(client, graph):
    (row,) = rows_of(client, ROW, graph=graph)
    assert (row.conversions, row.conversion_value) == (Decimal(6), Decimal("540.00"))
    assert row.conversion_type == "purchase"


def test_create_ad_creative_sends_object_story_spec_with_page_id_message_name(client, graph):
    graph.post(f"{BASE}/{ACT}/adcreatives", json={"id": "77"})
    assert client.create_ad_creative(ACT, SPEC).id == "77"
    body = body_of(graph.calls[0])
    assert json.loads(body["object_story_spec"]) == {
        "page_id": "555",
        "link_data": {
            "message": "Pack light.",
            "name": "Tents",
            "description": "Free returns",
            "link": "https://acme.example/tents",
            "image_hash": "0a1b",
            "call_to_action": {
                "type": "SHOP_NOW",
                "value": {"link": "https://acme.example/tents"},
            },
        },
    }
    assert (body["name"], body["url_tags"]) == ("lm-1", "utm_source=meta")
    assert json.loads(body["adlabels"]) == [{"name": "lm-1"}]


def test_create_ad_creates_with_status_paused(client, graph):
    graph.post(f"{BASE}/{ACT}/ads", json={"id": "88"})
    created = client.create_ad(ACT, name="Ad", ad_set_id="7001", creative_id="77", label="lm-1")
    assert created.id == "88"
    body = body_of(graph.calls[0])
    assert body["status"] == "PAUSED"
    assert body["adset_id"] == "7001"
    assert json.loads(body["creative"]) == {"creative_id": "77"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": "expired", "code": 190, "error_subcode": 463}}),
        (401, {"error": {"message": "no code at all"}}),
        (400, {"error": {"message": "expired", "code": 190, "error_subcode": 463}}),
        (200, {"error": {"message": "expired", "code": 190}}),
    ],
)
def test_expired_token_raises_for_http_401_as_for_http_400_with_code_190(
    client, graph, status, body
):
    graph.get(f"{BASE}/{ACT}/insights", status=status, json=body)
    with pytest.raises(MetaTokenError):
        list(client.get_campaign_insights(ACT, SINCE, UNTIL))


def test_expired_token_raises_for_http_401_without_json(client, graph):
    graph.get(f"{BASE}/{ACT}/insights", status=401, body="<html>no</html>")
    with pytest.raises(MetaTokenError):
        list(client.get_campaign_insights(ACT, SINCE, UNTIL))


# --- Numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (["purchase", "omni_purchase"], ("purchase", Decimal(6))),
        (["omni_purchase", "offsite_conversion.fb_pixel_purchase"], ("omni_purchase", Decimal(8))),
        (
            ["offsite_conversion.fb_pixel_purchase"],
            ("offsite_conversion.fb_pixel_purchase", Decimal(7)),
        ),
        (["link_click"], ("", None)),
    ],
)
def test_purchase_aliases_are_never_added_up(client, graph, kept, expected):
    actions = [action for action in ROW["actions"] if action["action_type"] in kept]
    (row,) = rows_of(client, {**ROW, "actions": actions}, graph=graph)
    assert (row.conversion_type, row.conversions) == expected


def test_value_belongs_to_the_same_action_type_as_the_count(client, graph):
    actions = [{"action_type": "offsite_conversion.fb_pixel_purchase", "value": "7"}]
    (row,) = rows_of(client, {**ROW, "actions": actions}, graph=graph)
    assert row.conversion_value is None


def test_what_meta_left_out_stays_absent(client, graph):
    bare = {key: ROW[key] for key in ("campaign_id", "campaign_name", "date_start", "date_stop")}
    (row,) = rows_of(client, bare, graph=graph)
    assert {row.impressions, row.reach, row.clicks, row.spend, row.ctr, row.conversions} == {None}


def test_insights_come_page_by_page_and_tell_the_last_one(client, graph):
    url = f"{BASE}/{ACT}/insights"
    more = {"cursors": {"after": "a1"}, "next": "https://elsewhere.example/?access_token=x"}
    graph.get(url, json={"data": [ROW], "paging": more})
    more = {"cursors": {"after": "a2"}, "next": "https://elsewhere.example/"}
    graph.get(url, json={"data": [], "paging": more})
    graph.get(url, json={"data": [ROW], "paging": {"cursors": {"after": "a3"}}})
    pages = list(client.get_campaign_insights(ACT, SINCE, UNTIL))
    assert [(len(page.rows), page.is_last) for page in pages] == [
        (1, False),
        (0, False),
        (1, True),
    ]
    assert {call.request.params["limit"] for call in graph.calls} == {"500"}


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("2026-08-31", "2026-08-31"),
        ("2026-09-03", "2026-09-03"),
        ("2026-09-01", "2026-09-02"),
    ],
)
def test_row_of_other_days_than_asked_for_is_unreadable(client, graph, start, stop):
    with pytest.raises(Unreadable):
        rows_of(client, {**ROW, "date_start": start, "date_stop": stop}, graph=graph)


def test_other_action_types_can_be_asked_for(client, graph):
    graph.get(f"{BASE}/{ACT}/insights", json={"data": [ROW]})
    (page,) = client.get_campaign_insights(ACT, SINCE, UNTIL, action_types=["link_click"])
    assert (page.rows[0].conversion_type, page.rows[0].conversions) == ("link_click", Decimal(301))


def test_money_knows_its_currency(client, graph):
    (row,) = rows_of(client, {**ROW, "account_currency": "EUR"}, graph=graph)
    assert row.account_currency == "EUR"


# --- Creatives -----------------------------------------------------------------------------------


def test_creative_without_a_button_sends_no_call_to_action(client, graph):
    graph.post(f"{BASE}/{ACT}/adcreatives", json={"id": "77"})
    bare = AdCreativeSpec("n", "555", "m", "h", "", "https://acme.example/", "NO_BUTTON")
    client.create_ad_creative(ACT, bare)
    link_data = json.loads(body_of(graph.calls[0])["object_story_spec"])["link_data"]
    assert set(link_data) == {"message", "name", "link"}


def test_creative_opts_out_of_every_enhancement_that_touches_words(client, graph):
    graph.post(f"{BASE}/{ACT}/adcreatives", json={"id": "77"})
    client.create_ad_creative(ACT, SPEC)
    spec = json.loads(body_of(graph.calls[0])["degrees_of_freedom_spec"])
    features = spec["creative_features_spec"]
    assert features["text_optimizations"] == {"enroll_status": "OPT_OUT"}
    assert {feature["enroll_status"] for feature in features.values()} == {"OPT_OUT"}
    assert "standard_enhancements" not in features


# --- Images and ads ------------------------------------------------------------------------------


def test_upload_ad_image_sends_the_bytes_as_a_file_with_its_name(client, graph):
    graph.post(f"{BASE}/{ACT}/adimages", json=answer("image"))
    uploaded = client.upload_ad_image(ACT, filename="pic.png", content=b"\x89PNG bytes")
    assert (uploaded.hash, uploaded.name) == ("5f2d", "pic.png")
    body = graph.calls[0].request.body
    assert b'name="filename"; filename="pic.png"' in body
    assert b"\x89PNG bytes" in body
    assert b'name="appsecret_proof"' in body


def test_no_parameter_of_create_ad_can_ask_for_another_status(client):
    for method in (MetaAdsClient.create_ad, ads.create_ad):
        assert "status" not in inspect.signature(method).parameters
    with pytest.raises(TypeError):
        client.create_ad(ACT, name="Ad", ad_set_id="1", creative_id="2", status="ACTIVE")


def test_create_ad_carries_its_label_only_when_there_is_one(client, graph):
    graph.post(f"{BASE}/{ACT}/ads", json={"id": "88"})
    client.create_ad(ACT, name="Ad", ad_set_id="1", creative_id="2", label="lm-1")
    client.create_ad(ACT, name="Ad", ad_set_id="1", creative_id="2")
    first, second = map(body_of, graph.calls)
    assert json.loads(first["adlabels"]) == [{"name": "lm-1"}]
    assert "adlabels" not in second


def test_pause_ad_sets_paused(client, graph):
    graph.post(f"{BASE}/88", json={"success": True})
    client.pause_ad("88")
    assert body_of(graph.calls[0])["status"] == "PAUSED"


def test_get_ad_reads_back_what_meta_stored(client, graph):
    graph.get(f"{BASE}/88", json=answer("ad"))
    assert client.get_ad("88") == AdState(
        id="88",
        name="Tents · lm-1",
        adset_id="7001",
        account_id=ACT,
        creative_id="77",
        configured_status="PAUSED",
        effective_status="PENDING_REVIEW",
        label_names=("lm-1",),
    )


def test_get_creative_reads_back_what_was_sent(client, graph):
    graph.get(f"{BASE}/77", json=answer("creative"))
    creative = client.get_creative("77")
    assert (creative.page_id, creative.instagram_user_id) == ("555", "178414")
    assert (creative.message, creative.headline) == (SPEC.message, SPEC.headline)
    assert (creative.description, creative.link) == (SPEC.description, SPEC.link)
    assert (creative.call_to_action, creative.cta_link) == (SPEC.call_to_action, SPEC.link)
    assert (creative.image_hash, creative.url_tags) == (SPEC.image_hash, SPEC.url_tags)


def test_find_ads_takes_the_exact_name_first(client, graph):
    others = [{**answer("ad"), "id": "89", "name": "Tents · lm-10"}, answer("ad")]
    graph.get(f"{BASE}/{ACT}/ads", json={"data": others})
    assert [ad.id for ad in client.find_ads(ACT, label="lm-1", name="Tents · lm-1")] == ["88"]
    params = graph.calls[0].request.params
    assert json.loads(params["filtering"]) == [
        {"field": "name", "operator": "EQUAL", "value": "Tents · lm-1"}
    ]
    assert {"ARCHIVED", "WITH_ISSUES", "PENDING_REVIEW"} <= set(
        json.loads(params["effective_status"])
    )


def test_find_ads_falls_back_to_the_label(client, graph):
    labels = {"data": [{"id": "90", "name": "lm-10"}, {"id": "91", "name": "lm-1"}]}
    graph.get(f"{BASE}/{ACT}/ads", json={"data": []})
    graph.get(f"{BASE}/{ACT}/adlabels", json=labels)
    graph.get(f"{BASE}/{ACT}/adsbylabels", json={"data": [answer("ad")]})
    assert [ad.id for ad in client.find_ads(ACT, label="lm-1", name="x")] == ["88"]
    assert json.loads(graph.calls[2].request.params["ad_label_ids"]) == ["91"]


def test_find_ads_and_creatives_without_the_label_find_nothing(client, graph):
    graph.get(f"{BASE}/{ACT}/ads", json={"data": []})
    graph.get(f"{BASE}/{ACT}/adlabels", json={"data": [{"id": "90", "name": "lm-10"}]})
    assert client.find_ads(ACT, label="lm-1", name="x") == ()
    assert client.find_creatives(ACT, label="lm-1") == ()


def test_find_creatives_by_label(client, graph):
    graph.get(f"{BASE}/{ACT}/adlabels", json={"data": [{"id": "91", "name": "lm-1"}]})
    graph.get(f"{BASE}/{ACT}/adcreativesbylabels", json={"data": [{"id": "77"}, {"id": "78"}]})
    assert [found.id for found in client.find_creatives(ACT, label="lm-1")] == ["77", "78"]


@pytest.mark.parametrize("path", ["ads", "adlabels"])
def test_failed_look_up_is_never_an_empty_one(client, graph, path):
    if path != "ads":
        graph.get(f"{BASE}/{ACT}/ads", json={"data": []})
    graph.get(f"{BASE}/{ACT}/{path}", status=400, json=failing(80004))
    with pytest.raises(MetaError):
        client.find_ads(ACT, label="lm-1", name="x")
