"""Pausing an ad that runs or is about to. Pausing always wins, whatever else is under way."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from approvals.access import access_variant
from approvals.models import Activation, ActivationResult, AdVariant, LiveAd
from approvals.selectors.sending import is_due
from approvals.services.live_rows import (
    RETRY,
    Act,
    begin,
    due_acts,
    lock_live,
    lock_live_of,
    put_off,
    settled,
    want_pause,
)
from approvals.states import VariantStatus, move
from integrations.services import publishing
from integrations.services.live import read_configured_status
from integrations.services.publishing import PAUSED
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError, StateConflict
from leadmetrics.tenancy.actors import Actor, require_role, system
from leadmetrics.tenancy.models import Role

WAKE_AT_ONCE = 20
# Meta's configured statuses under which nothing can be delivered.
_STANDS_STILL = (PAUSED, "ARCHIVED", "DELETED")


def request_pause(*, actor: Actor, variant_id: UUID) -> AdVariant:
    """Pause an ad that is on, is being switched on, or was switched on in Ads Manager.

    Any reviewer may. Raises NotFound, NotAllowed, and StateConflict when it stands still already.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        live = lock_live_of(variant)
        if not may_pause(variant.status, live):
            raise StateConflict("This ad is paused already, or being paused. Nothing was done.")
        _stop(live, actor)
    return variant


def may_pause(status: str, live: LiveAd | None) -> bool:
    """Whether there is anything to pause."""
    if status in (VariantStatus.ACTIVATING, VariantStatus.ACTIVE):
        return True
    is_on = live is not None and live.configured_status == "ACTIVE"
    return is_on and status == VariantStatus.PAUSED


def pause_ad(*, push_id: UUID) -> None:
    """Send PAUSED and read it back. Safe to call at any time, twice, or at once.

    A call for ACTIVE that was cut off may still arrive, so the ad is paused once more when that is
    no longer possible.
    """
    act = _begin(push_id)
    if act is None:
        return
    try:
        status = read_configured_status(integration=act.integration, ad_id=act.ad_id)
        if status not in _STANDS_STILL:
            publishing.pause_ad(integration=act.integration, ad_id=act.ad_id)
            status = read_configured_status(integration=act.integration, ad_id=act.ad_id)
    except LeadmetricsError as exc:
        wait = timedelta(seconds=getattr(exc, "wait_seconds", None) or RETRY.total_seconds())
        put_off(act, code=exc.code, problem=exc.user_message, wait=wait)
        return
    if status not in _STANDS_STILL:
        put_off(act, code="not_paused_yet", problem=f"Meta still reports {status.lower()}.")
        return
    _end(act, status)


def stop_activations() -> int:
    """Pause every ad that is being switched on; returns how many.

    After a restore nobody knows what became of them meanwhile, so a person has to ask anew.
    """
    under_way = AdVariant.objects.filter(status=VariantStatus.ACTIVATING)
    for variant in under_way:
        with transaction.atomic():
            live = lock_live_of(variant)
            if live.push.variant.status == VariantStatus.ACTIVATING:
                _stop(live, system(variant.tenant_id))
    return len(under_way)


def wake_acts() -> int:
    """Wake activations and pauses that nobody woke or whose worker died; returns how many."""
    due = list(due_acts().select_related("push")[:WAKE_AT_ONCE])
    for live in due:
        activation = _open_activations(live).first() if live.wanted == "active" else None
        if activation:
            queue.enqueue("approvals.tasks_activation.activate_ad", activation.pk)
        elif live.wanted == LiveAd.Wanted.PAUSED:
            queue.enqueue("approvals.tasks.pause_ad", live.push_id)
    return len(due)


def _stop(live: LiveAd, actor: Actor) -> None:
    """End what switches the ad on, and have it paused, in the caller's transaction."""
    for activation in _open_activations(live):
        ActivationResult.objects.create(
            activation=activation, result=ActivationResult.Result.STOPPED
        )
    want_pause(live)
    record(
        actor,
        "ad.pause_asked",
        live.push.variant,
        {"headline": live.push.payload["headline"], "ad_id": live.push.ad_id},
    )


def _begin(push_id: UUID) -> Act | None:
    now = timezone.now()
    with transaction.atomic():
        live = lock_live(push_id)
        if live.wanted != LiveAd.Wanted.PAUSED or not is_due(live.act_due_at, now):
            return None
        return begin(live, now)


def _end(act: Act, status: str) -> None:
    with transaction.atomic():
        live = lock_live(act.push_id)
        if live.fence != act.fence:
            return
        live.configured_status = status
        live.act_problem_code = live.act_problem = ""
        now = timezone.now()
        if live.active_sent_at is not None and live.active_sent_at > now:
            live.active_sent_at = now  # noted while the clock was ahead: the wait begins now
        until = settled(live)
        if until is not None and until > now:
            live.act_due_at = until + timedelta(seconds=1)
            live.save()
            return
        live.act_due_at = live.active_sent_at = live.activated_at = None
        live.next_check_at = now
        live.save()
        variant = live.push.variant
        if variant.status == VariantStatus.PAUSING:
            move(variant, VariantStatus.PAUSED)
        record(
            system(act.tenant_id),
            "ad.paused",
            variant,
            {"headline": live.push.payload["headline"], "ad_id": live.push.ad_id},
        )


def _open_activations(live: LiveAd) -> QuerySet[Activation]:
    return Activation.objects.filter(push_id=live.push_id, result=None)
