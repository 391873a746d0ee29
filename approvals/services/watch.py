"""Looking at pushed ads again: Meta's review, the live text against the approved one, their state.

The first looks come 5 minutes, 1 hour and 24 hours after an ad was created or switched on, then
one a day. A look only reads at Meta; what it finds may move the variant and tell people.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from approvals.comparison import differences
from approvals.content import digest
from approvals.models import LiveAd, Push
from approvals.selectors.sending import is_due, is_over
from approvals.services import alerts
from approvals.services.live_rows import LEASE, account_of, lock_live, want_pause
from approvals.states import PushState, VariantStatus, move
from integrations.models import AdAccount
from integrations.services.live import Live, read_changes, read_live
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import system

logger = logging.getLogger(__name__)

FIRST_LOOKS = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=24))
EVERY = timedelta(days=1)
AFTER_A_FAILURE = timedelta(minutes=5)
LOOKS_AT_ONCE = 20
CHANGES_KEPT = 20
REFUSED = "DISAPPROVED"
_ACTIVE, _PAUSED = "ACTIVE", "PAUSED"
_REFUSABLE = (VariantStatus.PAUSED, VariantStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class Look:
    """The right to look at an ad once, and what was so when it began."""

    push: Push
    account: AdAccount
    fence: int
    status: str
    since: datetime
    is_busy: bool


def next_look(live: LiveAd, now: datetime) -> datetime:
    """When an ad is looked at next."""
    begins = (when for when in (live.push.finished_at, live.activated_at) if when is not None)
    first = [begin + wait for begin in begins for wait in FIRST_LOOKS if begin + wait > now]
    return min([*first, now + EVERY])


def due_looks(now: datetime | None = None) -> QuerySet[LiveAd]:
    """Ads whose look is due, longest due first."""
    return LiveAd.objects.filter(is_over("next_check_at", now or timezone.now())).order_by(
        "next_check_at"
    )


def sweep_looks() -> int:
    """Begin to watch ads that were just created, and wake the looks that are due."""
    fresh = Push.objects.filter(state=PushState.DONE, live=None)[:LOOKS_AT_ONCE]
    for push in fresh:
        begin_to_watch(push.pk)
    due = list(due_looks().values_list("push_id", flat=True)[:LOOKS_AT_ONCE])
    for push_id in due:
        queue.enqueue("approvals.tasks.look_at_ad", push_id)
    return len(due)


def begin_to_watch(push_id: UUID) -> None:
    """Note when a finished push is looked at first."""
    with transaction.atomic():
        live = lock_live(push_id)
        if live.next_check_at is None:
            live.next_check_at = next_look(live, live.push.finished_at or timezone.now())
            live.save(update_fields=["next_check_at"])


def look_at_ad(*, push_id: UUID) -> None:
    """Read an ad at Meta if its look is due, and store what was found. Safe to call at any time."""
    look = _begin(push_id)
    if look is None:
        return
    push = look.push
    try:
        live = read_live(
            integration=look.account.integration,
            account=look.account,
            payload=push.payload,
            ad_id=push.ad_id or "",
        )
    except LeadmetricsError as exc:
        _note_failure(look, exc)
        return
    _store(look, live, _changes(look))


def _begin(push_id: UUID) -> Look | None:
    now = timezone.now()
    with transaction.atomic():
        live = lock_live(push_id)
        push = live.push
        if not is_due(live.next_check_at, now):
            return None
        is_past = push.state != PushState.DONE
        live.next_check_at = None if is_past else now + LEASE
        live.save(update_fields=["next_check_at"])
        if is_past:
            return None
        return Look(
            push=push,
            account=account_of(push),
            fence=live.fence,
            status=push.variant.status,
            since=_last_known(now, live.checked_at, push.finished_at, push.created_at),
            is_busy=live.act_due_at is not None,
        )


def _last_known(now: datetime, *moments: datetime | None) -> datetime:
    """The first of the moments that was not noted while the clock was ahead."""
    return next((when for when in moments if when is not None and when <= now), now - EVERY)


def _changes(look: Look) -> list[dict[str, str]]:
    """Who else changed the ad since the last look; empty when the log cannot be read."""
    try:
        return read_changes(
            integration=look.account.integration,
            ad_account_id=look.account.ad_account_id,
            ad_id=look.push.ad_id or "",
            since=look.since,
        )
    except LeadmetricsError as exc:
        logger.warning("activity log of push %s: %s", look.push.pk, exc.code)
        return []


def _note_failure(look: Look, exc: LeadmetricsError) -> None:
    with transaction.atomic():
        live = lock_live(look.push.pk)
        live.failed_checks += 1
        live.failed_code = exc.code
        wait = AFTER_A_FAILURE * 2 ** min(live.failed_checks - 1, 8)
        live.next_check_at = timezone.now() + min(wait, EVERY)
        live.save(update_fields=["failed_checks", "failed_code", "next_check_at"])


def _store(look: Look, found: Live, changes: list[dict[str, str]]) -> None:
    now = timezone.now()
    with transaction.atomic():
        live = lock_live(look.push.pk)
        push = live.push
        if push.state != PushState.DONE:
            return
        live.configured_status = found.review.configured_status
        live.effective_status = found.review.effective_status
        live.feedback = [asdict(remark) for remark in found.review.remarks]
        live.issues = [asdict(issue) for issue in found.review.issues]
        live.plan = found.plan.as_json()
        live.changes = _merged(changes, live.changes)
        live.checked_at, live.failed_checks, live.failed_code = now, 0, ""
        overtaken = look.is_busy or live.fence != look.fence or push.variant.status != look.status
        live.next_check_at = now + timedelta(minutes=1) if overtaken else next_look(live, now)
        live.save()
        if not overtaken:  # or the next look, a minute from now, says what differs
            _compare(live, found)
            _follow(live)


def _merged(new: list[dict[str, str]], known: list[dict[str, str]]) -> list[dict[str, str]]:
    return [*new, *(change for change in known if change not in new)][:CHANGES_KEPT]


def _compare(live: LiveAd, found: Live) -> None:
    """Store how the live text differs from the approved one, and tell people when that changed."""
    before = list(live.differences)
    live.live_hash = digest(found.found.payload)
    live.differences = differences(
        live.push.payload,
        found.found.payload,
        image_hash=live.push.image_hash,
        found_image_hash=found.found.image_hash,
        enrolled=found.found.enrolled,
    )
    live.save(update_fields=["live_hash", "differences"])
    if live.differences != before:
        alerts.text_changed(live) if live.differences else alerts.text_restored(live)


def _follow(live: LiveAd) -> None:
    """Move the variant to where the ad really is, and tell people what they must know."""
    variant = live.push.variant
    status = VariantStatus(variant.status)
    is_refused = live.effective_status == REFUSED
    if is_refused and status in _REFUSABLE:
        _note_refusal(live)
    elif status == VariantStatus.META_REFUSED and not is_refused:
        _note_reprieve(live)
    elif status == VariantStatus.ACTIVE and live.configured_status != _ACTIVE:
        move(variant, VariantStatus.PAUSED)
        live.wanted, live.activated_at = LiveAd.Wanted.PAUSED, None
        live.act_problem_code = "paused_outside"
        live.save(update_fields=["wanted", "activated_at", "act_problem_code"])
        alerts.paused_outside(live)
    elif status == VariantStatus.PAUSED and live.configured_status == _ACTIVE:
        alerts.switched_on_outside(live)


def _note_refusal(live: LiveAd) -> None:
    variant = live.push.variant
    move(variant, VariantStatus.META_REFUSED)
    alerts.refused_in_review(live)
    if live.configured_status == _ACTIVE:  # after an appeal it would run without anybody's act
        want_pause(live)


def _note_reprieve(live: LiveAd) -> None:
    variant = live.push.variant
    move(variant, VariantStatus.PAUSED)
    record(
        system(variant.tenant_id),
        "ad.refusal_lifted",
        variant,
        {"headline": live.push.payload["headline"], "ad_id": live.push.ad_id},
    )
