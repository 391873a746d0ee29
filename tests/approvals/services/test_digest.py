"""One mail a morning to those who review, in their workspace's own morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from approvals.models import AdVariant
from approvals.services.digest import send_digests
from approvals.services.review import reject_variant
from leadmetrics.notices.models import Notice
from tests.approvals.pages import live_hash

MORNING = datetime(2027, 3, 1, 8, 5, tzinfo=UTC)  # the workspace of these tests is in UTC


def test_reviewers_are_told_once_a_morning_what_waits(ben, vera, variant):
    AdVariant.objects.update(created_at=MORNING - timedelta(hours=30))
    assert send_digests(MORNING - timedelta(hours=1)) == 0
    assert send_digests(MORNING) == 1
    assert send_digests(MORNING) == 0
    notice = Notice.objects.get()
    assert notice.user_id == ben.user_id
    assert notice.subject == "1 to review, 1 overdue"
    assert notice.path == "/t/acme-outdoor/review/"
    assert send_digests(MORNING + timedelta(days=1)) == 1


def test_nobody_is_told_when_nothing_waits(ben, variant):
    reject_variant(
        actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant), reason_code="policy"
    )
    assert send_digests(MORNING) == 0
