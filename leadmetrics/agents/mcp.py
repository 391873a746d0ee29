"""/mcp: the Model Context Protocol over streamable HTTP, stateless, one JSON answer per POST.

Speaks the revision of 2026-07-28 and, for older clients, the ``initialize`` handshake before it.
There are no sessions and no server messages, so GET and DELETE are answered with 405.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from leadmetrics.agents import auth
from leadmetrics.agents.mcp_tools import TOOLS, as_object
from leadmetrics.agents.models import AgentKey
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import Actor

MODERN = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
VERSIONS = (MODERN, *HANDSHAKE)
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
UNSUPPORTED_VERSION = -32022
INSTRUCTIONS = (
    "Propose ad copy for human review and read what people decided. You cannot approve, push or "
    "switch on anything. Start with list_push_targets."
)
_CAPABILITIES = {"tools": {"listChanged": False}}
_SERVER = {"name": "leadmetrics", "title": "Leadmetrics for Meta Ads", "version": "1"}
# What is listed depends on nobody's key, but a shared cache need not know it.
_CACHE = {"ttlMs": 3_600_000, "cacheScope": "private"}


class RpcError(Exception):
    """An answer in JSON-RPC's own words."""

    def __init__(self, code: int, message: str, *, status: int = 200, data: Any = None) -> None:
        self.code, self.message, self.status, self.data = code, message, status, data
        super().__init__(message)


@csrf_exempt  # bearer keys only; cookies mean nothing here
@login_not_required
@require_POST
def endpoint(request: HttpRequest) -> HttpResponse:
    """One JSON-RPC message in, one answer out; 202 without a body for a notification."""
    origin = request.headers.get("Origin", "")
    if origin and urlsplit(origin).netloc != urlsplit(settings.SITE_URL).netloc:
        return _problem(403, "Requests from other sites are not answered.")
    found = auth.authenticate(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if found is None:
        answer = _problem(401, "The key is missing, wrong, revoked or expired.")
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    key, actor = found
    if not auth.allow(key):
        return _problem(429, "Too many requests with this key. Wait a minute and go on.")
    message: dict[str, Any] = {}
    try:
        message = _read(request)
        if "id" not in message:
            return HttpResponse(status=202)
        result = _answer(key, actor, message)
        return JsonResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})
    except RpcError as exc:
        error = {"code": exc.code, "message": exc.message}
        if exc.data is not None:
            error["data"] = exc.data
        body = {"jsonrpc": "2.0", "id": message.get("id"), "error": error}
        return JsonResponse(body, status=exc.status)


def _read(request: HttpRequest) -> dict[str, Any]:
    version = request.headers.get("MCP-Protocol-Version", MODERN)
    if version not in VERSIONS:
        raise RpcError(
            UNSUPPORTED_VERSION,
            "This protocol version is not supported.",
            status=400,
            data={"supported": list(VERSIONS), "requested": version[:40]},
        )
    try:
        message = json.loads(request.body)
    except (ValueError, RecursionError):
        raise RpcError(PARSE_ERROR, "The body is not valid JSON.", status=400) from None
    is_request = isinstance(message, dict) and isinstance(message.get("method"), str)
    if not is_request or not isinstance(message.get("params", {}), dict):
        raise RpcError(INVALID_REQUEST, "Send one JSON-RPC request per POST.", status=400)
    return dict(message)


def _answer(key: AgentKey, actor: Actor, message: dict[str, Any]) -> dict[str, Any]:
    params = message.get("params", {})
    match message["method"]:
        case "server/discover":
            return {
                "resultType": "complete",
                "supportedVersions": [MODERN],
                "capabilities": _CAPABILITIES,
                "serverInfo": _SERVER,
                "instructions": INSTRUCTIONS,
                **_CACHE,
            }
        case "initialize":
            asked = params.get("protocolVersion")
            return {
                "protocolVersion": asked if asked in HANDSHAKE else HANDSHAKE[0],
                "capabilities": _CAPABILITIES,
                "serverInfo": _SERVER,
                "instructions": INSTRUCTIONS,
            }
        case "ping":
            return {}
        case "tools/list":
            listed = [tool.as_json() for tool in TOOLS.values()]
            return {"resultType": "complete", "tools": listed, **_CACHE}
        case "tools/call":
            return _call(key, actor, params)
    raise RpcError(NO_METHOD, "There is no such method.")


def _call(key: AgentKey, actor: Actor, params: dict[str, Any]) -> dict[str, Any]:
    """The tool's answer; what it refuses is an answer too, so that the model can mend it."""
    tool = TOOLS.get(str(params.get("name")))
    if tool is None:
        raise RpcError(INVALID_PARAMS, "There is no such tool.")
    try:
        arguments = tool.arguments.model_validate(params.get("arguments") or {})
        content = as_object(tool.run(key, actor, arguments))
    except ValidationError as exc:
        problems = [
            {
                "code": str(error["type"]),
                "field": ".".join(str(part) for part in error["loc"]),
                "message": str(error["msg"]),
            }
            for error in exc.errors()
        ]
        content = {
            "code": "invalid",
            "detail": "The arguments do not have the right shape.",
            "errors": problems,
        }
        return _result(content, is_error=True)
    except LeadmetricsError as exc:
        problems = getattr(exc, "problems", None) or []
        content = {"code": exc.code, "detail": exc.user_message, "errors": problems}
        return _result(content, is_error=True)
    return _result(content)


def _result(content: dict[str, Any], *, is_error: bool = False) -> dict[str, Any]:
    text = json.dumps(content, ensure_ascii=False)
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": text}],
        "structuredContent": content,
        "isError": is_error,
    }


def _problem(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"status": status, "detail": detail}, status=status)
