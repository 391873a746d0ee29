"""What a grant reaches: ad accounts, Pages; of enabled accounts also campaigns and audiences.

A grant's run reads the two lists and starts one run per enabled ad account, so that one account
that cannot be read costs no other one, and each goes on by itself after a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from integrations.access import access_integration
from integrations.meta_ads.client import MetaAdsClient
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.types import AdAccountInfo
from integrations.models import (
    AdAccount,
    AdSet,
    Campaign,
    CustomAudience,
    Integration,
    Page,
    SyncRun,
)
from integrations.services.clients import NotConnected, meta_client
from integrations.services.handover import hand_over
from integrations.services.pacing import account_client
from integrations.services.runs import TURN_SECONDS, NotUsed, Turn, request_run, work_on
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

logger = logging.getLogger(__name__)

# What Meta does not say, so a sync must not touch it.
_OURS = frozenset(
    {
        "id",
        "enabled",
        "conversion_action_type",
        "insights_complete_at",
        "default_page",
        "use_instagram",
        "default_link",
        "url_tags",
        "held_because",
    }
)
_CAN_ADVERTISE = frozenset({"ADVERTISE", "MANAGE"})


def sync_now(*, actor: Actor, integration_id: UUID) -> SyncRun:
    """A catalog run that a person asked for. Raises NotFound, NotAllowed, NotConnected."""
    with transaction.atomic():
        require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
        integration = access_integration(actor=actor, integration_id=integration_id)
        if not integration.is_usable:
            raise NotConnected
        return request_catalog(integration)


def request_catalog(integration: Integration) -> SyncRun:
    """A catalog run for this grant; an open one is joined."""
    return request_run(integration=integration, kind=SyncRun.Kind.CATALOG)


def request_account_catalog(ad_account: AdAccount) -> SyncRun:
    """A run for the campaigns, ad sets and audiences of one account; an open one is joined."""
    return request_run(
        integration=ad_account.integration, ad_account=ad_account, kind=SyncRun.Kind.CATALOG
    )


def request_all_catalogs() -> None:
    """A catalog run for every usable grant."""
    for integration in Integration.objects.filter(status__in=Integration.USABLE).exclude(
        api_key=""
    ):
        with transaction.atomic():
            request_catalog(integration)


def sync_catalog(*, run_id: UUID, seconds: float = TURN_SECONDS) -> None:
    """Read the run's grant or ad account. What Meta no longer shows is kept with ``gone_at``."""
    work_on(run_id, _read, seconds)


def _read(turn: Turn) -> None:
    account = turn.run.ad_account
    if account is not None and not account.enabled:
        raise NotUsed
    client = meta_client(turn.run.integration) if account is None else account_client(account)
    try:
        _read_lists(turn, client)
    finally:
        turn.held().update(requests=F("requests") + client.requests_sent)


def _read_lists(turn: Turn, client: MetaAdsClient) -> None:
    account = turn.run.ad_account
    if account is not None:
        _store_campaigns(turn, client, account)
        _store_ad_sets(turn, client, account)
        _store_audiences(turn, client, account)
        hand_over(turn.run.integration)
        return
    _store_ad_accounts(turn, client)
    with transaction.atomic():
        for enabled in turn.run.integration.ad_accounts.filter(enabled=True, gone_at=None):
            request_account_catalog(enabled)
    _store_pages(turn, client)
    hand_over(turn.run.integration)


def _store_pages(turn: Turn, client: MetaAdsClient) -> None:
    integration = turn.run.integration
    rows = (
        Page(
            integration=integration,
            page_id=page.id,
            name=page.name,
            can_advertise=bool(_CAN_ADVERTISE.intersection(page.tasks)),
            instagram_account_id=page.instagram_account_id,
        )
        for page in client.list_pages()
    )
    _replace(turn, Page.objects.filter(integration=integration), rows, "page_id")


def _store_ad_accounts(turn: Turn, client: MetaAdsClient) -> None:
    integration = turn.run.integration
    rows = (
        AdAccount(
            integration=integration,
            tenant=turn.run.tenant,
            ad_account_id=account.id,
            name=account.name,
            currency=account.currency,
            timezone=_known_zone(account.timezone_name),
            account_status=account.account_status,
            business_name=account.business_name,
            user_tasks=list(account.user_tasks),
        )
        for account in _reached(client, integration)
    )
    _replace(turn, integration.ad_accounts.all(), rows, "ad_account_id")


def _reached(client: MetaAdsClient, integration: Integration) -> list[AdAccountInfo]:
    """The person's own ad accounts, and those reached only through one of their businesses.

    The businesses need a permission of their own; without it the list is what the person has.
    """
    own = {account.id: account for account in client.list_ad_accounts()}
    if "business_management" not in integration.granted_scopes:
        return list(own.values())
    try:
        for account in client.list_business_ad_accounts():
            own.setdefault(account.id, account)
    except MetaError as exc:
        if exc.kind != ErrorKind.PERMISSION:
            raise
        logger.info("the businesses behind a grant are not visible: code %s", exc.meta_code)
    return list(own.values())


def _store_campaigns(turn: Turn, client: MetaAdsClient, account: AdAccount) -> None:
    rows = (
        Campaign(
            ad_account=account,
            campaign_id=campaign.id,
            name=campaign.name,
            status=campaign.status,
            effective_status=campaign.effective_status,
            objective=campaign.objective,
        )
        for campaign in client.list_campaigns(account.ad_account_id)
    )
    _replace(turn, account.campaigns.all(), rows, "campaign_id")


def _store_ad_sets(turn: Turn, client: MetaAdsClient, account: AdAccount) -> None:
    found = list(client.list_ad_sets(account.ad_account_id))
    ads = client.ads_per_ad_set(account.ad_account_id)
    campaigns = {campaign.campaign_id: campaign for campaign in account.campaigns.all()}
    rows = (
        AdSet(
            ad_account=account,
            campaign=campaigns[ad_set.campaign_id],
            ad_set_id=ad_set.id,
            name=ad_set.name,
            status=ad_set.status,
            effective_status=ad_set.effective_status,
            is_dynamic_creative=ad_set.is_dynamic_creative,
            ad_count=ads.get(ad_set.id, 0),
            names_advertiser=bool(ad_set.dsa_beneficiary and ad_set.dsa_payor),
        )
        for ad_set in found
        if ad_set.campaign_id in campaigns  # its campaign is archived, or younger than this run
    )
    _replace(turn, account.ad_sets.all(), rows, "ad_set_id")


def _store_audiences(turn: Turn, client: MetaAdsClient, account: AdAccount) -> None:
    rows = (
        CustomAudience(
            ad_account=account,
            audience_id=audience.id,
            name=audience.name,
            subtype=audience.subtype,
            lower_bound=audience.lower_bound,
            upper_bound=audience.upper_bound,
            delivery_code=audience.delivery_code,
            operation_code=audience.operation_code,
        )
        for audience in client.list_custom_audiences(account.ad_account_id)
    )
    _replace(turn, account.audiences.all(), rows, "audience_id")


def _replace(turn: Turn, stored: models.QuerySet[Any], rows: Iterable[Any], key: str) -> None:
    """Upsert ``rows`` by their unique constraint; stored rows that are not among them are gone."""
    model = stored.model
    constraint = model._meta.constraints[0]
    kept = {*constraint.fields, *_OURS}
    names = [field.name for field in model._meta.concrete_fields if field.name not in kept]
    # A list that changes while it is paged through shows a row twice; the later one counts.
    present = {getattr(row, key): row for row in rows}
    with transaction.atomic():
        turn.progress(rows=len(present))
        model.objects.bulk_create(
            list(present.values()),
            update_conflicts=True,
            unique_fields=list(constraint.fields),
            update_fields=names,
            batch_size=500,
        )
        known = stored.filter(gone_at=None).values_list("pk", key)
        gone = [pk for pk, value in known if value not in present]
        model.objects.filter(pk__in=gone).update(gone_at=timezone.now())


def _known_zone(name: str) -> str:
    """Meta's zone if this machine knows it, else UTC, so that every account has days."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return "UTC"
