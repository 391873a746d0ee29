from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import SyncRun
from integrations.schedules import SCHEDULES
from leadmetrics import queue
from leadmetrics.reports import sync
from leadmetrics.tenancy.models import Tenant
from tests.leadmetrics.reports.worlds import NOW, make_account, make_run

URL = "/t/acme/sync/"


def words_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_each_run_tells_its_rows_requests_time_and_completeness(
    acme: Tenant, as_ana: Client
) -> None:
    run = make_run(make_account(acme), rows=1234, requests=7, days_done=28, days_total=28)
    run.started_at, run.finished_at = NOW - timedelta(seconds=75), NOW
    run.save()

    words = words_of(as_ana.get(URL))

    assert "Acme EU: performance Complete" in words
    assert "28 of 28 read 1,234 7 1 min 15 s" in words
    assert "Everything is up to date." in words


@pytest.mark.parametrize(
    ("account", "run", "label", "reason"),
    [
        ({}, {"state": "complete"}, "Fresh", ""),
        (
            {},
            {"state": "failed", "error": "Meta sent no JSON."},
            "Incomplete",
            "Meta sent no JSON.",
        ),
        ({}, {"state": "running", "rows": 12}, "Being read", "12 rows"),
        (
            {},
            {"state": "running", "rows": 12, "lease_until": NOW + timedelta(minutes=1)},
            "Being read",
            "12 rows",
        ),
        (
            {},
            {"state": "running", "rows": 12, "lease_until": NOW - timedelta(minutes=1)},
            "Waiting for a worker",
            "has ended in the middle; so far 12 rows",
        ),
        (
            {},
            {"state": "waiting", "lease_until": NOW + timedelta(minutes=5), "error": "Too fast."},
            "Waiting for Meta",
            "Too fast.",
        ),
        ({}, {"state": "waiting"}, "Waiting for a worker", "It begins in a moment."),
        ({"insights_complete_at": NOW - timedelta(days=1)}, None, "Late", "worker"),
        ({"insights_complete_at": None}, None, "Not read yet", "next scheduled"),
        ({"gone_at": NOW}, None, "Not reachable", "has no access"),
    ],
)
def test_why_figures_are_no_fresher_is_said_in_words(
    acme: Tenant,
    as_ana: Client,
    account: dict[str, Any],
    run: dict[str, Any] | None,
    label: str,
    reason: str,
) -> None:
    made = make_account(acme, **account)
    if run:
        make_run(made, **run)

    words = words_of(as_ana.get(URL))

    assert label in words
    assert reason in words


def test_the_next_read_is_told_in_the_workspaces_timezone(acme: Tenant, as_ana: Client) -> None:
    make_account(acme)
    queue.install_schedules([schedule for schedule in SCHEDULES if "performance" in schedule.name])
    queue.QueueSchedule.objects.update(next_run=datetime(2026, 11, 24, 21, 10, tzinfo=UTC))

    assert "Next read 24 Nov, 22:10 (Europe/Berlin)." in words_of(as_ana.get(URL))
    assert timezone.get_current_timezone_name() == "UTC"  # nothing of it stays behind


def test_an_ended_grant_is_why_everything_stands_still(acme: Tenant, as_ana: Client) -> None:
    account = make_account(acme)
    account.integration.status = "revoked"
    account.integration.save()

    words = words_of(as_ana.get(URL))

    assert "Stands still" in words
    assert "Sync now" not in words


def test_sync_now_begins_a_run_whose_progress_survives_a_reload(
    acme: Tenant, as_ana: Client
) -> None:
    account = make_account(acme)

    answer = as_ana.post(f"{URL}now/", {"account": account.pk}, follow=True)
    as_ana.post(f"{URL}now/")  # joins what is under way

    assert "1 ad account is being read" in words_of(answer)
    run = SyncRun.objects.get(ad_account=account)
    SyncRun.objects.filter(pk=run.pk).update(state="running", days_done=9, days_total=28, rows=900)
    for headers in ({}, {"HX-Request": "true"}):
        again = as_ana.get(URL, headers=headers)
        assert "9 of 28 days, 900 rows" in words_of(again)
        assert 'hx-trigger="every 2s"' in again.content.decode()
    SyncRun.objects.filter(pk=run.pk).update(state="complete")
    assert "every 2s" not in as_ana.get(URL).content.decode()


def test_account_tells_how_far_its_older_days_are(acme: Tenant, as_ana: Client) -> None:
    account = make_account(acme)
    run = make_run(account, "running", kind="history", days_done=300, days_total=1100, rows=9000)

    answer = as_ana.get(URL)
    assert "Older days: 300 of 1100 days, 9,000 rows" in words_of(answer)
    assert 'value="300" max="1100"' in answer.content.decode()

    SyncRun.objects.filter(pk=run.pk).update(state="failed", error="Meta sent no JSON.")
    assert "Older days: Meta sent no JSON." in words_of(as_ana.get(URL))


def test_another_tenants_account_is_not_read(acme: Tenant, harbour: Tenant, as_ana: Client) -> None:
    theirs = make_account(harbour)

    as_ana.post(f"{URL}now/", {"account": theirs.pk})

    assert not SyncRun.objects.exists()


def test_account_that_is_not_used_any_more_is_said_to_be_so(acme: Tenant, as_ana: Client) -> None:
    left = make_account(acme, enabled=False)

    answer = as_ana.post(f"{URL}now/", {"account": left.pk}, follow=True)

    assert "This ad account is not used here any more." in words_of(answer)
    assert not SyncRun.objects.exists()


def test_older_runs_are_a_click_away(
    acme: Tenant, as_ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "RUNS_PER_PAGE", 5)
    account = make_account(acme)
    for number in range(10):
        make_run(account, rows=7000 + number)

    first = as_ana.get(URL)
    (url,) = re.findall(r'rel="next" href="([^"]*)"', first.content.decode())
    second = as_ana.get(url)

    both = re.findall(r">7,0(\d\d)<", first.content.decode() + second.content.decode())
    assert sorted(both) == [f"{n:02}" for n in range(10)]


def test_queries_do_not_grow_with_the_rows(
    acme: Tenant, as_ana: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        make_run(make_account(acme, f"Account {number}"))

    with django_assert_max_num_queries(12):
        assert as_ana.get(URL).status_code == 200
