"""Asking for performance: which days of which ad account, and who asks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, Min
from django.db.models.functions import Cast
from django.utils import timezone

from integrations.access import access_ad_account
from integrations.days import first_day_to_read, oldest_day, today_of
from integrations.models import AdAccount, InsightRevision, Integration, SyncRun
from integrations.services.clients import NotConnected
from integrations.services.pulling import Puller
from integrations.services.runs import Turn, begin_anew, claim, claim_next, request_run
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role

# Windows begun in time are finished (10 s) and a call may take its deadline (30 s): together no
# longer than the queue lets a job run.
TURN_SECONDS = 20.0
_NEWEST_FIRST = (SyncRun.Kind.INSIGHTS, SyncRun.Kind.HISTORY)


def pull_now(*, actor: Actor, ad_account_pk: int) -> SyncRun:
    """A pull that a person asked for; an open one is joined.

    Raises NotFound, NotAllowed, NotConnected, and InvalidInput for an account that is not used.
    """
    with transaction.atomic():
        return request_pull(_account_in_use(actor, ad_account_pk))


def pull_history(*, actor: Actor, ad_account_pk: int) -> SyncRun:
    """Older days up to 37 months back, beside the regular pulls; an open run is joined.

    Days that were read when they could no longer change are not read again, so a run that was cut
    is simply asked for once more. Raises what ``pull_now`` raises.
    """
    with transaction.atomic():
        return request_history(_account_in_use(actor, ad_account_pk))


def request_pull(
    ad_account: AdAccount, since: date | None = None, until: date | None = None
) -> SyncRun:
    """A run over the given days of the account's calendar; an open run of the account is joined.

    By default 90 days for an account that was never read completely, then every day that may have
    changed since the last complete pull: the 28 days up to it, and all after it.
    """
    until = until or today_of(ad_account)
    return request_run(
        integration=ad_account.integration,
        ad_account=ad_account,
        kind=SyncRun.Kind.INSIGHTS,
        since=since or first_day_to_read(ad_account, until),
        until=until,
    )


def request_history(ad_account: AdAccount, since: date | None = None) -> SyncRun:
    """A run over everything before what the regular pulls read, or over what is not older."""
    oldest = since or oldest_day(ad_account)
    until = first_day_to_read(ad_account, today_of(ad_account)) - timedelta(days=1)
    return request_run(
        integration=ad_account.integration,
        ad_account=ad_account,
        kind=SyncRun.Kind.HISTORY,
        since=oldest,
        until=max(until, oldest),
    )


def read_all_again(ad_account: AdAccount) -> None:
    """Every stored day anew, because what counts as a conversion is another thing now.

    Until it is read again a day counts as read on itself: no longer final, so that history reads it
    though this be cut or the grant be gone, and not yet over, for Meta has restated nothing.
    """
    begin_anew(ad_account)
    stored = ad_account.insight_days.filter(day__lt=today_of(ad_account))
    stored.update(read_at=Cast("day", DateTimeField()))
    if not (ad_account.enabled and ad_account.integration.is_usable) or ad_account.gone_at:
        return
    pull = request_pull(ad_account)
    oldest = stored.aggregate(oldest=Min("day"))["oldest"]
    if oldest and pull.since and oldest < pull.since:
        request_history(ad_account, max(oldest, oldest_day(ad_account)))


def request_all_pulls() -> None:
    """A run for every enabled ad account of a usable grant."""
    accounts = AdAccount.objects.filter(
        enabled=True, gone_at=None, integration__status__in=Integration.USABLE
    ).select_related("integration")
    for account in accounts:
        with transaction.atomic():
            request_pull(account)


def pull_insights(*, run_id: UUID, seconds: float = TURN_SECONDS) -> None:
    """Read the run's days, and beside it other runs that wait. Safe to repeat.

    A cut pull leaves the days that it did not finish as they were.
    """
    own = claim(run_id, seconds)
    if own is None:
        return
    turns = _with_others(own, seconds)
    Puller(lambda: next(turns, None), seconds).work()


def pull_together(*, run_ids: Iterable[UUID]) -> None:
    """Read these runs to their end, several at once, and no others."""
    turns = (turn for run_id in run_ids if (turn := claim(run_id, math.inf)) is not None)
    Puller(lambda: next(turns, None), math.inf).work()


def prune_revisions() -> None:
    """Forget what days said before they were restated more than 90 days ago."""
    before = timezone.now() - InsightRevision.KEPT
    for pk in AdAccount.objects.values_list("pk", flat=True):
        InsightRevision.objects.filter(ad_account=pk, noted_at__lt=before).delete()


def _with_others(own: Turn, seconds: float) -> Iterator[Turn | None]:
    yield own
    while True:
        yield claim_next(_NEWEST_FIRST, seconds)


def _account_in_use(actor: Actor, pk: int) -> AdAccount:
    require_role(actor, Role.ADMIN, tenant_id=actor.tenant_id)
    account = access_ad_account(actor=actor, pk=pk)
    if not account.integration.is_usable:
        raise NotConnected
    if not account.enabled or account.gone_at:
        raise InvalidInput("This ad account is not used here any more. Choose it first.")
    return account
