"""Which grants are to be looked at now, and what is to be done with each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.models import Integration
from integrations.token_states import SOON

# One try a day, and four a day when it gets urgent: a day without Meta must not cost the grant.
# A little less than the figures, so that a schedule at the same hour finds the grant due again.
NEXT_TRY, NEXT_TRY_URGENT = timedelta(hours=23), timedelta(hours=5)
URGENT = timedelta(days=2)
# A person whom Facebook asks to confirm the account may take as long as this.
CHECKPOINT_FOR = timedelta(days=14)


class Step(StrEnum):
    """What a look at a grant consists of."""

    MARK_ENDED = "mark_ended"
    EXCHANGE = "exchange"
    PROBE = "probe"


def looked_after() -> QuerySet[Integration]:
    """Grants whose token is asked about every day: those in use, and those that may come back."""
    may_come_back = Q(
        status=Integration.Status.NEEDS_RECONNECT,
        trouble=Integration.Trouble.CHECKPOINT,
        trouble_since__gt=timezone.now() - CHECKPOINT_FOR,
    )
    return Integration.objects.filter(Q(status__in=Integration.USABLE) | may_come_back).exclude(
        api_key=""
    )


def due_integrations() -> list[Integration]:
    """Those that were not looked at just now."""
    now = timezone.now()
    return list(_due(looked_after().select_related("tenant").iterator(), now))


def step_for(integration: Integration, now: datetime) -> Step | None:
    """What to do with the grant now; None when it was looked at recently enough."""
    ends, tried = integration.token_expires_at, integration.last_checked_at
    if integration.status in Integration.USABLE and ends is not None:
        if ends <= now:
            return Step.MARK_ENDED
        if ends <= now + SOON and _rested(tried, now, ends):
            return Step.EXCHANGE
    return Step.PROBE if _rested(tried, now, ends) else None


def _due(rows: Iterator[Integration], now: datetime) -> Iterator[Integration]:
    return (row for row in rows if step_for(row, now) is not None)


def _rested(tried: datetime | None, now: datetime, ends: datetime | None) -> bool:
    is_urgent = ends is not None and ends <= now + URGENT
    return tried is None or tried <= now - (NEXT_TRY_URGENT if is_urgent else NEXT_TRY)
