"""Keeping who had which content on the screen, and what they marked for a bulk act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import transaction

from approvals.access import access_variant
from approvals.content import content_hash
from approvals.models import AdVariant, Seen
from leadmetrics.errors import StateConflict
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def note_seen(*, actor: Actor, shown: Mapping[UUID, str]) -> None:
    """Keep that a page with these contents (variant to hash) is being drawn for this person."""
    assert actor.user_id is not None  # pages are drawn for people
    rows = [
        Seen(variant_id=variant_id, user_id=actor.user_id, content_hash=shown_hash)
        for variant_id, shown_hash in shown.items()
    ]
    Seen.objects.bulk_create(rows, ignore_conflicts=True)


def select_variant(*, actor: Actor, variant_id: UUID, shown_hash: str) -> bool:
    """Mark what is on the screen for a bulk act, or take the mark away; whether it is marked now.

    Raises NotFound, NotAllowed, and StateConflict when it is no longer what was shown.
    """
    with transaction.atomic():
        member = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        seen = Seen.objects.filter(
            user_id=member.user_id, variant=variant, content_hash=shown_hash
        ).first()
        if seen is None or hash_now(variant) != shown_hash:
            raise StateConflict("This ad changed while you were reading, so it was not marked.")
        seen.is_selected = not seen.is_selected
        seen.save(update_fields=["is_selected"])
    return seen.is_selected


def seen_by(user_id: int, variants: Iterable[AdVariant]) -> dict[UUID, Seen]:
    """Of these variants, those whose present content this person has had on the screen."""
    now = {variant.pk: hash_now(variant) for variant in variants}
    rows = Seen.objects.filter(user_id=user_id, variant_id__in=now)
    return {row.variant_id: row for row in rows if row.content_hash == now[row.variant_id]}


def hash_now(variant: AdVariant) -> str:
    """The hash of what would be sent now."""
    assert variant.head is not None
    return content_hash(variant.head, variant.target)
