"""Insights: daily rows of campaigns or ads, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.paging import pages, read_page
from integrations.meta_ads.parse import (
    Json,
    read_day,
    read_decimal,
    read_id,
    read_int,
    read_list,
    read_name,
    read_optional_id,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, InsightRow, InsightsPage, InsightsQuery

# One purchase is reported under several of these; exactly one counts, the first that is present.
DEFAULT_ACTION_TYPES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
METRICS = "impressions,reach,clicks,inline_link_clicks,spend,cpm,cpc,ctr,actions,action_values"
FIELDS = f"campaign_id,campaign_name,{METRICS},account_currency"
AD_FIELDS = f"campaign_id,campaign_name,adset_id,ad_id,ad_name,{METRICS},account_currency"
# Light rows: 500 fit well below the cap on a body. Too heavy pages are halved.
PAGE_SIZE = 500
# Without this, lists leave out archived and deleted objects, which the account's totals include
# (Manage Your Ad Object's Status): archiving a campaign would take its history away.
_STATUSES = {
    "campaign": ("ACTIVE", "PAUSED", "IN_PROCESS", "WITH_ISSUES", "ARCHIVED", "DELETED"),
    "ad": (
        "ACTIVE",
        "PAUSED",
        "CAMPAIGN_PAUSED",
        "ADSET_PAUSED",
        "PENDING_REVIEW",
        "PREAPPROVED",
        "DISAPPROVED",
        "PENDING_BILLING_INFO",
        "IN_PROCESS",
        "WITH_ISSUES",
        "ARCHIVED",
        "DELETED",
    ),
}


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
    query = InsightsQuery(ad_account_id, "campaign", since, until, tuple(action_types))
    path = f"{ad_account_id}/insights"
    for items, after in pages(transport, path, build_params(query), token, limit=PAGE_SIZE):
        yield InsightsPage(parse_rows(items, query), after)


def read_insights_page(
    transport: Transport,
    token: AccessToken,
    query: InsightsQuery,
    *,
    after: str,
    limit: int,
    report_id: str = "",
) -> InsightsPage:
    """One page, from the cursor on; of a report that is ready when its id is given.

    Raises MetaError; rows of other days than asked for are Unreadable.
    """
    params: dict[str, Any] = {} if report_id else build_params(query)
    params["limit"] = limit
    if after:
        params["after"] = after

    def parse(answer: Json) -> InsightsPage:
        items, following = read_page(answer)
        return InsightsPage(parse_rows(items, query), following)

    return transport.read(f"{report_id or query.ad_account_id}/insights", params, token, parse)


def build_params(query: InsightsQuery) -> dict[str, Any]:
    """The query as Meta takes it, without its page."""
    # Marketing API reference: Ad Account, Insights
    field, statuses = f"{query.level}.effective_status", _STATUSES[query.level]
    rules: list[dict[str, Any]] = [{"field": field, "operator": "IN", "value": list(statuses)}]
    if query.ad_set_ids:
        rules.append({"field": "adset.id", "operator": "IN", "value": list(query.ad_set_ids)})
    return {
        "level": query.level,
        "time_increment": 1,
        "time_range": {"since": query.since.isoformat(), "until": query.until.isoformat()},
        "fields": AD_FIELDS if query.level == "ad" else FIELDS,
        "filtering": rules,
    }


def parse_rows(items: Sequence[Any], query: InsightsQuery) -> tuple[InsightRow, ...]:
    """A page's rows. Raises Unreadable, also for rows of other days than asked for."""
    since, until, wanted = query.since, query.until, query.action_types
    parse = parse_ad_row if query.level == "ad" else parse_row
    rows = tuple([parse(item, wanted) for item in items])
    if not all(since <= row.date_start == row.date_stop <= until for row in rows):
        raise Unreadable
    return rows


def parse_row(row: Any, action_types: Sequence[str] = DEFAULT_ACTION_TYPES) -> InsightRow:
    """One row; metrics Meta left out are None. Raises Unreadable."""
    if not isinstance(row, dict):
        raise Unreadable
    get = row.get
    conversion_type, conversions, value = read_conversions(row, action_types)
    return InsightRow(
        read_id(get("campaign_id")),
        read_name(get("campaign_name")),
        read_day(get("date_start")),
        read_day(get("date_stop")),
        read_int(get("impressions")),
        read_int(get("reach")),
        read_int(get("clicks")),
        read_int(get("inline_link_clicks")),
        read_decimal(get("spend")),
        read_decimal(get("cpm")),
        read_decimal(get("cpc")),
        read_decimal(get("ctr")),
        conversions,
        value,
        conversion_type,
        read_text(get("account_currency"), 3),
    )


def parse_ad_row(row: Any, action_types: Sequence[str] = DEFAULT_ACTION_TYPES) -> InsightRow:
    """One row of an ad. Raises Unreadable."""
    parsed = parse_row(row, action_types)
    return parsed._replace(
        ad_set_id=read_optional_id(row.get("adset_id")),
        ad_id=read_id(row.get("ad_id")),
        ad_name=read_name(row.get("ad_name")),
    )


def read_conversions(
    row: Json, action_types: Sequence[str]
) -> tuple[str, Decimal | None, Decimal | None]:
    """The action type that counts, how often it happened, and what it was worth."""
    conversion_type, conversions = first_present(row.get("actions"), action_types)
    if not conversion_type:
        return "", None, None
    value = first_present(row.get("action_values"), (conversion_type,))[1]
    return conversion_type, conversions, value


def first_present(actions: Any, action_types: Sequence[str]) -> tuple[str, Decimal | None]:
    """The first of ``action_types`` that Meta reports, and its value; never a sum of several."""
    found: dict[str, Any] = {}
    best = action_types[0]
    try:
        for action in read_list(actions):
            name: Any = action.get("action_type")
            if name in action_types:
                found[name] = action.get("value")
                if name == best:
                    break
    except AttributeError:  # not an object
        raise Unreadable from None
    for name in action_types:
        if name in found:
            return name, read_decimal(found[name])
    return "", None
