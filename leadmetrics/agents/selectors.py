"""Reading agents' keys."""

from __future__ import annotations

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from leadmetrics.agents.models import AgentKey
from leadmetrics.tenancy.models import Tenant


def keys_of(tenant: Tenant) -> QuerySet[AgentKey]:
    """The tenant's keys, the live ones first, each with ``is_live``."""
    live = Case(
        When(Q(revoked_at=None, expires_at__gt=timezone.now()), then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    )
    return (
        AgentKey.objects.filter(tenant=tenant)
        .select_related("created_by")
        .annotate(is_live=live)
        .order_by("-is_live", F("created_at").desc(), "-pk")
    )
