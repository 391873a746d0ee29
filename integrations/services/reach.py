"""Reach of a range of days: people are counted by Meta, for days do not add up."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from integrations.access import access_ad_account
from integrations.days import check_days
from integrations.meta_ads.errors import MetaError
from integrations.models import AdAccount, RangeReach
from integrations.services.failures import note_failure
from integrations.services.pacing import account_client
from integrations.services.runs import LEASE
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import Actor, require_role
from leadmetrics.tenancy.models import Role


def ask_reach(*, actor: Actor, ad_account_pk: int, since: date, until: date) -> RangeReach:
    """The account's reach over these days: as it is known, and being read anew if it may be old.

    Look again later when ``is_being_read``. Raises NotFound, and InvalidInput for days that Meta
    cannot answer for.
    """
    with transaction.atomic():
        require_role(actor, Role.VIEWER, tenant_id=actor.tenant_id)
        account = access_ad_account(actor=actor, pk=ad_account_pk)
        check_days(account, since, until)
        reach, _ = RangeReach.objects.get_or_create(ad_account=account, since=since, until=until)
        current = reach.is_current(account.insights_complete_at, account.timezone)
        readable = account.enabled and account.gone_at is None and account.integration.is_usable
        if readable and not current and not reach.is_being_read:
            # Held from now on, so that ten people who look at a page wake one worker.
            reach.lease_until = timezone.now() + LEASE
            reach.save(update_fields=["lease_until"])
            queue.enqueue("integrations.tasks.read_reach", reach.pk)
    return reach


def read_reach(*, reach_pk: int) -> None:
    """Ask Meta for the account and for each campaign. Safe to repeat."""
    reach = (
        RangeReach.objects.select_related("ad_account__integration")
        .filter(pk=reach_pk, lease_until__isnull=False)
        .first()
    )
    if reach is None:
        return
    account = reach.ad_account
    began = timezone.now()
    try:
        total, by_campaign = _read(account, reach.since, reach.until)
    except MetaError as exc:
        note_failure(account.integration, exc)
        _put_off(reach, exc, exc.wait_seconds or 60)
    except LeadmetricsError as exc:
        _put_off(reach, exc, 60)
    else:
        RangeReach.objects.filter(pk=reach.pk).update(
            total=total, by_campaign=by_campaign, read_at=began, lease_until=None, error=""
        )


def prune_reach() -> None:
    """Forget ranges that nobody has looked at for a month."""
    before = timezone.now() - RangeReach.KEPT
    old = Q(read_at__lt=before) | Q(read_at=None, lease_until__lt=before)
    RangeReach.objects.filter(old).delete()


def _read(account: AdAccount, since: date, until: date) -> tuple[int | None, dict[str, int]]:
    client = account_client(account)
    whole = list(client.get_range_totals(account.ad_account_id, since, until, level="account"))
    by_campaign = {
        row.campaign_id: row.reach
        for row in client.get_range_totals(account.ad_account_id, since, until, level="campaign")
        if row.reach is not None
    }
    # No row at all means that nothing was shown, so nobody was reached.
    return (whole[0].reach if whole else 0), by_campaign


def _put_off(reach: RangeReach, exc: LeadmetricsError, seconds: float) -> None:
    """Whoever looks at the page after that asks again."""
    RangeReach.objects.filter(pk=reach.pk).update(
        lease_until=timezone.now() + timedelta(seconds=seconds), error=exc.user_message
    )
