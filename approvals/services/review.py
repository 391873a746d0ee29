"""People decide. Each act binds to the exact content that was on the screen."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from approvals.access import access_variant
from approvals.content import build_payload, digest
from approvals.limits import AdCopy
from approvals.models import AdImage, AdVariant, Decision, LiveAd, Push, VariantRevision
from approvals.rules import copy_of
from approvals.selectors.verdicts import decisions_of, standing_approvals
from approvals.services.checking import check_for_target
from approvals.services.propose import add_revision
from approvals.services.shown import head_with_hash
from approvals.states import EDITABLE, PAST_PUSHES, PushState, VariantStatus, move
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.crash_points import reached
from leadmetrics.errors import InvalidInput, NotAllowed, StateConflict
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def approve_variant(
    *, actor: Actor, variant_id: UUID, shown_hash: str, comment: str = ""
) -> AdVariant:
    """Approve exactly the content with ``shown_hash``; a worker will create it as a PAUSED ad.

    Where two people must approve, the first approval is kept and the variant goes on waiting.
    Raises NotFound, NotAllowed (role, or the person's own edit), StateConflict (decided already)
    and ContentChanged.
    """
    with transaction.atomic():
        reviewer = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        revision = _head_as_shown(variant, shown_hash)
        own_edit = revision.author_id == reviewer.user_id
        needed = variant.tenant.approvals_needed
        if own_edit and needed == 1 and not variant.tenant.author_may_approve:
            raise NotAllowed(
                "You wrote this version, so somebody else must approve it. "
                "An admin can change that rule under Settings."
            )
        approvers = {
            given.reviewer_id
            for given in standing_approvals(variant, shown_hash, decisions_of(variant))
        }
        if reviewer.user_id in approvers:
            raise StateConflict(
                "You have approved this already; somebody else must approve it too."
            )
        payload = build_payload(revision, variant.target)
        decision = Decision.objects.create(
            variant=variant,
            revision=revision,
            content_hash=digest(payload),
            reviewer_id=reviewer.user_id,
            verdict=Decision.Verdict.APPROVED,
            comment=comment.strip(),
            reviewer_was_author=own_edit,
        )
        facts = {
            "headline": revision.headline,
            "revision": revision.number,
            "content_hash": decision.content_hash,
            "reviewer_was_author": own_edit,
            "comment": decision.comment,
        }
        if len(approvers) + 1 < needed:
            move(variant, VariantStatus.PROPOSED)
            record(actor, "variant.approved_in_part", variant, {**facts, "needed": needed})
            return variant
        move(variant, VariantStatus.APPROVED)
        minutes = variant.tenant.undo_minutes
        push = Push.objects.create(
            id=push_id_for(variant, decision.content_hash),
            variant=variant,
            decision=decision,
            payload=payload,
            payload_hash=decision.content_hash,
            not_before=timezone.now() + timedelta(minutes=minutes) if minutes else None,
        )
        record(actor, "variant.approved", variant, facts)
        queue.enqueue("approvals.tasks.push_variant", push.pk)
        reached("approve.written")
    reached("approve.committed")
    return variant


def reject_variant(
    *, actor: Actor, variant_id: UUID, shown_hash: str, reason_code: str, comment: str = ""
) -> AdVariant:
    """Reject the content with ``shown_hash`` for one of ``Decision.Reason``.

    Raises NotFound, NotAllowed, StateConflict, ContentChanged, and InvalidInput for an unknown
    reason or for "other" without a comment.
    """
    comment = comment.strip()
    if reason_code not in Decision.Reason.values:
        raise InvalidInput("Choose one of the reasons.")
    if reason_code == Decision.Reason.OTHER and not comment:
        raise InvalidInput("Say in a few words why, so that the next proposal can be better.")
    with transaction.atomic():
        reviewer = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        revision = _head_as_shown(variant, shown_hash)
        Decision.objects.create(
            variant=variant,
            revision=revision,
            content_hash=shown_hash,
            reviewer_id=reviewer.user_id,
            verdict=Decision.Verdict.REJECTED,
            reason_code=reason_code,
            comment=comment,
            reviewer_was_author=revision.author_id == reviewer.user_id,
        )
        move(variant, VariantStatus.REJECTED)
        record(
            actor,
            "variant.rejected",
            variant,
            {
                "headline": revision.headline,
                "revision": revision.number,
                "reason": reason_code,
                "comment": comment,
            },
        )
    return variant


def request_changes(*, actor: Actor, variant_id: UUID, shown_hash: str, comment: str) -> AdVariant:
    """Ask the author for another version of what was shown; the agent reads ``comment``.

    A new version by the agent or by a person brings the variant back into the queue. Raises
    NotFound, NotAllowed, StateConflict, ContentChanged, and InvalidInput without a comment.
    """
    comment = comment.strip()
    if not comment:
        raise InvalidInput("Say what should change, so that the next version can be better.")
    with transaction.atomic():
        reviewer = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        revision = _head_as_shown(variant, shown_hash)
        Decision.objects.create(
            variant=variant,
            revision=revision,
            content_hash=shown_hash,
            reviewer_id=reviewer.user_id,
            verdict=Decision.Verdict.CHANGES,
            comment=comment,
            reviewer_was_author=revision.author_id == reviewer.user_id,
        )
        move(variant, VariantStatus.CHANGES_REQUESTED)
        record(
            actor,
            "variant.changes_requested",
            variant,
            {"headline": revision.headline, "revision": revision.number, "comment": comment},
        )
    return variant


def edit_variant(
    *,
    actor: Actor,
    variant_id: UUID,
    shown_hash: str,
    copy: AdCopy,
    image: AdImage | None = None,
) -> AdVariant:
    """Store ``copy`` as a new revision, to be approved anew; the image stays unless one is given.

    Raises NotFound, NotAllowed, StateConflict, ContentChanged, and InvalidInput with problems when
    the copy breaks a rule or changes nothing.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        if variant.status not in EDITABLE:
            raise StateConflict(
                f"This variant is now “{variant.get_status_display().lower()}”, so its text can no "
                "longer change."
            )
        before = head_with_hash(variant, shown_hash)
        checked = check_for_target(
            tenant=variant.tenant,
            target=variant.target,
            copy=copy,
            image=image or before.image,
            variant_id=variant.pk,
        )
        if checked.problems:
            raise InvalidInput(problems=[problem.as_json() for problem in checked.problems])
        if checked.copy == copy_of(before) and image in (None, before.image):
            raise InvalidInput("Nothing was changed, so nothing was saved.")
        void_unsent_push(variant)
        move(variant, VariantStatus.PROPOSED)
        revision = add_revision(
            actor=actor,
            variant=variant,
            copy=checked.copy,
            flags=checked.flags,
            image=image or before.image,
        )
        record(
            actor,
            "variant.edited",
            variant,
            {
                "headline": revision.headline,
                "revision": revision.number,
                "content_hash": revision.content_hash,
            },
        )
    return variant


def return_to_review(*, actor: Actor, variant_id: UUID) -> AdVariant:
    """Take an approval back as long as nothing of it can be at Meta, so that it is decided anew.

    Raises NotFound, NotAllowed, StateConflict.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        take_back(variant)
        record(actor, "variant.returned_to_review", variant)
    return variant


def take_back(variant: AdVariant) -> None:
    """Put a locked variant back into review, in the caller's transaction. Raises StateConflict."""
    if variant.status not in (VariantStatus.APPROVED, VariantStatus.PUSH_FAILED):
        raise StateConflict(
            f"This variant is now “{variant.get_status_display().lower()}”. "
            "It cannot go back to review."
        )
    void_unsent_push(variant)
    move(variant, VariantStatus.PROPOSED)


def _head_as_shown(variant: AdVariant, shown_hash: str) -> VariantRevision:
    if variant.status != VariantStatus.PROPOSED:
        raise StateConflict(
            f"This variant is now “{variant.get_status_display().lower()}”. "
            "Your decision was not counted."
        )
    return head_with_hash(variant, shown_hash)


def void_unsent_push(variant: AdVariant) -> None:
    """Cancel an approval's push, as long as nothing of it can have reached Meta."""
    push = variant.pushes.select_for_update().exclude(state__in=PAST_PUSHES).first()
    if push is None:
        return
    if variant.status == VariantStatus.META_REFUSED:
        _replace(push)
        return
    if push.state not in (PushState.WAITING, PushState.FAILED) or push.may_be_at_meta:
        raise StateConflict(
            "This ad is being sent, or may already be in the ad account, so its text can no longer "
            "change here."
        )
    push.state, push.finished_at = PushState.VOIDED, timezone.now()
    push.save(update_fields=["state", "finished_at"])


def push_id_for(variant: AdVariant, approved_hash: str) -> UUID:
    """The id of the next push, from which its reference at Meta comes.

    The same approval given again in a restored database gets the same id, so that the ad which the
    database has forgotten is found.
    """
    return uuid5(variant.pk, f"{approved_hash}/{variant.pushes.count()}")


def _replace(push: Push) -> None:
    """Let go of an ad that Meta refused. It stays where it is, and it must stand still there."""
    live = LiveAd.objects.filter(push=push).first()
    if live is not None and live.configured_status == "ACTIVE":
        raise StateConflict("The refused ad is being paused at Meta first. Try again in a minute.")
    push.state = PushState.REPLACED
    push.save(update_fields=["state"])
