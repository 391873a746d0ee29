"""What must always be true of grants, their tokens, and the figures that were read with them.

Looked for in the stored rows, without asking Meta; ``approvals.invariants`` tells it along with its
own. Rows do not remember whether a token left the process another way, or whether a refresh ran
twice or moved an end back: that is seen in tests/integrations/test_canary.py and
tests/integrations/services/test_tokens.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, DateField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from integrations.exact import SUMS
from integrations.models import (
    AccountDay,
    CampaignInsight,
    CampaignMonth,
    InsightDay,
    Integration,
)
from integrations.services.clients import open_token
from leadmetrics import queue
from leadmetrics.audit.models import AuditEntry
from leadmetrics.crypto import CannotDecrypt, is_sealed

# No worker holds a grant for longer.
_LONGEST_LEASE = timedelta(minutes=10)
_COUNTED = ("integration.refreshed", "integration.reconnected", "integration.disconnected")


def violations(tenants: Collection[int] = ()) -> Iterator[str]:
    """Each thing that is not as it must be, for these tenants or for all."""
    yield from _tokens(tenants)
    yield from _changes(tenants)
    for job in queue.odd_jobs():
        yield f"I12 {job}: it holds something else than a task of ours and ids"
    yield from _figures(tenants)


def _of(tenants: Collection[int], path: str = "") -> Q:
    return Q(**{f"{path}tenant_id__in": list(tenants)}) if tenants else Q()


def _tokens(tenants: Collection[int]) -> Iterator[str]:
    """I12 and I13: a token is sealed for its own row, and gone once the grant is given back."""
    gone = (Integration.Status.DISCONNECTED, Integration.Status.REVOKED)
    for grant in Integration.objects.filter(_of(tenants)).exclude(api_key=""):
        if grant.status in gone:
            yield f"I12 integration {grant.pk}: its token is kept although it is {grant.status}"
        if not is_sealed(grant.api_key):
            yield f"I12 integration {grant.pk}: its token is stored in clear"
            continue
        try:
            open_token(grant)
        except CannotDecrypt:
            yield f"I13 integration {grant.pk}: its token does not open in its own row"


def _changes(tenants: Collection[int]) -> Iterator[str]:
    """I14: nobody holds a grant for ever, and each change of a token has counted."""
    grants = Integration.objects.filter(_of(tenants))
    late = timezone.now() + _LONGEST_LEASE
    for pk in grants.filter(lease_until__gt=late).values_list("pk", flat=True):
        yield f"I14 integration {pk}: it is held for longer than any worker may hold it"
    lines = AuditEntry.objects.filter(object_type="integration", action__in=_COUNTED)
    changed = dict(lines.order_by().values_list("object_id").annotate(Count("pk")))
    for pk, version in grants.values_list("pk", "version"):
        if version <= changed.get(str(pk), 0):
            yield f"I14 integration {pk}: its token changed without a new version"


def _figures(tenants: Collection[int]) -> Iterator[str]:
    """I18: each stored day was read to its end, and the sums are those of the rows."""
    of = _of(tenants, "ad_account__")
    rows = CampaignInsight.objects.filter(of).order_by()
    read = InsightDay.objects.filter(
        ad_account=OuterRef("ad_account"),
        level=InsightDay.Level.CAMPAIGN,
        day=OuterRef("date_start"),
    )
    unread = rows.filter(~Exists(read)).values_list("ad_account", "date_start")
    for account, day in unread.distinct():
        yield f"I18 ad account {account}: {day} has figures, but it was not read to its end"
    yield from _sums(
        rows.values_list("ad_account", "date_start"),
        AccountDay.objects.filter(of).values_list("ad_account", "day", *AccountDay.COLUMNS),
    )
    month = TruncMonth("date_start", output_field=DateField())
    yield from _sums(
        rows.annotate(month=month).values_list("ad_account", "month", "campaign_id"),
        CampaignMonth.objects.filter(of).values_list(
            "ad_account", "month", "campaign_id", *CampaignMonth.COLUMNS
        ),
    )


def _sums(groups: QuerySet[Any, Any], stored: QuerySet[Any, Any]) -> Iterator[str]:
    """``groups`` are keys of rows to be added up, ``stored`` the same keys with their sums."""
    differ = set(groups.annotate(**SUMS).iterator()) ^ set(stored.iterator())
    for account, since in sorted({(row[0], row[1]) for row in differ}):
        yield f"I18 ad account {account}: the sums of {since} are not those of its rows"
