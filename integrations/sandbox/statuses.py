"""Configured and effective status of ads, ad sets, campaigns and creatives (fact sheet 6.5)."""

from __future__ import annotations

from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

HIDDEN = ("ARCHIVED", "DELETED")


def creative_status(world: World, creative: Node) -> str:
    """IN_PROCESS for a moment after creation, then ACTIVE; DELETED stays."""
    if creative.get("status") == "DELETED":
        return "DELETED"
    return "IN_PROCESS" if creative.get("_ready", 0) > world.now() else "ACTIVE"


def campaign_status(campaign: Node) -> str:
    """A campaign's effective status is the configured one here."""
    return str(campaign["status"])


def ad_set_status(world: World, ad_set: Node) -> str:
    """The ad set's own status unless its campaign is paused."""
    if ad_set["status"] != "ACTIVE":
        return str(ad_set["status"])
    parent = campaign_status(world.nodes[ad_set["campaign_id"]])
    return "CAMPAIGN_PAUSED" if parent == "PAUSED" else parent


def ad_status(world: World, ad: Node) -> str:
    """Review comes first, even for a PAUSED ad; then its own status, then its parents'."""
    if ad["status"] in HIDDEN:
        return str(ad["status"])
    if ad.get("_review_until", 0) > world.now():
        return "PENDING_REVIEW"
    if ad.get("_verdict"):
        return "DISAPPROVED"
    if ad["status"] == "PAUSED":
        return "PAUSED"
    ad_set = ad_set_status(world, world.nodes[ad["adset_id"]])
    return "ADSET_PAUSED" if ad_set == "PAUSED" else ad_set


def effective(world: World, node: Node) -> str:
    """The effective status of an ad, ad set or campaign."""
    if node["_kind"] == "Ad":
        return ad_status(world, node)
    return ad_set_status(world, node) if node["_kind"] == "AdSet" else campaign_status(node)


def set_status(world: World, node: Node, status: str) -> None:
    """Change the configured status and note from which day it delivers, or no longer does."""
    today = world.local_now(world.account(node["account_id"])).date().toordinal()
    spans = [list(span) for span in node.get("_spans", [])]
    running = bool(spans) and spans[-1][1] is None
    tracked = node["_kind"] == "Campaign" or node.get("_by") == "app"
    if status == "ACTIVE" and tracked and not running:
        spans.append([today, None])
    elif status != "ACTIVE" and running:
        spans[-1][1] = today
    node["status"] = status
    node["_spans"] = spans
    node["_updated"] = int(world.now())
    world.save(node)
