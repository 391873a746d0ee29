"""Insights over a whole range: what cannot be added up from days, and what days are checked by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.insights import build_params, read_conversions
from integrations.meta_ads.paging import pages
from integrations.meta_ads.parse import read_decimal, read_id, read_int
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, InsightsQuery, RangeTotals

_FIELDS = "impressions,reach,clicks,inline_link_clicks,spend,actions,action_values"


def get_range_totals(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    since: date,
    until: date,
    *,
    level: str,
    action_types: Sequence[str],
) -> Iterator[RangeTotals]:
    """The whole range by campaign, or for the account (then without an id). Raises MetaError.

    An account that delivered nothing has no row.
    """
    # Marketing API reference: Ad Account, Insights
    by_campaign = level == "campaign"
    query = InsightsQuery(ad_account_id, "campaign", since, until, tuple(action_types))
    params: dict[str, Any] = {**build_params(query), "time_increment": "all_days"}
    if by_campaign:
        params["fields"] = f"campaign_id,{_FIELDS}"
    else:
        params |= {"level": level, "fields": _FIELDS}
        del params["filtering"]
    for items, _ in pages(transport, f"{ad_account_id}/insights", params, token, limit=500):
        for row in items:
            yield _parse(row, action_types, by_campaign=by_campaign)


def _parse(row: Any, action_types: Sequence[str], *, by_campaign: bool) -> RangeTotals:
    if not isinstance(row, dict):
        raise Unreadable
    kind, conversions, value = read_conversions(row, action_types)
    return RangeTotals(
        campaign_id=read_id(row.get("campaign_id")) if by_campaign else "",
        impressions=read_int(row.get("impressions")),
        reach=read_int(row.get("reach")),
        clicks=read_int(row.get("clicks")),
        inline_link_clicks=read_int(row.get("inline_link_clicks")),
        spend=read_decimal(row.get("spend")),
        conversions=conversions,
        conversion_value=value,
        conversion_action_type=kind,
    )
