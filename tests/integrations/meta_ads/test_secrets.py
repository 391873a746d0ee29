"""No token and no app secret leaves the process except to Meta."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import replace
from datetime import date

import pytest
import requests

from integrations.meta_ads import oauth
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import MetaError
from integrations.meta_ads.types import AccessToken, TokenGrant
from tests.integrations.meta_ads.conftest import ACT, APP_SECRET, BASE, TOKEN, failing, make_config

DAY = date(2026, 9, 1)
CANARIES = (TOKEN.reveal(), APP_SECRET)


def clean(text: str) -> bool:
    return not any(canary in text for canary in CANARIES)


def everything_about(exc: BaseException | None) -> str:
    """All that an error tracker would write down about it, causes and contexts included."""
    texts = []
    while exc is not None:
        texts += [str(exc), repr(exc), repr(exc.args), repr(vars(exc))]
        texts += traceback.format_exception(exc)
        request = getattr(exc, "request", None)
        texts += [str(getattr(request, "url", "")), str(getattr(request, "headers", ""))]
        exc = exc.__cause__ or exc.__context__
    return "\n".join(texts)


CALLS = {
    "debug_token": lambda transport: oauth.inspect_token(transport, TOKEN),
    "oauth/access_token": lambda transport: oauth.exchange_long_lived(transport, TOKEN),
    "me": lambda transport: MetaAdsClient(transport, TOKEN).me(),
    f"{ACT}/insights": lambda transport: list(
        MetaAdsClient(transport, TOKEN).get_campaign_insights(ACT, DAY, DAY)
    ),
}


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    "reply",
    [
        {"body": requests.ConnectionError(f"https://x/?access_token={TOKEN.reveal()}")},
        {"body": requests.ReadTimeout(f"{APP_SECRET}")},
        {"status": 400, "json": failing(190, 463, message=f"Bad token {TOKEN.reveal()}")},
        {"status": 400, "json": failing(100, fbtrace_id=f"x\n{TOKEN.reveal()}")},
        {"status": 200, "body": f"<html>{TOKEN.reveal()}"},
        {"status": 200, "json": [TOKEN.reveal()]},
    ],
)
def test_failure_tells_no_secret(transport, graph, caplog, path, reply):
    caplog.set_level(logging.DEBUG)
    graph.get(f"{BASE}/{path}", **reply)
    with pytest.raises(MetaError) as failed:
        CALLS[path](transport)
    assert clean(everything_about(failed.value))
    assert clean(caplog.text)


def test_library_exception_does_not_hang_on_to_ours(transport, graph):
    graph.post(f"{BASE}/{ACT}/ads", body=requests.ConnectionError("text"))
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None


def test_debug_log_of_the_http_library_shows_no_query(raw_server, raw_transport, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    raw_server.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    for call in list(CALLS.values())[:3]:
        with pytest.raises(MetaError):
            call(raw_transport)
    assert "GET /v26.0/debug_token?***" in caplog.text
    assert clean(caplog.text)


def test_warning_about_odd_headers_shows_no_query(raw_server, raw_transport, caplog):
    raw_server.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon here\r\nA: b\r\n\r\n{}")
    with pytest.raises(MetaError):
        oauth.exchange_long_lived(raw_transport, TOKEN)
    assert "Failed to parse headers" in caplog.text
    assert clean(caplog.text)


def test_connection_that_is_refused_tells_no_secret(raw_server, raw_transport, caplog):
    caplog.set_level(logging.DEBUG)
    raw_transport.config = replace(raw_transport.config, base_url="http://127.0.0.1:1")
    for call in CALLS.values():
        with pytest.raises(MetaError) as failed:
            call(raw_transport)
        assert clean(everything_about(failed.value))
    assert clean(caplog.text)


def test_data_calls_carry_the_token_in_the_header_only(client, graph):
    graph.get(f"{BASE}/me", json={"id": "1"})
    graph.get(f"{BASE}/{ACT}/insights", json={"data": []})
    graph.post(f"{BASE}/{ACT}/ads", json={"id": "88"})
    graph.delete(f"{BASE}/me/permissions", json={"success": True})
    client.me()
    list(client.get_campaign_insights(ACT, DAY, DAY))
    client.create_ad(ACT, name="Ad", ad_set_id="1", creative_id="2")
    client.revoke_permissions()
    for call in graph.calls:
        assert call.request.headers["Authorization"] == f"Bearer {TOKEN.reveal()}"
        assert clean(call.request.url)
        assert clean(str(call.request.body))


def test_token_refuses_to_be_shown_copied_or_stored():
    assert repr(TOKEN) == str(TOKEN) == f"{TOKEN}" == "***"
    grant = TokenGrant(TOKEN, 60)
    assert clean(repr(grant))
    for leak in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(TOKEN)
    with pytest.raises(TypeError):
        pickle.dumps(grant)
    assert not hasattr(TOKEN, "__dict__")


@pytest.mark.parametrize("text", ["", "EAA secret\nX-Header: 1", "EAA\x00secret", "EAAsecretü"])
def test_text_that_is_no_token_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError) as refused:
        AccessToken(text)
    assert "secret" not in str(refused.value)


def test_tokens_are_compared_by_value():
    assert AccessToken(" EAAExampleToken\n") == TOKEN
    assert hash(AccessToken("EAAExampleToken")) == hash(TOKEN)
    assert AccessToken("EAAOther") != TOKEN
    assert TOKEN != "EAAExampleToken"


def test_config_prints_without_the_app_secret():
    assert clean(repr(make_config()))
