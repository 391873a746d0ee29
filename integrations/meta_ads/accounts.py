"""Listing what a grant reaches: ad accounts, Pages, campaigns, ad sets, custom audiences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.paging import pages
from integrations.meta_ads.parse import (
    Json,
    read_code,
    read_id,
    read_int,
    read_list,
    read_moment,
    read_name,
    read_object,
    read_optional_id,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import (
    AccessToken,
    AdAccountInfo,
    AdSetInfo,
    CampaignInfo,
    CustomAudienceInfo,
    Me,
    PageInfo,
)

_ACCOUNT_ID = re.compile(r"act_[0-9]{1,28}")
_ACCOUNT_FIELDS = (
    "id,name,account_status,disable_reason,currency,timezone_name,business{id,name},user_tasks"
)
T = TypeVar("T")


def read_me(transport: Transport, token: AccessToken) -> Me:
    """The person behind the token."""
    # Graph API reference: User
    answer = transport.get("me", {"fields": "id,name"}, token)
    return Me(read_id(answer.get("id")), read_name(answer.get("name"), 160))


def list_ad_accounts(transport: Transport, token: AccessToken) -> Iterator[AdAccountInfo]:
    """Every ad account the person can reach."""
    # Graph API reference: User, Adaccounts
    return _list(transport, token, "me/adaccounts", _ACCOUNT_FIELDS, _ad_account)


def list_business_ad_accounts(transport: Transport, token: AccessToken) -> Iterator[AdAccountInfo]:
    """Ad accounts that the person's businesses own or work on for clients; some may come twice."""
    # Graph API reference: User, Businesses; Business, Owned and Client Ad Accounts
    for business in _list(
        transport, token, "me/businesses", "id", lambda item: read_id(item.get("id"))
    ):
        for edge in ("owned_ad_accounts", "client_ad_accounts"):
            yield from _list(transport, token, f"{business}/{edge}", _ACCOUNT_FIELDS, _ad_account)


def ads_per_ad_set(
    transport: Transport, token: AccessToken, ad_account_id: str
) -> Mapping[str, int]:
    """Ads per ad set that count against Meta's limit: neither archived nor deleted."""
    # Marketing API reference: Ad Account, Ads
    return Counter(
        _list(
            transport,
            token,
            f"{ad_account_id}/ads",
            "adset_id",
            lambda item: read_id(item.get("adset_id")),
        )
    )


def list_pages(transport: Transport, token: AccessToken) -> Iterator[PageInfo]:
    """Every Page the person manages. The field access_token is not asked for."""
    # Graph API reference: User, Accounts
    fields = "id,name,tasks,instagram_business_account"
    return _list(transport, token, "me/accounts", fields, _page)


def list_campaigns(
    transport: Transport, token: AccessToken, ad_account_id: str
) -> Iterator[CampaignInfo]:
    """Campaigns that are neither archived nor deleted."""
    # Marketing API reference: Ad Account, Campaigns
    fields = "id,name,status,effective_status,objective"
    return _list(transport, token, f"{ad_account_id}/campaigns", fields, _campaign)


def list_ad_sets(
    transport: Transport, token: AccessToken, ad_account_id: str
) -> Iterator[AdSetInfo]:
    """Ad sets that are neither archived nor deleted."""
    # Marketing API reference: Ad Account, Adsets
    fields = (
        "id,campaign_id,name,status,effective_status,optimization_goal,destination_type,"
        "is_dynamic_creative,dsa_beneficiary,dsa_payor"
    )
    return _list(transport, token, f"{ad_account_id}/adsets", fields, _ad_set)


def list_custom_audiences(
    transport: Transport, token: AccessToken, ad_account_id: str
) -> Iterator[CustomAudienceInfo]:
    """Custom audiences with Meta's size estimate and state."""
    # Marketing API reference: Ad Account, Customaudiences
    fields = (
        "id,name,subtype,approximate_count_lower_bound,approximate_count_upper_bound,"
        "delivery_status,operation_status,time_updated"
    )
    return _list(transport, token, f"{ad_account_id}/customaudiences", fields, _audience)


def read_account_id(value: Any) -> str:
    """An ad account id like act_123. Raises Unreadable."""
    if not isinstance(value, str) or not _ACCOUNT_ID.fullmatch(value):
        raise Unreadable
    return value


def _list(
    transport: Transport,
    token: AccessToken,
    path: str,
    fields: str,
    parse: Callable[[Json], T],
) -> Iterator[T]:
    for items, _ in pages(transport, path, {"fields": fields}, token):
        yield from (parse(read_object(item)) for item in items)


def _ad_account(item: Json) -> AdAccountInfo:
    business = read_object(item.get("business"))
    return AdAccountInfo(
        id=read_account_id(item.get("id")),
        name=read_name(item.get("name"), 200),
        account_status=read_code(item.get("account_status")) or 0,
        disable_reason=read_code(item.get("disable_reason")) or 0,
        currency=read_text(item.get("currency"), 3),
        timezone_name=read_text(item.get("timezone_name"), 60),
        business_id=read_optional_id(business.get("id")),
        business_name=read_name(business.get("name"), 200),
        user_tasks=_texts(item.get("user_tasks")),
    )


def _page(item: Json) -> PageInfo:
    instagram = read_object(item.get("instagram_business_account"))
    return PageInfo(
        id=read_id(item.get("id")),
        name=read_name(item.get("name"), 200),
        tasks=_texts(item.get("tasks")),
        instagram_account_id=read_optional_id(instagram.get("id")),
    )


def _campaign(item: Json) -> CampaignInfo:
    return CampaignInfo(
        id=read_id(item.get("id")),
        name=read_name(item.get("name")),
        status=read_text(item.get("status"), 30),
        effective_status=read_text(item.get("effective_status"), 30),
        objective=read_text(item.get("objective"), 60),
    )


def _ad_set(item: Json) -> AdSetInfo:
    return AdSetInfo(
        id=read_id(item.get("id")),
        campaign_id=read_id(item.get("campaign_id")),
        name=read_name(item.get("name")),
        status=read_text(item.get("status"), 30),
        effective_status=read_text(item.get("effective_status"), 30),
        optimization_goal=read_text(item.get("optimization_goal")),
        destination_type=read_text(item.get("destination_type")),
        is_dynamic_creative=item.get("is_dynamic_creative") is True,
        dsa_beneficiary=read_text(item.get("dsa_beneficiary")),
        dsa_payor=read_text(item.get("dsa_payor")),
    )


def _audience(item: Json) -> CustomAudienceInfo:
    delivery = read_object(item.get("delivery_status"))
    return CustomAudienceInfo(
        id=read_id(item.get("id")),
        name=read_name(item.get("name"), 300),
        subtype=read_text(item.get("subtype"), 60),
        lower_bound=_bound(item.get("approximate_count_lower_bound")),
        upper_bound=_bound(item.get("approximate_count_upper_bound")),
        delivery_code=read_code(delivery.get("code")),
        delivery_description=read_text(delivery.get("description")),
        operation_code=read_code(read_object(item.get("operation_status")).get("code")),
        time_updated=read_moment(item.get("time_updated")),
    )


def _bound(value: Any) -> int | None:
    """Meta writes -1 where it has no estimate."""
    number = read_int(value)
    return None if number is None or number < 0 else number


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(read_text(entry) for entry in read_list(value))
