"""Loading a variant with permission, locked when it is about to change."""

from __future__ import annotations

from uuid import UUID

from approvals.models import AdVariant
from approvals.selectors.variants import variants_with_content
from leadmetrics.errors import NotFound
from leadmetrics.tenancy.actors import Actor


def access_variant(*, actor: Actor, variant_id: UUID, lock: bool = False) -> AdVariant:
    """The variant with its text and target. Raises NotFound for another tenant's.

    With ``lock`` it must run in a transaction; only the variant's own row is locked.
    """
    variants = variants_with_content(actor.tenant_id)
    if lock:
        variants = variants.select_for_update(of=("self",))
    variant = variants.filter(pk=variant_id).first()
    if variant is None:
        raise NotFound
    return variant
