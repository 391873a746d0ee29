"""Lists of nodes in pages: cursors, `next` with the token in it, `summary` on request."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox import faults
from integrations.sandbox.errors import invalid
from integrations.sandbox.params import page_limit
from integrations.sandbox.routes import Call
from integrations.sandbox.seed import Node

MOST = 1000
START = "start"


def encode_cursor(text: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """What `encode_cursor` was given. Raises code 100."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error):
        raise invalid("Invalid cursor.", "after") from None


def next_url(call: Call, after: str) -> str:
    """The absolute address of the following page; like Meta's it contains the access token."""
    query = {name: value for name, value in call.raw.items() if name != "before"}
    query |= {"access_token": call.token, "after": after}
    return f"{call.base_url}/{call.version}/{call.path}?{urlencode(query)}"


def page(call: Call, rows: Sequence[Node], render: Callable[[Node], Any]) -> dict[str, Any]:
    """One page of nodes. Cursors name the node they stand at, so additions do not shift pages."""
    limit = page_limit(call.raw, MOST)
    start, stop = _bounds(call, rows, limit)
    if faults.take(call.world, "empty_page", call.path, call.method) is not None:
        cursor = same_place(call)
        paging = {"cursors": {"before": cursor, "after": cursor}, "next": next_url(call, cursor)}
        return {"data": [], "paging": paging}
    part = rows[start:stop]
    answer: dict[str, Any] = {"data": [render(row) for row in part]}
    if part:
        cursors = {"before": encode_cursor(part[0]["id"]), "after": encode_cursor(part[-1]["id"])}
        answer["paging"] = {"cursors": cursors}
        if stop < len(rows):
            answer["paging"]["next"] = next_url(call, cursors["after"])
        if start > 0:
            answer["paging"]["previous"] = next_url(call, cursors["before"]).replace(
                "after=", "before="
            )
    if call.raw.get("summary") in ("true", "1") or "total_count" in call.raw.get("summary", ""):
        answer["summary"] = {"total_count": len(rows)}
    return answer


def same_place(call: Call) -> str:
    """A new cursor for where the call already stands, for a page that brings nothing."""
    standing = decode_cursor(call.raw["after"]) if call.raw.get("after") else START
    return encode_cursor(f" {standing}")


def _bounds(call: Call, rows: Sequence[Node], limit: int) -> tuple[int, int]:
    if call.raw.get("after"):
        start = _position(rows, call.raw["after"]) + 1
        return start, start + limit
    if call.raw.get("before"):
        stop = _position(rows, call.raw["before"])
        return max(0, stop - limit), stop
    return 0, limit


def _position(rows: Sequence[Node], cursor: str) -> int:
    wanted = decode_cursor(cursor).strip()
    if wanted == START:
        return -1
    for place, row in enumerate(rows):
        if row["id"] == wanted:
            return place
    raise invalid("Invalid cursor.", "after")


def dumps(value: Any) -> str:
    """Compact JSON, non-ASCII escaped as Meta does."""
    return json.dumps(value, separators=(",", ":"))
