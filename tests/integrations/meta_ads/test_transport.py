"""The one door: what is retried, what is not, what is unknown, and how long it may take."""

from __future__ import annotations

import json
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError, Unreadable
from integrations.meta_ads.transport import make_session
from integrations.meta_ads.types import UsageSnapshot
from tests.integrations.meta_ads.conftest import ACT, BASE, TOKEN, failing, read_request

URL = f"{BASE}/me"
ADS = f"{BASE}/{ACT}/ads"


# --- What is sent --------------------------------------------------------------------------------


def test_call_carries_token_and_proof(transport, graph):
    graph.get(URL, json={})
    transport.get("me", {}, TOKEN)
    request = graph.calls[0].request
    assert request.headers["Authorization"] == "Bearer EAAExampleToken"
    # HMAC-SHA256("app-secret", "EAAExampleToken"), computed with openssl
    assert request.params["appsecret_proof"] == PROOF


PROOF = "6d065ea39fd19f359d5025e4c16f76f2a64740117ee5034d0234828d1177b37e"


def test_structures_and_booleans_travel_as_json_text(transport, graph):
    graph.get(URL, json={})
    transport.get("me", {"a": {"k": "ü"}, "b": [1], "c": True, "d": 5, "e": "x,y"}, TOKEN)
    params = graph.calls[0].request.params
    assert {name: params[name] for name in "abcde"} == {
        "a": '{"k":"ü"}',
        "b": "[1]",
        "c": "true",
        "d": "5",
        "e": "x,y",
    }


def test_call_has_both_timeouts_and_follows_no_redirect(transport, graph):
    graph.post(ADS, status=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(Unreadable):
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert graph.calls[0].request.req_kwargs["timeout"] == (5.0, 20.0)
    assert len(graph.calls) == 1


def test_session_keeps_no_cookies_and_ignores_the_environment(transport, graph, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    graph.get(URL, json={}, headers={"Set-Cookie": "tenant=acme; Path=/"})
    transport.get("me", {}, TOKEN)
    transport.get("me", {}, TOKEN)
    assert "Cookie" not in graph.calls[1].request.headers
    assert graph.calls[0].request.req_kwargs["proxies"] == {}


def test_body_of_a_redirect_is_not_read_past_the_cap(raw_server, raw_transport):
    body = b" " * (8 * 1024 * 1024)
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: %d\r\n\r\n"
    raw_server.answers(head % len(body) + body)
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.kind == ErrorKind.TOO_MUCH_DATA


# --- Reads ---------------------------------------------------------------------------------------


def test_read_is_retried_with_growing_waits(transport, graph, clock):
    graph.get(URL, status=503, body="<html>")
    graph.get(URL, status=500, json=failing(2))
    graph.get(URL, body=requests.ConnectionError("reset"))
    graph.get(URL, json={"id": "1"})
    assert transport.get("me", {}, TOKEN) == {"id": "1"}
    assert clock.waits == [1.0, 2.0, 4.0]


def test_waits_are_jittered(transport, graph, clock):
    transport.jitter = iter([0.0, 1.0]).__next__
    graph.get(URL, status=503)
    graph.get(URL, status=503)
    graph.get(URL, json={})
    transport.get("me", {}, TOKEN)
    assert clock.waits == [0.5, 3.0]


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 429, "body": ""},
        {"status": 500, "body": ""},
        {"status": 502, "body": "<html>"},
        {"status": 200, "body": '{"id": "1'},
        {"status": 200, "body": ""},
        {"status": 500, "json": failing(1)},
        {"status": 400, "json": failing(2, 1504043)},
        {"status": 400, "json": failing(100, 1487390)},
        {"status": 500, "json": failing(424242)},
        {"status": 400, "json": {"error": {"message": "no code"}}},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectTimeout()},
        {"body": requests.exceptions.ChunkedEncodingError()},
    ],
)
def test_read_gives_up_after_four_tries(transport, graph, reply):
    graph.get(URL, **reply)
    with pytest.raises(MetaError) as failed:
        transport.get("me", {}, TOKEN)
    assert failed.value.kind in (ErrorKind.TRANSIENT, ErrorKind.UNREADABLE)
    assert not failed.value.outcome_unknown
    assert len(graph.calls) == 4


@pytest.mark.parametrize("code", [100, 190, 10, 3, 4, 17, 80004, 368, 2635])
def test_read_is_not_retried_when_trying_again_cannot_help(transport, graph, code):
    graph.get(URL, status=400, json=failing(code))
    with pytest.raises(MetaError):
        transport.get("me", {}, TOKEN)
    assert len(graph.calls) == 1


@pytest.mark.parametrize(
    ("code", "subcode", "kind"), [(1, 99, ErrorKind.BAD_REQUEST), (2, 1504044, ErrorKind.HUMAN)]
)
def test_doubtful_error_is_tried_once_more_only(transport, graph, code, subcode, kind):
    graph.get(URL, status=500, json=failing(code, subcode))
    with pytest.raises(MetaError) as failed:
        transport.get("me", {}, TOKEN)
    assert (failed.value.kind, failed.value.meta_code) == (kind, code)
    assert len(graph.calls) == 2


def test_read_stops_when_the_next_wait_would_pass_the_deadline(transport, graph, clock):
    transport.config = replace(transport.config, deadline=2.5)
    graph.get(URL, status=503)
    with pytest.raises(MetaError):
        transport.get("me", {}, TOKEN)
    assert clock.waits == [1.0]


def test_read_waits_as_long_as_it_is_told(transport, graph, clock):
    graph.get(URL, status=429, headers={"Retry-After": "7"})
    graph.get(URL, json={})
    transport.get("me", {}, TOKEN)
    assert clock.waits == [7.0]


def test_wait_beyond_the_deadline_is_left_to_the_caller(transport, graph, clock):
    graph.get(URL, status=429, headers={"Retry-After": "600"})
    with pytest.raises(MetaError) as failed:
        transport.get("me", {}, TOKEN)
    assert failed.value.wait_seconds == 600
    assert clock.waits == []


# --- Writes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "unknown"),
    [
        ({"status": 500, "body": ""}, True),
        ({"status": 502, "body": "<html>"}, True),
        ({"status": 429, "body": ""}, True),
        ({"status": 413, "body": ""}, True),
        ({"status": 401, "body": "<html>"}, True),
        ({"status": 500, "json": failing(1)}, True),
        ({"status": 500, "json": failing(100)}, True),
        ({"status": 503, "json": failing(190)}, True),
        ({"status": 400, "json": failing(1)}, True),
        ({"status": 400, "json": failing(2)}, True),
        ({"status": 400, "json": failing(1150)}, True),
        ({"status": 400, "json": {"error": {"message": "no code"}}}, True),
        ({"status": 400, "json": {"error": "text"}}, True),
        ({"status": 200, "body": '{"id": "1'}, True),
        ({"status": 200, "body": "null"}, True),
        ({"status": 200, "json": {"success": False}}, True),
        ({"status": 302, "headers": {"Location": "https://elsewhere.example/"}}, True),
        ({"body": requests.ReadTimeout()}, True),
        ({"body": requests.ConnectionError("reset")}, True),
        ({"body": requests.exceptions.ChunkedEncodingError()}, True),
        ({"body": requests.ConnectTimeout()}, False),
        ({"status": 400, "json": failing(100)}, False),
        ({"status": 200, "json": failing(100)}, False),
        ({"status": 400, "json": failing(190, 463)}, False),
        ({"status": 400, "json": failing(80004)}, False),
        ({"status": 403, "json": failing(424242)}, False),
    ],
)
def test_write_is_sent_once_and_says_whether_it_may_have_happened(
    transport, graph, clock, reply, unknown
):
    graph.post(ADS, **reply)
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.outcome_unknown is unknown
    assert len(graph.calls) == 1
    assert clock.waits == []


def test_write_to_a_port_nobody_listens_on_is_a_definite_no(raw_transport):
    raw_transport.config = replace(raw_transport.config, base_url="http://127.0.0.1:1")
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert (failed.value.kind, failed.value.outcome_unknown) == (ErrorKind.TRANSIENT, False)


def test_write_to_a_name_nobody_knows_is_a_definite_no(raw_transport):
    raw_transport.config = replace(raw_transport.config, base_url="http://graph.invalid")
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert not failed.value.outcome_unknown


def test_write_whose_connection_is_cut_after_sending_is_unknown(raw_server, raw_transport):
    raw_server.answers(b"")
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {"name": "x"}, TOKEN)
    assert failed.value.outcome_unknown
    assert raw_server.connections == 1


@pytest.mark.parametrize(
    ("status", "body", "reconnect"),
    [
        (401, failing(190, 463), True),
        (400, failing(190, 463), True),
        (400, failing(102), True),
        (401, {"error": {"message": "no code at all"}}, True),
        (401, failing(424242), True),
        (401, failing(80004), False),
        (401, failing(100, type="GraphMethodException"), False),
    ],
)
def test_token_errors_are_told_by_the_code_and_by_401_only_without_one(
    transport, graph, status, body, reconnect
):
    graph.get(URL, status=status, json=body)
    with pytest.raises(MetaError) as failed:
        transport.get("me", {}, TOKEN)
    assert isinstance(failed.value, MetaTokenError) is reconnect


def test_error_keeps_metas_numbers_and_trace_id(transport, graph):
    graph.post(ADS, status=400, json=failing(100, 1487901, fbtrace_id="AbC-1_"))
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    error = failed.value
    assert (error.meta_code, error.meta_subcode, error.fbtrace_id) == (100, 1487901, "AbC-1_")
    assert error.code == "refused_by_meta"
    assert "budget" in error.user_message


@pytest.mark.parametrize(
    ("error_data", "message"),
    [
        (
            {"blame_field_specs": [["object_story_spec", "link_data", "link"]]},
            "Meta refused this ad because of the link. It must be changed.",
        ),
        (
            json.dumps(
                {
                    "blame_field_specs": [
                        ["object_story_spec", "link_data", "name"],
                        ["object_story_spec", "link_data", "message"],
                        ["object_story_spec", "link_data", "message"],
                        ["object_story_spec", "link_data", "call_to_action", "value", "x"],
                    ]
                }
            ),
            "Meta refused this ad because of the headline, the primary text and the button. "
            "It must be changed.",
        ),
        ({"blame_field_specs": [["targeting"], "x", [1]]}, None),
        ("not json", None),
        ("[" * 60_000, None),
        (7, None),
    ],
)
def test_refusal_names_the_fields_meta_blames(transport, graph, error_data, message):
    graph.post(ADS, status=400, json=failing(100, error_data=error_data))
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    general = "Meta refused the content or a setting of this ad. It must be changed."
    assert failed.value.user_message == (message or general)


# --- Headers -------------------------------------------------------------------------------------


class Listener:
    def __init__(self):
        self.usages = []
        self.versions = []

    def on_usage(self, ad_account_id, usage):
        self.usages.append((ad_account_id, usage))

    def on_version(self, answered, warning):
        self.versions.append((answered, warning))


BUSY = {
    "x-business-use-case-usage": json.dumps(
        {
            "333": [
                {"type": "ads_management", "call_count": 100, "estimated_time_to_regain_access": 17}
            ]
        }
    )
}


def test_throttle_tells_how_long_to_wait(transport, graph):
    graph.post(ADS, status=400, json=failing(80004), headers=BUSY)
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert (failed.value.kind, failed.value.wait_seconds) == (ErrorKind.THROTTLED, 17 * 60)


@pytest.mark.parametrize(
    ("code", "subcode", "seconds"),
    [(17, 2446079, 300), (613, 1487632, 3600), (613, 5044001, 2), (17, 1885172, 86_400)],
)
def test_throttle_without_headers_waits_as_its_kind_does(transport, graph, code, subcode, seconds):
    graph.post(ADS, status=400, json=failing(code, subcode))
    with pytest.raises(MetaError) as failed:
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert failed.value.wait_seconds == seconds


def test_observer_hears_usage_and_version_on_success_and_on_error(transport, graph):
    transport.observer = listener = Listener()
    warned = {"facebook-api-version": "v26.0", "x-ad-api-version-warning": "v26.0 will end"}
    graph.get(URL, json={}, headers=warned)
    graph.post(ADS, status=400, json=failing(80004), headers=BUSY)
    transport.get("me", {}, TOKEN)
    with pytest.raises(MetaError):
        transport.post(f"{ACT}/ads", {}, TOKEN)
    assert listener.versions == [("v26.0", "v26.0 will end")]
    assert listener.usages == [(ACT, UsageSnapshot(100.0, 17 * 60.0))]


@pytest.mark.parametrize(
    ("code", "subcode", "told"),
    [
        (17, 2446079, 300.0),
        (4, None, 300.0),
        (613, 1487742, 300.0),
        (80000, None, 300.0),
        (613, 1487225, None),  # so many ads a day: reads go on
        (17, 1885172, None),
        (100, None, None),
    ],
)
def test_observer_hears_a_throttle_that_no_header_tells(transport, graph, code, subcode, told):
    transport.observer = listener = Listener()
    idle = {"x-ad-account-usage": json.dumps({"acc_id_util_pct": 9.0})}
    graph.post(ADS, status=400, json=failing(code, subcode), headers=idle)
    with pytest.raises(MetaError):
        transport.post(f"{ACT}/ads", {}, TOKEN)
    closed = [(ACT, UsageSnapshot(100.0, told))] if told else []
    assert listener.usages == [(ACT, UsageSnapshot(9.0, 0.0)), *closed]


def test_observer_that_fails_does_not_lose_the_answer_of_a_write(transport, graph, caplog):
    class Broken(Listener):
        def on_usage(self, *_heard):
            raise RuntimeError("database is gone")

    transport.observer = Broken()
    graph.post(ADS, json={"id": "88"}, headers=BUSY)
    assert transport.post(f"{ACT}/ads", {}, TOKEN) == {"id": "88"}
    assert "observer" in caplog.text


# --- Time ----------------------------------------------------------------------------------------


def drip(server, start: bytes, piece: bytes):
    """Serve ``start``, then ``piece`` again and again for 4 s, faster than any read timeout."""

    def serve(connection):
        read_request(connection)
        connection.sendall(start)
        for _ in range(200):
            if server.stopping.wait(0.02):
                return
            connection.sendall(piece)

    server.serve = serve


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"", b"H"),
    ],
)
def test_dripping_server_is_cut_off_at_the_deadline(raw_server, raw_transport, start, piece):
    drip(raw_server, start, piece)
    began = time.monotonic()
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert time.monotonic() - began < 1.5
    assert failed.value.outcome_unknown


@pytest.fixture
def tls_transport(raw_server, raw_transport, certificate):
    raw_server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    raw_server.tls.load_cert_chain(certificate)
    address = raw_transport.config.base_url.replace("http:", "https:")
    raw_transport.config = replace(raw_transport.config, base_url=address)
    raw_transport.session.verify = str(certificate)
    return raw_transport


def test_tls_connections_keep_the_deadline_as_well(raw_server, tls_transport):
    raw_server.answers(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}')
    assert tls_transport.get("me", {}, TOKEN) == {"id": "1"}
    drip(raw_server, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a")
    began = time.monotonic()
    with pytest.raises(MetaError) as failed:
        tls_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert time.monotonic() - began < 1.5
    assert failed.value.outcome_unknown


def test_certificate_nobody_vouches_for_ends_the_call(raw_server, tls_transport):
    served = []
    raw_server.serve = served.append
    tls_transport.session.verify = True
    with pytest.raises(MetaError):
        tls_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert served == []


def test_server_that_never_reads_is_cut_off_at_the_deadline(raw_server, raw_transport):
    raw_server.serve = lambda _connection: raw_server.stopping.wait(5)
    began = time.monotonic()
    with pytest.raises(MetaError) as failed:
        raw_transport.post(
            f"{ACT}/adimages", {}, TOKEN, files={"filename": ("a.png", b"x" * 30_000_000)}
        )
    assert time.monotonic() - began < 2.5
    assert failed.value.outcome_unknown


def test_upload_may_take_longer_than_connecting(raw_server, raw_transport):
    """The HTTP library by itself sends under the connect timeout; a slow uplink would never do."""
    raw_transport.config = replace(raw_transport.config, connect_timeout=0.05, deadline=5.0)
    size = 8_000_000

    def serve(connection):
        received = 0
        while received < size and not raw_server.stopping.wait(0.005):
            received += len(connection.recv(400_000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    raw_server.serve = serve
    raw_transport.config = replace(raw_transport.config, read_timeout=3.0)
    answer = raw_transport.post(
        f"{ACT}/adimages", {}, TOKEN, files={"filename": ("a.png", b"x" * size)}
    )
    assert answer == {}


def test_deadline_covers_all_tries_together(raw_server, raw_transport):
    drip(raw_server, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")
    began = time.monotonic()
    with pytest.raises(MetaError):
        raw_transport.get("me", {}, TOKEN)
    assert time.monotonic() - began < 1.5
    assert raw_server.connections == 1


def test_body_over_the_cap_is_not_read_to_its_end(raw_server, raw_transport):
    sent = []

    def serve(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not raw_server.stopping.is_set():
            connection.sendall(b" " * 1_000_000)
            sent.append(1)

    raw_server.serve = serve
    raw_transport.config = replace(raw_transport.config, deadline=5.0)
    with pytest.raises(MetaError) as failed:
        raw_transport.post(f"{ACT}/ads", {}, TOKEN)
    assert (failed.value.kind, failed.value.outcome_unknown) == (ErrorKind.TOO_MUCH_DATA, True)
    assert len(sent) < 30


def test_session_serves_many_threads_over_kept_connections(raw_server, raw_transport):
    def serve(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    raw_server.serve = serve
    raw_transport.session = make_session(pool_size=4)
    with raw_transport.session, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: raw_transport.get("me", {}, TOKEN), range(80)))
    assert answers == [{}] * 80
    assert raw_server.connections <= 4
