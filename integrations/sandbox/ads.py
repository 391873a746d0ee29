"""Creating, changing and deleting ads; status changes of ad sets and campaigns (fact sheet 6.4)."""

from __future__ import annotations

from typing import Any

from integrations.sandbox import nodes, statuses
from integrations.sandbox.creatives import make_creative, on_node, resolve_labels
from integrations.sandbox.errors import GraphError, invalid
from integrations.sandbox.paging import dumps
from integrations.sandbox.params import check
from integrations.sandbox.routes import Call, route
from integrations.sandbox.schema import PARAMS
from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

ADS_PER_AD_SET = 50
EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    ]
)
# Budgets and the like that are only stored; reads give numbers back as text.
_PLAIN_CHANGES = frozenset(
    [
        "conversion_domain",
        "daily_budget",
        "lifetime_budget",
        "spend_cap",
        "start_time",
        "end_time",
        "stop_time",
        "dsa_beneficiary",
        "dsa_payor",
        "destination_type",
        "bid_strategy",
    ]
)
_EVENTS = {"Ad": "ad", "AdSet": "ad_set", "Campaign": "campaign"}


@route("POST", "AdAccount", "ads")
def post_ad(call: Call) -> Any:
    """A new ad. Without `status` it is ACTIVE, as at Meta."""
    call.require_write(call.node)
    _refuse_if_told(call)
    options = call.params.get("execution_options", ())
    if "synchronous_ad_review" in options and "validate_only" not in options:
        raise invalid("synchronous_ad_review needs validate_only.", "execution_options")
    status = call.params.get("status", "ACTIVE")
    if status not in ("ACTIVE", "PAUSED"):
        raise invalid("A new ad can only be ACTIVE or PAUSED.", "status")
    ad_set = _ad_set(call)
    creative = _creative(call, call.params["creative"], dry="validate_only" in options)
    if "validate_only" in options:
        return {"success": True}
    ad = _store(call, ad_set, creative, status)
    return nodes.read(call, ad, call.fields) if call.fields else {"id": ad["id"]}


def _store(call: Call, ad_set: Node, creative: Node, status: str) -> Node:
    world = call.world
    now = int(world.now())
    ad = {
        "_kind": "Ad",
        "id": world.new_id(),
        "account_id": call.node["account_id"],
        "campaign_id": ad_set["campaign_id"],
        "adset_id": ad_set["id"],
        "name": call.params["name"],
        "_creative": creative["id"],
        "_created": now,
        "_by": "app",
        "_app": world.app_id,
        "_labels": resolve_labels(call, call.params.get("adlabels", ())),
        "_review_until": now + world.setting("review_seconds"),
        "_actor": call.viewer.user,
        "conversion_domain": call.params.get("conversion_domain", ""),
        "tracking_specs": call.params.get("tracking_specs"),
    }
    statuses.set_status(world, ad, status)
    world.log_activity(ad, "create_ad", call.who, status=status)
    return ad


def _refuse_if_told(call: Call) -> None:
    rule = call.world.journal.table("refusals").get(call.node["id"])
    if rule is not None:
        raise GraphError(
            rule["code"],
            f"(#{rule['code']}) {rule['message']}",
            subcode=rule["subcode"],
            title="The ad was refused",
            user_message=rule["message"],
        )


def _ad_set(call: Call) -> Node:
    """The ad set, able to take one more ad."""
    if "adset_id" not in call.params:
        raise invalid("The parameter adset_id is required", "adset_id")
    ad_set = call.world.nodes.get(str(call.params["adset_id"]))
    if ad_set is None or ad_set["_kind"] != "AdSet":
        raise invalid("The ad set does not exist.", "adset_id")
    if ad_set["account_id"] != call.node["account_id"]:
        raise invalid("The ad set belongs to another ad account.", "adset_id")
    if ad_set["status"] in statuses.HIDDEN:
        raise invalid("The ad set is deleted or archived.", "adset_id", subcode=1487056)
    if ad_set["is_dynamic_creative"]:
        raise invalid("This ad set only takes dynamic creatives.", "adset_id", subcode=1885553)
    alive = [ad for ad in call.world.kids(ad_set, "ads") if ad["status"] != "DELETED"]
    if len(alive) >= ADS_PER_AD_SET:
        raise invalid(f"This ad set already has {ADS_PER_AD_SET} ads.", "adset_id", subcode=1487941)
    _check_dsa(call, ad_set)
    return ad_set


def _check_dsa(call: Call, ad_set: Node) -> None:
    """Ads shown in the EU need who benefits and who pays (fact sheet 1.3)."""
    countries = ad_set["targeting"]["geo_locations"]["countries"]
    account = call.world.account(ad_set["account_id"])
    for name in ("dsa_beneficiary", "dsa_payor"):
        if EU.intersection(countries) and not (ad_set.get(name) or account.get(f"default_{name}")):
            raise invalid(
                "The ad set targets the EU and has no beneficiary or payor.", name, subcode=3858152
            )


def _creative(call: Call, wanted: Node, *, dry: bool) -> Node:
    """An existing creative by id, or one made from an inline spec."""
    creative_id = wanted.get("creative_id") or wanted.get("id")
    if creative_id:
        creative = call.world.nodes.get(str(creative_id))
        same = creative and creative.get("account_id") == call.node["account_id"]
        if not creative or creative["_kind"] != "AdCreative" or not same:
            raise invalid("The creative does not exist.", "creative", "creative_id")
        if creative.get("status") == "DELETED":
            raise invalid("The creative is deleted.", "creative", "creative_id")
        return creative
    text = {k: v if isinstance(v, str) else dumps(v) for k, v in wanted.items()}
    spec = check(text, PARAMS["AdAccount POST adcreatives"])
    if dry:
        return spec
    return make_creative(call, spec)


# --- changes -----------------------------------------------------------------------------------
@route("POST", "Ad")
@route("POST", "AdSet")
@route("POST", "Campaign")
def update(call: Call) -> Any:
    """Name and status; for an ad also creative and labels. A new creative means a new review."""
    account = call.world.account(call.node["account_id"])
    call.require_write(account)
    _check_frozen(call)
    if "validate_only" in call.params.get("execution_options", ()):
        return {"success": True}
    node = dict(call.node)
    if "name" in call.params and call.params["name"] != node["name"]:
        call.world.log_activity(
            node,
            f"update_{_EVENTS[node['_kind']]}_friendly_name",
            call.who,
            old_value=node["name"],
            new_value=call.params["name"],
        )
        node["name"] = call.params["name"]
    if node["_kind"] == "Ad":
        _update_ad(call, on_node(call, account), node)
    for name in _PLAIN_CHANGES.intersection(call.params):
        value = call.params[name]
        node[name] = value if isinstance(value, str) else str(value)
    status = call.params.get("status", node["status"])
    if status != node["status"]:
        call.world.log_activity(
            node,
            f"update_{_EVENTS[node['_kind']]}_run_status",
            call.who,
            old_value=node["status"],
            new_value=status,
        )
    statuses.set_status(call.world, node, status)
    return {"success": True}


def _update_ad(call: Call, at_account: Call, node: Node) -> None:
    if "creative" in call.params:
        creative = _creative(at_account, call.params["creative"], dry=False)
        swap_creative(call.world, node, creative, call.who)
    if "adlabels" in call.params:
        node["_labels"] = resolve_labels(at_account, call.params["adlabels"])
    node["_app"] = call.world.app_id


def swap_creative(world: World, ad: Node, creative: Node, who: Node) -> None:
    """Point the ad at another creative, which starts a new review. The caller saves the ad."""
    world.log_activity(
        ad, "update_ad_creative", who, old_value=ad["_creative"], new_value=creative["id"]
    )
    ad["_creative"] = creative["id"]
    ad["_review_until"] = int(world.now()) + world.setting("review_seconds")
    ad["_verdict"] = None


def _check_frozen(call: Call) -> None:
    """ARCHIVED takes a name and DELETED; DELETED takes a name only."""
    status = call.node["status"]
    changes = set(call.params) - {"name", "execution_options"}
    if status == "ARCHIVED" and call.params.get("status") == "DELETED":
        changes -= {"status"}
    if status in statuses.HIDDEN and changes:
        code = 1885088 if status == "ARCHIVED" else 1487056
        raise invalid(
            f"The object is {status.lower()}; only its name can change.", *changes, subcode=code
        )


@route("DELETE", "Ad")
def delete_ad(call: Call) -> Any:
    call.require_write(call.world.account(call.node["account_id"]))
    node = dict(call.node)
    call.world.log_activity(node, "delete_ad", call.who, old_value=node["status"])
    statuses.set_status(call.world, node, "DELETED")
    return {"success": True}
