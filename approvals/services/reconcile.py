"""After a restore: ask Meta what is there before anything is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from approvals.models import Push, PushStep
from approvals.selectors.sending import without_others
from approvals.services.marks import accept_database
from approvals.services.pausing import stop_activations
from approvals.services.push_claims import locked
from approvals.services.stops import tell_pages
from approvals.states import PAST_PUSHES, PushState, StepState, VariantStatus, move
from integrations.services import publishing
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at Meta said of one push: the ad that was found, or why it could not look."""

    reference: str
    ad_id: str = ""
    problem: str = ""


def reconcile() -> Iterator[Looked]:
    """Look up the ad of every push that is not done, and take over each one that is found.

    Afterwards, and only if every look succeeded, this database may send again. Ads that were being
    switched on are paused.
    """
    complete = True
    open_pushes = Push.objects.exclude(state__in=(*PAST_PUSHES, PushState.DONE))
    for push in open_pushes.select_related(
        "variant__target__ad_account__integration", "decision"
    ).order_by("created_at"):
        looked = _look(push)
        complete = complete and not looked.problem
        yield looked
    if complete:
        stop_activations()
        accept_database()
        tell_pages()


def _look(push: Push) -> Looked:
    try:
        shown = publishing.find_ads(
            integration=push.variant.target.ad_account.integration,
            payload=push.payload,
            reference=push.reference,
            creative_id=push.creative_id,
        )
    except LeadmetricsError as exc:
        return Looked(push.reference, problem=exc.user_message)
    found = without_others(shown, push)
    if len(found) > 1:
        return Looked(push.reference, problem=f"Meta shows {len(found)} ads: {', '.join(found)}.")
    if found:
        _take_over(push, found[0])
        return Looked(push.reference, found[0])
    return Looked(push.reference)


def _take_over(push: Push, ad_id: str) -> None:
    """Store the ad; a worker reads it back and finishes the push as any other."""
    with transaction.atomic():
        row = locked(push.pk)
        if row is None or row.state in (*PAST_PUSHES, PushState.DONE):
            return
        _note_ad(row, ad_id)
        row.ad_id, row.state, row.attempts = ad_id, PushState.WAITING, 0
        row.fence += 1  # whoever still held it lets go
        row.lease_until = row.next_attempt_at = None
        row.save()
        if row.variant.status != VariantStatus.APPROVED:
            _as_approved(row)
        record(
            system(row.variant.tenant_id),
            "push.found_again",
            row.variant,
            {"ad_id": ad_id, "reference": row.reference},
        )
        queue.enqueue("approvals.tasks.push_variant", row.pk)


def _as_approved(push: Push) -> None:
    if push.variant.status == VariantStatus.PUSH_UNKNOWN:
        move(push.variant, VariantStatus.PUSHING)
    move(push.variant, VariantStatus.APPROVED)


def _note_ad(push: Push, ad_id: str) -> None:
    """The write whose answer this database does not know, or that it has forgotten, succeeded."""
    open_states = (StepState.SENT, StepState.UNKNOWN)
    step = push.steps.filter(kind=PushStep.Kind.AD, state__in=open_states).last()
    step = step or PushStep(
        push=push, kind=PushStep.Kind.AD, fence=push.fence, sent_at=timezone.now()
    )
    step.state, step.object_id, step.finished_at = StepState.DONE, ad_id, timezone.now()
    step.save()
