"""Telling a workspace's admins at once what must not wait until somebody looks."""

from __future__ import annotations

from approvals.models import Push
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.models import Role, User

# An ad that was not paused, several ads for one approval, content that is not the approved one.
ALARMING = frozenset({"was_not_paused", "several_ads", "content_differs", "stored_differently"})


def raise_alarm(push: Push) -> int:
    """Mail the admins of the push's workspace, once per push and problem; returns how many."""
    variant = push.variant
    tenant = variant.tenant
    admins = User.objects.filter(
        memberships__tenant=tenant, memberships__role=Role.ADMIN, is_active=True
    )
    headline = push.payload["headline"]
    return notify(
        tenant=tenant,
        users=admins,
        key=f"push:{push.pk}:{push.problem_code}",
        subject=f"Please look at the ad “{headline}”",
        body=(
            f"{push.problem}\n\nNothing more is sent for this ad until somebody acts. "
            f"Its reference in Ads Manager is {push.reference}."
        ),
        path=f"/t/{tenant.slug}/ads/{variant.pk}/",
    )
