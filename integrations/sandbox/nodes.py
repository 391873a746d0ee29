"""A Graph object as JSON: only what was asked for, unknown fields refused (fact sheet 7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timezone
from typing import Any
from urllib.parse import quote

from integrations.sandbox import statuses, tokens
from integrations.sandbox.errors import invalid
from integrations.sandbox.fields import Field
from integrations.sandbox.routes import Call, visible_account
from integrations.sandbox.schema import EXPANSIONS, FIELDS
from integrations.sandbox.seed import Node

DEFAULTS: dict[str, tuple[str, ...]] = {
    "AdAccount": ("account_id", "id"),
    "AdActivity": ("actor_id", "actor_name", "event_time", "event_type"),
    "AdImage": ("id", "hash"),
    "AdReportRunDefault": (
        "id",
        "account_id",
        "time_ref",
        "time_completed",
        "async_status",
        "async_percent_completion",
        "error_code",
        "error_subcode",
        "error_message",
        "error_user_title",
        "error_user_msg",
    ),
    "Business": ("id", "name"),
    "IGUser": ("id",),
    "Page": ("name", "id"),
    "PageOfPerson": ("access_token", "category", "category_list", "name", "id", "tasks"),
    "User": ("name", "id"),
}
# A link to another object answers with these when nothing is asked inside it.
_LINKED = {"business": ("id", "name"), "owner_business": ("id", "name")}
Computed = Callable[[Call, Node], Any]


def read(call: Call, node: Node, asked: tuple[Field, ...], defaults: str = "") -> dict[str, Any]:
    """The node's JSON. Without fields only the kind's few defaults; `id` always comes along."""
    kind = node["_kind"]
    if not asked:
        asked = tuple(Field(name) for name in DEFAULTS.get(defaults or kind, ("id",)))
    known, edges = FIELDS[kind], EXPANSIONS.get(kind, frozenset())
    answer: dict[str, Any] = {}
    for item in asked:
        if item.name in edges:
            answer[item.name] = _expand(call, node, item)
            continue
        if item.name not in known and not (kind == "Page" and item.name == "tasks"):
            raise invalid(f"Tried accessing nonexisting field ({item.name}) on node type ({kind})")
        value = _value(call, node, item)
        if value is not None and value != "":
            answer[item.name] = value
    if "id" in known:
        answer["id"] = node["id"]
    return answer


def _value(call: Call, node: Node, item: Field) -> Any:
    linked = _links(call, node).get(item.name)
    if linked is not None:
        fallback = tuple(Field(name) for name in _LINKED.get(item.name, ("id",)))
        return read(call, linked, item.inside or fallback)
    computed = _COMPUTED.get((node["_kind"], item.name))
    if computed is not None:
        return computed(call, node)
    if item.name == "created_time":
        return iso(node["_created"])
    if item.name == "updated_time":
        return iso(node.get("_updated") or node["_created"])
    return node.get(item.name)


def _links(call: Call, node: Node) -> dict[str, Node]:
    """The other objects this one points to, by field name."""
    found = {}
    for field, key in (
        ("campaign", "campaign_id"),
        ("adset", "adset_id"),
        ("creative", "_creative"),
        ("business", "_business"),
        ("instagram_business_account", "_instagram"),
    ):
        target = call.world.nodes.get(node.get(key, ""))
        if target is not None:
            found[field] = target
    return found


def _expand(call: Call, node: Node, item: Field) -> dict[str, Any]:
    """A child edge inside `fields`, first page only."""
    limit = int(dict(item.modifiers).get("limit", 25))
    kids = [kid for kid in call.world.kids(node, item.name) if listable(call, kid)]
    return {"data": [read(call, kid, item.inside) for kid in kids[:limit]]}


def listable(call: Call, node: Node, wanted: tuple[str, ...] = ()) -> bool:
    """Whether a list shows the node: hidden statuses and the listing delay leave it out."""
    world = call.world
    if node["_kind"] == "AdAccount":
        return visible_account(world, call.viewer, node)
    seen_from = node["_created"] + world.setting("listing_delay_seconds")
    if node.get("_by") == "app" and seen_from > world.now():
        return False
    if node["_kind"] in ("Ad", "AdSet", "Campaign"):
        status = statuses.effective(world, node)
        return status in wanted if wanted else status not in statuses.HIDDEN
    return node.get("status") != "DELETED"


def iso(seconds: float, offset: timezone = UTC) -> str:
    """A moment as Meta writes it: `2026-09-01T10:00:00+0000`."""
    return datetime.fromtimestamp(seconds, offset).strftime("%Y-%m-%dT%H:%M:%S%z")


def _labels(call: Call, node: Node) -> list[dict[str, Any]] | None:
    labels = [call.world.nodes[label] for label in node.get("_labels", ())]
    return [
        {"id": label["id"], "name": label["name"], "created_time": iso(label["_created"])}
        for label in labels
    ] or None


def _link_data(creative: Node) -> Node:
    story = creative["_spec"].get("object_story_spec", {})
    return dict(story.get("link_data", {}))


def _degrees_of_freedom(_: Call, creative: Node) -> Node | None:
    """What was sent plus a dead key: reads return names that creates refuse (fact sheet 1.3)."""
    spec = creative["_spec"].get("degrees_of_freedom_spec")
    if spec is None:
        return None
    features = dict(spec.get("creative_features_spec", {}))
    features["standard_enhancements"] = {"enroll_status": "OPT_OUT"}
    return {**spec, "creative_features_spec": features}


def _story_id(_: Call, creative: Node) -> str:
    page = creative["_spec"].get("object_story_spec", {}).get("page_id", "")
    return f"{page}_{creative['id'][-15:]}"


def image_url(call: Call, digits: str, image_hash: str) -> str:
    """Where the stand-in serves an image; temporary at Meta."""
    return f"{call.base_url}/sandbox/images/{digits}/{image_hash}"


def _creative_image(call: Call, creative: Node) -> str | None:
    image_hash = _link_data(creative).get("image_hash")
    return image_url(call, creative["account_id"], image_hash) if image_hash else None


def _user_tasks(call: Call, account: Node) -> list[str] | None:
    person = call.world.nodes.get(call.viewer.user)
    return person["_accounts"].get(account["id"]) if person else None


def page_tasks(call: Call, page: Node) -> list[str] | None:
    """What the person may do on the Page."""
    person = call.world.nodes.get(call.viewer.user)
    return person["_pages"].get(page["id"]) if person else None


def _page_token(call: Call, page: Node) -> str | None:
    return (
        tokens.page_token(call.world, call.viewer, page["id"]) if page_tasks(call, page) else None
    )


def _offset_hours(call: Call, account: Node) -> float:
    offset = call.world.local_now(account).utcoffset()
    return offset.total_seconds() / 3600 if offset else 0.0


def _spec(name: str) -> Computed:
    return lambda _, creative: creative["_spec"].get(name)


def _from_link(name: str) -> Computed:
    return lambda _, creative: _link_data(creative).get(name)


def _configured(_: Call, node: Node) -> str:
    return str(node["status"])


def _effective(call: Call, node: Node) -> str:
    return statuses.effective(call.world, node)


def _preview_link(_: Call, ad: Node) -> str:
    return f"https://fb.me/standin-{quote(ad['id'][-9:])}"


_COMPUTED: dict[tuple[str, str], Computed] = {
    ("AdAccount", "user_tasks"): _user_tasks,
    ("AdAccount", "timezone_offset_hours_utc"): _offset_hours,
    ("Page", "tasks"): page_tasks,
    ("Page", "access_token"): _page_token,
    ("Page", "category_list"): lambda _, page: [{"id": "2201", "name": page["category"]}],
    ("Ad", "adlabels"): _labels,
    ("Ad", "ad_review_feedback"): lambda _, ad: ad.get("_verdict"),
    ("Ad", "issues_info"): lambda _, ad: ad.get("_issues"),
    ("Ad", "preview_shareable_link"): _preview_link,
    ("Ad", "last_updated_by_app_id"): lambda _, ad: ad.get("_app"),
    ("AdCreative", "adlabels"): _labels,
    ("AdCreative", "status"): lambda call, node: statuses.creative_status(call.world, node),
    ("AdCreative", "degrees_of_freedom_spec"): _degrees_of_freedom,
    ("AdCreative", "object_type"): lambda _, __: "SHARE",
    ("AdCreative", "actor_id"): lambda _, c: c["_spec"].get("object_story_spec", {}).get("page_id"),
    ("AdCreative", "body"): _from_link("message"),
    ("AdCreative", "title"): _from_link("name"),
    ("AdCreative", "image_hash"): _from_link("image_hash"),
    ("AdCreative", "image_url"): _creative_image,
    ("AdCreative", "thumbnail_url"): _creative_image,
    ("AdCreative", "effective_object_story_id"): _story_id,
    ("AdCreative", "call_to_action_type"): (
        lambda _, c: _link_data(c).get("call_to_action", {}).get("type")
    ),
    ("AdImage", "url"): lambda call, i: image_url(call, i["account_id"], i["hash"]),
    ("AdImage", "permalink_url"): lambda call, i: image_url(call, i["account_id"], i["hash"]),
}
for _name in (
    "object_story_spec",
    "url_tags",
    "instagram_user_id",
    "contextual_multi_ads",
    "destination_spec",
    "authorization_category",
):
    _COMPUTED["AdCreative", _name] = _spec(_name)
for _kind in ("Ad", "AdSet", "Campaign"):
    _COMPUTED[_kind, "configured_status"] = _configured
    _COMPUTED[_kind, "effective_status"] = _effective
