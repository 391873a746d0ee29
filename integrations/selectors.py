"""Reading connections, ad accounts, push targets and sync runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Prefetch, Q, QuerySet

from integrations.models import AdAccount, AdSet, Integration, Page, PushTarget, SyncRun
from leadmetrics.tenancy.models import Tenant

SEARCH_FROM = 12
LOST_WITHOUT: Mapping[str, str] = {
    "ads_read": "Performance cannot be read.",
    "ads_management": "Approved ads cannot be created.",
    "business_management": "Ad accounts and Pages of your business stay hidden.",
    "pages_show_list": "Your Pages cannot be listed, so no ad can speak for them.",
    "pages_read_engagement": "Ads for your Pages may be refused.",
    "pages_manage_ads": "Ads for your Pages may be refused.",
}


@dataclass(frozen=True, slots=True)
class MissingScope:
    """A permission that was not given, and what will not work without it."""

    name: str
    lost: str


def missing_scopes(integration: Integration) -> list[MissingScope]:
    """The permissions we ask for and do not have, in words."""
    return [
        MissingScope(scope, LOST_WITHOUT.get(scope, "Something may not work."))
        for scope in settings.META_SCOPES
        if scope not in integration.granted_scopes
    ]


def integrations_of(tenant: Tenant) -> QuerySet[Integration]:
    """The tenant's grants with ``enabled_accounts`` and ``open_runs``."""
    return (
        Integration.objects.filter(tenant=tenant)
        .select_related("connected_by")
        .annotate(reachable=Count("ad_accounts", filter=Q(ad_accounts__gone_at=None)))
        .prefetch_related(
            Prefetch(
                "ad_accounts",
                AdAccount.objects.filter(enabled=True),
                to_attr="enabled_accounts",
            ),
            Prefetch("sync_runs", open_runs(), to_attr="open_runs"),
        )
        .order_by("connected_at", "pk")
    )


def open_runs() -> QuerySet[SyncRun]:
    """Runs that wait or are being worked on, oldest first."""
    return (
        SyncRun.objects.filter(state__in=(SyncRun.State.WAITING, SyncRun.State.RUNNING))
        .select_related("ad_account")
        .order_by("created_at")
    )


def last_catalog_run(integration: Integration) -> SyncRun | None:
    """The newest catalog run of a grant."""
    runs = integration.sync_runs.filter(kind=SyncRun.Kind.CATALOG)
    return runs.order_by("-created_at").first()


def failed_runs(tenant: Tenant, limit: int = 5) -> list[SyncRun]:
    """Accounts or grants whose newest run did not complete."""
    newest: dict[tuple[str, int | None, str], SyncRun] = {}
    for run in (
        SyncRun.objects.filter(tenant=tenant)
        .select_related("ad_account", "integration")
        .order_by("-created_at")[:200]
    ):
        newest.setdefault((str(run.integration_id), run.ad_account_id, run.kind), run)
    return [run for run in newest.values() if run.state == SyncRun.State.FAILED][:limit]


def ad_accounts_of(integration: Integration, search: str = "") -> QuerySet[AdAccount]:
    """What the grant reaches now, by name; narrowed by name, id or business."""
    accounts = integration.ad_accounts.filter(gone_at=None)
    if search:
        accounts = accounts.filter(
            Q(name__icontains=search)
            | Q(ad_account_id__icontains=search)
            | Q(business_name__icontains=search)
        )
    return accounts


def ad_sets_for_targets(integration: Integration) -> QuerySet[AdSet]:
    """Ad sets of the enabled ad accounts."""
    return (
        AdSet.objects.filter(
            ad_account__integration=integration, ad_account__enabled=True, gone_at=None
        )
        .select_related("ad_account", "campaign")
        .order_by("ad_account__name", "campaign__name", "name", "pk")
    )


def pages_for_targets(integration: Integration) -> QuerySet[Page]:
    """Pages the grant may advertise for."""
    return integration.pages.filter(gone_at=None, can_advertise=True)


def push_targets_of(tenant: Tenant) -> QuerySet[PushTarget]:
    """The tenant's live push targets with everything they name."""
    return PushTarget.objects.filter(tenant=tenant, archived_at=None).select_related(
        "ad_account", "ad_set__campaign", "page"
    )


def troubled_integrations(tenant: Tenant) -> QuerySet[Integration]:
    """Grants that need someone: expired, withdrawn, or about to end."""
    fine = (Integration.Status.CONNECTED, Integration.Status.DISCONNECTED)
    return Integration.objects.filter(tenant=tenant).exclude(status__in=fine)
