"""Reading a pushed ad and what is around it, in our own terms. Nothing here writes to Meta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.meta_ads.types import AdReview, AdSetPlan
from integrations.models import AdAccount, Integration
from integrations.services.clients import meta_client
from integrations.services.publishing import ReadBack, read_back, translated
from leadmetrics.templatetags.ui import WHOLE_UNIT_CURRENCIES, format_money


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ad would spend and when. Texts for people, so that equal plans are equal values."""

    ad_set: str
    ad_set_status: str
    campaign: str
    campaign_status: str
    budget: str
    budget_of: str
    starts_at: str
    ends_at: str

    def as_json(self) -> dict[str, str]:
        """For storing; read back with ``Plan(**stored)``."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def is_running(self) -> bool:
        """Whether both the ad set and its campaign are switched on."""
        return self.ad_set_status == self.campaign_status == "ACTIVE"


@dataclass(frozen=True, slots=True)
class Live:
    """An ad as Meta holds it now: content, verdict, and what it runs under."""

    found: ReadBack
    review: AdReview
    plan: Plan


def read_live(
    *, integration: Integration, account: AdAccount, payload: Mapping[str, Any], ad_id: str
) -> Live:
    """Four reads. Raises LeadmetricsError when Meta or the grant does not let us."""
    found = read_back(integration=integration, payload=payload, ad_id=ad_id)
    client = meta_client(integration)
    with translated(integration):
        review = client.get_ad_review(ad_id)
        plan = client.get_ad_set_plan(found.payload["ad_set_id"])
    return Live(found, review, describe_plan(plan, account.currency))


def read_configured_status(*, integration: Integration, ad_id: str) -> str:
    """The status people set: ACTIVE, PAUSED, ARCHIVED or DELETED."""
    client = meta_client(integration)
    with translated(integration):
        return client.get_ad(ad_id).configured_status


def read_changes(
    *, integration: Integration, ad_account_id: str, ad_id: str, since: datetime
) -> list[dict[str, str]]:
    """Changes of the ad by anyone but this app, newest first: event, who, at (ISO 8601)."""
    client = meta_client(integration)
    own = client.app_id
    with translated(integration):
        found = client.list_changes(ad_account_id, ad_id, since)
    return [
        {"event": change.event, "who": change.who, "at": change.at.isoformat()}
        for change in found
        if change.application_id != own
    ]


def describe_plan(plan: AdSetPlan, currency: str) -> Plan:
    """Budget and schedule as Meta's units and fields mean them; a campaign's budget comes first."""
    of_campaign = plan.campaign_daily_budget or plan.campaign_lifetime_budget
    daily = plan.campaign_daily_budget if of_campaign else plan.daily_budget
    lifetime = plan.campaign_lifetime_budget if of_campaign else plan.lifetime_budget
    budget = ""
    if daily:
        budget = f"{_money(daily, currency)} a day"
    elif lifetime:
        budget = f"{_money(lifetime, currency)} in all"
    return Plan(
        ad_set=plan.name,
        ad_set_status=plan.status,
        campaign=plan.campaign_name,
        campaign_status=plan.campaign_status,
        budget=budget,
        budget_of=("campaign" if of_campaign else "ad set") if budget else "",
        starts_at=plan.starts_at.isoformat() if plan.starts_at else "",
        ends_at=plan.ends_at.isoformat() if plan.ends_at else "",
    )


def _money(units: Decimal, currency: str) -> str:
    # Marketing API, Currencies: budgets are in the currency's smallest unit, for some whole units.
    whole = currency in WHOLE_UNIT_CURRENCIES
    return format_money(units if whole else units / 100, currency)
