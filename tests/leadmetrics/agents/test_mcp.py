"""MCP over HTTP, message by message: the same operations as the JSON API, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from approvals.models import AdVariant
from approvals.states import VariantStatus
from leadmetrics.agents.mcp_tools import TOOLS
from leadmetrics.agents.services import create_key, revoke_key
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_integration, make_push_target, make_variant


class McpClient:
    """Posts JSON-RPC messages with a key."""

    def __init__(self, secret: str) -> None:
        self.headers = {"Authorization": f"Bearer {secret}"}

    def post(self, body: Any, **headers: str) -> Any:
        content = body if isinstance(body, str) else json.dumps(body)
        return Client(enforce_csrf_checks=True).post(
            "/mcp", content, content_type="application/json", headers={**self.headers, **headers}
        )

    def ask(self, method: str, **params: Any) -> Any:
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer = self.post(message).json()
        assert answer["id"] == 7
        return answer

    def call(self, name: str, **arguments: Any) -> Any:
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result


@pytest.fixture
def agent(ana: Actor) -> McpClient:
    return McpClient(create_key(actor=ana, name="Copy agent")[1])


def test_new_clients_discover_and_older_ones_shake_hands(agent: McpClient) -> None:
    found = agent.ask("server/discover")["result"]
    assert found["supportedVersions"] == ["2026-07-28"]
    assert found["resultType"] == "complete"
    older = agent.ask("initialize", protocolVersion="2025-06-18")["result"]
    assert older["protocolVersion"] == "2025-06-18"
    unknown = agent.ask("initialize", protocolVersion="1999-01-01")["result"]
    assert unknown["protocolVersion"] == "2025-11-25"
    assert agent.ask("ping")["result"] == {}


def test_tools_are_those_of_the_json_api_and_none_decides(agent: McpClient) -> None:
    listed = agent.ask("tools/list")["result"]["tools"]
    assert (
        {tool["name"] for tool in listed}
        == set(TOOLS)
        == {
            "list_ad_accounts",
            "list_push_targets",
            "list_custom_audiences",
            "read_campaign_insights",
            "propose_ad_variants",
            "withdraw_ad_variant",
            "revise_ad_variant",
            "read_feedback",
        }
    )
    assert all(tool["inputSchema"]["additionalProperties"] is False for tool in listed)


def test_variant_is_proposed_once_read_and_withdrawn(agent: McpClient, acme: Tenant) -> None:
    target = make_push_target(acme)
    (shown,) = agent.call("list_push_targets")["structuredContent"]["push_targets"]
    assert shown["id"] == str(target.pk)
    proposal = {
        "idempotency_key": "run-1",
        "variants": [
            {
                "client_ref": "a1",
                "target_id": shown["id"],
                "headline": "Tents from 1.9 kg",
                "primary_text": "Pack light. Walk far.",
                "link": "https://acme.example/tents",
                "call_to_action": "SHOP_NOW",
            }
        ],
    }
    first = agent.call("propose_ad_variants", **proposal)["structuredContent"]
    again = agent.call("propose_ad_variants", **proposal)["structuredContent"]
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["results"] == again["results"]
    variant = AdVariant.objects.get()
    gone = agent.call("withdraw_ad_variant", variant_id=str(variant.pk))
    assert gone["structuredContent"]["status"] == VariantStatus.WITHDRAWN
    assert gone["isError"] is False


def test_what_a_tool_refuses_is_an_answer_that_names_the_field(agent: McpClient) -> None:
    wrong = agent.call("read_campaign_insights", since="yesterday", until="2026-11-01")
    assert wrong["isError"] is True
    assert wrong["structuredContent"]["errors"][0]["field"] == "since"
    turned = agent.call("read_campaign_insights", since="2026-11-02", until="2026-11-01")
    assert "comes after the last day" in turned["structuredContent"]["detail"]
    smuggled = agent.call("list_push_targets", status="ACTIVE")
    assert smuggled["structuredContent"]["errors"][0]["code"] == "extra_forbidden"


def test_lists_come_in_parts(agent: McpClient, acme: Tenant) -> None:
    make_push_target(acme)
    make_push_target(acme)

    first = agent.call("list_ad_accounts", limit=1)["structuredContent"]
    second = agent.call("list_ad_accounts", limit=1, cursor=first["next_cursor"])
    wrong = agent.call("list_ad_accounts", cursor="nonsense")

    assert first["ad_accounts"] != second["structuredContent"]["ad_accounts"]
    assert second["structuredContent"]["next_cursor"] == ""
    assert (wrong["isError"], wrong["structuredContent"]["code"]) == (True, "bad_cursor")
    assert agent.call("list_ad_accounts", limit=0)["isError"] is True


def test_other_tenants_objects_are_not_there(agent: McpClient, harbour: Tenant) -> None:
    make_integration(harbour)
    variant = make_variant(make_push_target(harbour))
    assert agent.call("list_push_targets")["structuredContent"] == {
        "push_targets": [],
        "next_cursor": "",
    }
    refused = agent.call("withdraw_ad_variant", variant_id=str(variant.pk))
    assert refused["structuredContent"]["code"] == "not_found"
    variant.refresh_from_db()
    assert variant.status == VariantStatus.PROPOSED


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ("{", -32700, 400),
        ("[" * 100_000, -32700, 400),
        ([], -32600, 400),
        ({"jsonrpc": "2.0", "id": 1}, -32600, 400),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": []}, -32600, 400),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, -32601, 200),
        (
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "approve"}},
            -32602,
            200,
        ),
    ],
)
def test_malformed_messages_are_answered_by_code(
    agent: McpClient, body: Any, code: int, status: int
) -> None:
    answer = agent.post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_notification_has_no_answer(agent: McpClient) -> None:
    answer = agent.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (answer.status_code, answer.content) == (202, b"")


def test_unknown_protocol_version_is_told_which_are_known(agent: McpClient) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = agent.post(message, **{"MCP-Protocol-Version": "1999-01-01"})
    assert answer.status_code == 400
    assert "2026-07-28" in answer.json()["error"]["data"]["supported"]


def test_only_a_living_key_comes_in_and_only_by_post(agent: McpClient, ana: Actor) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    key, secret = create_key(actor=ana, name="Gone")
    revoke_key(actor=ana, key_id=key.pk)
    for stranger in (McpClient(secret), McpClient("lm_nonsense"), McpClient("")):
        answer = stranger.post(message)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert agent.post(message, Origin="https://evil.example").status_code == 403
    for method in (Client().get, Client().delete):
        assert method("/mcp").status_code == 405


def test_too_many_requests_are_slowed_down(agent: McpClient) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    answers = [agent.post(message).status_code for _ in range(61)]
    assert answers.count(200) == 60
    assert answers[-1] == 429
