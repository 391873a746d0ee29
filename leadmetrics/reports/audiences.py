"""Custom audiences in words: how many people, and whether ads can run to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Max, Q, QuerySet

from integrations.models import CustomAudience, SyncRun
from integrations.selectors.places import enabled_accounts
from leadmetrics.reports.paging import DELETED, State
from leadmetrics.tenancy.models import Tenant

SMALLEST_BAND = 1000  # Meta does not tell sizes below it apart


def audiences(tenant: Tenant, *, search: str = "", gone: bool = False) -> QuerySet[CustomAudience]:
    """Custom audiences of the enabled ad accounts, by name; ``search`` in name and id.

    ``gone``: instead those that Meta no longer shows.
    """
    found = CustomAudience.objects.filter(
        ad_account__in=enabled_accounts(tenant.pk), gone_at__isnull=not gone
    )
    if search:
        found = found.filter(Q(name__icontains=search) | Q(audience_id=search))
    return found.select_related("ad_account").order_by("name", "pk")


# Custom Audience reference, operation_status: what stands in the way, most serious first.
_OPERATIONS: Mapping[int, State] = {
    471: State("bad", "Flagged", "Meta flagged it for breaking its rules; it cannot run."),
    470: State("bad", "Flagged", "Meta flagged it for breaking its rules."),
    500: State("bad", "Broken", "Meta reports an error. Make it again in Ads Manager."),
    450: State("bad", "Source is gone", "What it was made from cannot be read any more."),
    433: State("bad", "Not built", "Meta could not build this lookalike audience."),
    432: State("bad", "Not built", "Meta could not build this lookalike audience."),
    431: State("warn", "Out of date", "Meta could not refresh this lookalike audience."),
    434: State("info", "Being built", "Meta tries once more to build this lookalike."),
    423: State("warn", "Pixel is wrong", "It is fed by a pixel that is not valid."),
    422: State("warn", "Pixel is silent", "It is fed by a pixel that sends nothing."),
    421: State("warn", "No pixel", "It needs a pixel to be fed."),
    412: State("warn", "Bad upload", "Many of the uploaded entries are not usable."),
    411: State("warn", "Few matches", "Few of the uploaded people were found at Meta."),
    410: State("warn", "No upload", "Nobody has been uploaded yet."),
    100: State("warn", "Expires soon", "Use it, or Meta will delete it."),
    441: State("info", "Being filled", "Meta is still adding people; it grows."),
    442: State("info", "Being filled", "Meta is still adding people; it grows."),
}
_READY = State("good", "Ready", "")
_TOO_SMALL = State("warn", "Too small", "It has too few people to run ads to.")
_UNUSABLE = State("bad", "Cannot be used", "Ads cannot run to it; see it in Ads Manager.")


def audience_state(audience: CustomAudience) -> State:
    """From Meta's two codes: what went wrong first, then whether ads can run to it."""
    if audience.gone_at:
        return DELETED
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
        return State("warn", "Needs a look", f"Meta reports status {operation}.")
    if delivery == 200:
        return _READY
    return State("neutral", "Not known", "Meta did not say whether ads can run to it.")


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
