"""The states a variant and its push can be in, and the only ways from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone

from leadmetrics.errors import StateConflict


class VariantStatus(models.TextChoices):
    PROPOSED = "proposed", "Waiting for review"
    APPROVED = "approved", "Approved, waiting to be sent"
    PUSHING = "pushing", "Being sent to Meta"
    PAUSED = "paused", "In the ad account, paused"
    REJECTED = "rejected", "Rejected"
    CHANGES_REQUESTED = "changes_requested", "Changes asked for"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired, not decided"
    PUSH_FAILED = "push_failed", "Not sent: needs someone"
    PUSH_UNKNOWN = "push_unknown", "Being looked up at Meta"
    ACTIVATING = "activating", "Being switched on"
    ACTIVE = "active", "Switched on"
    PAUSING = "pausing", "Being paused"
    META_REFUSED = "meta_refused", "Refused in Meta's ad review"


class PushState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being sent"
    UNKNOWN = "unknown", "Being looked up"
    DONE = "done", "In the ad account"
    FAILED = "failed", "Needs someone"
    VOIDED = "voided", "Voided by an edit"
    REPLACED = "replaced", "Replaced by a new version"


# Pushes that no longer say where their variant is.
PAST_PUSHES = (PushState.VOIDED, PushState.REPLACED)


class StepState(models.TextChoices):
    SENT = "sent", "Sent, no answer yet"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused by Meta"
    UNKNOWN = "unknown", "No answer"
    ABSENT = "absent", "Looked up twice: not there"


V = VariantStatus
# States in which people may still change the words.
EDITABLE = (
    V.PROPOSED,
    V.CHANGES_REQUESTED,
    V.APPROVED,
    V.PUSH_FAILED,
    V.META_REFUSED,
)

VARIANT_MOVES: Mapping[VariantStatus, frozenset[VariantStatus]] = {
    V.PROPOSED: frozenset(
        {V.PROPOSED, V.APPROVED, V.REJECTED, V.CHANGES_REQUESTED, V.WITHDRAWN, V.EXPIRED}
    ),
    V.CHANGES_REQUESTED: frozenset({V.PROPOSED, V.WITHDRAWN, V.EXPIRED}),
    V.APPROVED: frozenset({V.PUSHING, V.PROPOSED, V.PUSH_FAILED}),
    V.PUSHING: frozenset({V.APPROVED, V.PAUSED, V.PUSH_FAILED, V.PUSH_UNKNOWN}),
    V.PUSH_UNKNOWN: frozenset({V.PUSHING, V.PAUSED, V.PUSH_FAILED}),
    V.PUSH_FAILED: frozenset({V.APPROVED, V.PROPOSED}),
    V.PAUSED: frozenset({V.ACTIVATING, V.PAUSING, V.META_REFUSED}),
    V.ACTIVATING: frozenset({V.ACTIVE, V.PAUSED, V.PAUSING, V.META_REFUSED}),
    V.ACTIVE: frozenset({V.PAUSING, V.PAUSED, V.META_REFUSED}),
    V.PAUSING: frozenset({V.PAUSED, V.META_REFUSED}),
    V.META_REFUSED: frozenset({V.PROPOSED, V.PAUSED}),
    V.REJECTED: frozenset({V.PROPOSED}),  # only by undoing the rejection
    V.WITHDRAWN: frozenset(),
    V.EXPIRED: frozenset({V.PROPOSED}),  # only when a person opens it again
}


def move(variant: Any, to: VariantStatus, **changes: Any) -> None:
    """Move a variant along the table, by one conditional UPDATE.

    Raises StateConflict when the table has no such way or somebody else moved it first.
    """
    came_from = VariantStatus(variant.status)
    if to not in VARIANT_MOVES[came_from]:
        raise StateConflict(
            f"This variant is now “{came_from.label.lower()}”, so that is no longer possible."
        )
    changed = (
        type(variant)
        .objects.filter(pk=variant.pk, status=came_from)
        .update(status=to, updated_at=timezone.now(), **changes)
    )
    if not changed:
        raise StateConflict
    variant.status = to
    for name, value in changes.items():
        setattr(variant, name, value)
