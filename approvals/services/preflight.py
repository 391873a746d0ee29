"""Asking Meta beforehand: before a person decides, and again before anything is sent.

Both use the same checks and words. What was found is kept for ten minutes, so that a batch for one
target asks once. Meta's dry run of a content is advice, asked for once per content and within a
small share of what may be written; it never holds a push.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from approvals.content import build_payload, digest
from approvals.models import AdVariant, Preflight, Push, PushStep
from approvals.services.push_claims import Claim, NeedsSomeone
from approvals.services.push_steps import Steps
from approvals.services.stops import may_write
from approvals.states import VariantStatus
from integrations.models import AdAccount, PushTarget
from integrations.services.allowance import allowance_of, closed_for
from integrations.services.place import Obstacle, look_at_place, validate
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.services import within_limit

logger = logging.getLogger(__name__)

FRESH = timedelta(minutes=10)
TARGETS_AT_ONCE = 10
VALIDATIONS_AT_ONCE = 5
# One in so many of the writes that Meta allows an ad account: advice must not hold up pushes.
VALIDATIONS_SHARE = 10


def check_place(*, target_id: UUID) -> Preflight | None:
    """A new answer, or the stored one while it is young; None when Meta could not be asked."""
    target = _targets().get(pk=target_id)
    known = fresh_place(target_id)
    if known is not None and timezone.now() - known.checked_at < FRESH / 2:
        return known
    try:
        found = look_at_place(target)
    except LeadmetricsError as exc:
        logger.info("preflight of target %s: %s", target_id, exc.code)
        return None
    return _store(target, "", found)


def fresh_place(target_id: UUID) -> Preflight | None:
    """What Meta said of the target within the last ten minutes."""
    return Preflight.objects.filter(
        _younger_than(FRESH), target_id=target_id, content_hash=""
    ).first()


def _younger_than(age: timedelta) -> Q:
    """Not what was noted while the clock was ahead: that would stay young for as long."""
    now = timezone.now()
    return Q(checked_at__gt=now - age, checked_at__lt=now + FRESH)


def validate_variant(*, variant_id: UUID) -> None:
    """Ask for Meta's dry run of a waiting ad, once per content.

    Not while Meta asked to leave the ad account alone, nor once the share is used up.
    """
    variant = (
        AdVariant.objects.select_related("head__image", "tenant")
        .filter(pk=variant_id, status=VariantStatus.PROPOSED)
        .first()
    )
    if variant is None or variant.head is None or not may_write(variant.tenant_id):
        return
    target = _targets().get(pk=variant.target_id)
    payload = build_payload(variant.head, target)
    content_hash = digest(payload)
    account = target.ad_account
    if Preflight.objects.filter(target=target, content_hash=content_hash).exists():
        return
    if closed_for(account.ad_account_id) or not _has_share_left(account):
        return
    try:
        words = validate(target, payload, f"lm-check-{variant.pk}")
    except LeadmetricsError as exc:
        logger.info("dry run of variant %s: %s", variant_id, exc.code)
        return
    _store(target, content_hash, [Obstacle("dry_run", words)] if words else [])


def _has_share_left(account: AdAccount) -> bool:
    allowed = allowance_of(account.ad_account_id)
    return within_limit(
        f"validate:{account.ad_account_id}",
        limit=allowed.writes // VALIDATIONS_SHARE,
        seconds=allowed.minutes * 60,
    )


def sweep_preflights() -> None:
    """Wake the checks for targets and contents that wait for a decision and have none."""
    waiting = AdVariant.objects.filter(
        status=VariantStatus.PROPOSED, target__ad_account__enabled=True
    )
    place = Preflight.objects.filter(
        _younger_than(FRESH / 2), target=OuterRef("target"), content_hash=""
    )
    unasked = waiting.filter(~Exists(place)).values_list("target_id", flat=True)
    for target_id in unasked.order_by().distinct()[:TARGETS_AT_ONCE]:
        queue.enqueue("approvals.tasks.preflight_target", target_id)
    content = Preflight.objects.filter(
        target=OuterRef("target"), content_hash=OuterRef("head__content_hash")
    )
    fresh = waiting.filter(~Exists(content)).order_by("created_at").values_list("pk", flat=True)
    for variant_id in fresh[:VALIDATIONS_AT_ONCE]:
        queue.enqueue("approvals.tasks.validate_variant", variant_id)


def preflight_step(claim: Claim, asking: set[str]) -> Steps:
    """Before the ad is first written: raises NeedsSomeone when the target cannot take the ad.

    When Meta cannot be asked it raises what the push's own calls would. Of the pushes under way
    together one asks for each target; ``asking`` names those that are being asked about.
    """
    push = Push.objects.select_related("variant").get(pk=claim.push_id)
    target_id = push.variant.target_id
    if push.steps.filter(kind=PushStep.Kind.AD).exists():
        return
    while f"place {target_id}" in asking:
        yield None
    known = fresh_place(target_id)
    # Whoever lets a push go on again has just put right what was in the way.
    if known is None or known.obstacles:
        asking.add(f"place {target_id}")
        try:
            known = yield from _ask(target_id)
        finally:
            asking.discard(f"place {target_id}")
    if known.obstacles:
        first = known.obstacles[0]
        raise NeedsSomeone(first["code"], " ".join(item["words"] for item in known.obstacles)[:400])


def _ask(target_id: UUID) -> Steps:
    target = _targets().get(pk=target_id)
    found = yield lambda: look_at_place(target)
    return _store(target, "", found)


def _store(target: PushTarget, content_hash: str, found: list[Obstacle]) -> Preflight:
    stored, _ = Preflight.objects.update_or_create(
        target=target,
        content_hash=content_hash,
        defaults={
            "obstacles": [item.as_json() for item in found],
            "checked_at": timezone.now(),
        },
    )
    return stored


def _targets() -> QuerySet[PushTarget]:
    return PushTarget.objects.select_related("ad_account__integration", "ad_set", "page")
