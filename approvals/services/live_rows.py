"""The row of a pushed ad: locked together with its variant, and claimed by a fence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from approvals.models import AdVariant, LiveAd, Push
from approvals.selectors.sending import is_over
from approvals.services.push_claims import locked
from approvals.states import PAST_PUSHES, PushState, VariantStatus, move
from integrations.models import AdAccount, Integration
from leadmetrics import queue
from leadmetrics.errors import NotFound, StateConflict

# Longer than the calls of one attempt may take together.
LEASE = timedelta(minutes=3)
RETRY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Act:
    """The right to carry out the newest act on an ad, until somebody asks for another."""

    push_id: UUID
    fence: int
    payload: dict[str, Any]
    payload_hash: str
    ad_id: str
    image_hash: str
    account: AdAccount
    tenant_id: int

    @property
    def integration(self) -> Integration:
        """The grant through which the ad account is reached."""
        return self.account.integration


def lock_live(push_id: UUID) -> LiveAd:
    """The row, made if there is none yet, with push and variant locked. Raises NotFound."""
    push = locked(push_id)
    if push is None or push.ad_id is None:
        raise NotFound
    live, _ = LiveAd.objects.select_for_update().get_or_create(push=push)
    live.push = push
    return live


def lock_live_of(variant: AdVariant) -> LiveAd:
    """The row of the variant's finished push. Raises StateConflict when it has none."""
    push = variant.pushes.exclude(state__in=PAST_PUSHES).first()
    if push is None or push.state != PushState.DONE:
        raise StateConflict("There is no ad at Meta yet, so there is nothing to switch.")
    return lock_live(push.pk)


def begin(live: LiveAd, now: datetime) -> Act:
    """Take the act that is due, in the caller's transaction."""
    live.act_due_at = now + LEASE
    live.act_attempts += 1
    live.save(update_fields=["act_due_at", "act_attempts"])
    push = live.push
    return Act(
        push_id=push.pk,
        fence=live.fence,
        payload=push.payload,
        payload_hash=push.payload_hash,
        ad_id=push.ad_id or "",
        image_hash=push.image_hash,
        account=account_of(push),
        tenant_id=push.variant.tenant_id,
    )


def account_of(push: Push) -> AdAccount:
    """The ad account with its grant."""
    return AdAccount.objects.select_related("integration__tenant").get(
        push_targets__pk=push.variant.target_id
    )


def want_pause(live: LiveAd) -> None:
    """Make pausing the newest act, in the caller's transaction; a worker sends it at once."""
    variant = live.push.variant
    if variant.status != VariantStatus.META_REFUSED:
        move(variant, VariantStatus.PAUSING)
    live.wanted, live.fence = LiveAd.Wanted.PAUSED, live.fence + 1
    live.act_due_at, live.act_attempts = timezone.now(), 0
    live.save()
    queue.enqueue("approvals.tasks.pause_ad", live.push_id)


def put_off(act: Act, *, code: str, problem: str, wait: timedelta = RETRY) -> None:
    """Try again later, unless another act came in between."""
    LiveAd.objects.filter(push_id=act.push_id, fence=act.fence).update(
        act_due_at=timezone.now() + wait, act_problem_code=code, act_problem=problem[:400]
    )


def settled(act: LiveAd) -> datetime | None:
    """From when on a call for ACTIVE that was cut off can no longer arrive; None without one."""
    if act.active_sent_at is None:
        return None
    return act.active_sent_at + timedelta(seconds=settings.PUSH_SETTLE_SECONDS)


def due_acts(now: datetime | None = None) -> QuerySet[LiveAd]:
    """Acts that nobody woke or whose worker died, oldest first."""
    return LiveAd.objects.filter(is_over("act_due_at", now or timezone.now())).order_by(
        "act_due_at"
    )
