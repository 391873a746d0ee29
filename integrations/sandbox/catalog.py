"""Reading people, ad accounts, Pages and everything under an ad account (fact sheet 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.sandbox import nodes, statuses, tokens
from integrations.sandbox.errors import invalid
from integrations.sandbox.paging import dumps, page
from integrations.sandbox.routes import Call, Handler, route
from integrations.sandbox.schema import ENUMS
from integrations.sandbox.seed import Node

READ = ("ads_read", "ads_management")


# --- people ------------------------------------------------------------------------------------
@route("GET", "User")
def get_person(call: Call) -> Any:
    return nodes.read(call, call.node, call.fields)


@route("GET", "User", "permissions")
def list_permissions(call: Call) -> Any:
    scopes = tokens.grant(call.world, call.viewer.user)["scopes"]
    return {"data": [{"permission": name, "status": status} for name, status in scopes.items()]}


@route("DELETE", "User", "permissions")
def delete_permissions(call: Call) -> Any:
    """One permission, or all of them, which disconnects the app and kills every token."""
    world, user = call.world, call.viewer.user or call.node["id"]
    record = tokens.grant(world, user)
    wanted = call.params.get("permission")
    if wanted:
        if wanted not in record["scopes"]:
            raise invalid(f"The permission {wanted} was never granted.", "permission")
        scopes = {name: s for name, s in record["scopes"].items() if name != wanted}
        tokens.save_grant(world, user, {**record, "scopes": scopes})
    else:
        tokens.save_grant(world, user, {**record, "scopes": {}})
        tokens.kill_tokens(world, user, 458)
    return {"success": True}


@route("GET", "User", "adaccounts")
def list_ad_accounts(call: Call) -> Any:
    call.viewer.require(*READ)
    mine = call.world.nodes[call.viewer.user]["_accounts"]
    return _list(call, [call.world.nodes[account] for account in mine])


@route("GET", "User", "accounts")
def list_pages(call: Call) -> Any:
    """The Pages of the person; without `pages_show_list` an empty list, not an error."""
    if "pages_show_list" not in call.viewer.scopes:
        return {"data": []}
    mine = [call.world.nodes[p] for p in call.world.nodes[call.viewer.user]["_pages"]]
    if call.params.get("is_promotable"):
        mine = [p for p in mine if "ADVERTISE" in (nodes.page_tasks(call, p) or ())]
    return page(call, mine, lambda row: nodes.read(call, row, call.fields, "PageOfPerson"))


@route("GET", "User", "businesses")
def list_businesses(call: Call) -> Any:
    call.viewer.require("business_management")
    return _list(call, _businesses_of(call))


def _businesses_of(call: Call) -> list[Node]:
    """Businesses that own an ad account the person has a task on."""
    mine = call.world.nodes[call.viewer.user]["_accounts"]
    owners = dict.fromkeys(call.world.nodes[account]["_business"] for account in mine)
    return [call.world.nodes[owner] for owner in owners if owner]


@route("GET", "Business")
def get_business(call: Call) -> Any:
    call.viewer.require("business_management")
    return nodes.read(call, call.node, call.fields)


@route("GET", "Business", "owned_ad_accounts")
def list_owned_ad_accounts(call: Call) -> Any:
    call.viewer.require("business_management")
    accounts = call.world.of_kind("AdAccount")
    return _list(call, [a for a in accounts if a["_business"] == call.node["id"]])


@route("GET", "Business", "client_ad_accounts")
def list_client_ad_accounts(call: Call) -> Any:
    call.viewer.require("business_management")
    return _list(call, [call.world.nodes[a] for a in call.node["_clients"]])


@route("GET", "Business", "owned_pages")
@route("GET", "Business", "client_pages")
def list_business_pages(call: Call) -> Any:
    call.viewer.require("business_management")
    owned = call.path.endswith("owned_pages")
    pages = call.world.of_kind("Page")
    return _list(call, [p for p in pages if owned and p["_business"] == call.node["id"]])


@route("GET", "Page")
def get_page(call: Call) -> Any:
    call.viewer.require("pages_read_engagement", "pages_show_list")
    return nodes.read(call, call.node, call.fields)


@route("GET", "Page", "instagram_accounts")
def list_page_instagram(call: Call) -> Any:
    return _list(call, _instagram(call, [call.node]))


def _instagram(call: Call, pages: Iterable[Node]) -> list[Node]:
    return [call.world.nodes[p["_instagram"]] for p in pages if p["_instagram"]]


# --- under an ad account -----------------------------------------------------------------------
@route("GET", "AdAccount", "promote_pages")
def list_promote_pages(call: Call) -> Any:
    """Pages promoted under this account: its own, and those named by its creatives."""
    call.viewer.require("pages_manage_ads", *READ)
    specs = [creative["_spec"] for creative in call.world.kids(call.node, "adcreatives")]
    used = [call.node["_page"]]
    used += [spec.get("object_story_spec", {}).get("page_id", "") for spec in specs]
    rows = [call.world.nodes[p] for p in dict.fromkeys(used) if p]
    return page(call, rows, lambda row: nodes.read(call, row, call.fields))


@route("GET", "AdAccount", "instagram_accounts")
def list_account_instagram(call: Call) -> Any:
    call.viewer.require("instagram_basic", *READ)
    own = call.world.nodes.get(call.node["_page"])
    return _list(call, _instagram(call, [own] if own else []))


@route("GET", "AdAccount", "activities")
def list_activities(call: Call) -> Any:
    """Who changed what, newest first; `since`, `until` and `oid` narrow it."""
    call.viewer.require(*READ)
    rows = []
    for number, entry in call.world.journal.table("activities").items():
        if entry["account_id"] == call.node["account_id"]:
            rows.append({**entry, "_kind": "AdActivity", "id": number})
    if call.params.get("oid"):
        rows = [row for row in rows if row["object_id"] == call.params["oid"]]
    rows.reverse()
    return page(call, rows, lambda row: _activity(call, row))


def _activity(call: Call, row: Node) -> Any:
    shown = {
        **row,
        "event_time": nodes.iso(row["event_time"]),
        "extra_data": dumps(row["extra"]),
        "translated_event_type": row["event_type"].replace("_", " ").capitalize(),
    }
    return nodes.read(call, shown, call.fields)


@route("GET", "AdAccount", "adimages")
def list_images(call: Call) -> Any:
    call.viewer.require(*READ)
    rows = [row for row in call.world.kids(call.node, "adimages") if nodes.listable(call, row)]
    if "hashes" in call.params:
        rows = [row for row in rows if row["hash"] in call.params["hashes"]]
    if "name" in call.params:
        rows = [row for row in rows if row["name"] == call.params["name"]]
    return _list(call, rows)


def _plain_list(edge: str) -> Handler:
    def handler(call: Call) -> Any:
        call.viewer.require(*READ)
        rows = list(reversed(call.world.kids(call.node, edge)))
        wanted = _wanted_statuses(call)
        rows = [row for row in rows if nodes.listable(call, row, wanted)]
        if "updated_since" in call.params:
            since = call.params["updated_since"]
            rows = [row for row in rows if row.get("_updated", row["_created"]) >= since]
        for rule in call.params.get("filtering", ()):
            rows = [row for row in rows if _matches(call, row, rule)]
        return _list(call, rows)

    return handler


for _kind, _edge in (
    ("AdAccount", "campaigns"),
    ("AdAccount", "adsets"),
    ("AdAccount", "ads"),
    ("AdAccount", "adcreatives"),
    ("AdAccount", "customaudiences"),
    ("AdAccount", "adlabels"),
    ("Campaign", "adsets"),
    ("Campaign", "ads"),
    ("AdSet", "ads"),
):
    route("GET", _kind, _edge)(_plain_list(_edge))


def _by_label(edge: str) -> Handler:
    def handler(call: Call) -> Any:
        """Objects that carry any (ANY, the default) or all of the labels."""
        call.viewer.require(*READ)
        wanted = set(map(str, call.params["ad_label_ids"]))
        every = call.params.get("operator", "ANY") == "ALL"
        rows = []
        for row in reversed(call.world.kids(call.node, edge)):
            found = wanted.intersection(row.get("_labels", ()))
            if (found == wanted if every else found) and nodes.listable(call, row):
                rows.append(row)
        return _list(call, rows)

    return handler


for _edge in ("ads", "adsets", "campaigns", "adcreatives"):
    route("GET", "AdAccount", f"{_edge}bylabels")(_by_label(_edge))


@route("GET", "AdAccount")
@route("GET", "Campaign")
@route("GET", "AdSet")
@route("GET", "Ad")
@route("GET", "AdCreative")
@route("GET", "AdImage")
@route("GET", "AdLabel")
@route("GET", "CustomAudience")
def get_node(call: Call) -> Any:
    call.viewer.require(*READ)
    return nodes.read(call, call.node, call.fields)


@route("GET", "IGUser")
def get_instagram(call: Call) -> Any:
    return nodes.read(call, call.node, call.fields)


@route("GET", "Ad", "adcreatives")
def list_creatives_of_ad(call: Call) -> Any:
    call.viewer.require(*READ)
    return _list(call, [call.world.nodes[call.node["_creative"]]])


@route("GET", "AdLabel", "ads")
def list_ads_of_label(call: Call) -> Any:
    call.viewer.require(*READ)
    ads = call.world.children.get((call.node["account_id"], "ads"), [])
    rows = [call.world.nodes[ad] for ad in ads]
    return _list(call, [row for row in rows if call.node["id"] in row.get("_labels", ())])


# --- narrowing ---------------------------------------------------------------------------------
def _wanted_statuses(call: Call) -> tuple[str, ...]:
    wanted = tuple(call.params.get("effective_status", ()))
    known = ENUMS["adsets_effective_status"]
    for status in wanted:
        if status not in known:
            raise invalid(
                f"Param effective_status must be one of {{{', '.join(known)}}} - got {status!r}.",
                "effective_status",
            )
    if "DELETED" in wanted:
        raise invalid("Deleted objects cannot be listed.", "effective_status")
    return wanted


def _matches(call: Call, row: Node, rule: Node) -> bool:
    """One `filtering` rule: a name, id, parent id or status against a value."""
    field = str(rule.get("field", "")).rpartition(".")
    name = f"{field[0]}_id" if field[2] == "id" and field[0] in ("campaign", "adset") else field[2]
    value = rule.get("value")
    if name == "effective_status":
        actual: Any = statuses.effective(call.world, row)
    elif name in ("name", "id", "campaign_id", "adset_id", "status", "objective"):
        actual = row.get(name, "")
    else:
        raise invalid(f"Filtering field '{rule.get('field')}' is invalid.", "filtering")
    text = str(value)
    match rule.get("operator"):
        case "EQUAL":
            return bool(actual == text)
        case "NOT_EQUAL":
            return bool(actual != text)
        case "IN" if isinstance(value, list):
            return actual in map(str, value)
        case "NOT_IN" if isinstance(value, list):
            return actual not in map(str, value)
        case "CONTAIN":
            return text.lower() in str(actual).lower()
        case "STARTS_WITH":
            return str(actual).lower().startswith(text.lower())
    raise invalid(f"Filtering operator '{rule.get('operator')}' is invalid.", "filtering")


def _list(call: Call, rows: list[Node]) -> Any:
    rows = [row for row in rows if row["_kind"] != "AdAccount" or nodes.listable(call, row)]
    return page(call, rows, lambda row: nodes.read(call, row, call.fields))
