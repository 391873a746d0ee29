"""Loading a tenant's own integrations, accounts and targets; anything else does not exist."""

from __future__ import annotations

from uuid import UUID

from integrations.models import AdAccount, Integration, PushTarget
from leadmetrics.errors import NotFound
from leadmetrics.tenancy.actors import Actor


def access_integration(*, actor: Actor, integration_id: UUID, lock: bool = False) -> Integration:
    """The grant, locked if asked. Raises NotFound for another tenant's."""
    found = Integration.objects.filter(tenant_id=actor.tenant_id, pk=integration_id)
    integration = (found.select_for_update() if lock else found.select_related("tenant")).first()
    if integration is None:
        raise NotFound
    return integration


def access_ad_account(*, actor: Actor, pk: int) -> AdAccount:
    """The ad account. Raises NotFound for another tenant's."""
    account = (
        AdAccount.objects.select_related("integration")
        .filter(tenant_id=actor.tenant_id, pk=pk)
        .first()
    )
    if account is None:
        raise NotFound
    return account


def access_push_target(*, actor: Actor, target_id: UUID, lock: bool = False) -> PushTarget:
    """The push target, locked if asked. Raises NotFound for another tenant's."""
    found = PushTarget.objects.filter(tenant_id=actor.tenant_id, pk=target_id)
    named = found.select_related("ad_account__integration", "ad_set__campaign", "page")
    target = (found.select_for_update() if lock else named).first()
    if target is None:
        raise NotFound
    return target
