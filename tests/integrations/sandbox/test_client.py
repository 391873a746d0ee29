"""The product's own Meta client against the stand-in, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.meta_ads import oauth
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError, MetaTokenError
from integrations.meta_ads.transport import Transport, make_session
from integrations.meta_ads.types import AccessToken, AdCreativeSpec, MetaConfig
from integrations.sandbox.pictures import landscape
from tests.integrations.sandbox.conftest import ACCOUNT, AD_SET, ALL_SCOPES, LINK, PAGE, Api

CALLBACK = "http://localhost:8000/meta/callback/"
SINCE, UNTIL = date(2026, 8, 26), date(2026, 11, 23)


@pytest.fixture
def transport(visitor: Api) -> Iterator[Transport]:
    config = MetaConfig(
        app_id="100000000000001",
        app_secret="stand-in-app-secret",
        api_version="v26.0",
        base_url=visitor.base_url,
        dialog_url=f"{visitor.base_url}/v26.0/dialog/oauth",
    )
    session: requests.Session = make_session()
    yield Transport(config, session, sleep=lambda _: None)
    session.close()


@pytest.fixture
def client(transport: Transport, ana: Api) -> MetaAdsClient:
    ana.control(require_proof=True)
    return MetaAdsClient(transport, AccessToken(ana.token))


def spec(message: str = "Pack light. Walk far.", image_hash: str = "") -> AdCreativeSpec:
    return AdCreativeSpec(
        name="LM-1",
        page_id=PAGE,
        message=message,
        headline="A tent",
        description="Free returns",
        link=LINK,
        call_to_action="SHOP_NOW",
        image_hash=image_hash,
        label="lm-1",
        url_tags="utm_source=meta",
        instagram_user_id="178414000000001",
    )


def test_login_from_the_dialog_to_a_long_lived_token(visitor: Api, transport: Transport) -> None:
    address = oauth.authorize_url(
        transport.config, redirect_uri=CALLBACK, state="s1", scopes=ALL_SCOPES.split(",")
    )
    asked = urlsplit(address)
    assert visitor.page(f"{asked.path}?{asked.query}").status_code == 200
    form = {name: values[0] for name, values in parse_qs(asked.query).items()}
    form |= {"person": "122000000000001", "decision": "continue"}
    form |= {f"scope:{scope}": "1" for scope in ALL_SCOPES.split(",")}
    back = visitor.page(asked.path, method="POST", data=form).headers["Location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    short = oauth.exchange_code(transport, code=code, redirect_uri=CALLBACK)
    long_lived = oauth.exchange_long_lived(transport, short.token)
    assert long_lived.expires_in == 5_183_990
    info = oauth.inspect_token(transport, long_lived.token)
    assert info.is_valid
    assert info.user_id == "122000000000001"
    assert info.granular["ads_read"] is None
    granted = oauth.granted_permissions(transport, long_lived.token)
    assert granted["ads_management"] == "granted"


def test_everything_that_is_listed(client: MetaAdsClient) -> None:
    assert client.me().name == "Ana Keller"
    accounts = list(client.list_ad_accounts())
    assert [a.currency for a in accounts] == ["EUR", "USD", "JPY", "EUR"]
    pages = list(client.list_pages())
    assert [p.instagram_account_id for p in pages] == ["178414000000001", ""]
    assert len(list(client.list_campaigns(ACCOUNT))) == 9
    ad_sets = {a.id: a for a in client.list_ad_sets(ACCOUNT)}
    assert ad_sets[AD_SET].name == "Spring, new customers"
    assert any(a.is_dynamic_creative for a in ad_sets.values())
    assert any(not a.dsa_beneficiary for a in ad_sets.values())
    audiences = list(client.list_custom_audiences(ACCOUNT))
    assert {a.operation_code for a in audiences} == {200, 100, 471, 441}


def test_insights_equal_the_ledger_through_pages_and_an_empty_one(
    client: MetaAdsClient, ana: Api
) -> None:
    query = f"account={ACCOUNT}&since={SINCE}&until={UNTIL}"
    expected = ana.page(f"/sandbox/ledger?{query}").json()
    ana.control(empty_page={"path": "insights", "times": 2})
    pages = list(client.get_campaign_insights(ACCOUNT, SINCE, UNTIL))
    found = [row for page in pages for row in page.rows]
    assert len(pages) > 3
    assert len(found) == expected["rows"]
    assert sum((row.spend or Decimal(0)) for row in found) == Decimal(expected["spend"])
    assert sum(row.conversions or 0 for row in found) == expected["purchases"]
    assert sum(row.conversion_value or 0 for row in found) == Decimal(expected["purchase_value"])
    assert {row.conversion_type for row in found} == {"", "purchase", "omni_purchase"}


def test_from_image_to_paused_ad_and_back(client: MetaAdsClient, ana: Api) -> None:
    image = client.upload_ad_image(ACCOUNT, filename="pic.png", content=landscape(3))
    creative = client.create_ad_creative(ACCOUNT, spec("Größer", image.hash))
    ad = client.create_ad(
        ACCOUNT, name="LM · A tent", ad_set_id=AD_SET, creative_id=creative.id, label="lm-1"
    )
    stored = client.get_ad(ad.id)
    assert (stored.configured_status, stored.effective_status) == ("PAUSED", "PENDING_REVIEW")
    assert stored.label_names == ("lm-1",)
    live = client.get_creative(stored.creative_id)
    assert (live.message, live.image_hash, live.cta_link) == ("Größer", image.hash, LINK)
    assert live.url_tags == "utm_source=meta"
    assert client.find_ads(ACCOUNT, label="", name="LM · A tent") == (stored,)
    assert client.find_ads(ACCOUNT, label="lm-1", name="another") == (stored,)
    assert client.find_creatives(ACCOUNT, label="lm-1") == (creative,)
    client.pause_ad(ad.id)
    writes = ana.page("/sandbox/writes").json()["writes"]
    assert {row["params"].get("status") for row in writes} == {None, "PAUSED"}
    assert {row["token_in"] for row in writes} == {"header"}


def test_a_lost_reply_is_unknown_and_the_ad_can_be_found(client: MetaAdsClient, ana: Api) -> None:
    creative = client.create_ad_creative(ACCOUNT, spec())
    ana.control(lose_reply={"path": "ads"})
    with pytest.raises(MetaError) as lost:
        client.create_ad(ACCOUNT, name="LM-1", ad_set_id=AD_SET, creative_id=creative.id)
    assert lost.value.outcome_unknown
    assert len(client.find_ads(ACCOUNT, label="", name="LM-1")) == 1


def test_errors_are_told_apart(client: MetaAdsClient, ana: Api) -> None:
    ana.control(throttle={"account": "1", "minutes": 3, "times": 1})
    with pytest.raises(MetaError) as throttled:
        list(client.list_campaigns(ACCOUNT))
    assert (throttled.value.kind, throttled.value.wait_seconds) == (ErrorKind.THROTTLED, 180)
    ana.control(fail={"path": "campaigns", "times": 2}, html_error={"path": "campaigns"})
    assert list(client.list_campaigns(ACCOUNT))
    ana.control(expire_token="ana")
    with pytest.raises(MetaTokenError):
        client.me()


def test_disconnecting(client: MetaAdsClient) -> None:
    client.revoke_permissions()
    with pytest.raises(MetaTokenError):
        client.me()
