"""What a grant reaches: ad accounts, Pages; of enabled accounts also campaigns and audiences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from integrations.meta_ads.client import MetaAdsClient
from integrations.models import (
    AdAccount,
    AdSet,
    Campaign,
    CustomAudience,
    Integration,
    Page,
    SyncRun,
)
from integrations.services.clients import meta_client
from integrations.services.runs import progress, request_run, work_on

# What Meta does not say, so a sync must not touch it.
_OURS = frozenset({"id", "enabled", "conversion_action_type", "insights_complete_at"})
_CAN_ADVERTISE = frozenset({"ADVERTISE", "MANAGE"})


def request_catalog(integration: Integration) -> SyncRun:
    """A catalog run for this grant; an open one is joined."""
    return request_run(integration=integration, kind=SyncRun.Kind.CATALOG)


def request_all_catalogs() -> None:
    """A catalog run for every usable grant."""
    for integration in Integration.objects.filter(status__in=Integration.USABLE).exclude(
        api_key=""
    ):
        with transaction.atomic():
            request_catalog(integration)


def sync_catalog(*, run_id: UUID) -> None:
    """Read the catalog of the run's grant. What Meta no longer shows is kept with ``gone_at``."""
    work_on(run_id, _read)


def _read(run: SyncRun) -> None:
    client = meta_client(run.integration)
    _store_pages(run, client)
    _store_ad_accounts(run, client)
    for account in run.integration.ad_accounts.filter(enabled=True, gone_at=None):
        _store_campaigns(run, client, account)
        _store_ad_sets(run, client, account)
        _store_audiences(run, client, account)


def _store_pages(run: SyncRun, client: MetaAdsClient) -> None:
    rows = [
        Page(
            integration=run.integration,
            page_id=page.id,
            name=page.name,
            can_advertise=bool(_CAN_ADVERTISE.intersection(page.tasks)),
            instagram_account_id=page.instagram_account_id,
        )
        for page in client.list_pages()
    ]
    _replace(run, Page.objects.filter(integration=run.integration), rows, "page_id")


def _store_ad_accounts(run: SyncRun, client: MetaAdsClient) -> None:
    rows = [
        AdAccount(
            integration=run.integration,
            tenant=run.tenant,
            ad_account_id=account.id,
            name=account.name,
            currency=account.currency,
            timezone=account.timezone_name,
            account_status=account.account_status,
            business_name=account.business_name,
        )
        for account in client.list_ad_accounts()
    ]
    _replace(run, run.integration.ad_accounts.all(), rows, "ad_account_id")


def _store_campaigns(run: SyncRun, client: MetaAdsClient, account: AdAccount) -> None:
    rows = [
        Campaign(
            ad_account=account,
            campaign_id=campaign.id,
            name=campaign.name,
            status=campaign.status,
            effective_status=campaign.effective_status,
            objective=campaign.objective,
        )
        for campaign in client.list_campaigns(account.ad_account_id)
    ]
    _replace(run, account.campaigns.all(), rows, "campaign_id")


def _store_ad_sets(run: SyncRun, client: MetaAdsClient, account: AdAccount) -> None:
    found = list(client.list_ad_sets(account.ad_account_id))
    campaigns = {campaign.campaign_id: campaign for campaign in account.campaigns.all()}
    rows = [
        AdSet(
            ad_account=account,
            campaign=campaigns[ad_set.campaign_id],
            ad_set_id=ad_set.id,
            name=ad_set.name,
            status=ad_set.status,
            effective_status=ad_set.effective_status,
            is_dynamic_creative=ad_set.is_dynamic_creative,
        )
        for ad_set in found
        if ad_set.campaign_id in campaigns  # its campaign is archived, or younger than this run
    ]
    _replace(run, account.ad_sets.all(), rows, "ad_set_id")


def _store_audiences(run: SyncRun, client: MetaAdsClient, account: AdAccount) -> None:
    rows = [
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
    ]
    _replace(run, account.audiences.all(), rows, "audience_id")


def _replace(
    run: SyncRun,
    stored: models.QuerySet[Any],
    rows: Sequence[Any],
    key: str,
) -> None:
    """Upsert ``rows`` by their unique constraint; stored rows that are not among them are gone."""
    model = stored.model
    constraint = model._meta.constraints[0]
    kept = {*constraint.fields, *_OURS}
    names = [field.name for field in model._meta.concrete_fields if field.name not in kept]
    with transaction.atomic():
        progress(run, rows=len(rows), requests=1)
        model.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=list(constraint.fields),
            update_fields=names,
            batch_size=500,
        )
        present = [getattr(row, key) for row in rows]
        stored.filter(gone_at=None).exclude(**{f"{key}__in": present}).update(
            gone_at=timezone.now()
        )
