"""The app may let go of a person without the person's token, and do nothing else to them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from integrations.sandbox.server import start_in_thread

APP_TOKEN = "100000000000001|stand-in-app-secret"
ANA = "122000000000001"


def call(base_url: str, method: str, path: str, token: str) -> dict:
    request = urllib.request.Request(
        f"{base_url}/v26.0/{path}", headers={"Authorization": f"Bearer {token}"}, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return json.load(refused)


def test_app_token_withdraws_a_grant_and_nothing_more():
    stand_in = start_in_thread()
    try:
        control = urllib.request.Request(
            f"{stand_in.base_url}/sandbox/control",
            json.dumps({"sign_in": {"user": "Ana"}}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(control) as answer:
            token = json.load(answer)["result"]["sign_in"]
        base = stand_in.base_url
        assert call(base, "GET", f"{ANA}/permissions", APP_TOKEN)["error"]["code"] == 100
        assert call(base, "GET", f"{ANA}/adaccounts", APP_TOKEN)["error"]["code"] == 100
        assert call(base, "DELETE", f"{ANA}/permissions", APP_TOKEN) == {"success": True}
        refused = call(base, "GET", "me", token)["error"]
        assert (refused["code"], refused["error_subcode"]) == (190, 458)
    finally:
        stand_in.stop()
