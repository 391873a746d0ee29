"""An agent's next version of a variant for which people asked for changes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from approvals.access import access_variant
from approvals.limits import AdCopy
from approvals.models import AdVariant
from approvals.rules import copy_of
from approvals.services.checking import check_for_target
from approvals.services.propose import add_revision
from approvals.states import VariantStatus, move
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, StateConflict
from leadmetrics.tenancy.actors import Actor


def revise_variant(*, actor: Actor, variant_id: UUID, copy: AdCopy) -> AdVariant:
    """Store ``copy`` as the next version and put the variant back into the queue.

    The image stays. Raises NotFound, StateConflict unless
    changes were asked for, and InvalidInput with problems, or when nothing changed.
    """
    with transaction.atomic():
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        if variant.status != VariantStatus.CHANGES_REQUESTED or variant.head is None:
            raise StateConflict(
                f"This variant is now “{variant.get_status_display().lower()}”. "
                "Only one for which changes were asked can be revised."
            )
        before = variant.head
        checked = check_for_target(
            tenant=variant.tenant,
            target=variant.target,
            copy=copy,
            image=before.image,
            variant_id=variant.pk,
        )
        if checked.problems:
            raise InvalidInput(problems=[problem.as_json() for problem in checked.problems])
        if checked.copy == copy_of(before):
            raise InvalidInput("Nothing was changed, so nothing was saved.")
        move(variant, VariantStatus.PROPOSED)
        revision = add_revision(
            actor=actor,
            variant=variant,
            copy=checked.copy,
            flags=checked.flags,
            image=before.image,
        )
        record(
            actor,
            "variant.revised",
            variant,
            {"headline": revision.headline, "revision": revision.number},
        )
    return variant
