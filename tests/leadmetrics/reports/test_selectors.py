from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from integrations.models import CampaignInsight, SyncRun
from integrations.sums import Sums
from leadmetrics.reports import selectors
from leadmetrics.reports.accounts import (
    Account,
    day_begun_anywhere,
    day_begun_everywhere,
    report_accounts,
)
from leadmetrics.reports.periods import Period
from leadmetrics.reports.selectors import Scope
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_campaign, store_insights
from tests.leadmetrics.reports.worlds import (
    NOW,
    TODAY,
    make_account,
    make_day,
    make_run,
)

WEEK = Period(TODAY - timedelta(days=7), TODAY - timedelta(days=1))


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def test_rates_come_from_sums_not_from_averages(acme: Tenant) -> None:
    account = make_account(acme)
    make_day(account, day(1), "1", spend="10.10", impressions=1000, clicks=10, conversions=2)
    make_day(account, day(1), "2", spend="0.20", impressions=9000, clicks=1, conversions=1)
    make_day(account, day(2), "1", spend="89.70", impressions=10000, clicks=189, conversions=2)

    (report,) = selectors.performance(report_accounts(acme), WEEK)

    total = report.total
    assert (total.spend, total.impressions, total.clicks) == (Decimal("100"), 20000, 200)
    assert total.ctr == Decimal("1")  # 200 / 20000 * 100
    assert total.cpc == Decimal("0.5")  # 100 / 200
    assert total.cpm == Decimal("5")  # 100 / 20000 * 1000
    assert total.cost_per_conversion == Decimal("20")  # 100 / 5


def test_a_sum_of_many_cents_is_exact(acme: Tenant) -> None:
    account = make_account(acme)
    for campaign in range(50):
        make_day(account, day(1), str(campaign), spend="0.1")

    (report,) = selectors.performance(report_accounts(acme), WEEK)

    assert report.total.spend == Decimal("5")


def test_large_amounts_add_up_to_the_last_digit_in_every_way_of_adding(acme: Tenant) -> None:
    """By day and month as kept, by the ends of months, by words and by campaign."""
    account = make_account(acme, currency="IDR")
    spend, value = Decimal("987654321.123456"), Decimal("987654321.1234")
    rows = [
        CampaignInsight(
            ad_account=account,
            campaign_id=str(campaign),
            campaign_name=f"{'Loud' if campaign % 2 else 'Quiet'} {campaign}",
            date_start=day(ago),
            spend=spend,
            conversion_value=value,
        )
        for campaign in range(6)
        for ago in range(1, 61)
    ]
    store_insights(rows)
    accounts = report_accounts(acme)
    days = Period(day(60), day(1))

    (everything,) = selectors.performance(accounts, days)
    (loud,) = selectors.performance(accounts, days, scope=Scope(search="loud"))
    (one,) = selectors.performance(accounts, days, scope=Scope((account.pk, "1")))

    assert everything.total.spend == spend * 360
    assert everything.total.conversion_value == value * 360
    assert {row.sums.spend for row in everything.objects} == {spend * 60}
    assert loud.total.spend == spend * 180
    assert one.total.spend == spend * 60


def test_what_meta_never_said_stays_missing(acme: Tenant) -> None:
    account = make_account(acme)
    make_day(account, day(1), spend="10", impressions=100, clicks=0)

    (report,) = selectors.performance(report_accounts(acme), WEEK)

    assert report.total.conversions is None
    assert report.total.cost_per_conversion is None
    assert report.total.clicks == 0
    assert report.total.cpc is None


def test_currencies_are_never_added(acme: Tenant) -> None:
    make_day(make_account(acme, "EU"), day(1), spend="10")
    make_day(make_account(acme, "EU 2"), day(1), spend="5")
    make_day(make_account(acme, "US", currency="USD"), day(1), spend="7")

    reports = selectors.performance(report_accounts(acme), WEEK)

    assert [(r.currency, r.total.spend) for r in reports] == [("EUR", 15), ("USD", 7)]


def test_only_the_days_asked_for_count_and_the_period_before_beside_them(acme: Tenant) -> None:
    account = make_account(acme)
    for ago, spend in ((0, 1000), (1, 1), (7, 2), (8, 30), (14, 40), (15, 5000)):
        make_day(account, day(ago), spend=spend)

    (report,) = selectors.performance(report_accounts(acme), WEEK, compare=True)

    assert report.total.spend == 3
    assert report.before == Sums(spend=Decimal(70))
    assert set(report.days) == {day(1), day(7)}


def test_an_account_without_a_complete_pull_is_left_out(acme: Tenant) -> None:
    make_day(make_account(acme, "Read"), day(1), spend="10")
    half = make_account(acme, "Half read", insights_complete_at=None)
    make_day(half, day(1), spend="99")

    (report,) = selectors.performance(report_accounts(acme), WEEK)

    assert report.total.spend == 10
    assert [account.name for account in report.accounts] == ["Read"]


def test_disabled_and_foreign_accounts_are_not_read(acme: Tenant) -> None:
    make_account(acme, "Off", enabled=False)
    other = Tenant.objects.create(slug="other", name="Other")
    make_account(other, "Theirs")

    assert report_accounts(acme) == []


def test_an_account_reached_by_two_grants_counts_once(acme: Tenant) -> None:
    first = make_account(acme, "EU", insights_complete_at=NOW - timedelta(days=2))
    second_grant = first.integration
    second_grant.pk, second_grant.meta_user_id = None, "2002"
    second_grant._state.adding = True
    second_grant.id = type(second_grant)._meta.pk.get_default()
    second_grant.save()
    fresh = make_account(acme, "EU", ad_account_id="act_x")
    fresh.integration, fresh.ad_account_id = second_grant, first.ad_account_id
    fresh.save()
    make_day(first, day(1), spend="10")
    make_day(fresh, day(1), spend="10")

    accounts = report_accounts(acme)
    (report,) = selectors.performance(accounts, WEEK)

    assert [account.pk for account in accounts] == [fresh.pk]
    assert report.total.spend == 10


def test_campaigns_carry_the_name_of_the_catalog_or_of_their_rows(acme: Tenant) -> None:
    account = make_account(acme)
    make_campaign(account, campaign_id="1", name="Spring, renamed")
    make_day(account, day(1), "1", name="Spring", spend="1")
    make_day(account, day(1), "2", name="Deleted one", spend="2")

    (report,) = selectors.performance(report_accounts(acme), WEEK)

    assert {(c.object_id, c.name, c.status) for c in report.objects} == {
        ("1", "Spring, renamed", "ACTIVE"),
        ("2", "Deleted one", ""),
    }


def test_reach_is_only_given_for_one_campaign_on_one_day(acme: Tenant) -> None:
    account = make_account(acme)
    make_day(account, day(1), reach=700)
    make_day(account, day(2), reach=800)
    accounts = report_accounts(acme)

    (one_day,) = selectors.performance(accounts, Period(day(1), day(1)))[0].objects
    (week,) = selectors.performance(accounts, WEEK)[0].objects

    assert (one_day.reach, week.reach) == (700, None)


def test_days_that_were_read_are_known_back_to_the_first_gap(acme: Tenant) -> None:
    account = make_account(acme)
    make_run(account, since=day(30), until=day(10))
    make_run(account, since=day(12), until=day(3))
    make_run(account, "failed", since=day(90), until=day(0), created_at=NOW)

    (found,) = report_accounts(acme)

    assert (found.first_day, found.last_day) == (day(30), day(3))
    assert found.covers(day(30))
    assert not found.covers(day(31))
    assert not found.covers(day(2))

    make_run(account, kind="history", since=day(80), until=day(40))  # and no further yet
    (found,) = report_accounts(acme)
    assert (found.first_day, found.last_day) == (day(30), day(3))
    make_run(account, kind="history", since=day(39), until=day(31))
    SyncRun.objects.all().delete()  # runs are forgotten after 90 days
    (found,) = report_accounts(acme)
    assert (found.first_day, found.last_day) == (day(80), day(3))


def test_the_newest_run_says_whether_a_pull_goes_on(acme: Tenant) -> None:
    pulling, cut, calm = (make_account(acme, name) for name in ("A", "B", "C"))
    make_run(pulling)
    make_run(calm)
    make_run(cut)
    later = NOW + timedelta(minutes=1)
    for account, state in ((pulling, "running"), (cut, "failed")):
        run = make_run(account, state)
        type(run).objects.filter(pk=run.pk).update(created_at=later)

    accounts = report_accounts(acme)

    assert [(a.is_pulling, a.has_failed) for a in accounts] == [
        (True, False),
        (False, True),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("zone", "today"), [("Pacific/Honolulu", date(2026, 11, 23)), ("UTC", date(2026, 11, 24))]
)
def test_today_is_the_accounts_own(acme: Tenant, zone: str, today: date) -> None:
    make_account(acme, timezone=zone)

    (account,) = report_accounts(acme)

    assert account.today == today


def test_a_day_is_whole_only_when_read_after_it_was_over(acme: Tenant) -> None:
    # 08:30 UTC is 00:30 in Los Angeles: yesterday there has just ended.
    just_after = make_account(acme, "A", timezone="America/Los_Angeles")
    just_before = make_account(
        acme,
        "B",
        timezone="America/Los_Angeles",
        insights_complete_at=NOW - timedelta(hours=2),
    )
    for account in (just_after, just_before):
        make_run(account)

    after, before = report_accounts(acme)

    assert after.has_all_of(day(1))
    assert not before.has_all_of(day(1))
    assert before.has_all_of(day(2))


def test_presets_end_where_yesterday_is_over_everywhere(acme: Tenant) -> None:
    make_account(acme, timezone="Pacific/Honolulu")  # 23:30 on the day before
    make_account(acme, timezone="Pacific/Kiritimati")
    accounts: list[Account] = report_accounts(acme)

    assert day_begun_everywhere(accounts, acme) == day(1)
    assert day_begun_anywhere(accounts, acme) == TODAY
