"""Where ads can go: ad accounts, ad sets, Pages, push targets."""

from __future__ import annotations

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from integrations.models import AdAccount, AdSet, Integration, Page, PushTarget
from leadmetrics.tenancy.models import Tenant

SEARCH_FROM = 12


def enabled_accounts(tenant_id: int) -> QuerySet[AdAccount]:
    """The ad accounts in use, each once: two grants may reach the same one."""
    enabled = AdAccount.objects.filter(tenant=tenant_id, enabled=True)
    twin = enabled.filter(ad_account_id=OuterRef("ad_account_id")).order_by(
        F("gone_at").asc(nulls_first=True), "pk"
    )
    return enabled.filter(pk=Subquery(twin.values("pk")[:1]))


def ad_accounts_of(integration: Integration, search: str = "") -> QuerySet[AdAccount]:
    """What the grant reaches now, by name; narrowed by name, id or business."""
    accounts = integration.ad_accounts.filter(gone_at=None)
    if search:
        accounts = accounts.filter(_named(search))
    return accounts


def accounts_beside(account: AdAccount, search: str = "") -> QuerySet[AdAccount]:
    """The workspace's other ad accounts in use, to which settings can be copied."""
    others = AdAccount.objects.filter(tenant=account.tenant_id, enabled=True, gone_at=None)
    if search:
        others = others.filter(_named(search))
    return others.exclude(pk=account.pk).order_by("name", "pk")


def ad_sets_for_targets(
    integration: Integration, account: AdAccount | None = None
) -> QuerySet[AdSet]:
    """Ad sets of the enabled ad accounts, or of one, by account, campaign and name."""
    of_one = {} if account is None else {"ad_account": account}
    return (
        AdSet.objects.filter(
            ad_account__integration=integration,
            ad_account__enabled=True,
            ad_account__gone_at=None,
            gone_at=None,
            **of_one,
        )
        .select_related("ad_account", "campaign")
        .order_by("ad_account__name", "ad_account_id", "campaign__name", "name", "pk")
    )


def pages_of(integration: Integration) -> QuerySet[Page]:
    """Pages the grant reaches now."""
    return integration.pages.filter(gone_at=None)


def pages_for_targets(integration: Integration) -> QuerySet[Page]:
    """Pages the grant may advertise for."""
    return pages_of(integration).filter(can_advertise=True)


def push_targets_of(tenant: Tenant) -> QuerySet[PushTarget]:
    """The tenant's live push targets with everything they name."""
    return PushTarget.objects.filter(tenant=tenant, archived_at=None).select_related(
        "ad_account__integration", "ad_set__campaign", "page"
    )


def _named(search: str) -> Q:
    return (
        Q(name__icontains=search)
        | Q(ad_account_id__icontains=search)
        | Q(business_name__icontains=search)
    )
