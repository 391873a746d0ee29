"""Switching an ad on: a second, separate act of a person, on an ad whose text was read at Meta.

The person's act is stored first. A worker then reads the ad once more and sends ACTIVE only if
text, switches, budget and schedule are still what stood on the page. Whoever pauses wins.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from approvals.access import access_variant
from approvals.comparison import differences, in_words
from approvals.content import digest
from approvals.models import Activation, ActivationResult, AdVariant, LiveAd, WriteMark
from approvals.selectors.sending import is_due
from approvals.services.live_rows import Act, begin, lock_live, lock_live_of, put_off, want_pause
from approvals.services.marks import note_activation
from approvals.services.stops import require_known_past, require_writes
from approvals.services.watch import next_look
from approvals.states import VariantStatus, move
from integrations.services import activating
from integrations.services.live import Live, Plan, read_configured_status, read_live
from integrations.services.publishing import OutcomeUnknown, WriteRefused
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor, human, require_activator, system

logger = logging.getLogger(__name__)

ACTIVE = "ACTIVE"
SEND_WINDOW = timedelta(seconds=15)
MAX_ATTEMPTS = 8
Result = ActivationResult.Result


class NotAsApproved(StateConflict):
    """What Meta holds is not what the person saw or what was approved."""

    code = "not_as_approved"


def look_before_activation(*, actor: Actor, variant_id: UUID) -> tuple[AdVariant, Live]:
    """The ad as Meta holds it now, for the page. Raises what reading raises, and StateConflict."""
    require_activator(actor, tenant_id=actor.tenant_id)
    with transaction.atomic():
        variant = access_variant(actor=actor, variant_id=variant_id)
        _require_paused(variant)
        live = lock_live_of(variant)
    push, account = live.push, variant.target.ad_account
    found = read_live(
        integration=account.integration,
        account=account,
        payload=push.payload,
        ad_id=push.ad_id or "",
    )
    return variant, found


def what_forbids(live: Live, *, payload: dict[str, object], image_hash: str) -> tuple[str, str]:
    """Why this ad must not be switched on as Meta holds it now: code and words, or two empties."""
    found = live.found
    differs = differences(
        payload,
        found.payload,
        image_hash=image_hash,
        found_image_hash=found.image_hash,
        enrolled=found.enrolled,
    )
    if differs:
        return "differs", f"At Meta {in_words(differs)} is not what was approved."
    if found.configured_status in ("ARCHIVED", "DELETED"):
        return "gone_at_meta", f"The ad was {found.configured_status.lower()} at Meta."
    if live.review.effective_status == "DISAPPROVED":
        return "refused_in_review", "Meta refused this ad in its review."
    return "", ""


def request_activation(
    *, actor: Actor, variant_id: UUID, shown_hash: str, shown_plan: Plan
) -> Activation:
    """Store the person's act; a worker carries it out within seconds.

    ``shown_hash`` is the approved content's and ``shown_plan`` what the page said of money and
    time. Raises NotFound, NotAllowed, StateConflict.
    """
    with transaction.atomic():
        member = require_activator(actor, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        _require_paused(variant)
        require_known_past()
        require_writes(actor.tenant_id)
        live = lock_live_of(variant)
        if shown_hash != live.push.payload_hash:
            raise StateConflict
        activation = Activation.objects.create(
            push=live.push,
            person=member.user,
            content_hash=shown_hash,
            plan=shown_plan.as_json(),
        )
        move(variant, VariantStatus.ACTIVATING)
        live.wanted, live.fence = LiveAd.Wanted.ACTIVE, live.fence + 1
        live.act_due_at, live.act_attempts = timezone.now(), 0
        live.act_problem_code = live.act_problem = ""
        live.active_sent_at = None
        live.save()
        record(
            actor,
            "ad.activation_asked",
            variant,
            {
                "headline": live.push.payload["headline"],
                "ad_id": live.push.ad_id,
                "content_hash": shown_hash,
                "budget": shown_plan.budget,
            },
        )
        queue.enqueue("approvals.tasks_activation.activate_ad", activation.pk)
    return activation


def activate_ad(*, activation_id: UUID) -> None:
    """Carry out an activation as far as it goes now. Safe to call at any time, twice, or at once.

    Without a stored, open activation by a person it does nothing at all.
    """
    begun = _begin(activation_id)
    if begun is None:
        return
    activation, act, was_sent = begun
    try:
        live = read_live(
            integration=act.integration, account=act.account, payload=act.payload, ad_id=act.ad_id
        )
        code, words = _refusal(activation, act, live)
        if code:
            _end(activation, act, Result.REFUSED, live, code, words)
            return
        if not (was_sent and live.found.configured_status == ACTIVE):
            if not _send(act):
                return
            status = read_configured_status(integration=act.integration, ad_id=act.ad_id)
            if status != ACTIVE:
                put_off(act, code="not_active_yet", problem=f"Meta still reports {status.lower()}.")
                return
        _end(activation, act, Result.ACTIVE, live)
    except OutcomeUnknown:
        put_off(act, code=OutcomeUnknown.code, problem="Meta gave no answer. It is read again.")
    except WriteRefused as exc:
        if exc.wait_seconds is None:
            _end(activation, act, Result.REFUSED, None, exc.code, exc.user_message)
        else:
            wait = timedelta(seconds=exc.wait_seconds)
            put_off(act, code=exc.code, problem=exc.user_message, wait=wait)
    except LeadmetricsError as exc:  # the grant cannot be used just now
        put_off(act, code=exc.code, problem=exc.user_message, wait=timedelta(minutes=5))


def _begin(activation_id: UUID) -> tuple[Activation, Act, bool] | None:
    activation = Activation.objects.select_related("push").filter(pk=activation_id).first()
    if activation is None:
        return None
    now = timezone.now()
    with transaction.atomic():
        live = lock_live(activation.push_id)
        variant = live.push.variant
        is_open = (
            variant.status == VariantStatus.ACTIVATING
            and live.wanted == LiveAd.Wanted.ACTIVE
            and not ActivationResult.objects.filter(activation=activation).exists()
        )
        if not is_open or not is_due(live.act_due_at, now):
            return None
        if live.act_attempts >= MAX_ATTEMPTS:
            words = live.act_problem or "It did not get through."
            _close(activation, live, Result.REFUSED, "too_many_attempts", words)
            return None
        return activation, begin(live, now), live.active_sent_at is not None


def _refusal(activation: Activation, act: Act, live: Live) -> tuple[str, str]:
    if digest(act.payload) != activation.content_hash:
        return "differs", "The stored text is not the approved one."
    if not _may_still_activate(activation):
        return "activator_left", f"{activation.person.name} may no longer switch ads on here."
    code, words = what_forbids(live, payload=act.payload, image_hash=act.image_hash)
    if not code and live.plan != Plan(**activation.plan):
        return "plan_changed", "Budget or schedule changed at Meta after the page was shown."
    return code, words


def _may_still_activate(activation: Activation) -> bool:
    tenant = activation.push.variant.tenant
    try:
        require_activator(human(activation.person, tenant), tenant_id=tenant.pk)
    except (NotFound, NotAllowed):
        return False
    return True


def _send(act: Act) -> bool:
    """Ask Meta to run the ad, unless somebody paused it meanwhile or this worker came too late."""
    sent_at = timezone.now()
    with transaction.atomic():
        live = lock_live(act.push_id)
        if live.fence != act.fence or live.wanted != LiveAd.Wanted.ACTIVE:
            return False
        require_known_past()
        require_writes(act.tenant_id)
        live.active_sent_at = sent_at
        live.save(update_fields=["active_sent_at"])
        WriteMark.objects.update(activated_at=sent_at)
    note_activation(sent_at)
    if timezone.now() > sent_at + SEND_WINDOW:
        return False
    activating.activate_ad(integration=act.integration, ad_id=act.ad_id)
    return True


def _end(
    activation: Activation,
    act: Act,
    result: str,
    live: Live | None,
    code: str = "",
    words: str = "",
) -> None:
    """Store the result, unless another act, which then has its own, came in between."""
    with transaction.atomic():
        row = lock_live(act.push_id)
        if row.fence != act.fence:
            logger.info("activation %s was overtaken by another act", activation.pk)
            return
        if live is not None:
            row.live_hash = digest(live.found.payload)
            row.effective_status = live.review.effective_status
        _close(activation, row, result, code, words)


def _close(
    activation: Activation, live: LiveAd, result: str, code: str = "", words: str = ""
) -> None:
    """Record how it ended, in the caller's transaction."""
    now = timezone.now()
    is_active = result == Result.ACTIVE
    ActivationResult.objects.create(
        activation=activation, result=result, code=code, words=words, live_hash=live.live_hash
    )
    variant = live.push.variant
    live.act_due_at = None
    live.act_problem_code, live.act_problem = code, words
    if is_active:
        move(variant, VariantStatus.ACTIVE)
        live.activated_at, live.configured_status = now, ACTIVE
        live.next_check_at = next_look(live, now)
        live.save()
    elif live.active_sent_at is None:
        move(variant, VariantStatus.PAUSED)
        live.wanted = LiveAd.Wanted.PAUSED
        live.save()
    else:  # ACTIVE may have reached Meta all the same
        want_pause(live)
    record(
        system(variant.tenant_id),
        "ad.activated" if is_active else "ad.activation_refused",
        variant,
        {
            "headline": live.push.payload["headline"],
            "ad_id": live.push.ad_id,
            "asked_by": activation.person.name,
            **({"live_hash": live.live_hash} if is_active else {"code": code, "problem": words}),
        },
    )


def _require_paused(variant: AdVariant) -> None:
    if variant.status != VariantStatus.PAUSED:
        raise StateConflict(
            f"This ad is now “{variant.get_status_display().lower()}”, so it cannot be switched on."
        )
