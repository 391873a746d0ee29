"""What the connected people's ad accounts hold, in words; what Meta no longer shows, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from integrations.models import AdAccount, AdSet, Campaign, Page
from integrations.selectors.places import enabled_accounts
from integrations.words import ADS_PER_AD_SET, is_full, status_note
from leadmetrics.reports.paging import DELETED, State
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Row:
    """One object: its name and id, its state, and a text under each further heading."""

    name: str
    object_id: str
    state: State
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A list of the catalog: what its objects are called, where they are, how one reads."""

    title: str
    one: str
    id_field: str
    headings: tuple[str, ...]
    found: Callable[[Tenant], QuerySet[Any]]
    row: Callable[[Any], Row]
    empty: str


def objects_of(kind: Kind, tenant: Tenant, *, search: str, gone: bool) -> QuerySet[Any]:
    """The tenant's objects by name, narrowed by name or id; ``gone``: those Meta does not show."""
    found = kind.found(tenant).filter(gone_at__isnull=not gone)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(**{kind.id_field: search}))
    return found.order_by("name", "pk")


def _campaigns(tenant: Tenant) -> QuerySet[Campaign]:
    return Campaign.objects.filter(ad_account__in=enabled_accounts(tenant.pk)).select_related(
        "ad_account"
    )


def _ad_sets(tenant: Tenant) -> QuerySet[AdSet]:
    return AdSet.objects.filter(ad_account__in=enabled_accounts(tenant.pk)).select_related(
        "ad_account", "campaign"
    )


def _campaign_row(campaign: Campaign) -> Row:
    goal = campaign.objective.removeprefix("OUTCOME_").replace("_", " ").capitalize()
    return Row(
        campaign.name, campaign.campaign_id, _ad_state(campaign), (goal, campaign.ad_account.name)
    )


def ad_set_state(ad_set: AdSet) -> State:
    """Whether approved ads can go to it, in words; else what Meta says of it."""
    if ad_set.gone_at is None and is_full(ad_set):
        return State("warn", "Full", f"Meta allows {ADS_PER_AD_SET} ads in an ad set.")
    if ad_set.gone_at is None and ad_set.is_dynamic_creative:
        return State("warn", "Mixes texts", "Dynamic creative: approved ads cannot go here.")
    return _ad_state(ad_set)


def ads_left(ad_set: AdSet) -> int | None:
    """How many ads it still takes; None until they were counted."""
    return None if ad_set.ad_count is None else max(ADS_PER_AD_SET - ad_set.ad_count, 0)


def _ad_set_row(ad_set: AdSet) -> Row:
    left = ads_left(ad_set)
    room = "" if left is None else f"{left} of {ADS_PER_AD_SET} ads"
    facts = (room, ad_set.campaign.name, ad_set.ad_account.name)
    return Row(ad_set.name, ad_set.ad_set_id, ad_set_state(ad_set), facts)


def _page_row(page: Page) -> Row:
    if page.gone_at:
        state = DELETED
    elif page.can_advertise:
        state = State("good", "Can advertise")
    else:
        state = State("warn", "Cannot advertise", "Its admin must let the person create ads.")
    instagram = "Linked" if page.instagram_account_id else "Not linked"
    return Row(page.name, page.page_id, state, (instagram, page.integration.meta_user_name))


def _account_row(account: AdAccount) -> Row:
    note = status_note(account)
    if account.gone_at:
        state = State("neutral", "Not reachable", "The person has no access to it any more.")
    else:
        state = State("warn" if note else "good", account.status_label, note)
    used = "Used here" if account.enabled else "Not used here"
    facts = (used, account.currency, account.timezone, account.integration.meta_user_name)
    return Row(account.name, account.ad_account_id, state, facts)


_TONES = {
    "ACTIVE": "good",
    "WITH_ISSUES": "warn",
    "DISAPPROVED": "bad",
    "PENDING_BILLING_INFO": "warn",
}


def _ad_state(thing: Campaign | AdSet) -> State:
    if thing.gone_at:
        return DELETED
    status = thing.effective_status or thing.status
    return State(_TONES.get(status, "neutral"), status.replace("_", " ").capitalize())


KINDS: Mapping[str, Kind] = {
    "campaigns": Kind(
        "Campaigns",
        "campaign",
        "campaign_id",
        ("Goal", "Ad account"),
        _campaigns,
        _campaign_row,
        "Campaigns of your ad accounts appear here after the next daily read.",
    ),
    "ad-sets": Kind(
        "Ad sets",
        "ad set",
        "ad_set_id",
        ("Room left", "Campaign", "Ad account"),
        _ad_sets,
        _ad_set_row,
        "Ad sets of your ad accounts appear here after the next daily read.",
    ),
    "pages": Kind(
        "Pages",
        "Page",
        "page_id",
        ("Instagram account", "Reached by"),
        lambda tenant: Page.objects.filter(integration__tenant=tenant).select_related(
            "integration"
        ),
        _page_row,
        "Facebook Pages that the connected people may advertise for appear here.",
    ),
    "ad-accounts": Kind(
        "Ad accounts",
        "ad account",
        "ad_account_id",
        ("Use", "Currency", "Timezone", "Reached by"),
        lambda tenant: AdAccount.objects.filter(tenant=tenant).select_related("integration"),
        _account_row,
        "Ad accounts that the connected people reach appear here.",
    ),
}
