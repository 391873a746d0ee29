"""Verdicts: what stands, what can be taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from approvals.models import AdVariant, Decision
from approvals.short_lists import ids_of
from approvals.states import PushState, VariantStatus
from leadmetrics.tenancy.models import Tenant, User

REJECTIONS = 500


def decisions_of(variant: AdVariant) -> QuerySet[Decision]:
    """Every verdict on it, newest first."""
    return decisions_of_any().filter(variant=variant)


def decisions_of_any() -> QuerySet[Decision]:
    """Verdicts with who gave them on what, and what became of them, newest first."""
    return Decision.objects.select_related("reviewer", "revision", "undone_by", "push").order_by(
        "-created_at"
    )


def recent_rejections(tenant: Tenant, variant_id: UUID | None = None) -> QuerySet[Decision]:
    """The newest rejections that stand, of other variants than this one, up to 500."""
    rejected = Decision.objects.filter(
        variant__tenant=tenant, verdict=Decision.Verdict.REJECTED, undone_by=None
    ).exclude(variant_id=variant_id)
    return rejected.select_related("revision", "reviewer").order_by("-created_at")[:REJECTIONS]


def standing_approvals(
    variant: AdVariant, content_hash: str, decisions: Iterable[Decision]
) -> list[Decision]:
    """Approvals of exactly this content that count: neither undone nor handed back.

    The target is part of the content: who approved the same words for another one does not count.

    ``decisions`` are those of the variant, as ``decisions_of`` reads them.
    """
    kept = [decision for decision in decisions if not hasattr(decision, "undone_by")]
    pushes = [decision.push for decision in kept if hasattr(decision, "push")]
    ends = [push.finished_at for push in pushes if push.state == PushState.VOIDED]
    handed_back = max(filter(None, ends), default=None)
    return [
        decision
        for decision in kept
        if decision.verdict == Decision.Verdict.APPROVED
        and decision.revision_id == variant.head_id
        and decision.content_hash == content_hash
        and (handed_back is None or decision.created_at > handed_back)
    ]


def decision_to_undo(user: User, tenant: Tenant) -> Decision | None:
    """The person's newest decision here that can still be taken back; None when there is none."""
    mine = Decision.objects.filter(_undoable_by(user, tenant))
    return mine.select_related("variant__head", "revision").order_by("-created_at").first()


def decisions_and_undo(
    variant: AdVariant, user: User, *, most: int
) -> tuple[list[Decision], Decision | None]:
    """The newest verdicts on a variant, and what decision_to_undo says, in one query."""
    can_undo = _undoable_by(user, variant.tenant)
    of_variant = Decision.objects.filter(variant=variant).order_by("-created_at")
    of_person = Decision.objects.filter(can_undo).order_by("-created_at")
    rows = list(
        decisions_of_any()
        .filter(pk__among=ids_of([of_variant[:most], of_person[:1]]))
        .select_related("variant__head")
        .annotate(can_undo=Case(When(can_undo, then=Value(True)), default=Value(False)))
    )
    undo = next((row for row in rows if row.can_undo), None)
    return [row for row in rows if row.variant_id == variant.pk], undo


def _undoable_by(user: User, tenant: Tenant) -> Q:
    since = timezone.now() - timedelta(minutes=tenant.undo_minutes)
    return Q(undoable(), reviewer=user, variant__tenant=tenant, created_at__gt=since)


def undoable() -> Q:
    """Decisions that still say where their variant is, and of which nothing has begun."""
    verdict = Decision.Verdict
    unsent = Q(push__state=PushState.WAITING, push__attempts=0, push__fence=0)
    return Q(undone_by=None) & (
        Q(verdict=verdict.APPROVED, variant__status=VariantStatus.APPROVED) & unsent
        | Q(verdict=verdict.APPROVED, variant__status=VariantStatus.PROPOSED, push=None)
        & Q(variant__head=F("revision"))
        | Q(verdict=verdict.REJECTED, variant__status=VariantStatus.REJECTED)
        | Q(verdict=verdict.CHANGES, variant__status=VariantStatus.CHANGES_REQUESTED)
    )
