"""Choosing which ad accounts to use, and where approved ads go."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.access import access_integration, access_push_target
from integrations.models import AdAccount, AdSet, Integration, Page, PushTarget
from integrations.services.catalog import request_catalog
from integrations.services.insights import request_pull
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, NotFound
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def choose_ad_accounts(
    *, actor: Actor, integration_id: UUID, chosen: Collection[int]
) -> Integration:
    """Use exactly these ad accounts of the grant; newly chosen ones are read at once.

    Raises NotFound, NotAllowed, and InvalidInput for an account the grant does not reach.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        integration = access_integration(actor=actor, integration_id=integration_id, lock=True)
        accounts = {account.pk: account for account in integration.ad_accounts.all()}
        if not set(chosen) <= set(accounts):
            raise InvalidInput("One of the ad accounts is not part of this connection any more.")
        for account in accounts.values():
            _use(actor, account, account.pk in chosen)
        _remember_default(integration, [accounts[pk] for pk in sorted(chosen)])
        request_catalog(integration)
    return integration


def create_push_target(
    *,
    actor: Actor,
    name: str,
    ad_set: AdSet,
    page: Page,
    default_link: str,
    url_tags: str,
    use_instagram: bool,
) -> PushTarget:
    """A place where approved ads go. Raises NotFound, NotAllowed, and InvalidInput in words."""
    account = ad_set.ad_account
    if account.tenant_id != actor.tenant_id or page.integration_id != account.integration_id:
        raise NotFound
    if ad_set.is_dynamic_creative:
        raise InvalidInput(
            "This ad set mixes texts by itself (dynamic creative), so approved text would not stay "
            "as it is. Choose another one."
        )
    if use_instagram and not page.instagram_account_id:
        raise InvalidInput("This Page has no Instagram account connected at Facebook.")
    try:
        with transaction.atomic():
            require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
            target = PushTarget.objects.create(
                tenant_id=actor.tenant_id,
                ad_account=account,
                ad_set=ad_set,
                page=page,
                name=name,
                default_link=default_link,
                url_tags=url_tags,
                use_instagram=use_instagram,
            )
            record(
                actor,
                "target.created",
                target,
                {"name": name, "ad_set": ad_set.name, "page": page.name},
            )
    except IntegrityError:
        raise InvalidInput("There is a push target of that name already.") from None
    return target


def archive_push_target(*, actor: Actor, target_id: UUID) -> PushTarget:
    """No new proposals for this target; decided ones go on. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        target = access_push_target(actor=actor, target_id=target_id)
        target.archived_at = timezone.now()
        target.save(update_fields=["archived_at"])
        record(actor, "target.archived", target, {"name": target.name})
    return target


def _use(actor: Actor, account: AdAccount, enabled: bool) -> None:
    if account.enabled == enabled:
        return
    account.enabled = enabled
    account.save(update_fields=["enabled"])
    record(
        actor,
        "ad_account.enabled" if enabled else "ad_account.disabled",
        account,
        {"name": account.name, "ad_account_id": account.ad_account_id},
    )
    if enabled:
        request_pull(account)


def _remember_default(integration: Integration, chosen: list[AdAccount]) -> None:
    first = chosen[0].ad_account_id if chosen else ""
    integration.metadata = {**integration.metadata, "adAccountId": first}
    integration.save(update_fields=["metadata"])
