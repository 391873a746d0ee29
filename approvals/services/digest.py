"""Once a morning: how much waits, by mail to those who can decide it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from approvals.models import AdVariant
from approvals.states import VariantStatus
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.models import Tenant
from leadmetrics.tenancy.selectors import members_of

HOUR = 8


def send_digests(now: datetime | None = None) -> int:
    """Tell reviewers, in the hour after eight where their workspace is; returns how many.

    Nobody is told twice a day, and nobody when nothing waits.
    """
    now = now or timezone.now()
    return sum(_tell(tenant, now) for tenant in Tenant.objects.all())


def _tell(tenant: Tenant, now: datetime) -> int:
    local = now.astimezone(ZoneInfo(tenant.timezone))
    waiting = AdVariant.objects.filter(tenant=tenant, status=VariantStatus.PROPOSED)
    count = waiting.count() if local.hour == HOUR else 0
    if not count:
        return 0
    overdue = waiting.filter(created_at__lt=now - timedelta(hours=tenant.due_hours)).count()
    late = f", {overdue} overdue" if overdue else ""
    return notify(
        tenant=tenant,
        users=[one.user for one in members_of(tenant) if one.is_reviewer and one.user.is_active],
        key=f"digest:{local.date().isoformat()}",
        subject=f"{count} to review{late}",
        body=f"{count} {'ad waits' if count == 1 else 'ads wait'} for a decision{late}.",
        path=f"/t/{tenant.slug}/review/",
    )
