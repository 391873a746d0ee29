"""What was approved: where each ad is, what waits per ad account, and how an ad does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Prefetch, Q, QuerySet

from approvals.models import AdVariant, Push
from approvals.selectors.variants import variants_with_content
from approvals.states import PAST_PUSHES, PushState, VariantStatus
from integrations.exact import SUMS, WholeSum
from integrations.models import AdInsight
from integrations.sums import NOTHING, Sums, add_up, as_sums
from leadmetrics.tenancy.models import Tenant

PUSHED = (
    VariantStatus.APPROVED,
    VariantStatus.PUSHING,
    VariantStatus.PUSH_UNKNOWN,
    VariantStatus.PUSH_FAILED,
    VariantStatus.PAUSED,
    VariantStatus.ACTIVATING,
    VariantStatus.ACTIVE,
    VariantStatus.PAUSING,
    VariantStatus.META_REFUSED,
)
_RESULTS = {**SUMS, "sum_clicks": WholeSum("inline_link_clicks")}


def count_by_status(tenant: Tenant) -> Mapping[str, int]:
    """Status to number of variants."""
    rows = AdVariant.objects.filter(tenant=tenant).values_list("status").annotate(Count("pk"))
    return dict(rows)


def pushed_variants(tenant: Tenant, *, status: str = "") -> QuerySet[AdVariant]:
    """Approved variants and where each one is, newest first; each with ``live_pushes``."""
    wanted = [status] if status in PUSHED else PUSHED
    return (
        variants_with_content(tenant.pk)
        .filter(status__in=wanted)
        .prefetch_related(
            Prefetch(
                "pushes",
                Push.objects.exclude(state__in=PAST_PUSHES).select_related(
                    "decision__reviewer", "live"
                ),
                to_attr="live_pushes",
            )
        )
        .order_by("-updated_at", "-pk")
    )


@dataclass(frozen=True, slots=True)
class AccountBacklog:
    """What waits to be sent in an ad account; ``throttled_until`` when Meta asked to wait."""

    ad_account_id: str
    name: str
    waiting: int
    throttled_until: datetime | None


def account_backlogs(tenant: Tenant) -> list[AccountBacklog]:
    """The ad accounts where approved ads wait to be sent, by name."""
    throttled = Q(problem_code="meta_throttled")
    rows = (
        Push.objects.filter(variant__tenant=tenant, state=PushState.WAITING)
        .values_list(
            "variant__target__ad_account__ad_account_id", "variant__target__ad_account__name"
        )
        .annotate(waiting=Count("pk"), until=Max("next_attempt_at", filter=throttled))
        .order_by("variant__target__ad_account__name")
    )
    return [AccountBacklog(*row) for row in rows]


def pushed_before(pushed: QuerySet[AdVariant], at: datetime, pk: UUID) -> QuerySet[AdVariant]:
    """The part of the pushed ads that is older than a place in them, newest first."""
    return pushed.filter(Q(updated_at__lt=at) | Q(updated_at=at, pk__lt=pk))


def pushed_after(pushed: QuerySet[AdVariant], at: datetime, pk: UUID) -> QuerySet[AdVariant]:
    """The part of the pushed ads that is newer than a place in them, nearest first."""
    return pushed.filter(Q(updated_at__gt=at) | Q(updated_at=at, pk__gt=pk)).reverse()


def pushes_of(variant: AdVariant) -> QuerySet[Push]:
    """Every push with its steps, newest first."""
    return (
        variant.pushes.select_related("decision__reviewer", "decision__revision", "live")
        .prefetch_related("steps")
        .order_by("-created_at")
    )


def current_push(pushes: Iterable[Push]) -> Push | None:
    """The push that says where its variant is."""
    return next((push for push in pushes if push.state not in PAST_PUSHES), None)


def ad_results(push: Push) -> tuple[Sums, Sums]:
    """The figures of a pushed ad, and of the other ads of its ad set over the same days.

    ``clicks`` are link clicks, which are what a text is for.
    """
    rows = AdInsight.objects.filter(
        ad_account__tenant_id=push.payload["tenant"],
        ad_account__ad_account_id=push.payload["ad_account_id"],
        ad_set_id=push.payload["ad_set_id"],
        date_start__gte=(push.finished_at or push.created_at).date(),
    )
    found = rows.order_by().values_list("ad_id").annotate(**_RESULTS)
    by_ad = {ad_id: as_sums(values) for ad_id, *values in found}
    mine = by_ad.pop(push.ad_id, NOTHING)
    return mine, add_up(by_ad.values())
