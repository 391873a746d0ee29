"""The login: addresses, exchanges, inspection, and callbacks that Meta signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from tests.integrations.meta_ads.conftest import (
    APP_SECRET,
    BASE,
    TOKEN,
    answer,
    failing,
    make_config,
)

CALLBACK = "https://ads.example.com/meta/callback/"
EXCHANGE = f"{BASE}/oauth/access_token"


def test_authorize_url_names_app_callback_state_and_scopes():
    address = oauth.authorize_url(
        make_config(), redirect_uri=CALLBACK, state="s&1", scopes=["ads_read", "ads_management"]
    )
    assert address.startswith("https://www.example.com/dialog/oauth?")
    assert parse_qs(urlsplit(address).query) == {
        "client_id": ["111"],
        "redirect_uri": [CALLBACK],
        "state": ["s&1"],
        "response_type": ["code"],
        "scope": ["ads_read,ads_management"],
    }
    assert APP_SECRET not in address


def test_authorize_url_asks_again_for_what_was_declined():
    address = oauth.authorize_url(
        make_config(), redirect_uri=CALLBACK, state="s", scopes=[], rerequest=True
    )
    assert parse_qs(urlsplit(address).query)["auth_type"] == ["rerequest"]


def test_exchange_code_sends_the_same_redirect_uri(transport, graph):
    graph.get(EXCHANGE, json=answer("access_token"))
    grant = oauth.exchange_code(transport, code="c1", redirect_uri=CALLBACK)
    assert (grant.token.reveal(), grant.expires_in) == ("EAAExampleGrant", 5183990)
    request = graph.calls[0].request
    assert request.params == {
        "client_id": "111",
        "client_secret": APP_SECRET,
        "code": "c1",
        "redirect_uri": CALLBACK,
    }
    assert "Authorization" not in request.headers


def test_exchange_code_may_come_without_a_lifetime(transport, graph):
    graph.get(EXCHANGE, json={"access_token": "EAAExampleGrant"})
    grant = oauth.exchange_code(transport, code="c1", redirect_uri=CALLBACK)
    assert grant.expires_in is None
    assert "EAA" not in repr(grant)


def test_code_that_was_used_says_to_start_again(transport, graph):
    graph.get(EXCHANGE, status=400, json=failing(100, 36009, type="OAuthException"))
    with pytest.raises(MetaError) as failed:
        oauth.exchange_code(transport, code="c1", redirect_uri=CALLBACK)
    assert failed.value.kind == ErrorKind.BAD_REQUEST
    assert "Start connecting again" in failed.value.user_message


def test_wrong_app_secret_is_a_matter_of_configuration(transport, graph):
    message = "Error validating client secret."
    graph.get(EXCHANGE, status=400, json=failing(1, message=message))
    with pytest.raises(MetaError) as failed:
        oauth.exchange_code(transport, code="c1", redirect_uri=CALLBACK)
    assert failed.value.kind == ErrorKind.CONFIGURATION
    assert len(graph.calls) == 1


@pytest.mark.parametrize(
    "body", [{}, {"access_token": ""}, {"access_token": "a b"}, {"access_token": 7}]
)
def test_grant_without_a_token_is_unreadable(transport, graph, body):
    graph.get(EXCHANGE, json=body)
    with pytest.raises(Unreadable):
        oauth.exchange_code(transport, code="c1", redirect_uri=CALLBACK)


def test_exchange_long_lived_presents_the_present_token(transport, graph):
    graph.get(EXCHANGE, json=answer("access_token"))
    oauth.exchange_long_lived(transport, TOKEN)
    params = graph.calls[0].request.params
    assert params["grant_type"] == "fb_exchange_token"
    assert params["fb_exchange_token"] == TOKEN.reveal()


def test_inspect_token_reads_lifetimes_scopes_and_assets(transport, graph):
    graph.get(f"{BASE}/debug_token", json=answer("debug_token"))
    info = oauth.inspect_token(transport, TOKEN)
    assert (info.is_valid, info.app_id, info.user_id, info.type) == (True, "111", "222", "USER")
    assert info.scopes == ("ads_read", "ads_management")
    assert info.expires_at == datetime.fromtimestamp(1795184000, UTC)
    assert info.data_access_expires_at == datetime.fromtimestamp(1797776000, UTC)
    assert info.granular == {"ads_management": ("333", "444"), "ads_read": None}
    request = graph.calls[0].request
    assert request.headers["Authorization"] == f"Bearer 111|{APP_SECRET}"
    assert APP_SECRET not in request.url


def test_inspect_token_reads_never_and_invalid(transport, graph):
    error = {"code": 190, "message": "expired", "subcode": 463}
    graph.get(
        f"{BASE}/debug_token", json={"data": {"is_valid": False, "expires_at": 0, "error": error}}
    )
    info = oauth.inspect_token(transport, TOKEN)
    assert (info.is_valid, info.expires_at) == (False, None)
    assert (info.error_code, info.error_subcode) == (190, 463)


def test_app_secret_that_cannot_be_sent_is_a_matter_of_configuration(transport, graph):
    transport.config = replace(transport.config, app_secret="two words")
    with pytest.raises(MetaError) as failed:
        oauth.inspect_token(transport, TOKEN)
    assert failed.value.kind == ErrorKind.CONFIGURATION


def test_granted_permissions_tells_granted_from_declined(transport, graph):
    graph.get(f"{BASE}/me/permissions", json=answer("permissions"))
    assert oauth.granted_permissions(transport, TOKEN) == {
        "ads_read": "granted",
        "business_management": "declined",
    }


# --- signed_request ------------------------------------------------------------------------------


def encoded(data: bytes, *, padded: bool = False) -> str:
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def signed(payload, secret: str = APP_SECRET, *, padded: bool = False) -> str:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = encoded(raw, padded=padded)
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{encoded(mac, padded=padded)}.{text}"


PAYLOAD = {"algorithm": "HMAC-SHA256", "issued_at": 1790000000, "user_id": "222"}


@pytest.mark.parametrize("padded", [False, True])
def test_signed_request_is_read_with_and_without_padding(padded):
    assert oauth.parse_signed_request(make_config(), signed(PAYLOAD, padded=padded)) == PAYLOAD


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "no-dot",
        "a.b",
        "ü.ü",
        signed(PAYLOAD, "another secret"),
        signed(PAYLOAD)[1:],
        signed(PAYLOAD) + "A",
        signed(PAYLOAD).split(".")[1],
        "." + signed(PAYLOAD).split(".")[1],
        signed(PAYLOAD).split(".")[0]
        + "."
        + encoded(json.dumps({**PAYLOAD, "user_id": "9"}).encode()),
        signed({**PAYLOAD, "algorithm": "none"}),
        signed({"user_id": "222"}),
        signed([PAYLOAD]),
        signed(b"not json"),
        signed(b"[" * 50_000),
        signed(b"\xff\xfe"),
        "*" + signed(PAYLOAD),
    ],
)
def test_signed_request_that_is_not_right_is_refused(text):
    with pytest.raises(MetaError):
        oauth.parse_signed_request(make_config(), text)
