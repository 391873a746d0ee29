"""The one door: what is retried, what is not, what is unknown, and that no secret gets out."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import pickle
import traceback
from datetime import date

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.meta_ads import oauth
from integrations.meta_ads.errors import (
    ANYWHERE,
    CODES,
    ErrorKind,
    MetaError,
    Unreadable,
    classify,
)
from integrations.meta_ads.types import AccessToken
from tests.integrations.meta_ads.conftest import ACT, BASE, TOKEN

URL = f"{BASE}/me"
DAY = date(2026, 9, 1)


def failing(code, subcode=None, **more):
    return {"error": {"message": "text", "code": code, "error_subcode": subcode, **more}}


@pytest.mark.parametrize(
    ("key", "kind"), [*CODES.items(), *(((1, n), k) for n, k in ANYWHERE.items())]
)
def test_classify_follows_the_table(key, kind):
    assert classify(*key) == kind


@pytest.mark.parametrize("number", ANYWHERE)
def test_long_numbers_count_as_code_and_as_subcode(number):
    assert classify(number, None) == classify(100, number) == ANYWHERE[number]


def test_wrong_proof_is_a_matter_of_configuration_not_of_reconnecting():
    assert classify(100, None, type="GraphMethodException") == ErrorKind.CONFIGURATION


def test_token_travels_in_the_header_with_its_proof(transport, graph):
    graph.get(URL, json={})
    transport.get("me", {}, TOKEN)
    request = graph.calls[0].request
    assert request.headers["Authorization"] == "Bearer EAAExampleToken"
    assert "EAAExampleToken" not in request.url
    assert len(request.params["appsecret_proof"]) == 64


def test_read_is_retried_with_growing_waits(transport, graph, waits):
    graph.get(URL, status=503, body="<html>")
    graph.get(URL, status=500, json=failing(2))
    graph.get(URL, body=requests.ConnectionError("https://graph.example.com/?secret"))
    graph.get(URL, json={"id": "1"})
    assert transport.get("me", {}, TOKEN) == {"id": "1"}
    assert waits == [1.0, 2.0, 4.0]


def test_read_gives_up_after_four_tries(transport, graph, waits):
    graph.get(URL, status=503)
    with pytest.raises(MetaError) as failed:
        transport.get("me", {}, TOKEN)
    assert failed.value.kind == ErrorKind.TRANSIENT
    assert len(graph.calls) == 4


@pytest.mark.parametrize("code", [100, 190, 10, 80004, 2635])
def test_read_is_not_retried_when_trying_again_cannot_help(transport, graph, code):
    graph.get(URL, status=400, json=failing(code))
    with pytest.raises(MetaError):
        transport.get("me", {}, TOKEN)
    assert len(graph.calls) == 1


@pytest.mark.parametrize(
    ("reply", "unknown"),
    [
        ({"status": 500, "body": ""}, True),
        ({"status": 502, "body": "<html>"}, True),
        ({"status": 500, "json": failing(1)}, True),
        ({"status": 400, "json": failing(2)}, True),
        ({"status": 200, "body": '{"id": "1'}, True),
        ({"status": 302, "headers": {"Location": "https://elsewhere.example/"}}, True),
        ({"body": requests.ReadTimeout()}, True),
        ({"body": requests.ConnectionError("reset")}, True),
        ({"body": requests.ConnectTimeout()}, False),
        ({"status": 400, "json": failing(100)}, False),
        ({"status": 400, "json": failing(190, 463)}, False),
        ({"status": 400, "json": failing(80004)}, False),
    ],
)
def test_write_is_sent_once_and_says_whether_it_may_have_happened(
    transport, graph, waits, reply, unknown
):
    graph.post(f"{BASE}/{ACT}/ads", **reply)
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.outcome_unknown is unknown
    assert len(graph.calls) == 1
    assert waits == []


def test_throttle_tells_how_long_to_wait(transport, graph):
    usage = {
        "333": [
            {"type": "ads_management", "call_count": 100, "estimated_time_to_regain_access": 17}
        ]
    }
    graph.post(
        f"{BASE}/{ACT}/ads",
        status=400,
        json=failing(80004),
        headers={"x-business-use-case-usage": json.dumps(usage)},
    )
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert (failed.value.kind, failed.value.wait_seconds) == (ErrorKind.THROTTLED, 17 * 60)


def test_dripping_server_is_cut_off_at_the_deadline(transport, graph):
    times = iter([0.0, 10.0, 40.0, 80.0])
    transport.clock = lambda: next(times)
    graph.post(f"{BASE}/{ACT}/ads", body=b"x" * 200_000)
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.outcome_unknown


def test_huge_body_is_refused(transport, graph):
    graph.post(f"{BASE}/{ACT}/ads", body=b"x" * (6 * 1024 * 1024))
    with pytest.raises(MetaError):
        transport.post(f"{ACT}/ads", {}, TOKEN)


def test_cursor_that_repeats_ends_the_list_as_unreadable(transport, graph):
    page = {"data": [], "paging": {"cursors": {"after": "same"}, "next": "x"}}
    graph.get(f"{BASE}/me/accounts", json=page)
    with pytest.raises(Unreadable):
        list(transport.pages("me/accounts", {}, TOKEN))


def test_token_refuses_to_be_shown_or_stored():
    assert repr(TOKEN) == str(TOKEN) == f"{TOKEN}" == "***"
    for leak in (json.dumps, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(TOKEN)
    with pytest.raises(ValueError) as refused:
        AccessToken("EAA secret\nX-Header: 1")
    assert "secret" not in str(refused.value)


def test_no_secret_reaches_a_log_or_an_exception(transport, graph, caplog):
    caplog.set_level(logging.DEBUG)
    secret = requests.ConnectionError("https://graph.example.com/?input_token=EAAExampleToken")
    graph.get(f"{BASE}/debug_token", body=secret)
    graph.get(f"{BASE}/oauth/access_token", status=400, json=failing(100, 36009))
    graph.get(URL, status=400, json=failing(190, 463))
    texts = []
    for call in (
        lambda: oauth.inspect_token(transport, TOKEN),
        lambda: oauth.exchange_long_lived(transport, TOKEN),
        lambda: transport.get("me", {}, TOKEN),
    ):
        with pytest.raises(MetaError) as failed:
            call()
        texts += [repr(failed.value), "".join(traceback.format_exception(failed.value))]
    everything = "\n".join([*texts, caplog.text])
    assert "EAAExampleToken" not in everything
    assert "app-secret" not in everything


def test_debug_log_of_the_http_library_stays_quiet(transport, caplog, stand_in):
    caplog.set_level(logging.DEBUG)
    transport.config = type(transport.config)(
        **{
            name: getattr(transport.config, name)
            for name in transport.config.__slots__
            if name != "base_url"
        },
        base_url=stand_in.base_url,
    )
    with pytest.raises(MetaError):
        oauth.exchange_long_lived(transport, TOKEN)
    assert "EAAExampleToken" not in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "paging", "error", "code", "cursors", "after", "next", "id"]),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answer=JSON, status=st.sampled_from([200, 400, 500]))
def test_mutated_answers_never_escape_as_raw_exceptions(client, transport, answer, status):
    transport.sleep = lambda _seconds: None
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(responses.GET, f"{BASE}/me/adaccounts", json=answer, status=status)
        mock.add(responses.GET, f"{BASE}/{ACT}/insights", json=answer, status=status)
        for read in (client.list_ad_accounts, lambda: client.get_campaign_insights(ACT, DAY, DAY)):
            with contextlib.suppress(MetaError):
                list(read())
