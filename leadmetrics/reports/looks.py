"""When each person last looked at the report, so that it can say what moved since."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from leadmetrics.tenancy.models import Membership

# Looks that follow each other sooner are one visit.
VISIT = timedelta(hours=1)


def note_look(membership: Membership) -> datetime | None:
    """When this person's visit before this one was; None at the first. Writes once a visit."""
    now = timezone.now()
    last = membership.report_seen_at
    if last is None or last < now - VISIT:
        Membership.objects.filter(pk=membership.pk).update(
            report_seen_at=now, report_seen_before=last
        )
        return last
    before: datetime | None = membership.report_seen_before
    return before
