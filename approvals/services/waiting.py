"""What waits: putting an ad off, letting it expire undecided, taking it up again."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from approvals.access import access_variant
from approvals.models import AdVariant
from approvals.services.shown import head_with_hash
from approvals.states import VARIANT_MOVES, VariantStatus, move
from leadmetrics.audit.log import record
from leadmetrics.errors import StateConflict
from leadmetrics.tenancy.actors import Actor, require_role, system
from leadmetrics.tenancy.models import Role, Tenant

MORNING = time(9)
AT_ONCE = 200


def defer_variant(*, actor: Actor, variant_id: UUID, shown_hash: str) -> AdVariant:
    """Put an ad off until tomorrow at nine, for everybody: it goes to the end of the queue.

    Its due time stays as it was. Raises NotFound, NotAllowed, StateConflict and ContentChanged.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        if variant.status != VariantStatus.PROPOSED:
            raise StateConflict(
                f"This variant is now “{variant.get_status_display().lower()}”, so there is "
                "nothing to put off."
            )
        head_with_hash(variant, shown_hash)
        until = tomorrow_morning(variant.tenant)
        move(variant, VariantStatus.PROPOSED, queue_at=until)
        record(actor, "variant.deferred", variant, {"name": str(variant), "until": until})
    return variant


def reopen_variant(*, actor: Actor, variant_id: UUID) -> AdVariant:
    """Put an expired ad back into the queue. Raises NotFound, NotAllowed, StateConflict."""
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        if variant.status != VariantStatus.EXPIRED:
            raise StateConflict(
                f"This variant is now “{variant.get_status_display().lower()}”, not expired."
            )
        move(variant, VariantStatus.PROPOSED, queue_at=timezone.now())
        record(actor, "variant.reopened", variant, {"name": str(variant)})
    return variant


def expire_undecided() -> int:
    """Take what nobody touched for the tenant's time out of the queue; returns how many.

    That is no verdict: it says “expired, not decided”, and a person can open it again.
    """
    expired = 0
    for tenant in Tenant.objects.all():
        before = timezone.now() - timedelta(days=tenant.expire_days)
        stale = AdVariant.objects.filter(
            tenant=tenant,
            status__in=(VariantStatus.PROPOSED, VariantStatus.CHANGES_REQUESTED),
            updated_at__lt=before,
        )
        for pk in stale.values_list("pk", flat=True).order_by("updated_at")[:AT_ONCE]:
            expired += _expire(pk, tenant, before)
    return expired


def tomorrow_morning(tenant: Tenant) -> datetime:
    """Nine o'clock of the next day where the workspace is."""
    zone = ZoneInfo(tenant.timezone)
    day = timezone.now().astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, MORNING, zone)


def _expire(pk: UUID, tenant: Tenant, before: datetime) -> bool:
    with transaction.atomic():
        variant = (
            AdVariant.objects.select_for_update(of=("self",))
            .select_related("head")
            .filter(pk=pk, updated_at__lt=before)
            .first()
        )
        if (
            variant is None
            or VariantStatus.EXPIRED not in VARIANT_MOVES[VariantStatus(variant.status)]
        ):
            return False
        move(variant, VariantStatus.EXPIRED)
        record(system(tenant.pk), "variant.expired", variant, {"name": str(variant)})
    return True
