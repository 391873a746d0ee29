"""Campaign-level daily insights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from integrations.meta_ads.parse import (
    read_day,
    read_decimal,
    read_id,
    read_int,
    read_list,
    read_object,
    read_text,
)
from integrations.meta_ads.transport import Transport, read_page
from integrations.meta_ads.types import AccessToken, CampaignInsight, InsightsPage

# One purchase is reported under several of these; exactly one counts, the first that is present.
DEFAULT_ACTION_TYPES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
FIELDS = (
    "campaign_id,campaign_name,impressions,reach,clicks,inline_link_clicks,spend,cpm,cpc,ctr,"
    "actions,action_values,account_currency"
)
PAGE_SIZE = 500
SMALLEST_PAGE = 25


def get_campaign_insights(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    since: date,
    until: date,
    action_types: Sequence[str] = DEFAULT_ACTION_TYPES,
) -> Iterator[InsightsPage]:
    """Every campaign's rows, one per day from ``since`` to ``until`` of the account's calendar.

    Days are both included. When Meta finds a page too heavy, the same page is asked for in half the
    size. Raises MetaError.
    """
    # Marketing API reference: Ad Account, Insights
    params: dict[str, Any] = {
        "level": "campaign",
        "time_increment": 1,
        "time_range": {"since": since.isoformat(), "until": until.isoformat()},
        "fields": FIELDS,
    }
    limit, after = PAGE_SIZE, ""
    while True:
        try:
            answer = transport.get(
                f"{ad_account_id}/insights",
                {**params, "limit": limit, **({"after": after} if after else {})},
                token,
            )
        except MetaError as exc:
            if exc.kind != ErrorKind.TOO_MUCH_DATA or limit <= SMALLEST_PAGE:
                raise
            limit = max(limit // 2, SMALLEST_PAGE)
            continue
        items, following = read_page(answer)
        if following and following == after:
            raise Unreadable
        yield InsightsPage(tuple(parse_row(item, action_types) for item in items), not following)
        if not following:
            return
        after = following


def parse_row(row: Any, action_types: Sequence[str] = DEFAULT_ACTION_TYPES) -> CampaignInsight:
    """One row; metrics Meta left out are None. Raises Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable
    get = row.get
    conversion_type, conversions = first_present(get("actions"), action_types)
    value_type = (conversion_type,) if conversion_type else ()
    return CampaignInsight(
        campaign_id=read_id(get("campaign_id")),
        campaign_name=read_text(get("campaign_name"), 1000),
        date_start=read_day(get("date_start")),
        date_stop=read_day(get("date_stop")),
        impressions=read_int(get("impressions")),
        reach=read_int(get("reach")),
        clicks=read_int(get("clicks")),
        inline_link_clicks=read_int(get("inline_link_clicks")),
        spend=read_decimal(get("spend")),
        cpm=read_decimal(get("cpm")),
        cpc=read_decimal(get("cpc")),
        ctr=read_decimal(get("ctr")),
        conversions=conversions,
        conversion_value=first_present(get("action_values"), value_type)[1],
        conversion_type=conversion_type,
    )


def first_present(actions: Any, action_types: Sequence[str]) -> tuple[str, Decimal | None]:
    """The first of ``action_types`` that Meta reports, and its value; never a sum of several."""
    found: dict[str, Any] = {}
    for action in read_list(actions):
        entry = read_object(action)
        name = entry.get("action_type")
        if name in action_types:
            found[read_text(name)] = entry.get("value")
    for name in action_types:
        if name in found:
            return name, read_decimal(found[name])
    return "", None
