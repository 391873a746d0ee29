"""The official SDK as a client: what it cannot do here is a bug of the stand-in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.pictures import landscape
from tests.integrations.sandbox.conftest import ACCOUNT, AD_SET, Api, creative_body

with warnings.catch_warnings():
    # The SDK's generated modules hold old escape sequences.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", SyntaxWarning)
    from facebook_business.adobjects.ad import Ad
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.adobjects.adreportrun import AdReportRun
    from facebook_business.adobjects.campaign import Campaign
    from facebook_business.adobjects.user import User
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookRequestError
    from facebook_business.session import FacebookSession

FIELDS = ["campaign_id", "impressions", "clicks", "spend", "actions", "action_values"]
RANGE = {"since": "2026-09-01", "until": "2026-10-31"}


@pytest.fixture
def sdk(ana: Api) -> Iterator[FacebookAdsApi]:
    """The SDK pointed at the stand-in, without its process-wide `init`."""

    class LocalSession(FacebookSession):  # type: ignore[misc]
        GRAPH = ana.base_url

    session = LocalSession(
        app_id="100000000000001",
        app_secret="stand-in-app-secret",
        access_token=ana.token,
        timeout=10,
    )
    yield FacebookAdsApi(session, api_version="v26.0")
    session.requests.close()


def account(sdk: FacebookAdsApi) -> Any:
    return AdAccount(ACCOUNT, api=sdk)


def totals(found: list[Any]) -> tuple[Decimal, int, int]:
    """Spend, impressions and purchases of SDK rows."""
    purchases = sum(
        int(action["value"])
        for row in found
        for action in row.get("actions", ())
        if action["action_type"] == "omni_purchase"
    )
    spend = sum((Decimal(row["spend"]) for row in found), Decimal(0))
    return spend, sum(int(row["impressions"]) for row in found), purchases


def expected(api: Api) -> tuple[Decimal, int, int]:
    query = f"account={ACCOUNT}&since={RANGE['since']}&until={RANGE['until']}"
    ledger = api.page(f"/sandbox/ledger?{query}").json()
    return Decimal(ledger["spend"]), ledger["impressions"], ledger["purchases"]


def test_it_lists_ad_accounts(sdk: FacebookAdsApi) -> None:
    found = User("me", api=sdk).get_ad_accounts(fields=["name", "currency", "account_status"])
    assert [row["currency"] for row in found] == ["EUR", "USD", "JPY", "EUR"]
    assert found.total() == 4


def test_it_pages_through_insights(sdk: FacebookAdsApi, ana: Api) -> None:
    params = {"level": "campaign", "time_increment": 1, "time_range": RANGE, "limit": 100}
    cursor = account(sdk).get_insights(fields=FIELDS, params=params)
    first = len(cursor)
    found = list(cursor)
    assert first == 100
    assert len(found) > 400
    assert totals(found) == expected(ana)


def test_it_pulls_insights_as_a_report_run(sdk: FacebookAdsApi, ana: Api) -> None:
    run = account(sdk).get_insights_async(
        fields=FIELDS, params={"level": "campaign", "time_increment": 1, "time_range": RANGE}
    )
    for _ in range(5):
        run = run.api_get()
    assert run[AdReportRun.Field.async_status] == "Job Completed"
    assert run[AdReportRun.Field.async_percent_completion] == 100
    found = list(run.get_insights(params={"limit": 200}))
    assert totals(found) == expected(ana)


def test_it_uploads_an_image_and_makes_a_paused_ad(
    sdk: FacebookAdsApi, ana: Api, tmp_path: Path
) -> None:
    path = tmp_path / "pic.png"
    path.write_bytes(landscape(2))
    image = account(sdk).create_ad_image(params={"filename": str(path)})
    body = creative_body("Words from the SDK – größer", image_hash=image["hash"])
    creative = account(sdk).create_ad_creative(params=body)
    ad = account(sdk).create_ad(
        params={
            "name": "SDK ad",
            "adset_id": AD_SET,
            "status": "PAUSED",
            "creative": {"creative_id": creative["id"]},
        }
    )
    read = Ad(ad["id"], api=sdk).api_get(fields=["name", "configured_status", "creative"])
    assert read["configured_status"] == "PAUSED"
    assert read["creative"]["id"] == creative["id"]
    stored = creative.api_get(fields=["object_story_spec"])["object_story_spec"]
    assert stored["link_data"]["message"] == "Words from the SDK – größer"
    assert ana.get(f"{ACCOUNT}/adimages", hashes=[image["hash"]])["data"]


def test_it_changes_a_status_and_deletes(sdk: FacebookAdsApi, ana: Api) -> None:
    ad = Ad(ana.ad(), api=sdk)
    ad.api_update(params={"status": "ACTIVE"})
    assert ad.api_get(fields=["status"])["status"] == "ACTIVE"
    ad.api_delete()
    assert ad.api_get(fields=["status"])["status"] == "DELETED"


def test_it_reads_errors(sdk: FacebookAdsApi, ana: Api) -> None:
    with pytest.raises(FacebookRequestError) as refused:
        account(sdk).create_ad_creative(params=creative_body(link="nowhere"))
    error = refused.value
    assert (error.http_status(), error.api_error_code()) == (400, 100)
    assert error.get_message()
    assert error.body()["error"]["error_data"]["blame_field_specs"]
    ana.control(expire_token="ana")
    with pytest.raises(FacebookRequestError) as expired:
        account(sdk).api_get(fields=["name"])
    assert (expired.value.api_error_code(), expired.value.api_error_subcode()) == (190, 463)


def test_validate_only_answers_without_an_id(sdk: FacebookAdsApi, ana: Api) -> None:
    made = account(sdk).create_ad(
        params={
            "name": "dry",
            "adset_id": AD_SET,
            "creative": {"creative_id": ana.creative()},
            "execution_options": ["validate_only"],
        }
    )
    assert made.get("id") is None


def test_it_batches_reads_and_writes(sdk: FacebookAdsApi, ana: Api) -> None:
    answers: list[Any] = []
    failures: list[Any] = []
    batch = sdk.new_batch()
    for campaign in ("12021000110000001", "12021000110000002"):
        Campaign(campaign, api=sdk).api_get(
            fields=["name"], batch=batch, success=answers.append, failure=failures.append
        )
    account(sdk).create_ad_creative(
        params=creative_body("From a batch"),
        batch=batch,
        success=answers.append,
        failure=failures.append,
    )
    Campaign("7", api=sdk).api_get(batch=batch, success=answers.append, failure=failures.append)
    assert batch.execute() is None
    assert [answer.json().get("name") for answer in answers][:2] == [
        "Spring hiking boots",
        "Rain jackets, always on",
    ]
    assert ana.get(answers[2].json()["id"], fields="body")["body"] == "From a batch"
    assert failures[0].error().api_error_subcode() == 33


def test_its_proof_is_verified(sdk: FacebookAdsApi, ana: Api) -> None:
    ana.control(require_proof=True)
    assert account(sdk).api_get(fields=["name"])["name"] == "Acme Outdoor EU"
    sdk._session.requests.params["appsecret_proof"] = "0" * 64
    with pytest.raises(FacebookRequestError) as refused:
        account(sdk).api_get(fields=["name"])
    assert refused.value.api_error_type() == "GraphMethodException"


def test_ids_on_the_root_are_refused_to_it_too(sdk: FacebookAdsApi) -> None:
    with pytest.raises(FacebookRequestError):
        Campaign.get_by_ids(["12021000110000001"], api=sdk)
