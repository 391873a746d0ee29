"""The client's contract: the six cases of the first specification, and what it got wrong."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from integrations.meta_ads.errors import MetaTokenError
from integrations.meta_ads.types import AdCreativeSpec
from tests.integrations.meta_ads.conftest import ACT, BASE

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
    ("status", "answer"),
    [
        (401, {"error": {"message": "expired", "code": 190, "error_subcode": 463}}),
        (401, {"error": {"message": "no code at all"}}),
        (400, {"error": {"message": "expired", "code": 190, "error_subcode": 463}}),
        (200, {"error": {"message": "expired", "code": 190}}),
    ],
)
def test_expired_token_raises_for_http_401_as_for_http_400_with_code_190(
    client, graph, status, answer
):
    graph.get(f"{BASE}/{ACT}/insights", status=status, json=answer)
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


def test_pages_are_read_to_the_end_even_through_an_empty_one(client, graph):
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
    assert [call.request.params.get("after") for call in graph.calls] == [None, "a1", "a2"]


def test_page_that_is_too_heavy_is_asked_for_in_half_the_size(client, graph):
    url = f"{BASE}/{ACT}/insights"
    heavy = {"error": {"code": 1, "message": "Please reduce the amount of data you're asking for"}}
    graph.get(url, status=500, json=heavy)
    graph.get(url, json={"data": [ROW]})
    assert len(list(client.get_campaign_insights(ACT, SINCE, UNTIL))) == 1
    limits = [call.request.params["limit"] for call in graph.calls]
    assert limits == ["500", "250"]


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
