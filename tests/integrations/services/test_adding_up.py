"""The sums of days and months stay equal to their rows, whoever writes at the same time."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction

from integrations.models import AccountDay, AdAccount, CampaignInsight, CampaignMonth
from integrations.services.adding_up import add_up
from tests.builders import make_ad_account, make_integration, make_tenant
from tests.stack import wait_until

JULY = date(2026, 7, 1)


def store(account: AdAccount, day: date, **figures: Decimal | int) -> None:
    CampaignInsight.objects.create(
        ad_account=account, campaign_id="1", campaign_name="Spring", date_start=day, **figures
    )


def in_one_go(account: AdAccount, day: date, **figures: Decimal | int) -> None:
    with transaction.atomic():
        store(account, day, **figures)
        add_up(account.pk, day, day)


@pytest.fixture
def account(db: None) -> AdAccount:
    return make_ad_account(make_integration(make_tenant()))


def test_what_meta_never_said_stays_missing_beside_what_it_said(account: AdAccount) -> None:
    in_one_go(account, JULY, spend=Decimal("1.25"))
    in_one_go(account, JULY.replace(day=2), spend=Decimal("0.000001"), clicks=0)

    month = CampaignMonth.objects.get()
    assert (month.month, month.campaign_id) == (JULY, "1")
    assert (month.spend_millionths, month.clicks, month.impressions) == (1_250_001, 0, None)
    days = AccountDay.objects.order_by("day").values_list("spend_millionths", "clicks")
    assert list(days) == [(1_250_000, None), (1, 0)]


def test_a_row_that_goes_takes_its_sums_with_it(account: AdAccount) -> None:
    in_one_go(account, JULY, spend=Decimal(1))
    with transaction.atomic():
        CampaignInsight.objects.all().delete()
        add_up(account.pk, JULY, JULY)

    assert not AccountDay.objects.exists()
    assert not CampaignMonth.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_runs_that_share_a_month_both_count(account: AdAccount) -> None:
    """On PostgreSQL the second one writes, and asks to add up, while the first is not done."""
    if connection.vendor != "postgresql":  # SQLite lets one write at a time
        in_one_go(account, JULY, spend=Decimal(1))
        in_one_go(account, JULY.replace(day=2), spend=Decimal(2))
    else:
        added = threading.Event()

        def second() -> None:
            try:
                with transaction.atomic():
                    store(account, JULY.replace(day=2), spend=Decimal(2))
                    added.wait(30)
                    add_up(account.pk, JULY.replace(day=2), JULY.replace(day=2))
            finally:
                connection.close()

        thread = threading.Thread(target=second)
        with transaction.atomic():
            store(account, JULY, spend=Decimal(1))
            thread.start()
            add_up(account.pk, JULY, JULY)
            added.set()
            wait_until(somebody_waits, seconds=30)
        thread.join(timeout=30)

    assert CampaignMonth.objects.get().spend_millionths == 3_000_000
    assert AccountDay.objects.count() == 2


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the view stays as it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None
