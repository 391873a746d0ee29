"""The steps of a push. Each commits its intent, makes one call, and records the outcome.

Meta has no idempotency key for ads. So an ad write whose answer was lost is looked up by the push's
reference, and by creative and ad set, once the settle time is over; it is sent a second time only
after Meta said twice, with a pause between, that the ad is not there, and never a third time.

A step is a generator that yields its calls to Meta, so that the steps of many pushes can wait for
Meta at the same time while one thread does all the database's work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.comparison import differences, in_words
from approvals.content import digest
from approvals.models import AccountImage, AdImage, Push, PushStep
from approvals.selectors.sending import without_others
from approvals.services.marks import note_write
from approvals.services.push_claims import (
    Claim,
    Later,
    LostClaim,
    NeedsSomeone,
    held,
    require_standing_approval,
)
from approvals.services.stops import require_writes
from approvals.states import PushState, StepState
from integrations.services import publishing
from integrations.services.publishing import OutcomeUnknown, WriteRefused
from leadmetrics.crash_points import reached
from leadmetrics.errors import LeadmetricsError

MAX_AD_WRITES = 2
PAUSE_TRIES = 3
LOOKUPS_BEFORE_RESEND = 2

Call = Callable[[], Any]
# What a step yields: a call to Meta, whose result it gets, or None to let the others go first.
Steps = Generator[Call | None, Any, Any]


def image_step(claim: Claim, uploading: set[str]) -> Steps:
    """Meta's hash of the picture; empty for an ad without one.

    An ad account gets each picture once: ``uploading`` names those that are on their way.
    """
    sha256 = claim.payload["image_sha256"]
    stored = _column(claim, "image_hash")
    if not sha256 or stored:
        return stored
    while True:
        known = AccountImage.objects.filter(ad_account_id=claim.account_pk, sha256=sha256).first()
        if known is not None:
            held(claim, image_hash=known.image_hash)
            return known.image_hash
        if sha256 not in uploading:
            break
        yield None
    uploading.add(sha256)
    try:
        return (yield from _upload(claim, sha256))
    finally:
        uploading.discard(sha256)


def _upload(claim: Claim, sha256: str) -> Steps:
    image = AdImage.objects.get(tenant_id=claim.tenant_id, sha256=sha256)
    with image.file.open("rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NeedsSomeone(
            "content_differs", "The stored picture is not the approved one. It will not be sent."
        )
    step = _intend(claim, PushStep.Kind.IMAGE)
    return (
        yield from _outcome(
            claim,
            step,
            lambda: publishing.upload_image(
                integration=claim.integration,
                ad_account_id=claim.payload["ad_account_id"],
                name=f"{sha256}.{image.content_type.rpartition('/')[2]}",
                content=content,
                observer=claim.pace,
            ),
        )
    )


def creative_step(claim: Claim, image_hash: str) -> Steps:
    """The creative's id. A spare one after a lost answer is harmless: nobody sees a creative."""
    stored = _column(claim, "creative_id")
    if stored:
        return stored
    spec = publishing.creative_spec(claim.payload, reference=claim.reference, image_hash=image_hash)
    _require_equal(claim, publishing.content_in(spec, claim.payload))
    step = _intend(claim, PushStep.Kind.CREATIVE)
    try:
        return (
            yield from _outcome(
                claim,
                step,
                lambda: publishing.create_creative(
                    integration=claim.integration,
                    ad_account_id=claim.payload["ad_account_id"],
                    spec=spec,
                    observer=claim.pace,
                ),
            )
        )
    except WriteRefused as refused:
        if refused.wait_seconds is None and image_hash:  # it may be gone from Meta's library
            _forget_image(claim)
        raise


def ad_step(claim: Claim, creative_id: str) -> Steps:
    """The ad's id: stored, adopted after a lost answer, or just created as PAUSED."""
    stored = _column(claim, "ad_id")
    if stored:
        return stored
    writes = list(PushStep.objects.filter(push_id=claim.push_id, kind="ad").order_by("pk"))
    if writes and writes[-1].state in (StepState.SENT, StepState.UNKNOWN):
        adopted = yield from _look_up(claim, writes[-1])
        if adopted:
            return adopted
    if sum(step.state != StepState.REFUSED for step in writes) >= MAX_AD_WRITES:
        return (yield from _look_up_for_the_last_time(claim, writes[-1]))
    if claim.look_first and not writes:
        found = yield from _find(claim)
        if found:
            _adopt(claim, found)
            return found
    spec = publishing.ad_spec(claim.payload, reference=claim.reference, creative_id=creative_id)
    _require_equal(claim, publishing.place_in(spec, claim.payload))
    step = _intend(claim, PushStep.Kind.AD)
    return (
        yield from _outcome(
            claim,
            step,
            lambda: publishing.create_paused_ad(
                integration=claim.integration, spec=spec, observer=claim.pace
            ),
        )
    )


def read_back_step(claim: Claim, ad_id: str, image_hash: str) -> Steps:
    """What Meta stored. Raises NeedsSomeone unless it is PAUSED and equal to what was approved."""
    reached("read_back.before")
    found = yield lambda: publishing.read_back(
        integration=claim.integration, payload=claim.payload, ad_id=ad_id, observer=claim.pace
    )
    reached("read_back.answered")
    if found.configured_status != publishing.PAUSED:
        yield from _pause_at_once(claim, ad_id, found.configured_status)
    if PushStep.objects.filter(push_id=claim.push_id, kind="pause", finished_at=None).exists():
        raise NeedsSomeone(
            "was_not_paused",
            "The new ad ran although nobody switched it on, so it was paused. "
            "Check it in Ads Manager.",
        )
    different = differences(
        claim.payload,
        found.payload,
        image_hash=image_hash,
        found_image_hash=found.image_hash,
        enrolled=found.enrolled,
    )
    if different:
        raise NeedsSomeone(
            "stored_differently",
            "Meta stored something else than what was approved: "
            f"{in_words(different)}. The ad is paused.",
        )
    return found


def _pause_at_once(claim: Claim, ad_id: str, status: str) -> Steps:
    """The new ad runs although nobody switched it on: pause it. Raises NeedsSomeone in any case.

    The person is told when the attempt ends; whoever has to take over before that tells them.
    """
    end = "so it was paused. Check it in Ads Manager."
    for _ in range(PAUSE_TRIES):  # repeating it changes nothing
        step = _intend(claim, PushStep.Kind.PAUSE)
        try:
            yield from _outcome(claim, step, lambda: _pause(claim, ad_id))
            break
        except OutcomeUnknown:
            problem = "Meta gave no answer."
        except LeadmetricsError as exc:
            problem = exc.user_message
    else:
        end = f"and it could not be paused: {problem} Pause it in Ads Manager now."
    raise NeedsSomeone("was_not_paused", f"Meta reported the new ad as {status.lower()}, {end}")


def _pause(claim: Claim, ad_id: str) -> str:
    publishing.pause_ad(integration=claim.integration, ad_id=ad_id)
    return ad_id


# --- Looking up ---------------------------------------------------------------------------------
def _look_up(claim: Claim, step: PushStep) -> Steps:
    """The id of the ad that an unanswered write left behind; empty once it is proved absent.

    Raises Later while it is too early to tell.
    """
    now = timezone.now()
    began = "looked_up_at" if step.looked_up_at else "sent_at"
    if getattr(step, began) > now:  # noted while the clock was ahead: the wait begins now
        _record(claim, step, StepState.UNKNOWN, **{began: now})
    settled = getattr(step, began) + _settle()
    if now < settled:
        raise Later(PushState.UNKNOWN, settled, OutcomeUnknown.code, OutcomeUnknown.user_message)
    found = yield from _find(claim)
    if found:
        _record(claim, step, StepState.DONE, object_id=found)
        return found
    step.empty_lookups += 1
    if step.empty_lookups < LOOKUPS_BEFORE_RESEND:
        _record(claim, step, StepState.UNKNOWN, looked_up_at=now)
        raise Later(
            PushState.UNKNOWN, now + _settle(), OutcomeUnknown.code, OutcomeUnknown.user_message
        )
    _record(claim, step, StepState.ABSENT, looked_up_at=now)
    return ""


def _look_up_for_the_last_time(claim: Claim, step: PushStep) -> Steps:
    found = yield from _find(claim)
    if not found:
        raise NeedsSomeone(
            "ad_not_found",
            "Meta gave no answer twice and does not show the ad. Look in Ads Manager for the "
            f"reference {claim.reference} before you try again.",
        )
    _record(claim, step, StepState.DONE, object_id=found)
    return found


def _find(claim: Claim) -> Steps:
    reached("look_up.before")
    push = Push.objects.get(pk=claim.push_id)
    shown = yield lambda: publishing.find_ads(
        integration=claim.integration,
        payload=claim.payload,
        reference=claim.reference,
        creative_id=push.creative_id,
    )
    reached("look_up.answered")
    found = without_others(shown, push)
    if len(found) > 1:
        raise NeedsSomeone(
            "several_ads", f"Meta shows {len(found)} ads for this one: {', '.join(found)}."
        )
    return found[0] if found else ""


def _adopt(claim: Claim, ad_id: str) -> None:
    step = PushStep(
        push_id=claim.push_id,
        kind=PushStep.Kind.AD,
        fence=claim.fence,
        sent_at=timezone.now(),
    )
    _record(claim, step, StepState.DONE, object_id=ad_id)


# --- Writing ------------------------------------------------------------------------------------
def _intend(claim: Claim, kind: PushStep.Kind) -> PushStep:
    """Commit what is about to be sent, if this worker still holds the push, and renew the lease."""
    now = timezone.now()
    with transaction.atomic():
        if kind != PushStep.Kind.PAUSE:  # which must be possible whatever was stopped or withdrawn
            _require_leave(claim)
        held(claim)
        step = PushStep.objects.create(
            push_id=claim.push_id, kind=kind, fence=claim.fence, sent_at=now
        )
        reached(f"{kind}.intended")
    note_write(step)
    reached(f"{kind}.before")
    return step


def _require_leave(claim: Claim) -> None:
    """Raises NeedsSomeone unless the approval stands, WritesStopped while the switch is on.

    WriteRefused while the ad account is to be left alone: Meta counts refused calls, too.
    """
    found = Push.objects.select_related("decision", "variant__target__ad_account")
    require_standing_approval(found.get(pk=claim.push_id), lock=True)
    require_writes(claim.tenant_id)
    publishing.require_open(claim.payload["ad_account_id"])


def _require_equal(claim: Claim, outgoing: dict[str, Any]) -> None:
    """The very content that goes out now must have the hash that a person approved."""
    if digest(outgoing) != claim.payload_hash:
        raise NeedsSomeone(
            "content_differs", "The text to be sent is not the approved one. It was not sent."
        )


def _outcome(claim: Claim, step: PushStep, write: Callable[[], str]) -> Steps:
    """Make the call and record how it went. Raises what the call raised.

    A worker that was stopped between intent and call must not send any more: by then others count
    the write as unanswered and look it up.
    """
    last_moment = step.sent_at + timedelta(seconds=settings.PUSH_SEND_WINDOW_SECONDS)

    def write_in_time() -> str:
        if timezone.now() > last_moment:
            raise LostClaim
        return write()

    try:
        object_id = yield write_in_time
    except OutcomeUnknown:
        reached(f"{step.kind}.answered")
        _record(claim, step, StepState.UNKNOWN)
        if step.kind != PushStep.Kind.AD:
            raise
        raise Later(
            PushState.UNKNOWN,
            step.sent_at + _settle(),
            OutcomeUnknown.code,
            OutcomeUnknown.user_message,
        ) from None
    except LeadmetricsError as exc:
        reached(f"{step.kind}.answered")
        _record(claim, step, StepState.REFUSED, error_code=exc.code)
        raise
    reached(f"{step.kind}.answered")
    _record(claim, step, StepState.DONE, object_id=object_id)
    return object_id


_COLUMN = {
    PushStep.Kind.IMAGE: "image_hash",
    PushStep.Kind.CREATIVE: "creative_id",
    PushStep.Kind.AD: "ad_id",
}


def _record(claim: Claim, step: PushStep, state: StepState, **changes: Any) -> None:
    kind = PushStep.Kind(step.kind)
    with transaction.atomic():
        object_id = changes.get("object_id")
        held(claim, **({_COLUMN[kind]: object_id} if object_id and kind in _COLUMN else {}))
        step.state = state
        ends = state != StepState.UNKNOWN and kind != PushStep.Kind.PAUSE
        step.finished_at = timezone.now() if ends else None
        for name, value in changes.items():
            setattr(step, name, value)
        step.save()
        if kind == PushStep.Kind.IMAGE and object_id:
            AccountImage.objects.update_or_create(
                ad_account_id=claim.account_pk,
                sha256=claim.payload["image_sha256"],
                defaults={"image_hash": object_id},
            )
        reached(f"{kind}.recorded")
    reached(f"{kind}.after")


def _forget_image(claim: Claim) -> None:
    with transaction.atomic():
        held(claim, image_hash="")
        AccountImage.objects.filter(
            ad_account_id=claim.account_pk, sha256=claim.payload["image_sha256"]
        ).delete()


def _column(claim: Claim, name: str) -> str:
    value = Push.objects.values_list(name, flat=True).get(pk=claim.push_id)
    return value or ""


def _settle() -> timedelta:
    """Twice the call deadline plus the time Meta's lists may lag behind a write."""
    return timedelta(seconds=settings.PUSH_SETTLE_SECONDS)
