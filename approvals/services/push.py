"""From an approval to one PAUSED ad, whatever dies in between.

A worker claims the push, commits, and then takes one step at a time: image, creative, ad,
read-back. No transaction is open during a call to Meta. While one push waits for Meta's answer,
others of the same ad account take their steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.content import digest
from approvals.models import Push
from approvals.selectors.sending import SWEEP_SIZE, due_pushes
from approvals.services.preflight import preflight_step
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
from approvals.services.push_steps import Call, ad_step, creative_step, image_step, read_back_step
from approvals.services.side_by_side import work_through
from approvals.services.stops import tell_pages
from approvals.states import PushState, VariantStatus, move
from integrations.services.clients import NotConnected
from integrations.services.publishing import OutcomeUnknown, ReadBack, WriteRefused
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.crash_points import reached
from leadmetrics.errors import LeadmetricsError, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, require_role, system
from leadmetrics.tenancy.models import Role

logger = logging.getLogger(__name__)


def push_variant(*, push_id: UUID) -> None:
    """Take a push as far as it goes now, and with it others of its ad account that are due.

    Safe to call at any time, twice, or at once.
    """
    claim = claim_push(push_id)
    if claim is not None:
        uploading: set[str] = set()
        work_through(_attempt(each, uploading) for each in _claims(claim))


def _claims(first: Claim) -> Iterator[Claim]:
    """The first claim and, as long as Meta lets us, one after the other of its ad account."""
    ends = time.monotonic() + settings.PUSH_TAKES_ALONG_SECONDS
    missed = 0  # another worker was quicker
    yield first
    while time.monotonic() < ends and not first.pace.wait and missed < 5:
        due = due_pushes().filter(variant__target__ad_account=first.account_pk)
        push_id = due.values_list("pk", flat=True).first()
        if push_id is None:
            return
        claim = claim_push(push_id, first.pace)
        if claim is None:
            missed += 1
        else:
            yield claim


def _attempt(claim: Claim, uploading: set[str]) -> Generator[Call | None, Any, None]:
    """One attempt at a push; yields its calls to Meta and never raises what we understand."""
    try:
        yield from preflight_step(claim, uploading)
        image_hash = yield from image_step(claim, uploading)
        creative_id = yield from creative_step(claim, image_hash)
        ad_id = yield from ad_step(claim, creative_id)
        found = yield from read_back_step(claim, ad_id, image_hash)
        _finish(claim, found)
    except LostClaim:
        logger.warning("push %s was taken over by another worker", claim.push_id)
    except Later as wait:
        _put_off(claim, wait)
    except NeedsSomeone as reason:
        _give_to_someone(claim, reason)
    except OutcomeUnknown as exc:
        _put_off(claim, _later(settings.PUSH_RETRY_SECONDS, exc))
    except WriteRefused as exc:
        _after_refusal(claim, exc)
    except LeadmetricsError as exc:  # the grant cannot be used just now: hold, do not burn tries
        _put_off(claim, _later(settings.PUSH_HOLD_SECONDS, exc))


def sweep_pushes() -> int:
    """Wake the pushes that nobody woke or whose worker died; returns how many.

    None while enough jobs wait: a job takes along what else is due, and a queue that grows faster
    than it is worked on helps nobody.
    """
    tell_pages()
    room = max(SWEEP_SIZE - queue.waiting_jobs(), 0)
    due = list(due_pushes().values_list("pk", flat=True)[:room])
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
        release(push)
        record(actor, "push.released", push.variant, {"push": str(push.pk)})
    return push


def release(push: Push) -> None:
    """Let a worker try a locked push again, in the caller's transaction. Raises StateConflict."""
    if push.state != PushState.FAILED:
        raise StateConflict("This ad is not waiting for anyone; look at its current state.")
    push.state, push.attempts, push.next_attempt_at = PushState.WAITING, 0, None
    push.save(update_fields=["state", "attempts", "next_attempt_at"])
    move(push.variant, VariantStatus.APPROVED)
    queue.enqueue("approvals.tasks.push_variant", push.pk)


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
        reached("finish.written")

    close(claim, done)
    reached("finish.committed")


def _later(seconds: float, exc: LeadmetricsError) -> Later:
    until = timezone.now() + timedelta(seconds=seconds)
    return Later(PushState.WAITING, until, exc.code, exc.user_message)


def _put_off(claim: Claim, wait: Later) -> None:
    def later(push: Push) -> None:
        push.state, push.next_attempt_at = wait.state, wait.until
        push.problem_code, push.problem = wait.code, wait.problem
        if wait.code == NotConnected.code:  # or what another person's connection lacks
            push.problem = push.variant.target.ad_account.held_because or wait.problem
        unknown = wait.state == PushState.UNKNOWN
        if unknown or wait.code != OutcomeUnknown.code:
            push.attempts -= 1  # being told to wait is not a failed try
        move(push.variant, VariantStatus.PUSH_UNKNOWN if unknown else VariantStatus.APPROVED)
        reached("put_off.written")

    close(claim, later)
    reached("put_off.committed")


def _after_refusal(claim: Claim, refused: WriteRefused) -> None:
    if refused.wait_seconds is None:
        _give_to_someone(claim, NeedsSomeone(refused.code, refused.user_message))
    else:
        _put_off(claim, _later(refused.wait_seconds, refused))


def _give_to_someone(claim: Claim, reason: NeedsSomeone) -> None:
    def give(push: Push) -> None:
        stop(push, reason)
        reached("give_up.written")

    close(claim, give)
    reached("give_up.committed")
