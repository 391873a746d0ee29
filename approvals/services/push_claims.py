"""Who may work on a push, and how an attempt begins and ends.

A claim is a lease with a fence: only the holder of the newest fence may write, so a worker that was
thought dead cannot change anything when it wakes up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.content import digest
from approvals.models import AdVariant, Push, PushStep, WriteMark
from approvals.selectors.sending import due_pushes
from approvals.selectors.verdicts import decisions_of, standing_approvals
from approvals.services.alarms import ALARMING, raise_alarm
from approvals.services.marks import why_not_to_write
from approvals.states import PushState, VariantStatus, move
from integrations.models import Integration
from integrations.services.pacing import Lane
from leadmetrics import crash_points
from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import system
from leadmetrics.tenancy.models import Membership

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8


class LostClaim(Exception):
    """Another worker holds the push now; this one must not write anything more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a push until the lease ends."""

    push_id: UUID
    fence: int
    payload: dict[str, Any]
    payload_hash: str
    reference: str
    integration: Integration
    account_pk: int
    tenant_id: int
    look_first: bool = False  # an ad of a lost past of this database may exist
    pace: Lane = field(default_factory=Lane)


class Later(Exception):
    """The push waits: until when, and why in words."""

    def __init__(self, state: PushState, until: datetime, code: str, problem: str) -> None:
        self.state, self.until, self.code, self.problem = state, until, code, problem
        super().__init__(code)


class NeedsSomeone(Exception):
    """The push stops until a person acts."""

    def __init__(self, code: str, problem: str) -> None:
        self.code, self.problem = code, problem
        super().__init__(code)


def locked(push_id: UUID, tenant_id: int | None = None) -> Push | None:
    """The push with its variant, the variant's row locked first, as every other service does."""
    found = Push.objects.filter(pk=push_id)
    if tenant_id is not None:
        found = found.filter(variant__tenant_id=tenant_id)
    variant_id = found.values_list("variant_id", flat=True).first()
    if variant_id is None:
        return None
    variant = AdVariant.objects.select_for_update().get(pk=variant_id)
    push = Push.objects.select_for_update().get(pk=push_id)
    push.variant = variant
    return push


def lease_end() -> datetime:
    """Longer than one call's deadline (30 s) plus the worst wait for the next step."""
    return timezone.now() + timedelta(seconds=settings.PUSH_LEASE_SECONDS)


def claim_push(push_id: UUID, pace: Lane | None = None) -> Claim | None:
    """The claim, or None when the push is not due, is somebody else's, or just went to a person.

    None, too, while the database is in doubt; ``pace`` is shared by claims of one ad account.
    """
    doubt = why_not_to_write()
    if doubt:
        logger.error("nothing is sent: %s Run manage.py push_approved --reconcile.", doubt)
        return None
    claim = _claim(push_id, pace or Lane())
    crash_points.reached("claim.committed")
    return claim


def _claim(push_id: UUID, pace: Lane) -> Claim | None:
    with transaction.atomic():
        push = locked(push_id)
        if push is None or not due_pushes().filter(pk=push_id).exists():
            return None
        variant = push.variant
        try:
            if push.attempts >= MAX_ATTEMPTS:
                raise NeedsSomeone(
                    "too_many_attempts", f"{MAX_ATTEMPTS} attempts did not get through."
                )
            if not push.may_be_at_meta:
                require_standing_approval(push)
        except NeedsSomeone as reason:
            stop(push, reason)
            return None
        push.state, push.fence = PushState.RUNNING, push.fence + 1
        push.lease_until = lease_end()
        push.attempts += 1
        push.save(update_fields=["state", "fence", "lease_until", "attempts"])
        if variant.status != VariantStatus.PUSHING:
            move(variant, VariantStatus.PUSHING)
        crash_points.reached("claim.written")
        reconciled_at = WriteMark.objects.values_list("reconciled_at", flat=True).first()
        account = variant.target.ad_account
        return Claim(
            push_id=push.pk,
            fence=push.fence,
            payload=push.payload,
            payload_hash=push.decision.content_hash,
            reference=push.reference,
            integration=account.integration,
            account_pk=account.pk,
            tenant_id=variant.tenant_id,
            look_first=reconciled_at is not None and variant.created_at < reconciled_at,
            pace=pace,
        )


def require_standing_approval(push: Push, *, lock: bool = False) -> None:
    """The approval must still stand at the moment of sending: its content and its giver.

    With ``lock`` nobody can take the giver's right away before the caller's transaction ends.
    Raises NeedsSomeone.
    """
    decision = push.decision
    if digest(push.payload) != push.payload_hash or push.payload_hash != decision.content_hash:
        raise NeedsSomeone(
            "content_differs", "The stored text is not the approved one. It will not be sent."
        )
    others = standing_approvals(push.variant, push.payload_hash, decisions_of(push.variant))
    givers = {decision.reviewer_id, *(given.reviewer_id for given in others)}
    members = Membership.objects.filter(
        tenant_id=push.variant.tenant_id, user_id__in=givers, user__is_active=True
    )
    if lock:
        members = members.select_for_update(of=("self",), no_key=True).order_by("pk")
    if sum(member.is_reviewer for member in members) < len(givers):
        raise NeedsSomeone(
            "approver_left",
            "The person who approved this may no longer approve here. Send it back to review.",
        )
    account = push.variant.target.ad_account
    if not account.enabled:
        raise NeedsSomeone(
            "ad_account_off", f"The ad account {account.name} is switched off under Connections."
        )


def held(claim: Claim, **changes: Any) -> None:
    """Renew the lease and write to the push row, only if the fence is still ours.

    Raises LostClaim.
    """
    mine = Push.objects.filter(pk=claim.push_id, fence=claim.fence, state=PushState.RUNNING)
    if not mine.update(lease_until=lease_end(), **changes):
        raise LostClaim


def close(claim: Claim, change: Callable[[Push], None]) -> None:
    """Apply the end of an attempt, unless another worker has taken over meanwhile."""
    with transaction.atomic():
        push = locked(claim.push_id)
        if push is None or push.fence != claim.fence or push.state != PushState.RUNNING:
            logger.warning("push %s was taken over by another worker", claim.push_id)
            return
        push.lease_until = push.next_attempt_at = None
        change(push)
        push.save()


def stop(push: Push, reason: NeedsSomeone) -> None:
    """Leave the push to a person, in the caller's transaction."""
    pauses = push.steps.filter(kind=PushStep.Kind.PAUSE, finished_at=None)
    pauses.update(finished_at=timezone.now())
    push.state = PushState.FAILED
    push.problem_code, push.problem = reason.code, reason.problem
    push.lease_until = push.next_attempt_at = None
    push.save()
    move(push.variant, VariantStatus.PUSH_FAILED)
    record(
        system(push.variant.tenant_id),
        "push.needs_someone",
        push.variant,
        {"code": reason.code, "problem": reason.problem},
    )
    if reason.code in ALARMING:
        raise_alarm(push)
