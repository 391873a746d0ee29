"""From `seed.json` to Graph objects: the demo world, and large worlds for measuring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

Node = dict[str, Any]

SEED_FILE = Path(__file__).parent / "seed.json"
CAMPAIGN, AD_SET, AD, CREATIVE, AUDIENCE = range(1, 6)
ALL_TASKS = ["MANAGE", "ADVERTISE", "ANALYZE", "DRAFT"]
BENCH_PERSON = "122000000000009"


def read_seed(path: Path | None = None) -> Node:
    """The seed as written: people, businesses, pages, accounts, copy."""
    seed: Node = json.loads((path or SEED_FILE).read_text(encoding="utf-8"))
    return seed


def build_world(accounts: int, campaigns: int) -> Node:
    """A seed of many accounts with many always-on campaigns, granted to one bench person."""
    keys = [str(100 + n) for n in range(accounts)]
    return {
        "people": [
            {
                "id": BENCH_PERSON,
                "name": "Bench Person",
                "note": "has the large accounts made for measuring",
                "accounts": dict.fromkeys(keys, ALL_TASKS),
                "pages": {},
            }
        ],
        "businesses": [],
        "pages": [],
        "accounts": [_bench_account(key, campaigns) for key in keys],
        "copy": [],
    }


def _bench_account(key: str, campaigns: int) -> Node:
    return {
        "key": key,
        "name": f"Bench account {key}",
        "currency": "EUR",
        "timezone_name": "Europe/Berlin",
        "timezone_id": 47,
        "account_status": 1,
        "disable_reason": 0,
        "business": "",
        "page": "",
        "countries": ["DE"],
        "audiences": [],
        "campaigns": [
            {
                "name": f"Bench campaign {n:03d}",
                "objective": "OUTCOME_SALES",
                "status": "ACTIVE",
                "daily": 2000 + n * 37 % 6000,
                "cpm": 500 + n * 13 % 500,
                "ctr": 100 + n * 7 % 120,
                "cvr": 8 + n % 25,
                "aov": 3000 + n * 211 % 9000,
                "start": "2023-01-01",
                "gap": 6,
                "adsets": [{"name": f"Bench ad set {n:03d}"}],
            }
            for n in range(campaigns)
        ],
    }


def account_id(key: str) -> str:
    """The digits of an ad account, without `act_`."""
    return f"2100000000{int(key):05d}"


def object_id(account_key: str, kind: int, number: int) -> str:
    """A stable id of 17 digits for the `number`-th object of a kind in an account."""
    return f"12021{int(account_key):04d}{kind}{number:07d}"


def nodes(seed: Node) -> Iterator[Node]:
    """Every Graph object of the seed, parents first. `_kind` names its type."""
    for business in seed["businesses"]:
        clients = [f"act_{account_id(key)}" for key in business["clients"]]
        yield {**business, "_kind": "Business", "_clients": clients}
    for page in seed["pages"]:
        instagram = page.get("instagram")
        if instagram:
            yield {**instagram, "_kind": "IGUser", "_page": page["id"]}
        yield {
            "_kind": "Page",
            "id": page["id"],
            "name": page["name"],
            "category": page["category"],
            "_business": page["business"],
            "_instagram": instagram["id"] if instagram else "",
        }
    for account in seed["accounts"]:
        yield from _account_nodes(account, seed["copy"])
    for person in seed["people"]:
        accounts = {f"act_{account_id(key)}": tasks for key, tasks in person["accounts"].items()}
        yield {
            "_kind": "User",
            "id": person["id"],
            "name": person["name"],
            "_note": person["note"],
            "_accounts": accounts,
            "_pages": person["pages"],
        }


def _account_nodes(account: Node, copy: list[Node]) -> Iterator[Node]:
    key, digits = account["key"], account_id(account["key"])
    europe = bool({"DE", "AT", "SE"} & set(account["countries"]))
    yield {
        "_kind": "AdAccount",
        "id": f"act_{digits}",
        "account_id": digits,
        "_key": key,
        "name": account["name"],
        "account_status": account["account_status"],
        "disable_reason": account["disable_reason"],
        "currency": account["currency"],
        "timezone_name": account["timezone_name"],
        "timezone_id": account["timezone_id"],
        "_business": account["business"],
        "_page": account["page"],
        "balance": "0",
        "amount_spent": str(1_000_000 + int(key) * 217_311),
        "spend_cap": "0",
        "min_daily_budget": 100,
        "tos_accepted": {"web_custom_audience_tos": 1},
        "_created": _seconds("2023-11-06"),
    }
    for picture in sorted({words["picture"] for words in copy}):
        yield image_node(digits, f"{picture:032x}", f"shop-{picture}.png", 480, 252)
    ad_set_number = ad_number = 0
    for number, campaign in enumerate(account["campaigns"], 1):
        parent = _campaign_node(campaign, digits, object_id(key, CAMPAIGN, number))
        yield parent
        shared = [ad_set.get("share", 100) for ad_set in campaign["adsets"]]
        for place, ad_set in enumerate(campaign["adsets"]):
            ad_set_number += 1
            child = _ad_set_node(ad_set, parent, object_id(key, AD_SET, ad_set_number), account)
            child["_share"] = (place, shared)
            if not ad_set.get("dsa", europe):
                child.pop("dsa_beneficiary", None), child.pop("dsa_payor", None)
            yield child
            wanted = ad_set.get("ads", 2) if copy else 0
            for turn in range(wanted):
                ad_number += 1
                words = copy[(ad_number + number) % len(copy)]
                yield from _ad_nodes(words, child, key, ad_number, account, turn, wanted)
    for number, audience in enumerate(account["audiences"], 1):
        yield _audience_node(audience, digits, object_id(key, AUDIENCE, number))


def _campaign_node(campaign: Node, digits: str, campaign_id: str) -> Node:
    start, stop = campaign["start"], campaign.get("stop")
    days = [date.fromisoformat(start).toordinal(), stop and date.fromisoformat(stop).toordinal()]
    return {
        "_kind": "Campaign",
        "id": campaign_id,
        "account_id": digits,
        "name": campaign["name"],
        "status": campaign["status"],
        "objective": campaign["objective"],
        "buying_type": "AUCTION",
        "special_ad_categories": [],
        "daily_budget": str(campaign["daily"]),
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "_created": _seconds(start),
        "_spans": [days],
        "_pattern": [campaign.get(name, 0) for name in ("daily", "cpm", "ctr", "cvr", "aov")],
        "_gap": campaign.get("gap", 2),
        "_aliases": campaign.get("aliases", "web"),
    }


def _ad_set_node(ad_set: Node, campaign: Node, ad_set_id: str, account: Node) -> Node:
    sales = campaign["objective"] == "OUTCOME_SALES"
    return {
        "_kind": "AdSet",
        "id": ad_set_id,
        "account_id": campaign["account_id"],
        "campaign_id": campaign["id"],
        "name": ad_set["name"],
        "status": "ARCHIVED" if campaign["status"] == "ARCHIVED" else "ACTIVE",
        "optimization_goal": "OFFSITE_CONVERSIONS" if sales else "LINK_CLICKS",
        "billing_event": "IMPRESSIONS",
        "destination_type": "WEBSITE",
        "is_dynamic_creative": ad_set.get("dynamic", False),
        "dsa_beneficiary": "Acme Outdoor GmbH",
        "dsa_payor": "Acme Outdoor GmbH",
        "targeting": {"age_min": 18, "geo_locations": {"countries": account["countries"]}},
        "attribution_spec": [
            {"event_type": "CLICK_THROUGH", "window_days": 7},
            {"event_type": "VIEW_THROUGH", "window_days": 1},
        ],
        "_created": campaign["_created"],
    }


def _ad_nodes(
    words: Node, ad_set: Node, key: str, number: int, account: Node, turn: int, wanted: int
) -> Iterator[Node]:
    link = f"https://shop.acme.example/{words['path']}"
    creative_id = object_id(key, CREATIVE, number)
    name = f"{words['headline']} {turn + 1}"
    link_data = {
        "message": words["message"],
        "name": words["headline"],
        "description": words["description"],
        "link": link,
        "image_hash": f"{words['picture']:032x}",
        "call_to_action": {"type": words["cta"], "value": {"link": link}},
    }
    common = {"account_id": ad_set["account_id"], "_created": ad_set["_created"], "_labels": []}
    yield {
        **common,
        "_kind": "AdCreative",
        "id": creative_id,
        "name": name,
        "_by": "seed",
        "_spec": {"object_story_spec": {"page_id": account["page"], "link_data": link_data}},
    }
    yield {
        **common,
        "_kind": "Ad",
        "id": object_id(key, AD, number),
        "name": name,
        "campaign_id": ad_set["campaign_id"],
        "adset_id": ad_set["id"],
        "status": ad_set["status"],
        "_creative": creative_id,
        "_share": (turn, [100] * wanted),
        "_by": "seed",
    }


def image_node(digits: str, image_hash: str, name: str, width: int, height: int) -> Node:
    """An image of an ad account's library; a seed image's hash is its picture number."""
    return {
        "_kind": "AdImage",
        "id": f"{digits}:{image_hash}",
        "account_id": digits,
        "hash": image_hash,
        "name": name,
        "width": width,
        "height": height,
        "original_width": width,
        "original_height": height,
        "status": "ACTIVE",
        "_created": _seconds("2025-01-07"),
    }


def _audience_node(audience: Node, digits: str, audience_id: str) -> Node:
    node: Node = {
        "_kind": "CustomAudience",
        "id": audience_id,
        "account_id": digits,
        "name": audience["name"],
        "subtype": audience["subtype"],
        "description": audience.get("description", ""),
        "approximate_count_lower_bound": audience["low"],
        "approximate_count_upper_bound": audience["high"],
        "time_created": _seconds("2025-02-03"),
        "time_updated": _seconds("2026-09-01"),
        "time_content_updated": _seconds("2026-09-01"),
        "_created": _seconds("2025-02-03"),
    }
    for status in ("delivery", "operation"):
        code, description = audience[status]
        node[f"{status}_status"] = {"code": code, "description": description}
    if "retention_days" in audience:
        node["retention_days"] = audience["retention_days"]
    if "flagged" in audience:
        node["fields_violating_integrity_policy"] = audience["flagged"]
    return node


def _seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
