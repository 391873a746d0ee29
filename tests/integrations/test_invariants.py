"""The checker finds nothing in grants and figures that are right, and each thing made wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from django_q.models import Task

from integrations.invariants import violations
from integrations.models import (
    AccountDay,
    AdAccount,
    CampaignInsight,
    CampaignMonth,
    InsightDay,
    Integration,
)
from leadmetrics import queue
from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import system
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    TOKEN,
    make_ad_account,
    make_campaign,
    make_insights,
    make_integration,
)

LAST = date(2026, 11, 2)


@pytest.fixture
def grant(acme: Tenant) -> Integration:
    """A grant that was refreshed once, with three days of two campaigns around a month's end."""
    made = make_integration(acme, version=2)
    with transaction.atomic():
        record(system(acme.pk), "integration.refreshed", made)
    account = make_ad_account(made)
    make_insights([make_campaign(account) for _ in range(2)], days=3, until=LAST)
    for back in range(3):
        InsightDay.objects.create(
            ad_account=account,
            level="campaign",
            day=LAST - timedelta(days=back),
            read_at=datetime.now(UTC),
        )
    return made


def finished(func: str, args: tuple[str, ...]) -> None:
    now = datetime.now(UTC)
    Task.objects.create(
        id=func, name=func, func=func, args=args, started=now, stopped=now, success=True
    )


def swapped(grant: Integration) -> None:
    """Another grant's token, copied over."""
    other = make_integration(grant.tenant)
    Integration.objects.filter(pk=grant.pk).update(api_key=other.api_key)


RUN, PUSH = "leadmetrics.queue.run_job", "approvals.tasks.push_variant"
WRONG: dict[str, tuple[str, Callable[[Integration], object]]] = {
    "token in clear": ("I12", lambda _: Integration.objects.update(api_key=TOKEN)),
    "token kept": ("I12", lambda _: Integration.objects.update(status="disconnected")),
    "token in a job": ("I12", lambda _: finished(RUN, (PUSH, TOKEN * 3))),
    "foreign job": ("I12", lambda _: finished("os.system", ("true",))),
    "token of another row": ("I13", swapped),
    "held for ever": (
        "I14",
        lambda _: Integration.objects.update(lease_until=datetime.now(UTC) + timedelta(hours=1)),
    ),
    "not counted": ("I14", lambda _: Integration.objects.update(version=1)),
    "half a day": ("I18", lambda _: InsightDay.objects.filter(day=LAST).delete()),
    "day's sum": ("I18", lambda _: AccountDay.objects.filter(day=LAST).update(clicks=1)),
    "day without a sum": ("I18", lambda _: AccountDay.objects.filter(day=LAST).delete()),
    "month's sum": ("I18", lambda _: CampaignMonth.objects.update(spend_millionths=None)),
    "lost row": ("I18", lambda _: CampaignInsight.objects.filter(date_start=LAST).delete()),
}


def test_what_is_right_violates_nothing(grant: Integration, acme: Tenant) -> None:
    finished(RUN, (PUSH, str(grant.pk)))
    assert list(violations()) == []
    assert list(violations([acme.pk])) == []


@pytest.mark.parametrize("what", WRONG)
def test_checker_finds_what_was_made_wrong(grant: Integration, acme: Tenant, what: str) -> None:
    rule, spoil = WRONG[what]
    spoil(grant)
    found = list(violations([acme.pk]))
    assert found
    assert {each.split(" ")[0] for each in found} == {rule}


def test_other_tenants_trouble_is_told_to_nobody_else(grant: Integration, harbour: Tenant) -> None:
    Integration.objects.update(api_key=TOKEN)
    AccountDay.objects.update(clicks=1)
    assert list(violations([harbour.pk])) == []
    assert AdAccount.objects.count() == 1


def test_a_waiting_job_of_another_key_is_not_held_against_anybody(
    db: None, settings: object, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        queue.enqueue(PUSH, 7)
    assert queue.odd_jobs() == []
    settings.SECRET_KEY = "another-key"  # type: ignore[attr-defined]
    assert queue.odd_jobs() == []
