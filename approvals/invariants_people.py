"""What must always hold between people's decisions and where their ads are; see invariants.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from approvals.models import AdVariant, Decision, Push
from approvals.selectors.pushed import PUSHED
from approvals.states import VariantStatus
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.models import Membership, Role, User

V, Verdict = VariantStatus, Decision.Verdict
# The newest verdict that was not taken back, under which a variant can have a status.
_VERDICTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(PUSHED, frozenset({Verdict.APPROVED})),
    V.REJECTED: frozenset({Verdict.REJECTED}),
    V.CHANGES_REQUESTED: frozenset({Verdict.CHANGES}),
    **dict.fromkeys(
        (V.PROPOSED, V.WITHDRAWN, V.EXPIRED), frozenset({"", Verdict.APPROVED, Verdict.CHANGES})
    ),
}
# A removal and a write of the same moment may be noted in either order.
_SAME_MOMENT = timedelta(seconds=5)


def people(of: Q, pushes: list[Push]) -> Iterator[str]:
    """I15 and I16, for the variants chosen by ``of`` and their pushes."""
    yield from _verdicts(of)
    yield from _approvers(pushes)


def _verdicts(of: Q) -> Iterator[str]:
    """I15: a variant is only where its decisions can have brought it."""
    decisions = Decision.objects.filter(variant__in=AdVariant.objects.filter(of), undone_by=None)
    newest: dict[Any, str] = dict(
        decisions.exclude(verdict=Verdict.UNDONE)
        .order_by("created_at", "pk")
        .values_list("variant_id", "verdict")
    )
    for pk, status in AdVariant.objects.filter(of).values_list("pk", "status"):
        verdict = newest.get(pk, "")
        if verdict not in _VERDICTS.get(status, frozenset()):
            yield f"I15 variant {pk}: it is {status} after the verdict “{verdict or 'none'}”"


def _approvers(pushes: list[Push]) -> Iterator[str]:
    """I16: whoever approved could still do so whenever something was sent, as the log tells it."""
    for tenant_id in {push.variant.tenant_id for push in pushes}:
        rights = _rights(tenant_id)
        for push in pushes:
            changes = rights.get(push.decision.reviewer_id, [])
            if push.variant.tenant_id != tenant_id or not changes:
                continue
            for step in push.steps.all():
                before = [may for at, may in changes if at < step.sent_at - _SAME_MOMENT]
                if step.creates and before and not before[-1]:
                    yield f"I16 {push.reference}: sent although its approver could not approve then"
                    break


def _rights(tenant_id: int) -> Mapping[int, list[tuple[datetime, bool]]]:
    """By person: when the right to approve was given or taken, oldest first."""
    log = AuditEntry.objects.filter(tenant_id=tenant_id, object_type="membership").order_by("seq")
    lines = list(log.values_list("at", "action", "object_id", "data"))
    emails = {data["email"] for _, _, _, data in lines if "email" in data}
    users = dict(User.objects.filter(email__in=emails).values_list("email", "pk"))
    # A membership that is gone has an address in the lines of its beginning and its end.
    person = {key: users.get(data["email"]) for _, _, key, data in lines if "email" in data}
    present = Membership.objects.filter(tenant_id=tenant_id)
    person |= {str(pk): user_id for pk, user_id in present.values_list("pk", "user_id")}
    found: dict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    for at, action, key, data in lines:
        role = {"member.removed": Role.VIEWER, "member.added": data.get("role")}.get(
            action, data.get("to")
        )
        user_id = person.get(key)
        if role is not None and user_id is not None:
            found[user_id].append((at, Role(role).rank >= Role.REVIEWER.rank))
    return found
