"""Switches for what Meta, colleagues and time do to ads, accounts, numbers and the clock."""

from __future__ import annotations

import json
from typing import Any

from integrations.sandbox import statuses
from integrations.sandbox.ads import swap_creative
from integrations.sandbox.lookup import account, node_of, one
from integrations.sandbox.seed import BENCH_PERSON, Node
from integrations.sandbox.world import World

SOMEONE: Node = {"actor_id": "122000000000008", "actor_name": "Jo Brandt (agency)"}


def refuse_ads(world: World, value: Any) -> None:
    """Refuse new ads in an account until `{"off": true}`."""
    act = account(world, one(value, "account"))["id"]
    value = value if isinstance(value, dict) else {}
    if value.get("off"):
        world.journal.drop("refusals", act)
        return
    world.journal.put(
        "refusals",
        act,
        {
            "code": int(value.get("code", 100)),
            "subcode": value.get("subcode", 1885183),
            "message": value.get(
                "message",
                "Ads creative post was created by an app that is in "
                "development mode. It must be in public to create this ad.",
            ),
        },
    )


def disapprove(world: World, value: Any) -> None:
    """Meta's review ends with a refusal."""
    ad = node_of(world, one(value, "ad_id"), "Ad")
    value = value if isinstance(value, dict) else {}
    policy = value.get("policy", "Unacceptable business practices")
    text = value.get("text", "The ad promises something the landing page does not show.")
    ad["_verdict"] = {"global": {policy: text}, "placement_specific": {"facebook": {policy: text}}}
    _end_review(world, ad, "ad_review_declined")


def approve(world: World, value: Any) -> None:
    """Meta's review ends at once and well."""
    ad = node_of(world, one(value, "ad_id"), "Ad")
    ad["_verdict"] = None
    _end_review(world, ad, "ad_review_approved")


def _end_review(world: World, ad: Node, event: str) -> None:
    ad["_review_until"] = 0
    ad["_updated"] = int(world.now())
    world.log_activity(ad, event, {"actor_id": "0", "actor_name": "Meta"})
    world.save(ad)


def edit_live(world: World, value: Any) -> str:
    """Someone changes an ad's text in Ads Manager; returns the new creative's id.

    ``opt_in`` names an enhancement that they switch on; ``button_link`` is where the button leads;
    ``no_switches`` leaves every enhancement to Meta.
    """
    ad = node_of(world, value["ad_id"], "Ad")
    old = world.nodes[ad["_creative"]]
    spec = json.loads(json.dumps(old["_spec"]))
    link_data = spec["object_story_spec"]["link_data"]
    for part in ("message", "name", "description"):
        if part in value:
            link_data[part] = str(value[part])
    if "button_link" in value:
        link_data["call_to_action"]["value"]["link"] = str(value["button_link"])
    if value.get("no_switches"):
        del spec["degrees_of_freedom_spec"]
    if "opt_in" in value:
        freedom = spec.setdefault("degrees_of_freedom_spec", {})
        features = freedom.setdefault("creative_features_spec", {})
        features[str(value["opt_in"])] = {"enroll_status": "OPT_IN"}
    fresh = {
        **old,
        "id": world.new_id(),
        "_spec": spec,
        "_content": "",
        "_by": "someone",
        "_created": int(world.now()),
    }
    world.save(fresh)
    swap_creative(world, ad, fresh, SOMEONE)
    ad["_updated"] = int(world.now())
    world.save(ad)
    return str(fresh["id"])


def set_ad_status(world: World, value: Any) -> None:
    """Someone else changes an ad's status in Ads Manager."""
    ad = node_of(world, value["ad_id"], "Ad")
    world.log_activity(
        ad, "update_ad_run_status", SOMEONE, old_value=ad["status"], new_value=value["status"]
    )
    statuses.set_status(world, ad, str(value["status"]))


def disable_account(world: World, value: Any) -> None:
    _account_status(world, value, 2, 1)


def enable_account(world: World, value: Any) -> None:
    _account_status(world, value, 1, 0)


def _account_status(world: World, value: Any, status: int, reason: int) -> None:
    node = account(world, one(value, "account"))
    world.save({**node, "account_status": status, "disable_reason": reason})


def revise(world: World, value: Any) -> int:
    """Restate rows: `{"account" | "campaign", "since", "until", "percent"}`."""
    if "campaign" in value:
        campaigns = [node_of(world, value["campaign"], "Campaign")]
    else:
        campaigns = world.kids(account(world, value["account"]), "campaigns")
    table = world.journal.table("revisions")
    for campaign in campaigns:
        world.journal.put(
            "revisions",
            str(len(table) + 1),
            {
                "id": campaign["id"],
                "since": str(value["since"]),
                "until": str(value["until"]),
                "percent": int(value.get("percent", 110)),
            },
        )
    return len(campaigns)


def clock_offset_days(world: World, value: Any) -> float:
    """The world's clock against the real one; `"+1"` moves it on from where it stands."""
    now = float(world.setting("clock_offset_days"))
    days = now + float(value) if isinstance(value, str) and value[:1] == "+" else float(value)
    world.set("clock_offset_days", days)
    return days


def scale(world: World, value: Any) -> str:
    """Add many ad accounts with many campaigns; returns the bench person's id."""
    wanted = {"accounts": int(value["accounts"]), "campaigns": int(value["campaigns"])}
    world.set("scale", wanted)
    world.reload()
    return BENCH_PERSON


def reset(world: World, value: Any) -> None:
    """Everything back to the seed; `{"keep_people": true}` keeps tokens and grants."""
    world.reset(keep_people=isinstance(value, dict) and bool(value.get("keep_people")))
