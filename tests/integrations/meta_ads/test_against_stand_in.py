"""Each call of the client over real HTTP, from several threads, and what a lost reply leaves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.meta_ads import oauth
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.meta_ads.transport import Transport, make_session
from integrations.meta_ads.types import AccessToken, AdCreativeSpec, MetaConfig
from integrations.sandbox.pictures import landscape

ACCOUNT = "act_210000000000001"
AD_SET = "12021000120000001"
LINK = "https://shop.acme.example/tent"
SINCE, UNTIL = date(2026, 9, 1), date(2026, 9, 14)
SPEC = AdCreativeSpec(
    name="lm-7f",
    page_id="110000000000001",
    message="Pack light. Walk far.",
    headline="A tent",
    description="Free returns",
    link=LINK,
    call_to_action="SHOP_NOW",
    url_tags="utm_source=meta",
    label="lm-7f",
)


@pytest.fixture
def live(stand_in: Any) -> Iterator[Transport]:
    session = make_session(pool_size=4)
    config = MetaConfig(
        app_id="100000000000001",
        app_secret="stand-in-app-secret",
        api_version="v26.0",
        base_url=stand_in.base_url,
        dialog_url=f"{stand_in.base_url}/v26.0/dialog/oauth",
    )
    stand_in.control(require_proof=True)
    yield Transport(config, session, sleep=lambda _seconds: None)
    session.close()


@pytest.fixture
def ana_token(stand_in: Any) -> AccessToken:
    return AccessToken(stand_in.control(sign_in={"user": "ana"})["result"]["sign_in"])


@pytest.fixture
def meta(live: Transport, ana_token: AccessToken) -> MetaAdsClient:
    return MetaAdsClient(live, ana_token)


def ads_in(stand_in: Any) -> int:
    writes = stand_in.read("writes")["writes"]
    return sum(row["path"].endswith("/ads") for row in writes)


def test_every_list_and_read_is_understood(live, meta, ana_token):
    assert meta.me().name
    assert ACCOUNT in [account.id for account in meta.list_ad_accounts()]
    assert list(meta.list_pages())
    assert list(meta.list_campaigns(ACCOUNT))
    assert list(meta.list_ad_sets(ACCOUNT))
    assert list(meta.list_custom_audiences(ACCOUNT))
    rows = [r for page in meta.get_campaign_insights(ACCOUNT, SINCE, UNTIL) for r in page.rows]
    assert {row.account_currency for row in rows} == {"EUR"}
    info = oauth.inspect_token(live, ana_token)
    assert info.is_valid
    assert "ads_management" in info.scopes
    assert oauth.granted_permissions(live, ana_token)["ads_read"] == "granted"
    assert oauth.exchange_long_lived(live, ana_token).expires_in
    query = parse_qs(
        urlsplit(oauth.authorize_url(live.config, redirect_uri=LINK, state="s", scopes=["x"])).query
    )
    assert query["state"] == ["s"]


def test_every_write_is_taken_and_read_back_word_for_word(meta):
    image = meta.upload_ad_image(ACCOUNT, filename="pic.png", content=landscape(3))
    spec = AdCreativeSpec(
        **{name: getattr(SPEC, name) for name in SPEC.__slots__ if name != "image_hash"},
        image_hash=image.hash,
    )
    creative = meta.create_ad_creative(ACCOUNT, spec)
    ad = meta.create_ad(
        ACCOUNT, name="A tent · lm-7f", ad_set_id=AD_SET, creative_id=creative.id, label="lm-7f"
    )
    stored = meta.get_ad(ad.id)
    assert (stored.configured_status, stored.account_id) == ("PAUSED", ACCOUNT)
    assert (stored.adset_id, stored.creative_id) == (AD_SET, creative.id)
    live = meta.get_creative(creative.id)
    assert (live.message, live.headline, live.description) == (
        SPEC.message,
        SPEC.headline,
        SPEC.description,
    )
    assert (live.link, live.cta_link, live.call_to_action) == (LINK, LINK, "SHOP_NOW")
    assert (live.image_hash, live.url_tags) == (image.hash, "utm_source=meta")
    assert meta.find_ads(ACCOUNT, label="", name="A tent · lm-7f") == (stored,)
    assert meta.find_ads(ACCOUNT, label="lm-7f", name="renamed since") == (stored,)
    assert stored in meta.list_ads_of(AD_SET)
    assert meta.find_creatives(ACCOUNT, label="lm-7f") == (creative,)
    meta.pause_ad(ad.id)
    assert meta.get_ad(ad.id).configured_status == "PAUSED"


def test_lost_reply_of_a_create_is_unknown_was_sent_once_and_can_be_found(meta, stand_in):
    creative = meta.create_ad_creative(ACCOUNT, SPEC)
    stand_in.control(lose_reply={"path": "ads"})
    with pytest.raises(MetaError) as lost:
        meta.create_ad(ACCOUNT, name="lm-7f", ad_set_id=AD_SET, creative_id=creative.id)
    assert lost.value.outcome_unknown
    assert ads_in(stand_in) == 1
    assert len(meta.find_ads(ACCOUNT, label="", name="lm-7f")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"fail": {"path": "ads", "code": 2, "status": 500, "with_effect": True}},
        {"html_error": {"path": "ads", "with_effect": True}},
    ],
)
def test_error_after_the_effect_is_unknown_and_not_repeated(meta, stand_in, fault):
    creative = meta.create_ad_creative(ACCOUNT, SPEC)
    stand_in.control(**fault)
    with pytest.raises(MetaError) as failed:
        meta.create_ad(ACCOUNT, name="lm-7f", ad_set_id=AD_SET, creative_id=creative.id)
    assert failed.value.outcome_unknown
    assert ads_in(stand_in) == 1


def test_refusals_of_the_stand_in_are_told_apart(meta, stand_in):
    with pytest.raises(MetaError) as unseen:
        meta.get_ad("999999999999")
    assert (unseen.value.kind, unseen.value.meta_subcode) == (ErrorKind.PERMISSION, 33)
    stand_in.control(throttle={"account": "1", "minutes": 5, "times": 1})
    with pytest.raises(MetaError) as throttled:
        meta.create_ad_creative(ACCOUNT, SPEC)
    assert (throttled.value.kind, throttled.value.wait_seconds) == (ErrorKind.THROTTLED, 300)
    assert not throttled.value.outcome_unknown
    stand_in.control(expire_token="ana")
    with pytest.raises(MetaTokenError):
        meta.me()


def test_wrong_app_secret_does_not_ask_anybody_to_reconnect(live, ana_token):
    other = MetaConfig(
        **{
            name: getattr(live.config, name)
            for name in live.config.__slots__
            if name != "app_secret"
        },
        app_secret="another-secret",
    )
    with pytest.raises(MetaError) as refused:
        MetaAdsClient(Transport(other, live.session), ana_token).me()
    assert refused.value.kind == ErrorKind.CONFIGURATION


def test_threads_share_one_transport(meta):
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: len(list(meta.list_campaigns(ACCOUNT))), range(12)))
    assert len(set(counts)) == 1


def test_disconnecting_ends_the_token(meta):
    meta.revoke_permissions()
    with pytest.raises(MetaTokenError):
        meta.me()
