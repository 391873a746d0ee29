"""Batches: up to 50 calls in one, each with its own status and headers (fact sheet 8)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox import faults, params
from integrations.sandbox.errors import GraphError, invalid
from integrations.sandbox.paging import dumps
from integrations.sandbox.versions import split_version
from integrations.sandbox.wire import Exchange, Response
from integrations.sandbox.world import World

MOST = 50
_REFERENCE = re.compile(r"\{result=([\w-]+):\$\.([\w.*\[\]]+)\}")


def run_batch(
    world: World, ask: Exchange, run: Callable[[Exchange], Response], version: str
) -> Response:
    """HTTP 200 with a list of `{code, headers, body}`; null where an item was not answered."""
    try:
        items = _items(ask)
    except GraphError as exc:
        return Response(exc.status, dumps(exc.envelope()).encode())
    done: dict[str, Any] = {}
    answers: list[Any] = []
    for item in items:
        # Null is all the caller sees; whether the item was carried out stays open.
        lost = faults.take(world, "batch_null", "", "")
        if lost and not lost["with_effect"]:
            answers.append(None)
            continue
        answer = _run_item(ask, item, done, run, ask.version or version)
        answers.append(None if lost else answer)
    return Response(200, dumps(answers).encode(), [("facebook-api-version", version)])


def _items(ask: Exchange) -> list[dict[str, Any]]:
    try:
        items = json.loads(ask.raw["batch"])
    except ValueError:
        raise invalid("Param batch must be valid JSON.", "batch") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid("Param batch must be an array of objects.", "batch")
    if not 1 <= len(items) <= MOST:
        raise GraphError(100, f"Too many requests in batch message. Maximum batch size is {MOST}")
    return items


def _run_item(
    ask: Exchange,
    item: dict[str, Any],
    done: dict[str, Any],
    run: Callable[[Exchange], Response],
    version: str,
) -> Any:
    try:
        inner = _exchange(ask, item, done, version)
    except GraphError as exc:
        return _entry(Response(exc.status, dumps(exc.envelope()).encode()), headers=True)
    response = run(inner)
    if item.get("name") and response.status == 200:
        done[item["name"]] = json.loads(response.body)
    if response.lost:
        return None
    return _entry(response, headers=ask.raw.get("include_headers", "true") != "false")


def _entry(response: Response, *, headers: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"code": response.status, "body": response.body.decode()}
    if headers:
        listed = [("Content-Type", response.content_type), *response.headers]
        entry["headers"] = [{"name": name, "value": value} for name, value in listed]
    return entry


def _exchange(ask: Exchange, item: dict[str, Any], done: dict[str, Any], default: str) -> Exchange:
    method = str(item.get("method", "GET")).upper()
    target = urlsplit(_fill(str(item.get("relative_url", "")), done))
    version, segments = split_version(target.path)
    raw = params.parse_pairs(target.query)
    raw |= params.parse_pairs(_fill(str(item.get("body", "")), done))
    if "appsecret_proof" in ask.raw:
        raw.setdefault("appsecret_proof", ask.raw["appsecret_proof"])
    token = raw.pop("access_token", "") or str(item.get("access_token", "")) or ask.token
    names = {name.strip() for name in str(item.get("attached_files", "")).split(",")}
    files = tuple(upload for upload in ask.files if upload.part in names)
    return Exchange(
        method,
        segments,
        raw,
        files,
        token,
        ask.token_in,
        ask.base_url,
        version or default,
    )


def _fill(text: str, done: dict[str, Any]) -> str:
    """Replace `{result=name:$.path}` by what an earlier item answered."""

    def value(match: re.Match[str]) -> str:
        name, path = match.groups()
        if name not in done:
            raise invalid(f"The batch item {name} was not answered.", "batch")
        found: list[Any] = [done[name]]
        for step in path.replace("[*]", ".*").split("."):
            found = [inner for outer in found for inner in _step(outer, step)]
        return ",".join(map(str, found))

    return _REFERENCE.sub(value, text)


def _step(outer: Any, step: str) -> list[Any]:
    if step == "*":
        return list(outer) if isinstance(outer, list) else []
    return [outer[step]] if isinstance(outer, dict) and step in outer else []
