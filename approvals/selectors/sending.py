"""What is to be sent to Meta now, and what stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from approvals.models import Push, WriteStop
from approvals.states import PushState
from leadmetrics.tenancy.models import Tenant

SWEEP_SIZE = 20
STOPS_FOR_PAGES = "write-stops"
# Longer than any wait or lease. One that ends later was noted while the clock was ahead.
LONGEST_WAIT = timedelta(days=2)


def due_pushes(now: datetime | None = None) -> QuerySet[Push]:
    """Pushes that nobody woke, whose wait is over, or whose worker died, oldest first.

    While writing is stopped only those are due that may have an ad, so that they are looked up.
    """
    now = now or timezone.now()
    stops = WriteStop.objects.filter(Q(tenant=None) | Q(tenant=OuterRef("variant__tenant")))
    return Push.objects.filter(
        Q(state=PushState.WAITING) & ~Exists(stops) & _wait_is_over(now) & _hold_is_over(now)
        | Q(state=PushState.UNKNOWN) & _wait_is_over(now)
        | Q(state=PushState.RUNNING) & is_over("lease_until", now)
    ).order_by("created_at")


def without_others(ad_ids: Sequence[str], push: Push) -> list[str]:
    """Those of the ads that no other push holds."""
    held = Push.objects.filter(ad_id__in=ad_ids).exclude(pk=push.pk)
    taken = set(held.values_list("ad_id", flat=True))
    return [ad_id for ad_id in ad_ids if ad_id not in taken]


def _wait_is_over(now: datetime) -> Q:
    return Q(next_attempt_at=None) | is_over("next_attempt_at", now)


def _hold_is_over(now: datetime) -> Q:
    return Q(not_before=None) | is_over("not_before", now)


def is_over(name: str, now: datetime) -> Q:
    """Rows whose wait, in the field of this name, is over."""
    return Q(**{f"{name}__lte": now}) | Q(**{f"{name}__gt": now + LONGEST_WAIT})


def is_due(when: datetime | None, now: datetime) -> bool:
    """The same of one row; a wait that never began is never over."""
    return when is not None and not now < when <= now + LONGEST_WAIT


def shown_stop(tenant_id: int) -> dict[str, object] | None:
    """What the banner of every page says, from the cache; a stop everywhere comes first."""
    stops: list[dict[str, object]] = cache.get(STOPS_FOR_PAGES) or []
    everywhere = [stop for stop in stops if stop["tenant_id"] is None]
    own = [stop for stop in stops if stop["tenant_id"] == tenant_id]
    return next(iter([*everywhere, *own]), None)


def write_stop_of(tenant_id: int) -> WriteStop | None:
    """What stops writing for this tenant; a stop everywhere comes first."""
    stops = WriteStop.objects.filter(Q(tenant=None) | Q(tenant_id=tenant_id))
    return min(stops, key=lambda stop: stop.tenant_id or 0, default=None)


def pushes_today(tenant: Tenant) -> int:
    """How many ads were created as PAUSED in the last 24 hours."""
    return Push.objects.filter(
        variant__tenant=tenant,
        state=PushState.DONE,
        finished_at__gte=timezone.now() - timedelta(days=1),
    ).count()
