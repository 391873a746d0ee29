"""Changing the words and approving them as one act, once the person has seen what changes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from approvals.checks.run import CheckedCopy
from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdVariant, VariantRevision
from approvals.rules import copy_of
from approvals.services.checking import check_for_target
from approvals.services.review import approve_variant, edit_variant
from approvals.services.shown import ContentChanged
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor


def words_to_be(variant: AdVariant, copy: AdCopy) -> tuple[AdCopy, str]:
    """The words as they would be stored, and the hash of the ad with them.

    Raises InvalidInput with problems.
    """
    assert variant.head is not None
    checked = _checked(variant, copy)
    if checked.problems:
        raise InvalidInput(problems=[problem.as_json() for problem in checked.problems])
    would_be = VariantRevision(
        variant=variant,
        image=variant.head.image,
        primary_text=checked.copy.primary_text,
        headline=checked.copy.headline,
        description=checked.copy.description,
        link=checked.copy.link,
        call_to_action=checked.copy.call_to_action,
    )
    return checked.copy, content_hash(would_be, variant.target)


def says_already(variant: AdVariant, copy: AdCopy) -> bool:
    """Whether the newest version has these words, as they would be stored."""
    assert variant.head is not None
    return _checked(variant, copy).copy == copy_of(variant.head)


def _checked(variant: AdVariant, copy: AdCopy) -> CheckedCopy:
    assert variant.head is not None
    return check_for_target(
        tenant=variant.tenant,
        target=variant.target,
        copy=copy,
        image=variant.head.image,
        variant_id=variant.pk,
    )


def edit_and_approve(
    *, actor: Actor, variant_id: UUID, shown_hash: str, copy: AdCopy, approved_hash: str
) -> AdVariant:
    """Store ``copy`` as a new version and approve it, if that is the ad with ``approved_hash``.

    Both happen or neither. Raises what edit_variant and approve_variant raise.
    """
    with transaction.atomic():
        edited = edit_variant(actor=actor, variant_id=variant_id, shown_hash=shown_hash, copy=copy)
        assert edited.head is not None
        if edited.head.content_hash != approved_hash:
            raise ContentChanged
        return approve_variant(actor=actor, variant_id=variant_id, shown_hash=approved_hash)
