"""Ad creatives: strict about their parts, the same id for the same content (fact sheet 6.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox import nodes
from integrations.sandbox.errors import GraphError, invalid, no_permission
from integrations.sandbox.routes import Call, route
from integrations.sandbox.schema import CALL_TO_ACTIONS, OBJECTS
from integrations.sandbox.seed import Node

NAME_LENGTH, LINK_LENGTH, LABELS = 100, 1000, 50
STORY_KINDS = ("link_data", "photo_data", "video_data", "text_data", "template_data")
# Returned on reads, refused on creates (fact sheet 1.3).
DEAD_FEATURES = frozenset(
    [
        "standard_enhancements",
        "advantage_plus_creative",
        "cv_transformation",
        "replace_media_text",
        "show_destination_blurbs",
        "show_summary",
    ]
)
_KEPT_APART = ("name", "adlabels", "execution_options")


@route("POST", "AdAccount", "adcreatives")
def post_creative(call: Call) -> Any:
    call.require_write(call.node)
    if "validate_only" in call.params.get("execution_options", ()):
        check_creative(call, call.params)
        return {"success": True}
    creative = make_creative(call, call.params)
    return nodes.read(call, creative, call.fields) if call.fields else {"id": creative["id"]}


def make_creative(call: Call, spec: Mapping[str, Any]) -> Node:
    """A new creative, or the existing one with the same content."""
    check_creative(call, spec)
    world, digits = call.world, call.node["account_id"]
    content = {key: value for key, value in spec.items() if key not in _KEPT_APART}
    key = _identity(world.setting("dedupe_creatives"), content, spec.get("name", ""))
    labels = resolve_labels(call, spec.get("adlabels", ()))
    for known in world.kids(call.node, "adcreatives"):
        if key and known.get("_content") == key and known.get("status") != "DELETED":
            return known
    now = int(world.now())
    creative = {
        "_kind": "AdCreative",
        "id": world.new_id(),
        "account_id": digits,
        "name": spec.get("name", ""),
        "_spec": content,
        "_content": key,
        "_created": now,
        "_ready": now + world.setting("creative_seconds"),
        "_labels": labels,
        "_by": "app",
    }
    world.save(creative)
    return creative


def _identity(mode: str, content: Node, name: str) -> str:
    if mode == "off":
        return ""
    text = json.dumps([content, name if mode == "content_and_name" else ""], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def resolve_labels(call: Call, given: Any) -> list[str]:
    """Label ids for `[{"name": ...} | {"id": ...}]`; missing names are created."""
    world, digits = call.world, call.node["account_id"]
    known = {label["name"]: label["id"] for label in world.kids(call.node, "adlabels")}
    found: list[str] = []
    if len(given) > LABELS:
        raise invalid(f"An object can have at most {LABELS} labels.", "adlabels")
    for label in given:
        if "id" in label:
            found.append(world.node(str(label["id"]), "AdLabel")["id"])
        elif label.get("name"):
            name = str(label["name"])
            found.append(known.get(name) or make_label(call, digits, name))
        else:
            raise invalid("A label needs a name or an id.", "adlabels")
    return found


def make_label(call: Call, digits: str, name: str) -> str:
    """A new label's id."""
    label = {
        "_kind": "AdLabel",
        "id": call.world.new_id(),
        "account_id": digits,
        "name": name,
        "_created": int(call.world.now()),
    }
    call.world.save(label)
    return str(label["id"])


@route("POST", "AdAccount", "adlabels")
def post_label(call: Call) -> Any:
    call.require_write(call.node)
    return {"id": resolve_labels(call, [{"name": call.params["name"]}])[0]}


@route("POST", "AdCreative")
def update_creative(call: Call) -> Any:
    """Only name, labels and status can change; texts are for ever."""
    account = call.world.account(call.node["account_id"])
    call.require_write(account)
    changed = dict(call.node)
    if "name" in call.params:
        _check_name(call.params["name"])
        changed["name"] = call.params["name"]
    if "adlabels" in call.params:
        changed["_labels"] = resolve_labels(on_node(call, account), call.params["adlabels"])
    if call.params.get("status") == "DELETED":
        changed["status"] = "DELETED"
    call.world.save({**changed, "_updated": int(call.world.now())})
    return {"success": True}


@route("DELETE", "AdCreative")
def delete_creative(call: Call) -> Any:
    call.require_write(call.world.account(call.node["account_id"]))
    call.world.save({**call.node, "status": "DELETED"})
    return {"success": True}


def on_node(call: Call, node: Node) -> Call:
    """The same call, standing at another node."""
    return Call(
        **{name: getattr(call, name) for name in call.__slots__ if name != "node"}, node=node
    )


# --- checks ------------------------------------------------------------------------------------
def check_creative(call: Call, spec: Mapping[str, Any]) -> None:
    """Every rule of 6.1 that this stand-in knows. Raises code 100 that blames the field."""
    _check_name(spec.get("name", ""))
    _check_features(spec.get("degrees_of_freedom_spec"))
    story = spec.get("object_story_spec")
    if story is None:
        if spec.get("object_story_id") or spec.get("asset_feed_spec"):
            return
        raise invalid("The creative needs an object_story_spec.", "object_story_spec")
    _known_keys(story, "AdCreativeObjectStorySpec", "object_story_spec")
    _check_page(call, story)
    _check_instagram(call, story.get("instagram_user_id") or spec.get("instagram_user_id"))
    kinds = [kind for kind in STORY_KINDS if kind in story]
    if len(kinds) != 1:
        raise invalid(
            f"object_story_spec needs exactly one of {', '.join(STORY_KINDS)}.", "object_story_spec"
        )
    if kinds[0] == "link_data":
        _check_link_data(call, story["link_data"])


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH:
        raise invalid(f"The creative name is longer than {NAME_LENGTH} characters.", "name")


def _known_keys(value: Any, kind: str, *path: str) -> None:
    if not isinstance(value, dict):
        raise invalid(f"{path[-1]} must be an object.", *path)
    for key in value:
        if key not in OBJECTS[kind]:
            raise invalid(f"{key} is not a known key of {path[-1]}.", *path, key)


def _check_page(call: Call, story: Node) -> None:
    page_id = story.get("page_id")
    path = ("object_story_spec", "page_id")
    if not page_id:
        raise invalid("The parameter page_id is required", *path)
    tasks = call.world.nodes[call.viewer.user]["_pages"].get(str(page_id))
    if tasks is None:
        raise invalid(
            "The Page does not exist or you have no access to it.", *path, subcode=1885029
        )
    call.viewer.require("pages_manage_ads")
    if not {"ADVERTISE", "MANAGE"}.intersection(tasks):
        raise no_permission("You cannot advertise for this Page.", subcode=1815694)


def _check_instagram(call: Call, instagram: str | None) -> None:
    if not instagram:
        return
    pages = call.world.nodes[call.viewer.user]["_pages"]
    own = [call.world.nodes[page]["_instagram"] for page in pages]
    if str(instagram) not in own:
        raise invalid(
            "The ad account has no access to this Instagram account.",
            "instagram_user_id",
            subcode=1815199,
        )


def _check_link_data(call: Call, data: Any) -> None:
    base = ("object_story_spec", "link_data")
    _known_keys(data, "AdCreativeLinkData", *base)
    for key in ("message", "name", "description", "caption"):
        if not isinstance(data.get(key, ""), str):
            raise invalid(f"{key} must be a string.", *base, key)
    link = data.get("link")
    _check_link(link, *base, "link")
    if data.get("picture") and data.get("image_hash"):
        raise invalid("Only one of image_hash and picture can be given.", *base, "image_hash")
    image_hash = data.get("image_hash")
    if image_hash and f"{call.node['account_id']}:{image_hash}" not in call.world.nodes:
        raise invalid("The image hash is not in this ad account's library.", *base, "image_hash")
    if "call_to_action" in data:
        _check_call_to_action(data["call_to_action"], link, *base, "call_to_action")


def _check_link(link: Any, *path: str) -> None:
    if not link:
        raise invalid("The parameter link is required", *path)
    parts = urlsplit(str(link))
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in str(link):
        raise invalid("link must be a valid URL.", *path)
    if len(str(link)) > LINK_LENGTH:
        raise invalid(f"link is longer than {LINK_LENGTH} characters.", *path)


def _check_call_to_action(action: Any, link: Any, *path: str) -> None:
    _known_keys(action, "AdCreativeLinkDataCallToAction", *path)
    if action.get("type") not in CALL_TO_ACTIONS:
        raise invalid("The call to action could not be parsed.", *path, "type", subcode=1373054)
    value = action.get("value")
    if action["type"] == "NO_BUTTON" and not value:
        return
    if not value:
        raise invalid("The call to action needs a website URL.", *path, "value", subcode=2446383)
    _known_keys(value, "AdCreativeLinkDataCallToActionValue", *path, "value")
    if value.get("link", link) != link:
        raise invalid("link must be the same as the call to action's link.", *path, "value", "link")


def _check_features(spec: Any) -> None:
    if spec is None:
        return
    _known_keys(spec, "AdCreativeDegreesOfFreedomSpec", "degrees_of_freedom_spec")
    features = spec.get("creative_features_spec", {})
    _known_keys(features, "AdCreativeFeaturesSpec", "creative_features_spec")
    for key, feature in features.items():
        path = ("degrees_of_freedom_spec", "creative_features_spec", key)
        if key in DEAD_FEATURES:
            raise invalid(f"The feature {key} can no longer be set.", *path)
        status = feature.get("enroll_status") if isinstance(feature, dict) else None
        if status not in ("OPT_IN", "OPT_OUT"):
            raise GraphError(
                100, "(#100) The enrolment status is missing.", subcode=3858082, blame=[path]
            )
