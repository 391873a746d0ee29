"""Reading people and their workspaces."""

from __future__ import annotations

from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, Value, When

from leadmetrics.tenancy.models import Membership, Role, Tenant, User


def members_of(tenant: Tenant) -> QuerySet[Membership]:
    """The tenant's members with their person, admins first, then by name.

    Each carries ``is_elsewhere``: whether the person also works in another workspace.
    """
    elsewhere = Membership.objects.filter(user=OuterRef("user")).exclude(tenant=tenant)
    rank = Case(
        *(When(role=role, then=Value(-role.rank)) for role in Role), output_field=IntegerField()
    )
    return (
        Membership.objects.filter(tenant=tenant)
        .select_related("user")
        .annotate(is_elsewhere=Exists(elsewhere))
        .order_by(rank, "user__name", "pk")
    )


def first_tenant(user: User) -> Tenant | None:
    """The workspace a person starts in: the one joined first, or None."""
    membership = (
        Membership.objects.filter(user=user).select_related("tenant").order_by("pk").first()
    )
    return membership.tenant if membership else None
