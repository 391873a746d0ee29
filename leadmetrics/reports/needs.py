"""What waits for people: variants, grants, targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from approvals.models import AdVariant
from approvals.states import VariantStatus
from integrations.models import Integration, PushTarget
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class VariantCounts:
    """What waits for people in the queue and behind it."""

    total: int
    to_review: int
    oldest: datetime | None
    failed: int
    unknown: int
    refused: int


def variant_counts(tenant: Tenant) -> VariantCounts:
    """One query."""
    rows = (
        AdVariant.objects.filter(tenant=tenant)
        .values_list("status")
        .annotate(count=Count("pk"), oldest=Min("created_at"))
    )
    counts = {status: (count, oldest) for status, count, oldest in rows}
    none = (0, None)
    return VariantCounts(
        total=sum(count for count, _ in counts.values()),
        to_review=counts.get(VariantStatus.PROPOSED, none)[0],
        oldest=counts.get(VariantStatus.PROPOSED, none)[1],
        failed=counts.get(VariantStatus.PUSH_FAILED, none)[0],
        unknown=counts.get(VariantStatus.PUSH_UNKNOWN, none)[0],
        refused=counts.get(VariantStatus.META_REFUSED, none)[0],
    )


def live_integrations(tenant: Tenant) -> list[Integration]:
    """The grants that somebody wants to work, whether they do or not."""
    live = Integration.objects.filter(tenant=tenant).exclude(status=Integration.Status.DISCONNECTED)
    return list(live.select_related("connected_by").order_by("connected_at"))


def has_push_target(tenant: Tenant) -> bool:
    """Whether there is a place where approved ads can go."""
    return PushTarget.objects.filter(tenant=tenant, archived_at=None).exists()
