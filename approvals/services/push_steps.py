"""The steps of a push. Each commits its intent, makes one call, and records the outcome.

Meta has no idempotency key for ads. So an ad write whose answer was lost is looked up by the push's
reference once the settle time is over; it is sent a second time only after Meta said twice, with a
pause between, that the ad is not there, and never a third time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.models import AdImage, Push, PushStep
from approvals.services.push_claims import (
    Claim,
    Later,
    LostClaim,
    NeedsSomeone,
    held,
    require_standing_approval,
)
from approvals.states import PushState, StepState
from integrations.services import publishing
from integrations.services.publishing import OutcomeUnknown
from leadmetrics.errors import LeadmetricsError

MAX_AD_WRITES = 2
LOOKUPS_BEFORE_RESEND = 2
SEND_WINDOW = timedelta(seconds=15)


def image_step(claim: Claim) -> str:
    """Meta's hash of the picture; empty for an ad without one."""
    sha256 = claim.payload["image_sha256"]
    stored = _column(claim, "image_hash")
    if not sha256 or stored:
        return stored
    image = AdImage.objects.get(tenant_id=claim.tenant_id, sha256=sha256)
    with image.file.open("rb") as file:
        content = file.read()
    step = _intend(claim, PushStep.Kind.IMAGE)
    return _outcome(
        claim,
        step,
        lambda: publishing.upload_image(
            integration=claim.integration,
            ad_account_id=claim.payload["ad_account_id"],
            name=f"{sha256}.{image.content_type.rpartition('/')[2]}",
            content=content,
        ),
    )


def creative_step(claim: Claim, image_hash: str) -> str:
    """The creative's id. A spare one after a lost answer is harmless: nobody sees a creative."""
    stored = _column(claim, "creative_id")
    if stored:
        return stored
    step = _intend(claim, PushStep.Kind.CREATIVE)
    return _outcome(
        claim,
        step,
        lambda: publishing.create_creative(
            integration=claim.integration,
            payload=claim.payload,
            reference=claim.reference,
            image_hash=image_hash,
        ),
    )


def ad_step(claim: Claim, creative_id: str) -> str:
    """The ad's id: stored, adopted after a lost answer, or just created as PAUSED."""
    stored = _column(claim, "ad_id")
    if stored:
        return stored
    writes = list(PushStep.objects.filter(push_id=claim.push_id, kind="ad").order_by("pk"))
    if writes and writes[-1].state in (StepState.SENT, StepState.UNKNOWN):
        adopted = _look_up(claim, writes[-1])
        if adopted:
            return adopted
    if sum(step.state != StepState.REFUSED for step in writes) >= MAX_AD_WRITES:
        return _look_up_for_the_last_time(claim, writes[-1])
    step = _intend(claim, PushStep.Kind.AD)
    return _outcome(
        claim,
        step,
        lambda: publishing.create_paused_ad(
            integration=claim.integration,
            payload=claim.payload,
            reference=claim.reference,
            creative_id=creative_id,
        ),
    )


def _look_up_for_the_last_time(claim: Claim, step: PushStep) -> str:
    found = _find(claim)
    if not found:
        raise NeedsSomeone(
            "ad_not_found",
            "Meta gave no answer twice and does not show the ad. Look in Ads Manager for the "
            f"reference {claim.reference} before you try again.",
        )
    _record(claim, step, StepState.DONE, object_id=found)
    return found


def _find(claim: Claim) -> str:
    found = publishing.find_ads(
        integration=claim.integration, payload=claim.payload, reference=claim.reference
    )
    if len(found) > 1:
        raise NeedsSomeone(
            "several_ads", f"Meta shows {len(found)} ads with this reference: {', '.join(found)}."
        )
    return found[0] if found else ""


def _look_up(claim: Claim, step: PushStep) -> str:
    """The id of the ad that an unanswered write left behind; empty once it is proved absent.

    Raises Later while it is too early to tell.
    """
    now = timezone.now()
    settled = (step.looked_up_at or step.sent_at) + _settle()
    if now < settled:
        raise Later(PushState.UNKNOWN, settled, OutcomeUnknown.code, OutcomeUnknown.user_message)
    found = _find(claim)
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


def read_back_step(claim: Claim, ad_id: str, image_hash: str) -> publishing.ReadBack:
    """What Meta stored. Raises NeedsSomeone unless it is PAUSED and equal to what was approved."""
    found = publishing.read_back(integration=claim.integration, payload=claim.payload, ad_id=ad_id)
    if found.configured_status != publishing.PAUSED:
        publishing.pause_ad(integration=claim.integration, ad_id=ad_id)
        raise NeedsSomeone(
            "was_not_paused",
            f"Meta reported the new ad as {found.configured_status.lower()}, so it was paused. "
            "Check it in Ads Manager.",
        )
    different = [key for key in claim.payload if claim.payload[key] != found.payload[key]]
    if found.image_hash != image_hash:
        different.append("image")
    if different:
        raise NeedsSomeone(
            "stored_differently",
            "Meta stored something else than what was approved: "
            f"{', '.join(sorted(different)).replace('_', ' ')}. The ad is paused.",
        )
    return found


def _intend(claim: Claim, kind: PushStep.Kind) -> PushStep:
    """Commit what is about to be sent, if this worker still holds the push, and renew the lease."""
    require_standing_approval(
        Push.objects.select_related("decision", "variant__target__ad_account").get(pk=claim.push_id)
    )
    now = timezone.now()
    with transaction.atomic():
        held(claim)
        return PushStep.objects.create(
            push_id=claim.push_id, kind=kind, fence=claim.fence, sent_at=now
        )


def _outcome(claim: Claim, step: PushStep, write: Callable[[], str]) -> str:
    """Make the call and record how it went. Raises what the call raised.

    A worker that was stopped between intent and call must not send any more: by then others count
    the write as unanswered and look it up.
    """
    if timezone.now() > step.sent_at + SEND_WINDOW:
        raise LostClaim
    try:
        object_id = write()
    except OutcomeUnknown:
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
        _record(claim, step, StepState.REFUSED, error_code=exc.code)
        raise
    _record(claim, step, StepState.DONE, object_id=object_id)
    return object_id


_COLUMN = {
    PushStep.Kind.IMAGE: "image_hash",
    PushStep.Kind.CREATIVE: "creative_id",
    PushStep.Kind.AD: "ad_id",
}


def _record(claim: Claim, step: PushStep, state: StepState, **changes: Any) -> None:
    with transaction.atomic():
        object_id = changes.get("object_id")
        held(claim, **({_COLUMN[PushStep.Kind(step.kind)]: object_id} if object_id else {}))
        step.state = state
        step.finished_at = None if state == StepState.UNKNOWN else timezone.now()
        for name, value in changes.items():
            setattr(step, name, value)
        step.save()


def _column(claim: Claim, name: str) -> str:
    value = Push.objects.values_list(name, flat=True).get(pk=claim.push_id)
    return value or ""


def _settle() -> timedelta:
    """Twice the call deadline plus the time Meta's lists may lag behind a write."""
    return timedelta(seconds=settings.PUSH_SETTLE_SECONDS)
