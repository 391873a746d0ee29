"""What the review queue can be narrowed to. A hundred thousand waiting ads are not read for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import OuterRef

from approvals.models import AdVariant
from approvals.short_lists import CountOf
from approvals.states import VariantStatus
from integrations.models import AdAccount, Campaign, PushTarget
from leadmetrics.templatetags.ui import COUNTED_TO
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """An ad account for which something waits, and its campaigns, each with ``waiting``."""

    account: AdAccount
    campaigns: list[Campaign]


def accounts_waiting(tenant: Tenant) -> list[AccountChoice]:
    """Where ads wait, by name, in one query: one short range of an index per campaign in use."""
    waiting = AdVariant.objects.filter(tenant=tenant, status=VariantStatus.PROPOSED)
    of_campaign = waiting.filter(campaign_group=OuterRef("pk")).values("pk")
    targets = PushTarget.objects.filter(tenant=tenant)
    campaigns = (
        Campaign.objects.filter(pk__in=targets.values("ad_set__campaign"))
        .annotate(waiting=CountOf(of_campaign[: COUNTED_TO + 1]))
        .filter(waiting__gt=0)
        .select_related("ad_account")
        .order_by("ad_account__name", "ad_account", "name", "pk")
    )
    choices: dict[int, AccountChoice] = {}
    for campaign in campaigns:
        account = campaign.ad_account
        choices.setdefault(account.pk, AccountChoice(account, [])).campaigns.append(campaign)
    return list(choices.values())


def agents_waiting(tenant: Tenant) -> list[str]:
    """Under which names what waits was proposed: one step in the index per name.

    A plain DISTINCT would read every waiting row.
    """
    first = "SELECT MIN(submitted_by) FROM approvals_advariant WHERE tenant_id = %s AND status = %s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE names (name) AS ({first} UNION ALL "  # noqa: S608 - two constants
            f"SELECT ({first} AND submitted_by > names.name) FROM names WHERE name IS NOT NULL) "
            "SELECT name FROM names WHERE name IS NOT NULL",
            [tenant.pk, VariantStatus.PROPOSED] * 2,
        )
        return [name for (name,) in cursor.fetchall()]
