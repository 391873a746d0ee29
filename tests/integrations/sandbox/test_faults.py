"""Trouble on purpose: every switch does what its name says, and no more than it was told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from integrations.sandbox.server import SandboxHandle
from tests.integrations.sandbox.conftest import ACCOUNT, AD_SET, Api, Clock, creative_body


def ad_body(api: Api) -> dict[str, Any]:
    creative = {"creative_id": api.creative()}
    return {"name": "LM-1", "adset_id": AD_SET, "status": "PAUSED", "creative": creative}


def stored_ads(api: Api) -> list[Any]:
    return list(api.page("/sandbox/state").json()["ads"])


def test_a_lost_reply_is_a_stored_write_without_an_answer(ana: Api) -> None:
    body = ad_body(ana)
    ana.control(lose_reply={"path": "ads", "times": 1})
    ana.get(f"{ACCOUNT}/ads")  # A read of the same edge does not use it up.
    with pytest.raises(requests.ConnectionError):
        ana.call("POST", f"{ACCOUNT}/ads", **body)
    assert len(stored_ads(ana)) == 1
    assert ana.page("/sandbox/writes").json()["writes"][-1]["reply_lost"] is True
    ana.post(f"{ACCOUNT}/ads", **body)
    assert len(stored_ads(ana)) == 2


@pytest.mark.parametrize(("with_effect", "stored"), [(False, 0), (True, 1)])
def test_failing_with_and_without_effect(ana: Api, with_effect: bool, stored: int) -> None:
    body = ad_body(ana)
    ana.control(
        fail={
            "path": "ads",
            "status": 500,
            "code": 2,
            "subcode": 1504018,
            "times": 1,
            "with_effect": with_effect,
        }
    )
    error = ana.error("POST", f"{ACCOUNT}/ads", http=500, **body)
    assert (error["code"], error["error_subcode"]) == (2, 1504018)
    assert len(stored_ads(ana)) == stored
    assert ana.post(f"{ACCOUNT}/ads", **body)["id"]


@pytest.mark.parametrize(("with_effect", "stored"), [(False, 0), (True, 1)])
def test_a_web_page_instead_of_json(ana: Api, with_effect: bool, stored: int) -> None:
    body = ad_body(ana)
    ana.control(html_error={"path": f"{ACCOUNT}/ads", "with_effect": with_effect})
    response = ana.call("POST", f"{ACCOUNT}/ads", **body)
    assert response.status_code == 502
    assert response.headers["Content-Type"].startswith("text/html")
    assert len(stored_ads(ana)) == stored


def test_a_fault_hits_only_its_path(ana: Api) -> None:
    ana.control(fail={"path": "campaigns", "times": 1})
    assert ana.get(f"{ACCOUNT}/ads")["data"]
    assert ana.error("GET", f"{ACCOUNT}/campaigns", http=500)["code"] == 1
    assert ana.get(f"{ACCOUNT}/campaigns")["data"]


@pytest.mark.parametrize("code", [4, 17, 613, 80000, 80004])
def test_throttling_counts_down_and_says_how_long(ana: Api, code: int) -> None:
    ana.control(throttle={"account": ACCOUNT, "code": code, "minutes": 7, "times": 2})
    for _ in range(2):
        response = ana.call("GET", f"{ACCOUNT}/insights")
        assert response.status_code == 400
        assert response.json()["error"]["code"] == code
        case = json.loads(response.headers["x-business-use-case-usage"])[ACCOUNT[4:]][0]
        assert case["estimated_time_to_regain_access"] == 7
        assert case["type"] == "ads_insights"
        assert case["call_count"] == 100
        whole = json.loads(response.headers["x-ad-account-usage"])
        assert whole["reset_time_duration"] == 420
    assert ana.get("act_210000000000002/insights")
    assert ana.get(f"{ACCOUNT}/insights")


def test_throttling_without_times_ends_with_its_minutes(ana: Api, clock: Clock) -> None:
    ana.control(throttle={"account": "1", "code": 17, "subcode": 2446079, "minutes": 5})
    for _ in range(3):
        assert ana.error("GET", f"{ACCOUNT}/ads")["error_subcode"] == 2446079
    assert ana.error("GET", AD_SET)["code"] == 17
    clock.now += 301
    assert ana.get(f"{ACCOUNT}/ads")["data"]


def test_throttling_everybody(ana: Api) -> None:
    ana.control(throttle={"code": 4, "times": 1})
    error = ana.error("GET", "me")
    assert (error["code"], error["is_transient"]) == (4, True)


def test_usage_headers_can_be_dictated_or_left_out(ana: Api) -> None:
    ana.control(usage={"x-business-use-case-usage": {"call_count": 118}})
    response = ana.call("GET", f"{ACCOUNT}/ads")
    case = json.loads(response.headers["x-business-use-case-usage"])[ACCOUNT[4:]][0]
    assert case["call_count"] == 118
    ana.control(usage="off")
    response = ana.call("GET", f"{ACCOUNT}/insights")
    assert not [name for name in response.headers if "usage" in name or "throttle" in name]


def test_usage_counts_calls_of_the_hour(ana: Api, clock: Clock) -> None:
    for _ in range(201):
        ana.call("GET", "me")
    usage = json.loads(ana.call("GET", "me").headers["x-app-usage"])
    assert usage["call_count"] == 1
    clock.now += 3600
    usage = json.loads(ana.call("GET", "me").headers["x-app-usage"])
    assert usage["call_count"] == 0


def test_ads_can_be_refused_for_an_account(ana: Api) -> None:
    body = ad_body(ana)
    ana.control(refuse_ads={"account": ACCOUNT})
    error = ana.error("POST", f"{ACCOUNT}/ads", **body)
    assert (error["code"], error["error_subcode"]) == (100, 1885183)
    assert error["error_user_msg"]
    ana.control(refuse_ads={"account": ACCOUNT, "off": True})
    assert ana.post(f"{ACCOUNT}/ads", **body)["id"]


def test_accounts_can_be_disabled_and_enabled(ana: Api) -> None:
    body = ad_body(ana)
    ana.control(disable_account=ACCOUNT)
    assert ana.get(ACCOUNT, fields="account_status")["account_status"] == 2
    assert ana.error("POST", f"{ACCOUNT}/ads", http=403, **body)["code"] == 200
    ana.control(enable_account={"account": ACCOUNT})
    assert ana.post(f"{ACCOUNT}/ads", **body)["id"]


def test_tokens_can_be_given_another_end(ana: Api, clock: Clock) -> None:
    ana.control(token_expires_in={"user": "Ana Keller", "seconds": 60})
    clock.now += 61
    assert ana.error("GET", "me")["error_subcode"] == 463
    ana.sign_in("ana")
    assert ana.control(expire_token="ana")["expire_token"] >= 1
    assert ana.error("GET", "me")["error_subcode"] == 463


def test_scopes_come_and_go(ana: Api) -> None:
    ana.control(remove_scope={"user": "ana", "scope": "ads_management"})
    assert ana.error("POST", f"{ACCOUNT}/adlabels", http=403, name="x")["code"] == 200
    ana.control(grant_scope={"user": "ana", "scope": "ads_management"})
    assert ana.post(f"{ACCOUNT}/adlabels", name="x")["id"]


def test_signed_requests_verify_unless_forged(visitor: Api, sandbox: SandboxHandle) -> None:
    for forged in (False, True):
        text = visitor.control(signed_request={"user": "ana", "forged": forged})["signed_request"]
        signature, _, payload = text.partition(".")
        expected = hmac.new(
            sandbox.world.app_secret.encode(), payload.encode(), hashlib.sha256
        ).digest()
        assert (base64.urlsafe_b64decode(signature + "==") == expected) is not forged
        data = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert data["user_id"] == "122000000000001"


def test_status_changes_by_somebody_else(ana: Api) -> None:
    ad = ana.ad()
    ana.control(set_ad_status={"ad_id": ad, "status": "ACTIVE"})
    assert ana.get(ad, fields="configured_status")["configured_status"] == "ACTIVE"
    newest = ana.get(f"{ACCOUNT}/activities", fields="actor_name")["data"][0]
    assert newest["actor_name"] != "Ana Keller"


def test_no_more_trouble_clears_rules_and_settings(ana: Api) -> None:
    ana.control(fail={"path": "", "times": 9}, refuse_ads="1", usage="off", listing_delay_seconds=9)
    ana.control(clear_faults=True)
    state = ana.page("/sandbox/state").json()
    assert state["faults"] == []
    assert state["settings"]["listing_delay_seconds"] == 0
    assert ana.ad()


def test_full_tokens_show_only_in_the_list_switch(ana: Api) -> None:
    assert ana.token in ana.control(list=True)["list"]["Ana Keller"]
    for path in ("/sandbox/state", "/sandbox/writes", "/sandbox/"):
        assert ana.token not in ana.page(path).text


@pytest.mark.parametrize(
    "switches",
    [
        {"make_tea": True},
        {"expire_token": "nobody"},
        {"throttle": {"account": "77"}},
        {"disapprove": "1"},
        {"invalidate_token": {"user": "ana", "subcode": 1}},
        {"remove_scope": {"user": "ana"}},
        {"listing_delay_seconds": "long"},
        {"scale": {"accounts": 3}},
        ["reset"],
    ],
)
def test_bad_switches_are_told_which_ones_exist(visitor: Api, switches: Any) -> None:
    answer = visitor.page("/sandbox/control", method="POST", json=switches)
    assert answer.status_code == 400
    assert "expire_token" in answer.json()["switches"]


def test_an_unknown_switch_among_known_ones_changes_nothing(ana: Api) -> None:
    answer = ana.page("/sandbox/control", method="POST", json={"expire_token": "ana", "x": 1})
    assert answer.status_code == 400
    assert ana.get("me")


def test_pages_from_elsewhere_cannot_press_switches(ana: Api) -> None:
    headers = {"Origin": "http://evil.example"}
    for body in ({"json": {"reset": True}}, {"data": {"switch": "reset", "value": "true"}}):
        answer = ana.page("/sandbox/control", method="POST", headers=headers, **body)
        assert answer.status_code == 403
    assert ana.get("me")


def test_the_wire_log_keeps_statuses_and_no_secrets(ana: Api) -> None:
    ana.ad()
    text = ana.page("/sandbox/writes").text
    assert ana.token not in text
    writes = json.loads(text)["writes"]
    assert [row["params"].get("status") for row in writes] == [None, "PAUSED"]
    assert writes[-1]["path"] == f"{ACCOUNT}/ads"
    assert writes[-1]["answer"]["id"]
    assert writes[-1]["user"] == "122000000000001"
    assert writes[-1]["token_in"] == "header"
    later = ana.page(f"/sandbox/writes?after={writes[0]['n']}").json()["writes"]
    assert [row["n"] for row in later] == [writes[1]["n"]]


def test_failed_writes_are_in_the_wire_log_too(ana: Api) -> None:
    ana.error("POST", f"{ACCOUNT}/adcreatives", **creative_body(link="nowhere"))
    last = ana.page("/sandbox/writes").json()["writes"][-1]
    assert (last["status"], last["answer"]["error"]["code"]) == (400, 100)


def test_a_call_cut_short_by_a_dying_client_is_no_call(ana: Api) -> None:
    creative = json.dumps({"creative_id": ana.creative()})
    fields = {"name": "LM-1", "adset_id": AD_SET, "creative": creative}
    whole = urlencode({**fields, "status": "PAUSED"}).encode()
    before = ana.page("/sandbox/writes").text
    with socket.create_connection(("127.0.0.1", urlsplit(ana.base_url).port or 0), 10) as caller:
        caller.sendall(
            f"POST /v26.0/{ACCOUNT}/ads HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {ana.token}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(whole)}\r\n\r\n{urlencode(fields)}".encode()
        )
        caller.shutdown(socket.SHUT_WR)
        assert caller.recv(1) == b""
    assert stored_ads(ana) == []
    assert ana.page("/sandbox/writes").text == before


def test_latency_is_added_to_graph_answers_only(ana: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("integrations.sandbox.server.time.sleep", waited.append)
    ana.control(latency_ms=250)
    ana.get("me")
    ana.page("/sandbox/state")
    assert waited == [0.25]
