"""Listing what a grant reaches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.types import (
    AdAccountInfo,
    AdSetInfo,
    CampaignInfo,
    CustomAudienceInfo,
    Me,
    PageInfo,
)
from tests.integrations.meta_ads.conftest import ACT, BASE, answer


def fields_of(call):
    return call.request.params["fields"].split(",")


def test_list_ad_accounts_gives_every_account_with_its_currency_and_tasks(client, graph):
    graph.get(f"{BASE}/me/adaccounts", json=answer("ad_accounts"))
    assert list(client.list_ad_accounts()) == [
        AdAccountInfo(
            id="act_333",
            name="Acme Outdoor EU",
            account_status=1,
            disable_reason=0,
            currency="EUR",
            timezone_name="Europe/Berlin",
            business_id="777",
            business_name="Acme Outdoor",
            user_tasks=("DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"),
        ),
        AdAccountInfo(
            id="act_334",
            name="Acme Outdoor JP",
            account_status=3,
            disable_reason=0,
            currency="JPY",
            timezone_name="Asia/Tokyo",
            business_id="",
            business_name="",
            user_tasks=("ANALYZE",),
        ),
    ]
    assert graph.calls[0].request.params["limit"] == "100"


def test_list_pages_never_asks_for_nor_keeps_a_pages_token(client, graph):
    graph.get(f"{BASE}/me/accounts", json=answer("pages"))
    pages = list(client.list_pages())
    assert pages == [
        PageInfo("555", "Acme Outdoor", ("ADVERTISE", "ANALYZE"), "178414"),
        PageInfo("556", "Acme Repairs", (), ""),
    ]
    assert "access_token" not in fields_of(graph.calls[0])
    assert "EAAPage" not in repr(pages)


def test_list_campaigns_and_ad_sets_read_what_a_push_target_needs(client, graph):
    graph.get(f"{BASE}/{ACT}/campaigns", json=answer("campaigns"))
    graph.get(f"{BASE}/{ACT}/adsets", json=answer("ad_sets"))
    assert list(client.list_campaigns(ACT)) == [
        CampaignInfo("1202", "Spring", "ACTIVE", "ACTIVE", "OUTCOME_TRAFFIC")
    ]
    full, bare = client.list_ad_sets(ACT)
    assert full == AdSetInfo(
        id="7001",
        campaign_id="1202",
        name="Spring 25+",
        status="PAUSED",
        effective_status="CAMPAIGN_PAUSED",
        optimization_goal="LINK_CLICKS",
        destination_type="WEBSITE",
        is_dynamic_creative=True,
        dsa_beneficiary="Acme Outdoor",
        dsa_payor="Acme Outdoor",
    )
    assert (bare.is_dynamic_creative, bare.dsa_payor) == (False, "")
    assert {"dsa_beneficiary", "is_dynamic_creative"} <= set(fields_of(graph.calls[1]))


def test_list_custom_audiences_gives_bounds_and_states(client, graph):
    graph.get(f"{BASE}/{ACT}/customaudiences", json=answer("custom_audiences"))
    buyers, alike = client.list_custom_audiences(ACT)
    assert buyers == CustomAudienceInfo(
        id="2385",
        name="Buyers",
        subtype="CUSTOM",
        lower_bound=1000,
        upper_bound=1200,
        delivery_code=200,
        delivery_description="Ready",
        operation_code=200,
        time_updated=datetime.fromtimestamp(1790000000, UTC),
    )
    assert (alike.lower_bound, alike.upper_bound, alike.delivery_code) == (None, None, None)


def test_me_gives_the_app_scoped_person(client, graph):
    graph.get(f"{BASE}/me", json={"id": "222", "name": "Ana"})
    assert client.me() == Me("222", "Ana")


def test_revoke_permissions_removes_the_whole_consent(client, graph):
    graph.delete(f"{BASE}/me/permissions", json={"success": True})
    client.revoke_permissions()


@pytest.mark.parametrize(
    "ad_account_id", ["act_333/../me", "333?fields=x", "act_1/x/y", "", "act_٣"]
)
def test_id_that_is_no_id_is_refused_before_anything_is_sent(client, graph, ad_account_id):
    with pytest.raises(MetaError) as refused:
        list(client.list_campaigns(ad_account_id))
    assert refused.value.kind == ErrorKind.BAD_REQUEST
    assert len(graph.calls) == 0
