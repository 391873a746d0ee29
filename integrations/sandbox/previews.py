"""Ad previews: an iframe whose address shows the ad for a day (fact sheet 6.7)."""

from __future__ import annotations

import html
from typing import Any

from integrations.sandbox.creatives import check_creative
from integrations.sandbox.errors import GraphError, invalid
from integrations.sandbox.paging import dumps, encode_cursor
from integrations.sandbox.params import check
from integrations.sandbox.routes import Call, route
from integrations.sandbox.schema import PARAMS
from integrations.sandbox.seed import Node

_SIZES = {"DESKTOP_FEED_STANDARD": (500, 620), "RIGHT_COLUMN_STANDARD": (300, 320)}


@route("GET", "AdCreative", "previews")
@route("GET", "Ad", "previews")
def list_previews(call: Call) -> Any:
    creative = call.world.nodes[str(call.node.get("_creative", call.node["id"]))]
    return _answer(call, {"creative": creative["id"]})


@route("GET", "AdAccount", "generatepreviews")
def generate_preview(call: Call) -> Any:
    """A preview of a creative that need not exist yet."""
    wanted: Node = call.params["creative"]
    if "creative_id" in wanted:
        creative = call.world.node(str(wanted["creative_id"]), "AdCreative")
        if creative["account_id"] != call.node["account_id"]:
            raise invalid("The creative does not exist.", "creative")
        return _answer(call, {"creative": creative["id"]})
    text = {k: v if isinstance(v, str) else dumps(v) for k, v in wanted.items()}
    spec = check(text, PARAMS["AdAccount POST adcreatives"])
    check_creative(call, spec)
    return _answer(call, {"spec": spec, "account": call.node["account_id"]})


def _answer(call: Call, shown: Node) -> Any:
    if call.viewer.token["page"]:
        raise GraphError(2606, "(#2606) Previews need a user token.")
    call.viewer.require("ads_read", "ads_management")
    width, height = _SIZES.get(call.params["ad_format"], (320, 480))
    data = encode_cursor(dumps({**shown, "format": call.params["ad_format"]}))
    # The stand-in plays www.facebook.com too, so the frame lives at its own address.
    source = html.escape(f"{call.base_url}/ads/api/preview_iframe.php?d={data}&t=standin")
    body = (
        f'<iframe src="{source}" width="{width}" height="{height}" scrolling="yes" '
        'style="border: none;"></iframe>'
    )
    return {"data": [{"body": body}]}
