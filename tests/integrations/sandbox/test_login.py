"""The dialog a person clicks, the code, and what becomes of tokens."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from integrations.sandbox.server import SandboxHandle
from integrations.sandbox.tokens import proof
from tests.integrations.sandbox.conftest import ACCOUNT, ALL_SCOPES, Api, Clock

CALLBACK = "http://localhost:8000/meta/callback/"
APP = {"client_id": "100000000000001", "client_secret": "stand-in-app-secret"}
ANA = "122000000000001"
DIALOG = "/v26.0/dialog/oauth"


def dialog_query(**changes: str) -> dict[str, str]:
    return {
        "client_id": APP["client_id"],
        "redirect_uri": CALLBACK,
        "state": "a b<&>",
        "scope": ALL_SCOPES,
        "response_type": "code",
        **changes,
    }


def click(api: Api, decision: str, *, untick: tuple[str, ...] = (), **changes: str) -> Any:
    """Submit the dialog's own form the way a browser does; the address it leads to."""
    page = api.page(f"{DIALOG}?{urlencode(dialog_query(**changes))}")
    assert page.status_code == 200
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    form = {
        name: value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        for name, value in hidden.items()
    }
    for box in re.findall(r'type="checkbox" name="(scope:[^"]+)"', page.text):
        if box.removeprefix("scope:") not in untick:
            form[box] = "1"
    answer = api.page(DIALOG, method="POST", data={**form, "decision": decision})
    assert answer.status_code == 302
    return urlsplit(answer.headers["Location"])


def connect(api: Api, **options: Any) -> str:
    """Through the dialog and the code exchange to a short-lived token."""
    code = parse_qs(click(api, "continue", **options).query)["code"][0]
    answer = api.get("oauth/access_token", **APP, redirect_uri=CALLBACK, code=code)
    api.token = answer["access_token"]
    return api.token


def test_dialog_leads_back_with_code_and_the_very_state(visitor: Api) -> None:
    target = click(visitor, "continue")
    query = parse_qs(target.query)
    assert target.geturl().startswith(CALLBACK + "?")
    assert set(query) == {"code", "state"}
    assert query["state"] == ["a b<&>"]
    assert target.fragment == "_=_"


def test_cancel_leads_back_with_facebooks_denial_query(visitor: Api) -> None:
    target = click(visitor, "cancel", state="s1")
    assert target.query == (
        "error=access_denied&error_code=200&error_description=Permissions+error"
        "&error_reason=user_denied&state=s1"
    )
    assert target.fragment == "_=_"


def test_unticked_permissions_are_declined_without_an_error(visitor: Api) -> None:
    connect(visitor, untick=("business_management",))
    found = {p["permission"]: p["status"] for p in visitor.get("me/permissions")["data"]}
    assert found["business_management"] == "declined"
    assert found["ads_read"] == "granted"
    assert visitor.error("GET", "me/businesses", http=403)["code"] == 200


def test_declined_permission_is_only_asked_again_with_rerequest(visitor: Api) -> None:
    connect(visitor, untick=("ads_management",))
    page = visitor.page(f"{DIALOG}?{urlencode(dialog_query())}")
    assert 'name="scope:ads_management"' not in page.text
    again = visitor.page(f"{DIALOG}?{urlencode(dialog_query(auth_type='rerequest'))}")
    assert 'name="scope:ads_management"' in again.text
    connect(visitor, auth_type="rerequest")
    found = {p["permission"]: p["status"] for p in visitor.get("me/permissions")["data"]}
    assert found["ads_management"] == "granted"


def test_dialog_offers_people_with_different_assets(visitor: Api) -> None:
    page = visitor.page(f"{DIALOG}?{urlencode(dialog_query())}").text
    assert page.count('class="person') == 4
    assert "Acme Outdoor EU" in page
    sam = visitor.page(f"{DIALOG}?{urlencode(dialog_query(person='122000000000004'))}").text
    assert "Acme Outdoor EU" not in sam
    connect(visitor, person="122000000000003")
    assert [a["name"] for a in visitor.get("me/adaccounts", fields="name")["data"]] == [
        "Borealis Roastery"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "999"),
        ("redirect_uri", "https://evil.example/callback/"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "http://localhost.evil.example/"),
        ("redirect_uri", "http://localhost:8000/#x"),
        ("redirect_uri", ""),
        ("response_type", "everything"),
        ("auth_type", "nag"),
        ("scope", "ads_read,make_coffee"),
        ("display", "hologram"),
        ("person", "1"),
    ],
)
def test_dialog_refuses_what_facebook_would_not_show(visitor: Api, name: str, value: str) -> None:
    answer = visitor.page(f"{DIALOG}?{urlencode(dialog_query(**{name: value}))}")
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "<form" not in answer.text


def test_dialog_escapes_what_it_shows_and_allows_no_script(visitor: Api) -> None:
    query = urlencode(dialog_query(state='"><script>alert(1)</script>'))
    page = visitor.page(f"{DIALOG}?{query}")
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "form-action 'self' http://localhost:8000" in policy
    refused = visitor.page(f"{DIALOG}?{urlencode(dialog_query(scope='<script>'))}")
    assert "<script>" not in refused.text


def test_posting_a_foreign_redirect_is_refused_too(visitor: Api) -> None:
    form = {**dialog_query(redirect_uri="https://evil.example/"), "decision": "continue"}
    answer = visitor.page(DIALOG, method="POST", data=form)
    assert answer.status_code == 400


def test_granted_scopes_come_along_when_asked(visitor: Api) -> None:
    target = click(visitor, "continue", untick=("ads_read",), response_type="code granted_scopes")
    query = parse_qs(target.query)
    assert query["denied_scopes"] == ["ads_read"]
    assert "ads_management" in query["granted_scopes"][0].split(",")


def test_code_works_once(visitor: Api) -> None:
    code = parse_qs(click(visitor, "continue").query)["code"][0]
    visitor.get("oauth/access_token", **APP, redirect_uri=CALLBACK, code=code)
    response = visitor.call("GET", "oauth/access_token", **APP, redirect_uri=CALLBACK, code=code)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["error_subcode"]) == (400, 100, 36009)
    assert 'OAuth "Facebook Platform" "invalid_code"' in response.headers["WWW-Authenticate"]


def test_code_needs_the_same_redirect_and_ten_minutes(visitor: Api, clock: Clock) -> None:
    code = parse_qs(click(visitor, "continue").query)["code"][0]
    other = visitor.error(
        "GET", "oauth/access_token", **APP, redirect_uri=CALLBACK + "?x=1", code=code
    )
    assert other["error_subcode"] == 36008
    clock.now += 601
    late = visitor.error("GET", "oauth/access_token", **APP, redirect_uri=CALLBACK, code=code)
    assert late["error_subcode"] == 36007


def test_exchange_knows_wrong_app_and_wrong_secret(visitor: Api) -> None:
    wrong_secret = visitor.error(
        "GET",
        "oauth/access_token",
        client_id=APP["client_id"],
        client_secret="x",
        code="y",
        redirect_uri=CALLBACK,
    )
    assert (wrong_secret["code"], wrong_secret["message"]) == (
        1,
        "Error validating client secret.",
    )
    assert visitor.error("GET", "oauth/access_token", client_id="9")["code"] == 101


def test_long_lived_exchange_gives_sixty_days_once_then_what_is_left(
    visitor: Api, clock: Clock
) -> None:
    short = connect(visitor)
    exchange = {**APP, "grant_type": "fb_exchange_token"}
    first = visitor.get("oauth/access_token", **exchange, fb_exchange_token=short)
    assert first["expires_in"] == 5_183_990
    clock.now += 86_400
    second = visitor.get("oauth/access_token", **exchange, fb_exchange_token=first["access_token"])
    assert second["expires_in"] == 5_183_990 - 86_400
    assert second["access_token"] != first["access_token"]


def test_expired_token_cannot_be_exchanged(visitor: Api, clock: Clock) -> None:
    short = connect(visitor)
    clock.now += 7_200
    error = visitor.error(
        "GET",
        "oauth/access_token",
        **APP,
        grant_type="fb_exchange_token",
        fb_exchange_token=short,
    )
    assert (error["code"], error["error_subcode"]) == (190, 463)


def test_code_may_yield_a_token_that_never_expires(visitor: Api) -> None:
    visitor.control(code_grants="never")
    code = parse_qs(click(visitor, "continue").query)["code"][0]
    answer = visitor.get("oauth/access_token", **APP, redirect_uri=CALLBACK, code=code)
    assert "expires_in" not in answer
    app_token = f"{APP['client_id']}|{APP['client_secret']}"
    data = visitor.get("debug_token", input_token=answer["access_token"], access_token=app_token)[
        "data"
    ]
    assert (data["is_valid"], data["expires_at"]) == (True, 0)


def test_debug_token_describes_good_and_bad_tokens(visitor: Api, clock: Clock) -> None:
    token = connect(visitor)
    visitor.token = f"{APP['client_id']}|{APP['client_secret']}"
    data = visitor.get("debug_token", input_token=token)["data"]
    assert data["user_id"] == ANA
    assert data["type"] == "USER"
    assert data["data_access_expires_at"] == int(clock.now) + 90 * 86_400
    assert {"scope": "ads_read"} in data["granular_scopes"]
    visitor.control(invalidate_token={"user": "ana", "subcode": 460})
    dead = visitor.get("debug_token", input_token=token)["data"]
    assert (dead["is_valid"], dead["error"]["subcode"]) == (False, 460)
    assert visitor.get("debug_token", input_token="nonsense")["data"]["is_valid"] is False


def test_granular_scopes_name_the_accounts_of_a_limited_grant(visitor: Api) -> None:
    token = connect(visitor)
    visitor.control(limit_accounts={"user": "ana", "accounts": ["2"]})
    assert [a["id"] for a in visitor.get("me/adaccounts")["data"]] == ["act_210000000000002"]
    assert visitor.error("GET", ACCOUNT)["error_subcode"] == 33
    data = visitor.get("debug_token", input_token=token)["data"]
    assert {"scope": "ads_read", "target_ids": ["210000000000002"]} in data["granular_scopes"]


def test_deleting_permissions_disconnects(ana: Api) -> None:
    ana.call("DELETE", "me/permissions/", permission="pages_manage_ads")
    assert "pages_manage_ads" not in str(ana.get("me/permissions"))
    assert ana.call("DELETE", "me/permissions").json() == {"success": True}
    error = ana.error("GET", "me")
    assert (error["code"], error["error_subcode"]) == (190, 458)


def test_revoke_ends_one_token(ana: Api) -> None:
    other = ana.control(sign_in="ana")["sign_in"]
    assert ana.get("oauth/revoke", **APP, revoke_token=other) == {"success": True}
    mine, ana.token = ana.token, other
    assert ana.error("GET", "me")["error_subcode"] == 467
    ana.token = mine
    assert ana.get("me", fields="id")["id"] == ANA


@pytest.mark.parametrize("subcode", [458, 459, 460, 464, 467, 492, 493])
def test_invalid_tokens_answer_400_with_a_challenge(ana: Api, subcode: int) -> None:
    ana.control(invalidate_token={"user": "ana", "subcode": subcode})
    response = ana.call("GET", "me/adaccounts")
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["error_subcode"]) == (400, 190, subcode)
    assert '"invalid_token"' in response.headers["WWW-Authenticate"]


def test_token_ends_with_its_time_and_with_data_access(visitor: Api, clock: Clock) -> None:
    visitor.sign_in("ana")
    clock.now += 61 * 86_400
    assert visitor.error("GET", "me")["error_subcode"] == 463
    visitor.sign_in("ana", kind="never")
    clock.now += 91 * 86_400
    assert visitor.error("GET", "me")["error_subcode"] == 493


def test_token_is_taken_from_header_query_or_body(ana: Api) -> None:
    token, ana.token = ana.token, ""
    assert ana.get("me", access_token=token, fields="id")["id"] == ANA
    assert ana.post(f"{ACCOUNT}/adlabels", access_token=token, name="x")["id"]
    writes = ana.page("/sandbox/writes").json()["writes"]
    assert writes[-1]["token_in"] == "body"
    assert token not in ana.page("/sandbox/writes").text
    assert ana.error("GET", "me")["code"] == 2500
    assert ana.error("GET", ACCOUNT)["code"] == 104
    ana.token = "EAAgarbage"
    assert ana.error("GET", "me")["code"] == 190


def test_proof_is_checked_when_sent_and_missed_when_required(
    ana: Api, sandbox: SandboxHandle
) -> None:
    good = proof(sandbox.world.app_secret, ana.token)
    assert ana.get("me", appsecret_proof=good, fields="id")["id"] == ANA
    wrong = ana.error("GET", "me", appsecret_proof="0" * 64)
    assert (wrong["code"], wrong["type"]) == (100, "GraphMethodException")
    ana.control(require_proof=True)
    missing = ana.error("GET", "me")
    assert (missing["code"], missing["type"]) == (100, "GraphMethodException")
    assert ana.get("me", appsecret_proof=good, fields="id")["id"] == ANA


def test_page_token_acts_as_the_page(ana: Api) -> None:
    page = ana.get("me/accounts")["data"][0]
    assert set(page) == {"access_token", "category", "category_list", "name", "id", "tasks"}
    ana.token = page["access_token"]
    assert ana.get("me", fields="id,name")["id"] == page["id"]
