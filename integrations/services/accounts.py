"""Choosing which ad accounts to use, and where approved ads go."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.access import access_ad_account, access_integration, access_push_target
from integrations.models import AdAccount, AdSet, Integration, Page, PushTarget
from integrations.services.catalog import request_account_catalog
from integrations.services.insights import request_pull
from integrations.services.runs import NotUsed, stop_runs
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, NotFound
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def choose_ad_accounts(
    *,
    actor: Actor,
    integration_id: UUID,
    chosen: Collection[int],
    shown: Collection[int] | None = None,
) -> Integration:
    """Use the chosen ad accounts of the grant; newly chosen ones are read at once.

    ``shown`` are those the person could tick: others, hidden by a search, stay as they are. None
    means all. Raises NotFound, NotAllowed, and InvalidInput for one the grant does not reach.
    """
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        integration = access_integration(actor=actor, integration_id=integration_id, lock=True)
        reached = {account.pk: account for account in integration.ad_accounts.filter(gone_at=None)}
        if not set(chosen) <= set(reached):
            raise InvalidInput("One of the ad accounts is not part of this connection any more.")
        for pk, account in reached.items():
            if shown is None or pk in shown or pk in chosen:
                _use(actor, account, pk in chosen)
        _remember_default(integration)
    return integration


def use_ad_account(*, actor: Actor, pk: int, enabled: bool) -> AdAccount:
    """Use one ad account, or stop. Raises NotFound, NotAllowed, and InvalidInput if it is gone."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        account = access_ad_account(actor=actor, pk=pk)
        integration = access_integration(
            actor=actor, integration_id=account.integration_id, lock=True
        )
        if enabled and account.gone_at:
            raise InvalidInput("The connected person does not reach this ad account any more.")
        _use(actor, account, enabled)
        _remember_default(integration)
    return account


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
    """A place where approved ads go. An empty link or tags are the ad account's own.

    Raises NotFound, NotAllowed, and InvalidInput whose ``problems`` name the field.
    """
    account = ad_set.ad_account
    if account.tenant_id != actor.tenant_id or page.integration_id != account.integration_id:
        raise NotFound
    _check_target(ad_set, page, use_instagram)
    try:
        with transaction.atomic():
            require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
            target = PushTarget.objects.create(
                tenant_id=actor.tenant_id,
                ad_account=account,
                ad_set=ad_set,
                page=page,
                name=name,
                default_link=default_link or account.default_link,
                url_tags=url_tags or account.url_tags,
                use_instagram=use_instagram,
            )
            record(
                actor,
                "target.created",
                target,
                {"name": name, "ad_set": ad_set.name, "page": page.name},
            )
    except IntegrityError:
        raise _problem(
            "name", "taken", "There is a push target of that name already. Choose another."
        ) from None
    return target


def archive_push_target(*, actor: Actor, target_id: UUID) -> PushTarget:
    """No new proposals for this target; decided ones go on. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        target = access_push_target(actor=actor, target_id=target_id, lock=True)
        if target.archived_at is None:
            target.archived_at = timezone.now()
            target.save(update_fields=["archived_at"])
            record(actor, "target.archived", target, {"name": target.name})
    return target


def _check_target(ad_set: AdSet, page: Page, use_instagram: bool) -> None:
    account = ad_set.ad_account
    if not account.enabled or account.gone_at or ad_set.gone_at:
        raise _problem(
            "ad_set", "not_used", "The ad account of this ad set is not used here. Choose it first."
        )
    if not account.can_run_ads:
        raise _problem(
            "ad_set",
            "account_cannot_run_ads",
            f"{account.name} cannot run ads now ({account.status_label.lower()}). An admin of the "
            "ad account must settle that with Meta first.",
        )
    if ad_set.is_dynamic_creative:
        raise _problem(
            "ad_set",
            "dynamic_creative",
            "This ad set mixes texts by itself (dynamic creative), so approved text would not stay "
            "as it is. Choose another one.",
        )
    if not page.can_advertise or page.gone_at:
        raise _problem(
            "page", "cannot_advertise", "The connected person may not advertise for this Page."
        )
    if use_instagram and not page.instagram_account_id:
        raise _problem(
            "use_instagram",
            "no_instagram",
            "This Page has no Instagram account connected at Facebook.",
        )


def _problem(field: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(message, problems=[{"code": code, "field": field, "message": message}])


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
        request_account_catalog(account)
        request_pull(account)
    else:
        stop_runs(account, NotUsed())


def _remember_default(integration: Integration) -> None:
    """The grant's default ad account is the first of those in use."""
    first = integration.ad_accounts.filter(enabled=True).order_by("pk").first()
    default = first.ad_account_id if first else ""
    integration.metadata = {**integration.metadata, "adAccountId": default}
    integration.save(update_fields=["metadata"])
