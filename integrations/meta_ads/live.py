"""Reading what surrounds a pushed ad: Meta's review, budget and schedule, who changed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from integrations.meta_ads.paging import read_page
from integrations.meta_ads.parse import (
    Json,
    read_code,
    read_id,
    read_int,
    read_list,
    read_name,
    read_object,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import (
    AccessToken,
    AccountState,
    AdReview,
    AdSetPlan,
    Change,
    Issue,
    Remark,
)

_PLAN_FIELDS = (
    "id,name,account_id,status,effective_status,daily_budget,lifetime_budget,start_time,end_time,"
    "is_dynamic_creative,dsa_beneficiary,dsa_payor,targeting,"
    "campaign{id,name,status,effective_status,daily_budget,lifetime_budget}"
)
_MOST_CHANGES = 100
_TEXT = 2000


def get_ad_review(transport: Transport, token: AccessToken, ad_id: str) -> AdReview:
    """Meta's verdict on an ad and what keeps it from delivering.

    Meta's own pages disagree on the name of the review field, and an unknown field fails the whole
    read, so without it the rest is read once more.
    """
    # Marketing API reference: Ad
    fields = "id,configured_status,effective_status,issues_info"
    try:
        answer = transport.get(ad_id, {"fields": f"{fields},ad_review_feedback"}, token)
    except MetaError as exc:
        if exc.kind != ErrorKind.BAD_REQUEST:
            raise
        answer = transport.get(ad_id, {"fields": fields}, token)
    return AdReview(
        configured_status=read_text(answer.get("configured_status"), 30),
        effective_status=read_text(answer.get("effective_status"), 30),
        remarks=tuple(_remarks(read_object(answer.get("ad_review_feedback")))),
        issues=tuple(_issue(read_object(item)) for item in read_list(answer.get("issues_info"))),
    )


def get_ad_set_plan(
    transport: Transport, token: AccessToken, ad_set_id: str, *, count_to: int = 0
) -> AdSetPlan:
    """An ad set's budget and schedule, and those of its campaign. Money is in Meta's units.

    With ``count_to`` its ads are counted up to that number, those not archived or deleted.
    """
    # Marketing API reference: Ad Set
    ads = f",ads.limit({count_to}){{id}}" if count_to else ""
    return transport.read(ad_set_id, {"fields": _PLAN_FIELDS + ads}, token, _plan)


def _plan(answer: Json) -> AdSetPlan:
    campaign = read_object(answer.get("campaign"))
    places = read_object(read_object(answer.get("targeting")).get("geo_locations"))
    return AdSetPlan(
        id=read_id(answer.get("id")),
        name=read_name(answer.get("name")),
        ads=len(read_list(read_object(answer.get("ads")).get("data"))),
        account_id=f"act_{read_id(answer.get('account_id'))}",
        status=read_text(answer.get("status"), 30),
        effective_status=read_text(answer.get("effective_status"), 30),
        daily_budget=_budget(answer),
        lifetime_budget=_budget(answer, "lifetime_budget"),
        starts_at=_moment(answer.get("start_time")),
        ends_at=_moment(answer.get("end_time")),
        is_dynamic_creative=answer.get("is_dynamic_creative") is True,
        dsa_beneficiary=read_text(answer.get("dsa_beneficiary")),
        dsa_payor=read_text(answer.get("dsa_payor")),
        countries=tuple(read_text(name, 10) for name in read_list(places.get("countries"))),
        campaign_name=read_name(campaign.get("name")),
        campaign_status=read_text(campaign.get("status"), 30),
        campaign_daily_budget=_budget(campaign),
        campaign_lifetime_budget=_budget(campaign, "lifetime_budget"),
    )


def get_account_state(transport: Transport, token: AccessToken, ad_account_id: str) -> AccountState:
    """Whether the ad account can run ads."""
    # Marketing API reference: Ad Account
    fields = "account_status,default_dsa_beneficiary,default_dsa_payor"
    return transport.read(ad_account_id, {"fields": fields}, token, _account_state)


def _account_state(answer: Json) -> AccountState:
    status = read_code(answer.get("account_status"))
    if status is None:
        raise Unreadable
    return AccountState(
        account_status=status,
        dsa_beneficiary=read_text(answer.get("default_dsa_beneficiary")),
        dsa_payor=read_text(answer.get("default_dsa_payor")),
    )


def list_changes(
    transport: Transport, token: AccessToken, ad_account_id: str, ad_id: str, since: datetime
) -> tuple[Change, ...]:
    """What the ad account's activity log says of an ad, newest first, one page of it."""
    # Marketing API reference: Ad Account, Activities
    params = {
        "fields": "event_type,event_time,actor_name,application_id,object_id",
        "oid": ad_id,
        "since": int(since.timestamp()),
        "limit": _MOST_CHANGES,
    }
    items, _ = read_page(transport.get(f"{ad_account_id}/activities", params, token))
    return tuple(_change(read_object(item)) for item in items)


def _remarks(feedback: Json) -> Iterator[Remark]:
    """Each policy once; Meta repeats it for every placement."""
    seen: set[tuple[str, str]] = set()
    placements = read_object(feedback.get("placement_specific"))
    for part in (feedback.get("global"), *placements.values()):
        for policy, text in read_object(part).items():
            remark = Remark(read_name(policy, 200), read_name(text, _TEXT))
            if (remark.policy, remark.text) not in seen:
                seen.add((remark.policy, remark.text))
                yield remark


def _issue(item: Json) -> Issue:
    return Issue(
        level=read_text(item.get("level"), 40),
        code=read_code(item.get("error_code")),
        summary=read_name(item.get("error_summary"), 300),
        message=read_name(item.get("error_message"), _TEXT),
        is_hard=item.get("error_type") == "HARD_ERROR",
    )


def _change(item: Json) -> Change:
    when = _moment(item.get("event_time"))
    if when is None:
        raise Unreadable
    return Change(
        event=read_text(item.get("event_type"), 80),
        at=when,
        who=read_name(item.get("actor_name"), 160),
        application_id=read_text(item.get("application_id"), 32),
    )


def _budget(item: Mapping[str, Any], name: str = "daily_budget") -> Decimal | None:
    """In the currency's smallest unit as Meta counts it; Meta writes 0 for none."""
    amount = read_int(item.get(name))
    return Decimal(amount) if amount else None


def _moment(value: Any) -> datetime | None:
    """A time like 2026-09-01T10:00:00+0000; None when absent."""
    text = read_text(value, 40)
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable from None
    if when.tzinfo is None:
        raise Unreadable
    return when
