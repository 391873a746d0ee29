"""Connections in words: permissions, the state of a grant, the state of an ad account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from integrations.models import AdAccount, Integration
from leadmetrics.tenancy.models import Tenant

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
ENDLESS = "This access does not end by itself."
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
    """How a grant is, in words: what is so, and what helps. ``action`` labels the button."""

    tone: str
    label: str
    sentence: str
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


def health_of(integration: Integration) -> Health:
    """The grant's state in words, its dates in the tenant's timezone."""
    who, ends = integration.meta_user_name, integration.token_expires_at
    day = _day(ends, integration.tenant) if ends else ""
    match integration.status:
        case Integration.Status.DISCONNECTED:
            return Health("neutral", "Disconnected", _disconnected(integration), "Connect again")
        case Integration.Status.REVOKED:
            return Health(
                "bad",
                "Access withdrawn",
                f"Facebook says that {who} withdrew the access: the app was removed, the password "
                "changed, or all sign-ins were ended. Reports stand still and approved ads wait "
                f"until {who} reconnects; nothing is lost.",
                is_urgent=True,
            )
        case Integration.Status.NEEDS_RECONNECT:
            reason = integration.last_error or "Facebook no longer accepts this connection."
            return Health(
                "bad",
                "Needs reconnecting",
                f"{reason} Reports stand still and approved ads wait until then; nothing is lost.",
                is_urgent=True,
            )
        case Integration.Status.EXPIRED:
            return _ended(who, day)
    if ends is not None and ends <= timezone.now():
        return _ended(who, day)
    if ends is not None and integration.status == Integration.Status.EXPIRING:
        left = (ends - timezone.now()).days
        when = f"in {left} days" if left > 1 else "tomorrow" if left else "today"
        return Health(
            "warn",
            "Ends soon",
            f"Ends {when}, on {day}. It needs {who}'s click by then, or reports stand still and "
            "approved ads wait.",
            is_urgent=True,
        )
    until = f"Good until {day}; needs {who}'s click by then." if day else ENDLESS
    if missing_scopes(integration):
        return Health("warn", "Works in part", until)
    return Health("good", "Working", until)


def status_note(account: AdAccount) -> str:
    """What an ad account's state means for the work here; empty when ads can run."""
    if account.can_run_ads:
        return ""
    return _STATUS_NOTES.get(account.account_status, _OTHER_STATUS)


def _disconnected(integration: Integration) -> str:
    erased = "The access was erased here; figures and history stay."
    if not integration.is_held_by_meta:
        return erased
    if integration.is_being_withdrawn:
        return f"{erased} It is being withdrawn at Facebook, too."
    return (
        f"{erased} Facebook did not confirm that it dropped it, too: {integration.meta_user_name} "
        "can remove the app there under Settings, Business integrations."
    )


def _ended(who: str, day: str) -> Health:
    on = f" on {day}" if day else ""
    return Health(
        "bad",
        "Ended",
        f"Ended{on}. Reports stand still and approved ads wait until {who} reconnects; "
        "nothing is lost.",
        is_urgent=True,
    )


def _day(when: datetime, tenant: Tenant) -> str:
    local = timezone.localtime(when, ZoneInfo(tenant.timezone))
    return f"{local.day} {local:%b %Y}"
