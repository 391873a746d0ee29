"""From a Graph path to its answer: version, token, proof, object, faults, rule, envelope."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

# Imported for the routes they register.
from integrations.sandbox import (  # noqa: F401
    ads,
    catalog,
    creatives,
    faults,
    images,
    insights,
    oauth,
    previews,
    runs,
    tokens,
)
from integrations.sandbox.batch import run_batch
from integrations.sandbox.errors import GraphError, invalid, missing
from integrations.sandbox.paging import dumps
from integrations.sandbox.params import check
from integrations.sandbox.routes import ROUTES, Call, Raw, require_visible
from integrations.sandbox.schema import FIELDS, PARAMS
from integrations.sandbox.seed import Node
from integrations.sandbox.tokens import Viewer
from integrations.sandbox.usage import Usage
from integrations.sandbox.versions import serve_as, split_version
from integrations.sandbox.wire import Exchange, Request, Response
from integrations.sandbox.world import World

_SECRET = frozenset(
    [
        "access_token",
        "appsecret_proof",
        "client_secret",
        "fb_exchange_token",
        "code",
        "revoke_token",
        "input_token",
    ]
)
_FILTERED = ("ads", "adsets", "campaigns")
HTML_ERROR = b"<!DOCTYPE html><html><title>Error</title><body><h1>Sorry, something went wrong.</h1>"


class Graph:
    """The Graph API over one world."""

    def __init__(self, world: World, default_version: str) -> None:
        self.world = world
        self.default = default_version
        self.usage = Usage()

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises for what a caller can do wrong."""
        version, segments = split_version(request.path)
        try:
            form, files = request.form()
        except GraphError as exc:
            return self._refused(exc, self.default)
        token, token_in = _token(request, form)
        raw = {**request.query, **form}
        raw.pop("access_token", None)
        ask = Exchange(
            request.method, segments, raw, files, token, token_in, request.base_url, version
        )
        if not segments and request.method == "POST" and "batch" in raw:
            return run_batch(self.world, ask, self.run, self.default)
        return self.run(ask)

    def run(self, ask: Exchange) -> Response:
        """Answer one call, with the faults that were asked for."""
        world = self.world
        fault = faults.take(world, "html_error", ask.path, ask.method)
        if fault and not fault["with_effect"]:
            return Response(fault["status"], HTML_ERROR, content_type="text/html; charset=utf-8")
        failing = faults.take(world, "fail", ask.path, ask.method)
        if failing and not failing["with_effect"]:
            response = self._finish(ask, self._planned(failing), ask.version or self.default)
        else:
            response = self._served(ask)
            if failing:
                response = self._finish(ask, self._planned(failing), ask.version or self.default)
        if fault:
            response = Response(
                fault["status"], HTML_ERROR, content_type="text/html; charset=utf-8"
            )
        if faults.take(world, "lose_reply", ask.path, ask.method):
            response.lost = True
        self._log(ask, response)
        return response

    def _served(self, ask: Exchange) -> Response:
        served = ask.version or self.default
        extra: list[tuple[str, str]] = []
        try:
            served, extra = serve_as(self.world, ask.version, ask.segments, self.default)
            answer = self._answer(ask, served)
        except GraphError as exc:
            answer = exc
        response = self._finish(ask, answer, served)
        response.headers += extra
        return response

    @staticmethod
    def _planned(rule: Node) -> GraphError:
        return GraphError(
            rule["code"], rule["message"], subcode=rule["subcode"], status=rule["status"]
        )

    # --- answering -----------------------------------------------------------------------------
    def _answer(self, ask: Exchange, version: str) -> Any:
        if not ask.segments:
            raise self._root(ask)
        head = ask.path
        if head == "oauth/access_token":
            return oauth.access_token(self.world, ask.raw)
        if head == "oauth/revoke":
            return oauth.revoke(self.world, ask.raw, ask.token)
        if head == "debug_token":
            return oauth.debug_token(self.world, ask.raw, ask.token)
        if not ask.token:
            raise self._no_token(ask)
        viewer = tokens.viewer(self.world, ask.token, ask.raw.get("appsecret_proof"))
        return self._on_node(ask, viewer, version)

    @staticmethod
    def _root(ask: Exchange) -> GraphError:
        if "ids" in ask.raw:
            return invalid("The ids parameter on the root is no longer supported.", "ids")
        return GraphError(2500, "Unsupported request to the root. Name an object in the path.")

    @staticmethod
    def _no_token(ask: Exchange) -> GraphError:
        if ask.segments[0] == "me":
            return GraphError(
                2500,
                "An active access token must be used to query information about the current user.",
            )
        return GraphError(104, "An access token is required to request this resource.")

    def _on_node(self, ask: Exchange, viewer: Viewer, version: str) -> Any:
        node = self._node(ask, viewer)
        edge = ask.segments[1] if len(ask.segments) > 1 else ""
        if len(ask.segments) > 2:
            raise GraphError(2500, f"Unknown path components: /{'/'.join(ask.segments[2:])}")
        ask.account = str(node.get("account_id", ""))
        self._throttle(ask)
        require_visible(self.world, viewer, node)
        kind = node["_kind"]
        handler = ROUTES.get((ask.method, kind, edge))
        if handler is None:
            raise self._no_route(ask, node, edge)
        call = Call(
            world=self.world,
            viewer=viewer,
            node=node,
            method=ask.method,
            version=version,
            base_url=ask.base_url,
            path=ask.path,
            raw=ask.raw,
            token=ask.token,
            files=ask.files,
            params=check(ask.raw, _allowed(ask.method, kind, edge)),
        )
        return handler(call)

    def _node(self, ask: Exchange, viewer: Viewer) -> Node:
        head = ask.segments[0]
        if head == "me":
            if not viewer.user:
                raise self._no_token(ask)
            if viewer.token["page"]:
                return self.world.nodes[viewer.token["page"]]
            return self.world.nodes[viewer.user]
        node = self.world.nodes.get(head)
        if node is None or not (viewer.user or _is_withdrawal(ask, node)):
            raise missing(head, ask.method.lower())
        return node

    @staticmethod
    def _no_route(ask: Exchange, node: Node, edge: str) -> GraphError:
        if ask.method == "GET" and edge and edge not in FIELDS[node["_kind"]]:
            return invalid(
                f"Tried accessing nonexisting field ({edge}) on node type ({node['_kind']})"
            )
        return missing(node["id"], ask.method.lower())

    def _throttle(self, ask: Exchange) -> None:
        """Refuse while a throttle rule for this account, or for all, is in force."""
        for path in dict.fromkeys((f"act_{ask.account}" if ask.account else "", "*")):
            rule = faults.take(self.world, "throttle", path, ask.method) if path else None
            if rule:
                ask.throttled = rule
                raise GraphError(
                    rule["code"],
                    rule["message"],
                    subcode=rule["subcode"],
                    transient=rule["code"] == 4,
                )

    # --- finishing -----------------------------------------------------------------------------
    def _finish(self, ask: Exchange, answer: Any, version: str) -> Response:
        if isinstance(answer, GraphError):
            response = self._refused(answer, version)
        else:
            text = answer.text if isinstance(answer, Raw) else dumps(answer)
            response = Response(200, text.encode(), self._headers(version))
        edge = ask.segments[-1] if ask.segments else ""
        response.headers += self.usage.headers(self.world, ask.account, edge, ask.throttled)
        return response

    def _refused(self, error: GraphError, version: str) -> Response:
        body = dumps(error.envelope()).encode()
        return Response(error.status, body, self._headers(version) + error.headers())

    @staticmethod
    def _headers(version: str) -> list[tuple[str, str]]:
        trace = secrets.token_hex(6)
        return [("facebook-api-version", version), ("x-fb-trace-id", trace), ("x-fb-rev", "1")]

    def _log(self, ask: Exchange, response: Response) -> None:
        if ask.method == "GET" or "validate_only" in ask.raw.get("execution_options", ""):
            self.world.reads += 1  # a dry run writes nothing either
            return
        row = self.world.journal.table("tokens").get(ask.token)
        try:
            answer = json.loads(response.body)
        except ValueError:
            answer = response.body.decode("utf-8", "replace")[:200]
        self.world.log_write(
            {
                "time": int(self.world.now()),
                "method": ask.method,
                "path": ask.path,
                "params": _shown(ask.raw),
                "files": [upload.filename for upload in ask.files],
                "token_in": ask.token_in,
                "user": row["user"] if row else "",
                "status": response.status,
                "answer": answer,
                "reply_lost": response.lost,
            }
        )


def _is_withdrawal(ask: Exchange, node: Node) -> bool:
    """The one thing an app may do to a person without their token: let go of them."""
    return (
        ask.method == "DELETE" and ask.segments[1:] == ["permissions"] and node["_kind"] == "User"
    )


def _allowed(method: str, kind: str, edge: str) -> Mapping[str, str]:
    allowed = PARAMS.get(f"{kind} {method} {edge}".strip(), {})
    if method == "GET" and edge in _FILTERED:
        return {**allowed, "filtering": "list<Object>"}
    if method == "POST" and edge == "adimages":
        return {**allowed, "name": "string"}
    return allowed


def _shown(raw: Mapping[str, str]) -> dict[str, str]:
    shown = {name: value for name, value in raw.items() if name not in _SECRET}
    if "bytes" in shown:
        shown["bytes"] = f"({len(raw['bytes'])} characters of base64)"
    return shown


def _token(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """The access token and where it came from: header, query or body."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "oauth") and value.strip():
        return value.strip(), "header"
    if request.query.get("access_token"):
        return request.query["access_token"], "query"
    if form.get("access_token"):
        return form["access_token"], "body"
    return "", ""
