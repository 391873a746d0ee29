"""From an approval to one PAUSED ad, whatever dies in between.

A worker claims the push, commits, and then takes one step at a time: image, creative, ad,
read-back. No transaction is open during a call to Meta.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from approvals.content import digest
from approvals.models import Push
from approvals.selectors import SWEEP_SIZE, due_pushes
from approvals.services.push_claims import (
    Claim,
    Later,
    LostClaim,
    NeedsSomeone,
    claim_push,
    close,
    locked,
    stop,
)
from approvals.services.push_steps import ad_step, creative_step, image_step, read_back_step
from approvals.states import PushState, VariantStatus, move
from integrations.services.publishing import OutcomeUnknown, ReadBack, WriteRefused
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, require_role, system
from leadmetrics.tenancy.models import Role

logger = logging.getLogger(__name__)

HOLD = timedelta(minutes=5)
RETRY = timedelta(seconds=30)


def push_variant(*, push_id: UUID) -> None:
    """Take a push as far as it goes now. Safe to call at any time, twice, or at once."""
    claim = claim_push(push_id)
    if claim is None:
        return
    try:
        image_hash = image_step(claim)
        creative_id = creative_step(claim, image_hash)
        ad_id = ad_step(claim, creative_id)
        _finish(claim, read_back_step(claim, ad_id, image_hash))
    except LostClaim:
        logger.warning("push %s was taken over by another worker", push_id)
    except Later as wait:
        _put_off(claim, wait)
    except NeedsSomeone as reason:
        _give_to_someone(claim, reason)
    except OutcomeUnknown as exc:
        _put_off(
            claim, Later(PushState.WAITING, timezone.now() + RETRY, exc.code, exc.user_message)
        )
    except WriteRefused as exc:
        _after_refusal(claim, exc)
    except LeadmetricsError as exc:  # the grant cannot be used just now: hold, do not burn tries
        _put_off(claim, Later(PushState.WAITING, timezone.now() + HOLD, exc.code, exc.user_message))


def sweep_pushes() -> int:
    """Wake the pushes that nobody woke or whose worker died; returns how many."""
    due = list(due_pushes().values_list("pk", flat=True)[:SWEEP_SIZE])
    for push_id in due:
        queue.enqueue("approvals.tasks.push_variant", push_id)
    return len(due)


def release_push(*, actor: Actor, push_id: UUID) -> Push:
    """A person says: try again. Anything that may exist at Meta is looked up first, as always.

    Raises NotFound, NotAllowed, and StateConflict when the push is not waiting for someone.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        push = locked(push_id, tenant_id=actor.tenant_id)
        if push is None:
            raise NotFound
        if push.state != PushState.FAILED:
            raise StateConflict("This ad is not waiting for anyone; look at its current state.")
        push.state, push.attempts, push.next_attempt_at = PushState.WAITING, 0, None
        push.save(update_fields=["state", "attempts", "next_attempt_at"])
        move(push.variant, VariantStatus.APPROVED)
        record(actor, "push.released", push.variant, {"push": str(push.pk)})
        queue.enqueue("approvals.tasks.push_variant", push.pk)
    return push


def _finish(claim: Claim, found: ReadBack) -> None:
    def done(push: Push) -> None:
        push.state, push.finished_at = PushState.DONE, timezone.now()
        push.problem_code = push.problem = ""
        push.read_back = {
            "configured_status": found.configured_status,
            "effective_status": found.effective_status,
            "content_hash": digest(found.payload),
        }
        move(push.variant, VariantStatus.PAUSED)
        record(
            system(claim.tenant_id),
            "variant.pushed",
            push.variant,
            {
                "headline": push.payload["headline"],
                "ad_id": found.ad_id,
                "creative_id": found.creative_id,
                "content_hash": push.payload_hash,
                "status_at_meta": found.configured_status,
            },
        )

    close(claim, done)


def _put_off(claim: Claim, wait: Later) -> None:
    def later(push: Push) -> None:
        push.state, push.next_attempt_at = wait.state, wait.until
        push.problem_code, push.problem = wait.code, wait.problem
        unknown = wait.state == PushState.UNKNOWN
        if unknown or wait.code != OutcomeUnknown.code:
            push.attempts -= 1  # being told to wait is not a failed try
        move(push.variant, VariantStatus.PUSH_UNKNOWN if unknown else VariantStatus.APPROVED)

    close(claim, later)


def _after_refusal(claim: Claim, refused: WriteRefused) -> None:
    if refused.wait_seconds is None:
        _give_to_someone(claim, NeedsSomeone(refused.code, refused.user_message))
    else:
        until = timezone.now() + timedelta(seconds=refused.wait_seconds)
        _put_off(claim, Later(PushState.WAITING, until, refused.code, refused.user_message))


def _give_to_someone(claim: Claim, reason: NeedsSomeone) -> None:
    close(claim, lambda push: stop(push, reason))
