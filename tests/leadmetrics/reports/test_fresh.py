"""How the report says what is old, in doubt, or has moved."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.test import Client

from leadmetrics.tenancy.models import Tenant
from tests.builders import make_campaign
from tests.leadmetrics.reports.pages import URL, text_of
from tests.leadmetrics.reports.worlds import (
    NOW,
    TODAY,
    make_account,
    make_day,
    make_run,
)


def test_a_running_pull_shows_progress_and_asks_again(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, insights_complete_at=None)
    run = make_run(account, "running", days_done=12, days_total=90, rows=4310)
    make_day(account, TODAY - timedelta(days=1), spend=999)

    page = as_vera.get(URL)
    assert "12 of 90 days, 4,310 rows" in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert "999" not in text_of(page)
    assert "The first read is not complete yet" in text_of(page)

    run.state = "complete"
    run.save()
    account.insights_complete_at = NOW
    account.save()
    fragment = as_vera.get(f"{URL}freshness/", headers={"HX-Request": "true"})
    assert "every 2s" not in fragment.content.decode()
    assert "Show the new figures" in text_of(fragment)
    assert "<html" not in fragment.content.decode()


def test_a_cut_pull_is_marked_and_the_last_complete_one_shown(
    acme: Tenant, as_vera: Client
) -> None:
    account = make_account(acme)
    make_run(account, "failed", error="Meta stopped answering after 3 of 28 days.")
    make_day(account, TODAY - timedelta(days=1), spend=10)

    words = text_of(as_vera.get(URL))

    assert "The last read of Acme EU was cut short" in words
    assert "Meta stopped answering after 3 of 28 days." in words
    assert "as of 10:00" in words  # 09:00 UTC in Berlin
    assert "€10.00" in words


def test_without_ad_accounts_the_page_says_the_one_thing_to_do(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    assert "An admin of this workspace connects Facebook" in text_of(as_vera.get(URL))
    assert 'href="/t/acme/connections/"' in as_ana.get(URL).content.decode()


def test_why_figures_are_old_is_said_to_everybody(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, insights_complete_at=NOW - timedelta(days=2))
    make_day(account, TODAY - timedelta(days=3), spend=1)
    assert "Acme EU is not up to date No read has begun since." in text_of(as_vera.get(URL))

    account.integration.status = "revoked"
    account.integration.save()
    words = text_of(as_vera.get(URL))
    assert "Access through Olga Owner" in words or "Olga Owner" in words
    assert "What you see is the last complete read, as of 22 Nov, 10:30" in words


def test_a_wait_for_meta_is_called_that(acme: Tenant, as_vera: Client) -> None:
    make_run(
        make_account(acme),
        "waiting",
        lease_until=NOW + timedelta(minutes=5),
        error="Meta asks us to wait.",
    )

    words = text_of(as_vera.get(f"{URL}freshness/"))

    assert "Acme EU : Waiting for Meta Meta asks us to wait." in words
    assert "Next try at 10:35 (Europe/Berlin); so far 0 rows." in words


def test_a_month_that_differs_from_metas_total_is_named(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    account = make_account(acme)
    same = {"clicks": "7", "conversions": "3"}
    sums = {"ours": {"spend": "90.000000", **same}, "metas": {"spend": "95.500000", **same}}
    account.insight_checks.create(month="2026-09-01", checked_at=NOW, matches=False, **sums)
    account.insight_checks.create(month="2026-08-01", checked_at=NOW, matches=True, **sums)

    told = text_of(as_vera.get(URL, {"since": "2026-09-20", "until": "2026-10-02"}))

    assert "September 2026 of Acme EU does not add up to what Meta reports" in told
    assert "for the whole ad account: spend €90.00 here, €95.50 at Meta. It is read" in told
    assert "does not add up" not in text_of(as_vera.get(URL))
    shown = text_of(as_ana.get("/t/acme/sync/"))
    assert "Different September 2026, 24 Nov, 10:30: spend €90.00 here, €95.50 at Meta." in shown

    account.insight_checks.filter(matches=False).update(error="Meta asks us to wait.")
    shown = text_of(as_ana.get("/t/acme/sync/"))
    assert "Could not be asked September 2026, 24 Nov, 10:30: Meta asks us to wait." in shown
    assert "Before: spend €90.00 here, €95.50 at Meta." in shown
    account.insight_checks.filter(matches=False).delete()
    assert "Equal August 2026, 24 Nov, 10:30: €90.00 spent" in text_of(as_ana.get("/t/acme/sync/"))


def test_what_moved_is_told_from_the_visit_before(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    day = TODAY - timedelta(days=2)
    make_campaign(account, campaign_id="1", name="Spring")
    make_day(account, day, "1", spend=12, impressions=900, conversions=3, conversion_value=90)
    moved = f"{URL}moved/"
    assert "This is your first visit" in text_of(as_vera.get(moved))
    assert "What moved since" not in text_of(as_vera.get(URL))

    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        account.insight_revisions.create(
            campaign_id="1",
            date_start=day,
            noted_at=NOW + timedelta(hours=1),
            spend=10,
            impressions=1000,
            clicks=2,
            conversions=4,
        )
        assert "What moved since you last looked" in text_of(as_vera.get(URL))
        words = text_of(as_vera.get(moved))

    assert "Spring Acme EU 1 +€2.00 −100 −2 −1 +€90.00" in words
