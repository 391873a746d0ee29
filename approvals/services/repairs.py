"""What support may do to a stuck ad: look again, release, hand back. Each with a reason.

There is no repair that stands in for a person's decision: nothing here approves, rejects, edits or
switches on. A released push still looks up what may exist at Meta before it sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from approvals.models import AdVariant, Push
from approvals.services.live_rows import lock_live_of
from approvals.services.push import release
from approvals.services.push_claims import locked
from approvals.services.review import take_back
from approvals.states import PAST_PUSHES, PushState
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, NotFound, StateConflict
from leadmetrics.tenancy.actors import support
from leadmetrics.tenancy.models import User

REASON_LENGTH = 300


def repair(*, user: User, variant_id: UUID, kind: str, reason: str) -> AdVariant:
    """Carry out one of ``KINDS`` for a member of staff.

    Raises NotFound, InvalidInput without a reason, StateConflict when it does not fit now.
    """
    reason = reason.strip()[:REASON_LENGTH]
    if not user.is_staff or kind not in KINDS:
        raise NotFound
    if not reason:
        raise InvalidInput("Say why, so that the workspace can read it in its activity.")
    action, carry_out = KINDS[kind]
    with transaction.atomic():
        variant = AdVariant.objects.select_for_update().filter(pk=variant_id).first()
        if variant is None:
            raise NotFound
        carry_out(variant)
        record(
            support(user, variant.tenant_id),
            action,
            variant,
            {"headline": str(variant), "reason": reason},
        )
    return variant


def _look_again(variant: AdVariant) -> None:
    push = _open_push(variant)
    if push and push.state == PushState.UNKNOWN:  # what must settle first still does
        push.next_attempt_at = timezone.now()
        push.save(update_fields=["next_attempt_at"])
        queue.enqueue("approvals.tasks.push_variant", push.pk)
    elif push and push.state == PushState.FAILED and push.ad_id:  # only read back, not sent again
        release(push)
    else:
        _look_at_live(variant)


def _look_at_live(variant: AdVariant) -> None:
    live = lock_live_of(variant)
    live.next_check_at = timezone.now()
    live.save(update_fields=["next_check_at"])
    queue.enqueue("approvals.tasks.look_at_ad", live.push_id)


def _release(variant: AdVariant) -> None:
    push = _open_push(variant)
    if push is None:
        raise StateConflict("This ad was never approved, so there is nothing to release.")
    release(push)


def _open_push(variant: AdVariant) -> Push | None:
    """The push under way, locked; the finished one if there is none."""
    push = variant.pushes.exclude(state__in=PAST_PUSHES).first()
    return locked(push.pk) if push else None


KINDS: Mapping[str, tuple[str, Callable[[AdVariant], None]]] = {
    "look": ("ad.support_looked", _look_again),
    "release": ("ad.support_released", _release),
    "hand_back": ("ad.support_handed_back", take_back),
}
