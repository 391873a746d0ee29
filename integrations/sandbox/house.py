"""Everything that is not Graph: the page, its files, images, previews, control and look-ups."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from integrations.sandbox import control, pages, pictures, statuses, tokens
from integrations.sandbox.errors import GraphError
from integrations.sandbox.html import page_response, redirect
from integrations.sandbox.insights import ledger
from integrations.sandbox.lookup import UnknownSwitch, account
from integrations.sandbox.paging import decode_cursor
from integrations.sandbox.wire import Request, Response
from integrations.sandbox.world import SETTINGS, World

PREVIEW_PATH = "/ads/api/preview_iframe.php"
_STYLE = (Path(__file__).parent / "style.css").read_bytes()
_ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" '
    b'rx="3" fill="#1a5fc4"/><path d="M4 11V8m4 3V5m4 6V7" stroke="#fff" stroke-width="2"/></svg>'
)


def is_ours(path: str) -> bool:
    """Whether a path is the stand-in's own and not Graph."""
    return path.split("/")[1:2] == ["sandbox"] or path == PREVIEW_PATH


def handle(world: World, request: Request) -> Response:
    """Answer one of our own paths."""
    path = request.path.rstrip("/")
    if path == "/sandbox/control":
        return _control(world, request)
    if request.method not in ("GET", "HEAD"):
        return _text(404, "Only /sandbox/control takes a POST here.")
    if request.path == "/sandbox":
        return redirect("/sandbox/")
    if path.startswith("/sandbox/images/"):
        return _image(world, path.removeprefix("/sandbox/images/"))
    handler = _ROUTES.get(path)
    return handler(world, request) if handler else _text(404, "There is no such page.")


def _overview(world: World, request: Request) -> Response:
    return page_response(pages.overview(world, request.query.get("account", "")))


def _style(_: World, __: Request) -> Response:
    return Response(200, _STYLE, [("Cache-Control", "no-cache")], "text/css; charset=utf-8")


def _icon(_: World, __: Request) -> Response:
    return Response(200, _ICON, [("Cache-Control", "max-age=3600")], "image/svg+xml")


def _preview(world: World, request: Request) -> Response:
    try:
        shown = json.loads(decode_cursor(request.query.get("d", "")))
        if "spec" in shown:
            creative = {"_spec": shown["spec"], "account_id": str(shown["account"])}
        else:
            creative = world.node(str(shown["creative"]), "AdCreative")
    except (GraphError, ValueError, KeyError, TypeError):
        return _text(404, "There is no such preview.")
    return page_response(pages.preview(world, creative), framed=True)


def _image(world: World, name: str) -> Response:
    digits, _, image_hash = name.partition("/")
    if f"{digits}:{image_hash}" not in world.nodes:
        return _text(404, "There is no such image.")
    content = world.blob(image_hash)
    if content is None:
        content = pictures.landscape(int(image_hash, 16))
    kind = {b"\x89P": "image/png", b"GI": "image/gif"}.get(content[:2], "image/jpeg")
    return Response(200, content, [("Cache-Control", "max-age=3600")], kind)


# --- for tests and tools -----------------------------------------------------------------------
def _writes(world: World, request: Request) -> Response:
    """The wire log; `?after=n` leaves out what was seen."""
    after = int(request.query.get("after", "0") or 0)
    rows = [row for row in world.journal.table("writes").values() if row["n"] > after]
    return _json({"writes": rows})


def _ledger(world: World, request: Request) -> Response:
    try:
        wanted = account(world, request.query.get("account", ""))
        since = date.fromisoformat(request.query.get("since", ""))
        until = date.fromisoformat(request.query.get("until", ""))
    except ValueError as exc:
        return _json({"error": f"Wanted: account, since, until. {exc}"}, 400)
    return _json(ledger(world, wanted, since, until))


def _state(world: World, _: Request) -> Response:
    """What the stand-in holds, without a single whole token."""
    ads = [
        {
            **{k: v for k, v in ad.items() if not k.startswith("_")},
            "creative_id": ad["_creative"],
            "effective_status": statuses.ad_status(world, ad),
            "labels": [world.nodes[label]["name"] for label in ad["_labels"]],
        }
        for ad in world.of_kind("Ad")
        if ad["_by"] == "app"
    ]
    return _json(
        {
            "now": int(world.now()),
            "today": world.today().isoformat(),
            "reads": world.reads,
            "people": [_person(world, node["id"]) for node in world.of_kind("User")],
            "ads": ads,
            "creatives": [
                _creative(node) for node in world.of_kind("AdCreative") if node["_by"] != "seed"
            ],
            "images": [node["id"] for node in world.of_kind("AdImage") if world.blob(node["hash"])],
            "faults": list(world.journal.table("faults").values()),
            "settings": {name: world.setting(name) for name in sorted(SETTINGS)},
        }
    )


def _person(world: World, user: str) -> dict[str, Any]:
    record = tokens.grant(world, user)
    return {
        "id": user,
        "name": world.nodes[user]["name"],
        "scopes": record["scopes"],
        "limited_to": record["accounts"],
        "tokens": [
            {
                "kind": t["kind"],
                "ends_with": t["token"][-4:],
                "expires_at": t["expires_at"],
                "dead": t["dead"],
            }
            for t in tokens.tokens_of(world, user)
        ],
    }


def _creative(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": node["id"],
        "account_id": node["account_id"],
        "name": node["name"],
        **node["_spec"],
    }


# --- control -----------------------------------------------------------------------------------
def _control(world: World, request: Request) -> Response:
    if request.method == "GET":
        return _json({"switches": sorted(control.SWITCHES)})
    if request.method != "POST":
        return _text(404, "Send the switches with POST.")
    # A page from elsewhere must not press switches in somebody's browser.
    origin = request.headers.get("origin")
    if origin is not None and origin != request.base_url:
        return _json({"error": "Switches are pressed from this machine only."}, 403)
    is_form = not request.headers.get("content-type", "").startswith("application/json")
    try:
        if is_form:
            switches = control.from_form(request.form()[0])
        else:
            switches = json.loads(request.body)
            if not isinstance(switches, dict):
                raise UnknownSwitch("Send a JSON object of switches.")
        answers = control.flip(world, switches)
    except (ValueError, GraphError) as exc:
        return _json({"error": str(exc), "switches": sorted(control.SWITCHES)}, 400)
    if is_form:
        return redirect(request.headers.get("referer", "").partition("#")[0] or "/sandbox/")
    return _json({"ok": True, "result": answers})


def _json(value: Any, status: int = 200) -> Response:
    body = json.dumps(value, indent=1).encode() + b"\n"
    return Response(status, body, [("Cache-Control", "no-store")])


def _text(status: int, words: str) -> Response:
    return Response(status, words.encode() + b"\n", [], "text/plain; charset=utf-8")


_ROUTES: dict[str, Callable[[World, Request], Response]] = {
    "/sandbox": _overview,
    "/sandbox/style.css": _style,
    "/sandbox/icon.svg": _icon,
    "/sandbox/state": _state,
    "/sandbox/writes": _writes,
    "/sandbox/ledger": _ledger,
    PREVIEW_PATH: _preview,
}
