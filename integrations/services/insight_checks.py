"""Once a month: do the stored campaigns add up to what Meta reports for the whole account?"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.days import today_of
from integrations.exact import PLACES, MillionthsSum, WholeSum, from_millionths
from integrations.insight_models import RESTATED_DAYS, is_final
from integrations.meta_ads.errors import MetaError
from integrations.meta_ads.types import RangeTotals
from integrations.models import AdAccount, CampaignInsight, InsightCheck, InsightDay, Integration
from integrations.services.failures import note_failure
from integrations.services.insights import request_pull
from integrations.services.pacing import account_client
from integrations.services.readings import action_types_of
from integrations.words import differences
from leadmetrics import queue
from leadmetrics.errors import LeadmetricsError
from leadmetrics.notices.services import notify
from leadmetrics.tenancy.models import Role, User

# What is the same whether it is counted by campaign or for the account. Reach is not.
_COUNTS = ("impressions", "clicks", "inline_link_clicks")
_CONVERSIONS = ("conversions", "conversion_value")
_DECIMALS = ("spend", *_CONVERSIONS)


def request_checks() -> None:
    """A check for every account whose last final month was not found equal yet."""
    accounts = AdAccount.objects.filter(
        enabled=True, gone_at=None, integration__status__in=Integration.USABLE
    )
    with transaction.atomic():
        for account in accounts:
            month = last_final_month(account)
            if not account.insight_checks.filter(month=month, matches=True).exists():
                queue.enqueue("integrations.tasks.check_insights", account.pk, month.isoformat())


def check_insights(*, ad_account_pk: int, month: date) -> None:
    """Compare a month. Safe to repeat.

    A month that was last read while it could still change, or that is different, is read again and
    compared another day; admins are told when it is different even then. That Meta could not be
    asked is written down.
    """
    account = AdAccount.objects.select_related("integration", "tenant").get(pk=ad_account_pk)
    last = _last_day(month)
    marks = account.insight_days.filter(level=InsightDay.Level.CAMPAIGN, day__range=(month, last))
    read_at = dict(marks.values_list("day", "read_at"))
    if len(read_at) < last.day:
        return  # a month that is not stored as a whole, for instance before the first pull
    zone = ZoneInfo(account.timezone)
    if not all(is_final(day, moment, zone) for day, moment in read_at.items()):
        _read_again(account, month, last)
        return
    try:
        whole = _metas_totals(account, month, last)
    except LeadmetricsError as exc:
        if isinstance(exc, MetaError):
            note_failure(account.integration, exc)
        _record_unasked(account, month, exc)
        return
    metas = {name: _exact(getattr(whole, name, None)) for name in (*_COUNTS, *_DECIMALS)}
    kind = whole.conversion_action_type if whole else ""
    _record(account, month, _our_totals(account, month, last, metas, kind), metas, kind)


def last_final_month(account: AdAccount) -> date:
    """The first day of the newest month whose last day can no longer change."""
    newest = today_of(account) - timedelta(days=RESTATED_DAYS)
    following = newest.replace(day=1)
    return (following - timedelta(days=1)).replace(day=1)


def _record(
    account: AdAccount,
    month: date,
    ours: dict[str, Decimal],
    metas: dict[str, Decimal],
    kind: str,
) -> None:
    matches = ours == metas
    with transaction.atomic():
        had_differed = account.insight_checks.filter(month=month, matches=False).exists()
        check, _ = InsightCheck.objects.update_or_create(
            ad_account=account,
            month=month,
            defaults={
                "checked_at": timezone.now(),
                "matches": matches,
                "error": "",
                "conversion_action_type": kind,
                "ours": {name: str(value) for name, value in ours.items()},
                "metas": {name: str(value) for name, value in metas.items()},
            },
        )
        if not matches:
            _read_again(account, month, _last_day(month))
            if had_differed:
                _tell_admins(account, month, differences(check))


def _record_unasked(account: AdAccount, month: date, exc: LeadmetricsError) -> None:
    """An earlier verdict of the month stays beside it."""
    InsightCheck.objects.update_or_create(
        ad_account=account,
        month=month,
        defaults={"checked_at": timezone.now(), "error": exc.user_message},
    )


def _tell_admins(account: AdAccount, month: date, what_differs: str) -> None:
    name = f"{month:%B %Y}"
    notify(
        tenant=account.tenant,
        users=User.objects.filter(
            memberships__tenant=account.tenant, memberships__role=Role.ADMIN, is_active=True
        ),
        key=f"insight-check:{account.pk}:{month}",
        subject=f"{account.name}: {name} differs from Meta",
        body=(
            f"The campaigns of {account.name} do not add up to what Meta reports for the whole "
            f"account in {name}, also after the month was read again: {what_differs}. Compare it "
            "in Ads Manager before you rely on it."
        ),
        path=f"/t/{account.tenant.slug}/reports/",
    )


def _read_again(account: AdAccount, first: date, last: date) -> None:
    with transaction.atomic():
        request_pull(account, first, last)


def _metas_totals(account: AdAccount, first: date, last: date) -> RangeTotals | None:
    """None of an account that delivered nothing."""
    rows = account_client(account).get_range_totals(
        account.ad_account_id,
        first,
        last,
        level="account",
        action_types=action_types_of(account),
    )
    return next(rows, None)


def _our_totals(
    account: AdAccount, first: date, last: date, metas: dict[str, Decimal], kind: str
) -> dict[str, Decimal]:
    """What is stored.

    Meta's total counts conversions by one kind. Those of campaigns that reported another kind of
    the same events may be in it or not, so with such campaigns any total between counts as equal.
    """
    rows = account.insights.filter(date_start__range=(first, last))
    ours = _sums(rows)
    if kind:
        of_kind = _sums(rows.filter(conversion_action_type=kind))
        for name in _CONVERSIONS:
            ours[name] = min(max(metas[name], of_kind[name]), ours[name])
    return ours


def _sums(rows: QuerySet[CampaignInsight]) -> dict[str, Decimal]:
    sums = rows.aggregate(
        **{f"sum_{name}": WholeSum(name) for name in _COUNTS},
        **{f"sum_{name}": MillionthsSum(name) for name in _DECIMALS},
    )
    return {
        **{name: _exact(sums[f"sum_{name}"]) for name in _COUNTS},
        **{name: _exact(from_millionths(sums[f"sum_{name}"])) for name in _DECIMALS},
    }


def _exact(value: Decimal | int | None) -> Decimal:
    """With as many decimals as are stored; nothing counts as 0."""
    return round(Decimal(value or 0), PLACES)


def _last_day(month: date) -> date:
    following = (month + timedelta(days=31)).replace(day=1)
    return following - timedelta(days=1)
