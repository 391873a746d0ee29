"""Taking a decision back while nothing of it has begun, or letting an approval go at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from approvals.access import access_variant
from approvals.models import AdVariant, Decision
from approvals.selectors.verdicts import undoable
from approvals.services.review import void_unsent_push
from approvals.states import PushState, VariantStatus, move
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import StateConflict
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def undo_decision(*, actor: Actor, variant_id: UUID) -> AdVariant:
    """Take the person's own newest verdict on a variant back, so that it waits again.

    The verdict stays on record; the undo is a row of its own. Raises NotFound, NotAllowed, and
    StateConflict when the time is over, a worker has begun, or somebody else decided.
    """
    with transaction.atomic():
        reviewer = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        verdicts = variant.decisions.filter(reviewer_id=reviewer.user_id)
        decision = verdicts.filter(undoable()).order_by("-created_at").first()
        if decision is None:
            raise StateConflict(
                "There is nothing of yours to undo here. "
                f"This ad is now “{variant.get_status_display().lower()}”."
            )
        minutes = variant.tenant.undo_minutes
        if decision.created_at <= timezone.now() - timedelta(minutes=minutes):
            raise StateConflict(f"A decision can be undone for {minutes} minutes; they are over.")
        if variant.status == VariantStatus.APPROVED:
            void_unsent_push(variant)
        move(variant, VariantStatus.PROPOSED)
        Decision.objects.create(
            variant=variant,
            revision=decision.revision,
            content_hash=decision.content_hash,
            reviewer_id=reviewer.user_id,
            verdict=Decision.Verdict.UNDONE,
            undoes=decision,
        )
        record(
            actor,
            "variant.decision_undone",
            variant,
            {"headline": decision.revision.headline, "verdict": decision.verdict},
        )
    return variant


def push_now(*, actor: Actor, variant_id: UUID) -> AdVariant:
    """Send an approved ad without waiting for the time to undo to be over.

    Raises NotFound, NotAllowed, StateConflict.
    """
    with transaction.atomic():
        require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        push = variant.pushes.select_for_update().filter(state=PushState.WAITING).first()
        if push is None or push.not_before is None:
            raise StateConflict("This ad is not held back; look at its current state.")
        push.not_before = None
        push.save(update_fields=["not_before"])
        record(actor, "push.not_held", variant, {"headline": push.payload["headline"]})
        queue.enqueue("approvals.tasks.push_variant", push.pk)
    return variant
