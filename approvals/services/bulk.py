"""Deciding several variants at once, each only as this person had it on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from approvals.access import access_variant
from approvals.models import AdVariant, Seen
from approvals.services.review import approve_variant, reject_variant
from leadmetrics.errors import LeadmetricsError, NotFound
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

MOST = 200
NOT_SEEN = "You have not had exactly this text on your screen."


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A variant that a bulk act did not touch, and why."""

    variant: AdVariant
    why: str


@dataclass(slots=True)
class BulkResult:
    """What was decided and what was left out, in the order asked."""

    decided: list[AdVariant] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def decide_seen(
    *, actor: Actor, shown: Mapping[UUID, str], reason_code: str = "", comment: str = ""
) -> BulkResult:
    """Approve variants as shown (variant to hash), or reject them when a reason is given.

    Each is decided by itself under its own lock; whatever changed, was decided meanwhile or was
    never drawn for this person stays as it is and is named. Raises NotFound, NotAllowed.
    """
    member = require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
    rows = Seen.objects.filter(user_id=member.user_id, variant_id__in=shown)
    seen = set(rows.values_list("variant_id", "content_hash"))
    result = BulkResult()
    for variant_id, shown_hash in list(shown.items())[:MOST]:
        try:
            variant = access_variant(actor=actor, variant_id=variant_id)
        except NotFound:
            continue
        if (variant_id, shown_hash) not in seen:
            result.left_out.append(LeftOut(variant, NOT_SEEN))
            continue
        try:
            decided = _decide(actor, variant_id, shown_hash, reason_code, comment)
        except LeadmetricsError as exc:
            result.left_out.append(LeftOut(variant, exc.user_message))
        else:
            result.decided.append(decided)
    return result


def _decide(
    actor: Actor, variant_id: UUID, shown_hash: str, reason_code: str, comment: str
) -> AdVariant:
    if not reason_code:
        return approve_variant(actor=actor, variant_id=variant_id, shown_hash=shown_hash)
    return reject_variant(
        actor=actor,
        variant_id=variant_id,
        shown_hash=shown_hash,
        reason_code=reason_code,
        comment=comment,
    )
