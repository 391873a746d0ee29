"""Telling a workspace's admins in time that somebody must reconnect, and at once when it is lost.

At 14, 7, 3, 1 and 0 days before the first of the two ends, each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.models import AdAccount, Integration
from integrations.waiting import held_by, held_in_words
from integrations.words import day_of, health_of
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.models import Membership, Role, User

DAYS_BEFORE = (0, 1, 3, 7, 14)


def warn_in_time(now: datetime | None = None) -> int:
    """Tell the people concerned of every usable grant that ends soon; how many were told now."""
    now = now or timezone.now()
    usable = Integration.objects.filter(status__in=Integration.USABLE).exclude(api_key="")
    rows = usable.select_related("tenant", "connected_by").iterator()
    return sum(warn(row, now) + tell_owner_left(row) for row in rows)


def warn(integration: Integration, now: datetime) -> int:
    """Tell of one grant if a step of the ladder is reached; each step speaks once."""
    ends = integration.works_until
    if ends is None:
        return 0
    zone = ZoneInfo(integration.tenant.timezone)
    left = (ends.astimezone(zone).date() - now.astimezone(zone).date()).days
    step = next((days for days in DAYS_BEFORE if 0 <= left <= days), None)
    # A business's own 60-day token is extended without anybody in its last week.
    if step is None or (step == DAYS_BEFORE[-1] and integration.is_system_user):
        return 0
    day = day_of(ends, integration.tenant)
    when = "today" if left == 0 else f"on {day}"
    return notify(
        tenant=integration.tenant,
        users=people_concerned(integration),
        key=f"grant-ends:{integration.pk}:{ends:%Y-%m-%d}:{step}",
        subject=f"{integration.meta_user_name}'s Facebook connection ends {when}",
        body=(
            f"The connection of {integration.meta_user_name} ends on {day}. Without a new one, "
            "reports stand still from then on. "
            f"{held_in_words(len(held_by(integration)), 'would wait')}\n\n"
            f"Next step: {integration.meta_user_name} opens Connections and presses Reconnect. "
            "That takes one click and keeps every setting."
        ),
        path=_path(integration),
    )


def tell_owner_left(integration: Integration) -> int:
    """Tell of a grant whose connector is no member any more, while ad accounts run on it."""
    owner = integration.connected_by
    if not integration.ad_accounts.filter(enabled=True, gone_at=None).exists():
        return 0
    if Membership.objects.filter(tenant=integration.tenant_id, user=owner).exists():
        return 0
    return notify(
        tenant=integration.tenant,
        users=people_concerned(integration),
        key=f"grant-owner-left:{integration.pk}:{integration.version}",
        subject=f"{owner.name} left, but ad accounts run on that connection",
        body=(
            f"{owner.name} connected Facebook as {integration.meta_user_name} and is no member of "
            "this workspace any more. Everything goes on working until that access ends or is "
            "taken away.\n\nNext step: an admin who stays connects the same ad accounts with "
            "their own Facebook account, then disconnects this one."
        ),
        path=_path(integration),
    )


def tell_lost(integration: Integration) -> int:
    """Tell of a grant that is not used any more, in the caller's transaction."""
    health = health_of(integration)
    return notify(
        tenant=integration.tenant,
        users=people_concerned(integration),
        key=f"grant-lost:{integration.pk}:{integration.version}:{health.code}",
        subject=f"{integration.meta_user_name}'s Facebook connection: {health.label.lower()}",
        body=(
            f"{health.sentence}\n\n{held_in_words(len(held_by(integration)), 'wait')}\n\n"
            f"Next step: {health.next_step}"
        ),
        path=_path(integration),
    )


def tell_handed_over(integration: Integration, accounts: Sequence[AdAccount], ads: int) -> int:
    """Tell that ad accounts go on with this grant, in the caller's transaction."""
    names = ", ".join(account.name for account in accounts)
    places = "-".join(str(account.pk) for account in accounts[:10])
    return notify(
        tenant=integration.tenant,
        users=people_concerned(integration),
        key=f"grant-handed-over:{integration.pk}:{integration.version}:{places}",
        subject=f"{len(accounts)} ad accounts go on with {integration.meta_user_name}'s connection"
        if len(accounts) > 1
        else f"{names} goes on with {integration.meta_user_name}'s connection",
        body=(
            f"The connection that these ad accounts ran on does not work any more. "
            f"{integration.meta_user_name}'s connection reaches the same ad accounts and Pages, so "
            f"they go on with it: {names}.\n\n"
            f"{held_in_words(ads, 'waited and goes on' if ads == 1 else 'waited and go on')}"
        ),
        path=f"{_path(integration)}{integration.pk}/released/" if ads else _path(integration),
    )


def people_concerned(integration: Integration) -> QuerySet[User]:
    """The workspace's admins, and whoever connected the grant while still a member."""
    concerned = Q(memberships__role=Role.ADMIN) | Q(pk=integration.connected_by_id)
    return User.objects.filter(
        concerned, memberships__tenant=integration.tenant_id, is_active=True
    ).distinct()


def _path(integration: Integration) -> str:
    return f"/t/{integration.tenant.slug}/connections/"
