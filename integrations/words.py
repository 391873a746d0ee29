"""Connections in words: permissions, the state of a grant, the state of an ad account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from integrations.models import AdAccount, AdSet, InsightCheck, Integration
from integrations.token_states import Owner, state_of
from leadmetrics.templatetags.ui import format_money, format_number
from leadmetrics.tenancy.models import Tenant

# Ad Set reference: at most 50 ads that are not archived or deleted.
ADS_PER_AD_SET = 50
# What a permission is for, and what does not work without it.
SCOPES: Mapping[str, tuple[str, str]] = {
    "ads_read": ("Read how your campaigns perform", "Performance cannot be read."),
    "ads_management": ("Create approved ads, paused", "Approved ads cannot be created."),
    "business_management": (
        "Find the ad accounts and Pages of your business",
        "Ad accounts and Pages of your business stay hidden.",
    ),
    "pages_show_list": (
        "List the Pages that ads can speak for",
        "Your Pages cannot be listed, so no ad can speak for them.",
    ),
    "pages_read_engagement": (
        "See that a Page may carry an ad",
        "Ads for your Pages may be refused.",
    ),
    "pages_manage_ads": ("Create ads for your Pages", "Ads for your Pages may be refused."),
}
_OTHER_SCOPE = ("Needed by this installation", "Something may not work.")
_STATUS_NOTES: Mapping[int, str] = {
    AdAccount.AccountStatus.DISABLED: "Meta has disabled it. Performance can be read, but no ad "
    "can be created until its admin settles that with Meta.",
    AdAccount.AccountStatus.UNSETTLED: "A payment is open. Performance can be read, but no ad can "
    "be created until it is paid in Ads Manager.",
    AdAccount.AccountStatus.PENDING_RISK_REVIEW: "Meta is reviewing it. Performance can be read; "
    "ads must wait for the end of that review.",
    AdAccount.AccountStatus.PENDING_CLOSURE: "It is being closed. Past performance can be read.",
    AdAccount.AccountStatus.CLOSED: "It is closed. Past performance can be read.",
}
_OTHER_STATUS = "Performance can be read; Meta does not let ads run in it now."


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission: what it is for, what is lost without it, and whether we have it."""

    name: str
    purpose: str
    lost: str
    granted: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """How a grant is, in words: what is so, what helps, and whose turn it is.

    ``action`` labels the button.
    """

    code: str
    tone: str
    label: str
    sentence: str
    owner: str
    next_step: str
    action: str = "Reconnect"
    is_urgent: bool = False


def asked_scopes(integration: Integration | None = None) -> list[Scope]:
    """Every permission we ask for, in words."""
    granted = integration.granted_scopes if integration else ()
    return [
        Scope(name, *SCOPES.get(name, _OTHER_SCOPE), granted=name in granted)
        for name in settings.META_SCOPES
    ]


def missing_scopes(integration: Integration) -> list[Scope]:
    """The permissions we ask for and do not have, in words."""
    return [scope for scope in asked_scopes(integration) if not scope.granted]


def health_of(integration: Integration, now: datetime | None = None) -> Health:
    """The grant's state in words, its dates in the tenant's timezone."""
    now = now or timezone.now()
    state = state_of(integration, now)
    ends = _end_meant(state.code, integration)
    day = day_of(ends, integration.tenant) if ends else ""
    words = {
        "who": integration.meta_user_name,
        "day": day,
        "on": f" on {day}" if day else "",
        "when": _when(ends, now) if ends else "",
    }
    return Health(
        code=state.code,
        tone=state.tone,
        label=state.label.format(**words),
        sentence=state.means.format(**words),
        owner=_owner(state.owner, integration),
        next_step=state.next_step.format(**words),
        action=state.action,
        is_urgent=state.is_urgent,
    )


def is_full(ad_set: AdSet) -> bool:
    """Whether Meta takes no further ad in it, as far as its ads were counted."""
    return ad_set.ad_count is not None and ad_set.ad_count >= ADS_PER_AD_SET


def status_note(account: AdAccount) -> str:
    """What an ad account's state means for the work here; empty when ads can run."""
    if account.can_run_ads:
        return ""
    return _STATUS_NOTES.get(account.account_status, _OTHER_STATUS)


def day_of(when: datetime, tenant: Tenant) -> str:
    """A day as the tenant writes it, in its timezone."""
    local = timezone.localtime(when, ZoneInfo(tenant.timezone))
    return f"{local.day} {local:%b %Y}"


def _end_meant(code: str, integration: Integration) -> datetime | None:
    if code in ("data_access_soon", "data_access_ended"):
        return integration.data_access_expires_at
    if code in ("expired", "ends_soon", "not_extended"):
        return integration.token_expires_at
    return integration.works_until


def _owner(owner: Owner, integration: Integration) -> str:
    return integration.meta_user_name if owner == Owner.PERSON else str(owner)


def _when(ends: datetime, now: datetime) -> str:
    left = (ends - now).days
    return f"in {left} days" if left > 1 else "tomorrow" if left else "today"


# What is compared with Meta's total of a month, and whether it is money.
_COMPARED: Mapping[str, tuple[str, bool]] = {
    "spend": ("spend", True),
    "impressions": ("impressions", False),
    "clicks": ("clicks", False),
    "inline_link_clicks": ("link clicks", False),
    "conversions": ("conversions", False),
    "conversion_value": ("conversion value", True),
}


def differences(check: InsightCheck) -> str:
    """Every figure of a month that differs: "spend €90.00 here, €95.50 at Meta; clicks …"."""
    found = []
    kind = f" ({check.conversion_action_type})" if check.conversion_action_type else ""
    for name, (label, is_money) in _COMPARED.items():
        ours, metas = (Decimal(side.get(name, 0)) for side in (check.ours, check.metas))
        if ours == metas:
            continue
        currency = check.ad_account.currency if is_money else ""
        here, there = _figure(ours, currency), _figure(metas, currency)
        if here == there:  # it is too small to be seen so
            here, there = f"{ours.normalize():f}", f"{metas.normalize():f}"
        what = f"{label}{kind}" if name.startswith("conversion") else label
        found.append(f"{what} {here} here, {there} at Meta")
    return "; ".join(found)


def _figure(value: Decimal, currency: str) -> str:
    return format_money(value, currency) if currency else format_number(value, 2 * bool(value % 1))
