"""Whatever Meta or a box between us answers, it ends as a value or as a MetaError."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.meta_ads import oauth
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import MetaError
from integrations.meta_ads.transport import Transport, make_session
from integrations.meta_ads.types import AdCreativeSpec
from tests.integrations.meta_ads.conftest import ACT, BASE, TOKEN, answer, make_config

DAY = date(2026, 9, 1)
SPEC = AdCreativeSpec(
    "lm-1", "555", "Pack light.", "Tents", "", "https://acme.example/", "SHOP_NOW"
)
SESSION = make_session()

Call = Callable[[Transport, MetaAdsClient], Any]
# Every call of the client, its method and path, and a good answer to it.
CALLS: dict[str, tuple[str, str, Any, Call]] = {
    "me": ("GET", "me", {"id": "222", "name": "Ana"}, lambda _t, c: c.me()),
    "ad accounts": (
        "GET",
        "me/adaccounts",
        answer("ad_accounts"),
        lambda _t, c: list(c.list_ad_accounts()),
    ),
    "pages": ("GET", "me/accounts", answer("pages"), lambda _t, c: list(c.list_pages())),
    "campaigns": (
        "GET",
        f"{ACT}/campaigns",
        answer("campaigns"),
        lambda _t, c: list(c.list_campaigns(ACT)),
    ),
    "ad sets": ("GET", f"{ACT}/adsets", answer("ad_sets"), lambda _t, c: list(c.list_ad_sets(ACT))),
    "audiences": (
        "GET",
        f"{ACT}/customaudiences",
        answer("custom_audiences"),
        lambda _t, c: list(c.list_custom_audiences(ACT)),
    ),
    "insights": (
        "GET",
        f"{ACT}/insights",
        answer("insights"),
        lambda _t, c: list(c.get_campaign_insights(ACT, DAY, DAY)),
    ),
    "ad": ("GET", "88", answer("ad"), lambda _t, c: c.get_ad("88")),
    "creative": ("GET", "77", answer("creative"), lambda _t, c: c.get_creative("77")),
    "find ads": (
        "GET",
        f"{ACT}/ads",
        {"data": [answer("ad")]},
        lambda _t, c: c.find_ads(ACT, label="", name="Tents · lm-1"),
    ),
    "find creatives": (
        "GET",
        f"{ACT}/adlabels",
        {"data": [{"id": "91", "name": "lm-1"}]},
        lambda _t, c: c.find_creatives(ACT, label="lm-1"),
    ),
    "image": (
        "POST",
        f"{ACT}/adimages",
        answer("image"),
        lambda _t, c: c.upload_ad_image(ACT, filename="pic.png", content=b"x"),
    ),
    "create creative": (
        "POST",
        f"{ACT}/adcreatives",
        {"id": "77"},
        lambda _t, c: c.create_ad_creative(ACT, SPEC),
    ),
    "create ad": (
        "POST",
        f"{ACT}/ads",
        {"id": "88"},
        lambda _t, c: c.create_ad(ACT, name="Ad", ad_set_id="1", creative_id="77"),
    ),
    "pause": ("POST", "88", {"success": True}, lambda _t, c: c.pause_ad("88")),
    "revoke": ("DELETE", "me/permissions", {"success": True}, lambda _t, c: c.revoke_permissions()),
    "debug_token": (
        "GET",
        "debug_token",
        answer("debug_token"),
        lambda t, _c: oauth.inspect_token(t, TOKEN),
    ),
    "exchange": (
        "GET",
        "oauth/access_token",
        answer("access_token"),
        lambda t, _c: oauth.exchange_long_lived(t, TOKEN),
    ),
    "permissions": (
        "GET",
        "me/permissions",
        answer("permissions"),
        lambda t, _c: oauth.granted_permissions(t, TOKEN),
    ),
}
WRITES = [name for name, (method, *_rest) in CALLS.items() if method != "GET"]
JUNK = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            2**63,
            10**400,
            1e308,
            float("nan"),
            float("inf"),
            "",
            "NaN",
            "1e999",
            "9" * 40,
            "act_",
            "../me",
            "<script>",
            "a\x00b",
            "\ud800",
            "x" * 20_000,
            [],
            {},
            [[]],
            [None],
            {"data": {}},
            {"error": {}},
            {"error": {"code": 10**400, "error_subcode": [], "message": {}, "type": 5}},
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
).map(copy.deepcopy)  # a second mutation must not change the sample itself


def paths_into(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [so_far, *(p for key, child in inner for p in paths_into(child, (*so_far, key)))]


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> bytes:
    """A good answer with one or two places replaced or removed, perhaps cut or followed by more."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 2))):
        *outer, last = draw(st.sampled_from(paths_into(value)[1:] or [("x",)]))
        holder = value
        for key in outer:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(JUNK)
        elif isinstance(holder, dict):
            holder.pop(last, None)
        if not isinstance(value, dict):
            break
    body = json.dumps(value).encode()
    cut = draw(st.one_of(st.none(), st.integers(0, len(body))))
    return body[:cut] + draw(st.sampled_from([b"", b"", b"}", b"\xff", b"<html>"]))


def quick_transport() -> Transport:
    return Transport(make_config(), SESSION, sleep=lambda _seconds: None, clock=lambda: 0.0)


def run(name: str, body: bytes, status: int, headers: dict[str, str] | None = None) -> Any:
    """The call's result, or the MetaError it ended in; everything else is raised."""
    method, path, _good, call = CALLS[name]
    transport = quick_transport()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(method, f"{BASE}/{path}", body=body, status=status, headers=headers)
        if name == "find ads":
            mock.get(f"{BASE}/{ACT}/adlabels", json={"data": []})
        mock.get(f"{BASE}/{ACT}/adcreativesbylabels", json={"data": [{"id": "77"}]})
        try:
            return call(transport, MetaAdsClient(transport, TOKEN))
        except MetaError as exc:
            return exc


def storable(value: Any) -> bool:
    """Whether all texts in a result can go into a database."""
    text = repr(value)
    return "\\x00" not in text and "\\ud800" not in text


@pytest.mark.parametrize("name", CALLS)
def test_good_answer_is_taken(name):
    good = CALLS[name][2]
    assert not isinstance(run(name, json.dumps(good).encode(), 200), MetaError)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mutated_answer_ends_as_a_value_or_a_meta_error(name, data):
    body = data.draw(mutated(CALLS[name][2]))
    assert storable(run(name, body, data.draw(st.sampled_from([200, 200, 400, 401, 500]))))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"text"',
        b"NaN",
        b'{"data": NaN}',
        b"1e99999999999999999999",
        b'{"id": 1e-99999999999999999999}',
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe\x00",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"data": [{"id": "12',
        b'{"id": "77"}{"id": "78"}',
    ],
)
def test_nonsense_is_a_meta_error_and_leaves_a_write_open(name, body):
    result = run(name, body, 200)
    assert isinstance(result, MetaError)
    assert result.outcome_unknown is (name in WRITES)


@pytest.mark.parametrize("name", ["image", "create creative", "create ad"])
@pytest.mark.parametrize(
    "body", [b"{}", b'{"id": 77}', b'{"id": "x"}', b'{"images": []}', b'{"images": {"a": 1}}']
)
def test_created_object_without_an_id_leaves_the_outcome_open(name, body):
    result = run(name, body, 200)
    assert isinstance(result, MetaError)
    assert result.outcome_unknown


ERRORS = st.fixed_dictionaries(
    {},
    optional={
        "message": JUNK,
        "code": st.one_of(
            JUNK, st.integers(-5, 5000), st.sampled_from([190, 100, 1, 2, 17, 80004])
        ),
        "error_subcode": st.one_of(JUNK, st.sampled_from([33, 463, 1504018, 2446079])),
        "type": JUNK,
        "fbtrace_id": JUNK,
        "error_data": JUNK,
        "is_transient": JUNK,
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-app-usage",
            "x-business-use-case-usage",
            "x-ad-account-usage",
            "retry-after",
            "facebook-api-version",
        ]
    ),
    st.one_of(
        st.sampled_from(
            ["[" * 5000, "{}", '{"a": [{"call_count": 1e400}]}', "-1", "9" * 500, "soon"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
)


@settings(max_examples=300, deadline=None)
@given(error=ERRORS, status=st.sampled_from([200, 400, 401, 403, 429, 500]), headers=HEADERS)
def test_any_error_envelope_is_a_meta_error(error, status, headers):
    body = json.dumps({"error": error}).encode()
    result = run("create ad", body, status, headers)
    assert isinstance(result, MetaError)
    assert len(result.user_message) <= 300
    assert len(result.fbtrace_id) <= 64


RAW = [
    b"",
    b"\r\n\r\n",
    b"HTTP/1.1",
    b"HTTP/9.9 banana\r\n\r\n",
    b"HTTP/1.1 99999 x\r\n\r\n",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\nnope",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n{}",
    b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n{}",
    b"HTTP/1.1 301 Moved\r\nLocation: http://[\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b'{"error": {"code": 190}}',
]


@pytest.mark.parametrize("raw", RAW)
def test_bytes_that_are_no_http_are_a_meta_error(raw_server, raw_transport, raw):
    raw_server.answers(raw)
    for is_write in (False, True):
        send = raw_transport.post if is_write else raw_transport.get
        with pytest.raises(MetaError) as failed:
            send("me", {}, TOKEN)
        assert failed.value.outcome_unknown is is_write
        assert failed.value.__context__ is None
