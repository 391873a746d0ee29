"""Custom audiences in words: how many people, and whether ads can run to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet

from integrations.models import CustomAudience, SyncRun
from leadmetrics.tenancy.models import Tenant

AUDIENCES_PER_PAGE = 50
SMALLEST_BAND = 1000  # Meta does not tell sizes below it apart


def audiences(tenant: Tenant, *, search: str = "") -> QuerySet[CustomAudience]:
    """Custom audiences of the enabled ad accounts, by name; ``search`` in name and id."""
    found = CustomAudience.objects.filter(
        ad_account__tenant=tenant, ad_account__enabled=True, gone_at=None
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(audience_id=search))
    return found.select_related("ad_account").order_by("name", "pk")


@dataclass(frozen=True, slots=True)
class AudiencePage:
    """Some audiences and the ids the neighbouring pages begin beside (None: there are none)."""

    items: list[CustomAudience]
    before: int | None
    after: int | None


def audience_page(
    found: QuerySet[CustomAudience], *, after: int | None = None, before: int | None = None
) -> AudiencePage:
    """The page after (or before) the audience with this id, by key and not by counting."""
    place = after or before
    anchor = found.filter(pk=place).first() if place else None
    beside = found
    if anchor is not None:
        way = "gt" if after else "lt"
        beside = found.filter(
            Q(**{f"name__{way}": anchor.name}) | Q(name=anchor.name, **{f"pk__{way}": anchor.pk})
        )
    is_back = anchor is not None and not after
    rows = list((beside.reverse() if is_back else beside)[: AUDIENCES_PER_PAGE + 1])
    has_more, rows = len(rows) > AUDIENCES_PER_PAGE, rows[:AUDIENCES_PER_PAGE]
    if is_back:
        rows.reverse()
    has_before = has_more if is_back else anchor is not None
    has_after = is_back or has_more
    return AudiencePage(
        items=rows,
        before=rows[0].pk if rows and has_before else None,
        after=rows[-1].pk if rows and has_after else None,
    )


@dataclass(frozen=True, slots=True)
class AudienceState:
    """What an audience is good for now, in words."""

    tone: str
    label: str
    detail: str


# Custom Audience reference, operation_status: what stands in the way, most serious first.
_OPERATIONS: Mapping[int, AudienceState] = {
    471: AudienceState("bad", "Flagged", "Meta flagged it for breaking its rules; it cannot run."),
    470: AudienceState("bad", "Flagged", "Meta flagged it for breaking its rules."),
    500: AudienceState("bad", "Broken", "Meta reports an error. Make it again in Ads Manager."),
    450: AudienceState("bad", "Source is gone", "What it was made from cannot be read any more."),
    433: AudienceState("bad", "Not built", "Meta could not build this lookalike audience."),
    432: AudienceState("bad", "Not built", "Meta could not build this lookalike audience."),
    431: AudienceState("warn", "Out of date", "Meta could not refresh this lookalike audience."),
    434: AudienceState("info", "Being built", "Meta tries once more to build this lookalike."),
    423: AudienceState("warn", "Pixel is wrong", "It is fed by a pixel that is not valid."),
    422: AudienceState("warn", "Pixel is silent", "It is fed by a pixel that sends nothing."),
    421: AudienceState("warn", "No pixel", "It needs a pixel to be fed."),
    412: AudienceState("warn", "Bad upload", "Many of the uploaded entries are not usable."),
    411: AudienceState("warn", "Few matches", "Few of the uploaded people were found at Meta."),
    410: AudienceState("warn", "No upload", "Nobody has been uploaded yet."),
    100: AudienceState("warn", "Expires soon", "Use it, or Meta will delete it."),
    441: AudienceState("info", "Being filled", "Meta is still adding people; it grows."),
    442: AudienceState("info", "Being filled", "Meta is still adding people; it grows."),
}
_READY = AudienceState("good", "Ready", "")
_TOO_SMALL = AudienceState("warn", "Too small", "It has too few people to run ads to.")
_UNUSABLE = AudienceState("bad", "Cannot be used", "Ads cannot run to it; see it in Ads Manager.")


def audience_state(audience: CustomAudience) -> AudienceState:
    """From Meta's two codes: what went wrong first, then whether ads can run to it."""
    operation, delivery = audience.operation_code, audience.delivery_code
    known = _OPERATIONS.get(operation) if operation is not None else None
    if known and known.tone == "bad":
        return known
    if delivery is not None and delivery >= 400:
        return _UNUSABLE
    if known:
        return known
    if delivery == 300:
        return _TOO_SMALL
    if operation is not None and operation not in (0, 200):
        return AudienceState("warn", "Needs a look", f"Meta reports status {operation}.")
    if delivery == 200:
        return _READY
    return AudienceState("neutral", "Not known", "Meta did not say whether ads can run to it.")


def audience_size(audience: CustomAudience) -> str:
    """The band Meta gives, in words; empty when it gives none (-1: an inactive lookalike)."""
    low, high = audience.lower_bound, audience.upper_bound
    if low is None or high is None or low < 0 or high < 0:
        return ""
    if high <= SMALLEST_BAND:
        return f"Fewer than {SMALLEST_BAND:,} people"
    if low == high:
        return f"About {low:,} people"
    return f"{low:,} to {high:,} people"


def catalog_read_at(tenant: Tenant) -> datetime | None:
    """When campaigns, Pages and audiences were last read completely."""
    runs = SyncRun.objects.filter(
        tenant=tenant, kind=SyncRun.Kind.CATALOG, state=SyncRun.State.COMPLETE
    )
    newest: datetime | None = runs.aggregate(at=Max("finished_at"))["at"]
    return newest
