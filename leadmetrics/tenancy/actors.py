"""Who does something: a person, an agent's key, or the product itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy.models import Membership, Role, Tenant, User


class ActorKind(StrEnum):
    HUMAN = "human"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts in a tenant. ``key_id`` is an agent key's id, ``user_id`` a person's."""

    kind: ActorKind
    label: str
    tenant_id: int
    user_id: int | None = None
    key_id: int | None = None


def human(user: User, tenant: Tenant) -> Actor:
    """The actor for a signed-in person."""
    return Actor(ActorKind.HUMAN, user.name, tenant.pk, user_id=user.pk)


def support(user: User, tenant_id: int) -> Actor:
    """The actor for staff who repair something in a workspace that they are no member of."""
    return Actor(ActorKind.HUMAN, f"{user.name} (support)", tenant_id, user_id=user.pk)


def system(tenant_id: int, label: str = "Leadmetrics") -> Actor:
    """The actor for work that a schedule or a worker does by itself."""
    return Actor(ActorKind.SYSTEM, label, tenant_id)


def require_role(actor: Actor, role: Role, *, tenant_id: int) -> Membership:
    """The person's membership, read anew, so that a removed member loses the right at once.

    Raises NotFound for anyone who is not an active human member of the tenant, NotAllowed for a
    member whose role does not cover ``role``.
    """
    membership = (
        Membership.objects.select_related("user", "tenant")
        .filter(tenant_id=tenant_id, user_id=actor.user_id, user__is_active=True)
        .first()
        if actor.user_id is not None and actor.tenant_id == tenant_id
        else None
    )
    if membership is None:
        raise NotFound
    if not membership.covers(role):
        raise NotAllowed(
            f"This needs the role {role.label.lower()}; yours is "
            f"{membership.get_role_display().lower()}. An admin of this workspace can change it."
        )
    return membership


def require_activator(actor: Actor, *, tenant_id: int) -> Membership:
    """The membership of a reviewer who may switch ads on. Raises NotFound, NotAllowed."""
    membership = require_role(actor, Role.REVIEWER, tenant_id=tenant_id)
    if not membership.can_activate:
        raise NotAllowed(
            "Switching an ad on needs a right of its own, which you do not have. "
            "An admin of this workspace can give it to you under Settings."
        )
    return membership
