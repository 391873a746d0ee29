"""Campaign-level daily insights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.paging import pages
from integrations.meta_ads.parse import (
    read_day,
    read_decimal,
    read_id,
    read_int,
    read_list,
    read_name,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, CampaignInsight, InsightsPage

# One purchase is reported under several of these; exactly one counts, the first that is present.
DEFAULT_ACTION_TYPES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
FIELDS = (
    "campaign_id,campaign_name,impressions,reach,clicks,inline_link_clicks,spend,cpm,cpc,ctr,"
    "actions,action_values,account_currency"
)
# Light rows: 500 fit well below the cap on a body. Too heavy pages are halved.
PAGE_SIZE = 500


def get_campaign_insights(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    since: date,
    until: date,
    action_types: Sequence[str] = DEFAULT_ACTION_TYPES,
) -> Iterator[InsightsPage]:
    """Every campaign's rows, one per day from ``since`` to ``until`` of the account's calendar.

    Both days are included. Raises MetaError; rows of other days than asked for are Unreadable.
    """
    # Marketing API reference: Ad Account, Insights
    params: dict[str, Any] = {
        "level": "campaign",
        "time_increment": 1,
        "time_range": {"since": since.isoformat(), "until": until.isoformat()},
        "fields": FIELDS,
    }
    path = f"{ad_account_id}/insights"
    for items, is_last in pages(transport, path, params, token, limit=PAGE_SIZE):
        rows = tuple(parse_row(item, action_types) for item in items)
        if not all(since <= row.date_start == row.date_stop <= until for row in rows):
            raise Unreadable
        yield InsightsPage(rows, is_last)


def parse_row(row: Any, action_types: Sequence[str] = DEFAULT_ACTION_TYPES) -> CampaignInsight:
    """One row; metrics Meta left out are None. Raises Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable
    get = row.get
    conversion_type, conversions = first_present(get("actions"), action_types)
    value_type = (conversion_type,) if conversion_type else ()
    return CampaignInsight(
        campaign_id=read_id(get("campaign_id")),
        campaign_name=read_name(get("campaign_name")),
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
        account_currency=read_text(get("account_currency"), 3),
    )


def first_present(actions: Any, action_types: Sequence[str]) -> tuple[str, Decimal | None]:
    """The first of ``action_types`` that Meta reports, and its value; never a sum of several."""
    found: dict[str, Any] = {}
    for action in read_list(actions):
        if not isinstance(action, dict):
            raise Unreadable
        name: Any = action.get("action_type")
        if name in action_types:
            found[name] = action.get("value")
    for name in action_types:
        if name in found:
            return name, read_decimal(found[name])
    return "", None
