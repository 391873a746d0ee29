"""The pages of Connections: what they say, what their buttons do, and that they stay quick."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.days import oldest_day
from integrations.models import AdAccount, Integration, PushTarget, SyncRun
from integrations.services.catalog import request_catalog
from integrations.services.insights import request_history, request_pull
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_integration,
    make_page,
    make_push_target,
)
from tests.integrations.conftest import SCOPES, page_text
from tests.integrations.dance import ACME_EU, ACME_US, press, work


@pytest.fixture
def integration(acme: Tenant) -> Integration:
    return make_integration(acme, granted_scopes=SCOPES)


def url(name: str, tenant: Tenant, *args: Any) -> str:
    return reverse(f"connections:{name}", args=[tenant.slug, *args])


def words(response: Any) -> str:
    """The page without its markup, spaces folded."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page_text(response))))


def fail_newest_run(error: str = "Meta did not answer.") -> None:
    SyncRun.objects.update(state="failed", error=error, finished_at=datetime.now(UTC))


# --- the list -----------------------------------------------------------------------------------
def test_empty_list_says_what_the_permissions_are_for(as_ana: Client, acme: Tenant) -> None:
    text = words(as_ana.get(url("list", acme)))
    assert "No Facebook account is connected yet." in text
    assert "Connect Facebook" in text
    assert "Create approved ads, paused ads_management" in text


def test_list_tells_of_each_grant(as_ana: Client, acme: Tenant, integration: Integration) -> None:
    account = make_ad_account(integration, name="Acme EU", insights_complete_at=datetime.now(UTC))
    make_page(integration, name="Acme Page")
    make_page(integration, name="Other Page", can_advertise=False)
    make_push_target(acme, ad_set=make_ad_set(make_campaign(account)), name="Spring, new")
    text = words(as_ana.get(url("list", acme)))
    for part in (
        "1 connection working, 1 ad account in use, 1 place for approved ads.",
        "Ana Keller",
        "needs Ana Keller's click by then",
        "Acme EU",
        "EUR · Europe/Berlin",
        "Complete",
        "Other Page (no right to advertise)",
        "1 of 1",
        "Spring, new",
    ):
        assert part in text


def test_grant_that_needs_somebody_comes_first_in_the_sentence(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    make_integration(acme, status="expired", last_error="ended")
    response = as_ana.get(url("list", acme))
    assert "1 of 2 connections needs somebody." in words(response)
    assert page_text(response).count('class="button button--primary"') == 1


def test_missing_permissions_can_be_asked_for_again(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    Integration.objects.update(granted_scopes=["ads_read"])
    response = as_ana.get(url("list", acme))
    assert "5 permissions missing" in words(response)
    assert 'name="rerequest" value="1"' in page_text(response)


def test_failed_reading_is_told_with_a_way_to_try_again(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    request_catalog(integration)
    account = make_ad_account(integration)
    request_pull(account)
    fail_newest_run("Meta did not answer properly.")
    text = words(as_ana.get(url("list", acme)))
    assert text.count("Meta did not answer properly.") == 2
    assert "Try again" in text
    assert "Incomplete" in text
    assert "Not read completely yet" in text


def test_open_runs_move_by_themselves_and_without_scripts(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    run = request_pull(make_ad_account(integration, name="Acme EU"))
    SyncRun.objects.filter(pk=run.pk).update(state="running", days_done=14, rows=4310)
    response = as_ana.get(url("list", acme))
    assert "Acme EU: performance 14 of 90 days, 4,310 rows" in words(response)
    assert 'hx-trigger="every 2s"' in page_text(response)
    assert '<noscript><a href="">' in page_text(response)


def test_account_that_vanished_is_shown_as_such(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    make_ad_account(integration, gone_at=datetime.now(UTC))
    assert "Ana Keller has no access to it any more." in words(as_ana.get(url("list", acme)))


@pytest.mark.parametrize(
    ("changes", "badge"),
    [
        ({"integration": {"status": "expired"}}, "Waits for a reconnect"),
        ({"ad_set": {"gone_at": datetime.now(UTC)}}, "Gone at Meta"),
        ({"ad_account": {"enabled": False}}, "Ad account not in use"),
        ({"ad_account": {"account_status": 3}}, "Unpaid balance"),
        ({}, ""),
    ],
)
def test_target_says_what_stands_in_its_way(
    as_ana: Client, acme: Tenant, changes: dict[str, dict[str, Any]], badge: str
) -> None:
    target = make_push_target(acme)
    for name, fields in changes.items():
        row = target.ad_account.integration if name == "integration" else getattr(target, name)
        type(row).objects.update(**fields)
    text = words(as_ana.get(url("list", acme)))
    shown = [
        label
        for label in (
            "Waits for a reconnect",
            "Gone at Meta",
            "Ad account not in use",
        )
        if label in text
    ]
    assert badge in text
    assert len(shown) == (1 if badge and badge != "Unpaid balance" else 0)


def test_names_are_escaped(as_ana: Client, acme: Tenant, integration: Integration) -> None:
    nasty = "<script>alert(1)</script>"
    Integration.objects.update(meta_user_name=nasty)
    account = make_ad_account(integration, name=nasty, business_name=nasty)
    page = make_page(integration, name=nasty)
    make_push_target(acme, ad_set=make_ad_set(make_campaign(account)), page=page, name=nasty)
    for name, args in (
        ("list", []),
        ("ad_accounts", [integration.pk]),
        ("new_target", [integration.pk]),
        ("disconnect", [integration.pk]),
        ("target_ready", [PushTarget.objects.get().pk]),
    ):
        assert nasty not in page_text(as_ana.get(url(name, acme, *args)))


def test_queries_do_not_grow_with_the_rows(
    as_ana: Client, acme: Tenant, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        grant = make_integration(acme)
        request_catalog(grant)
        for _ in range(75):
            account = make_ad_account(grant)
            request_pull(account)
        for number in range(10):
            make_page(grant, name=f"Page {number}")
        campaign = make_campaign(account)
        for _ in range(5):
            make_push_target(acme, ad_set=make_ad_set(campaign))
    grant_pk = Integration.objects.order_by("connected_at").first().pk
    for name, args in (
        ("list", []),
        ("ad_accounts", [grant_pk]),
        ("new_target", [grant_pk]),
        ("progress", [grant_pk]),
        ("permissions", [grant_pk]),
        ("disconnect", [grant_pk]),
        ("target_ready", [PushTarget.objects.first().pk]),
    ):
        with django_assert_max_num_queries(11):
            assert as_ana.get(url(name, acme, *args)).status_code == 200


# --- buttons of the list ------------------------------------------------------------------------
def test_older_performance_is_asked_for_once_the_newer_is_there(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration, name="Acme EU")
    assert "Read 37 months" not in words(as_ana.get(url("list", acme)))
    account.insights_complete_at = datetime.now(UTC)
    account.save()
    assert "Read 37 months of Acme EU" in words(as_ana.get(url("list", acme)))
    response = as_ana.post(url("history", acme, account.pk), follow=True)
    assert "The last 37 months of Acme EU are being read" in words(response)
    assert "Older days: Waiting for a worker" in words(response)
    assert "Read 37 months" not in words(response)
    assert account.sync_runs.get().kind == "history"
    fail_newest_run()
    again = words(as_ana.get(url("list", acme)))
    assert "Meta did not answer." in again
    assert "Read 37 months" in again


def test_older_performance_is_offered_until_every_day_was_read(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(
        integration, name="Acme EU", timezone="UTC", insights_complete_at=datetime.now(UTC)
    )
    oldest = oldest_day(account)
    account.sync_runs.create(
        tenant=acme, integration=integration, kind="history", state="complete", since=oldest
    )

    def is_offered(day: date, level: str = "campaign") -> bool:
        account.insight_days.create(level=level, day=day, read_at=datetime.now(UTC))
        return "Read 37 months" in words(as_ana.get(url("list", acme)))

    assert is_offered(oldest + timedelta(days=1))  # another definition was read for some days only
    assert is_offered(oldest, "ad")
    assert not is_offered(oldest)


def test_pull_now_asks_for_a_run_once(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration, name="Acme EU")
    for _ in range(2):
        response = as_ana.post(url("pull", acme, account.pk), follow=True)
        assert "Performance of Acme EU is being read." in words(response)
    assert SyncRun.objects.count() == 1


def test_pull_of_a_lost_grant_says_who_must_act(as_ana: Client, acme: Tenant) -> None:
    account = make_ad_account(make_integration(acme, status="expired"))
    response = as_ana.post(url("pull", acme, account.pk), follow=True)
    assert "An admin must reconnect it." in words(response)
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize(
    ("back", "page"), [("", "list"), ("ad_accounts", "ad_accounts"), ("//evil.example", "list")]
)
def test_sync_now_leads_back_to_where_it_was_pressed(
    as_ana: Client, acme: Tenant, integration: Integration, back: str, page: str
) -> None:
    response = as_ana.post(url("sync", acme, integration.pk), {"back": back})
    args = [] if page == "list" else [integration.pk]
    assert response.headers["Location"] == url(page, acme, *args)
    assert SyncRun.objects.get().kind == "catalog"


def test_account_is_switched_off_with_a_word(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration, name="Acme EU")
    response = as_ana.post(url("use_account", acme, account.pk), {"enabled": "0"}, follow=True)
    assert "Acme EU is not used any more." in words(response)
    assert not AdAccount.objects.get().enabled


def test_target_is_archived(as_ana: Client, acme: Tenant) -> None:
    target = make_push_target(acme, name="Spring")
    response = as_ana.post(url("archive_target", acme, target.pk), follow=True)
    assert "“Spring” takes no new proposals any more." in words(response)
    assert "No push target yet" in words(response)


def test_disconnecting_is_asked_for_and_then_done(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    make_ad_account(integration, name="Acme EU")
    page = url("disconnect", acme, integration.pk)
    text = words(as_ana.get(page))
    assert "Performance of 1 ad account is no longer read: Acme EU" in text
    assert Integration.objects.get().api_key

    response = as_ana.post(page, follow=True)
    assert "Ana Keller is disconnected." in words(response)
    assert "Connect again" in words(response)
    assert Integration.objects.get().api_key == ""


# --- progress -----------------------------------------------------------------------------------
def test_progress_goes_on_while_something_is_read(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    request_catalog(integration)
    response = as_ana.get(url("progress", acme, integration.pk), {"then": "reload"})
    assert "HX-Refresh" not in response.headers
    assert 'hx-trigger="every 2s"' in page_text(response)
    assert "then=reload" in page_text(response)


def test_page_is_shown_anew_when_all_is_read(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    response = as_ana.get(url("progress", acme, integration.pk), {"then": "reload"})
    assert response.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in page_text(response)


def test_form_that_somebody_fills_in_is_not_reloaded(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    response = as_ana.get(url("progress", acme, integration.pk), {"then": ""})
    assert "HX-Refresh" not in response.headers
    assert "Everything is read." in words(response)


def test_form_appears_with_the_ad_sets_while_performance_is_still_read(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration)
    request_catalog(integration)
    request_pull(account)
    page = url("progress", acme, integration.pk)
    assert "HX-Refresh" not in as_ana.get(page, {"then": "catalog"}).headers
    SyncRun.objects.filter(kind="catalog").update(state="complete")
    assert as_ana.get(page, {"then": "catalog"}).headers["HX-Refresh"] == "true"


# --- choosing ad accounts -----------------------------------------------------------------------
def test_accounts_are_listed_with_their_state_and_none_is_ticked(
    as_ana: Client, acme: Tenant, grant: Integration
) -> None:
    request_catalog(grant)
    work(grant)
    response = as_ana.get(url("ad_accounts", acme, grant.pk))
    text = words(response)
    assert "Acme Outdoor Japan Acme Outdoor · JPY · Asia/Tokyo" in text
    assert "Unpaid balance" in text
    assert "Performance can be read, but no ad can be created until it is paid" in text
    assert " checked" not in page_text(response)
    assert "Search" not in text


def test_list_that_is_being_read_shows_progress(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    request_catalog(integration)
    response = as_ana.get(url("ad_accounts", acme, integration.pk))
    assert "Asking Facebook what Ana Keller can reach…" in words(response)
    assert "Waiting for a worker" in words(response)


def test_list_that_could_not_be_read_offers_to_try_again(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    request_catalog(integration)
    fail_newest_run("The connected person may not do this.")
    text = words(as_ana.get(url("ad_accounts", acme, integration.pk)))
    assert "The connected person may not do this." in text
    assert "Try again" in text
    assert "reaches no ad account" not in text


def test_person_without_ad_account_is_told_what_to_do(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    request_catalog(integration)
    SyncRun.objects.update(state="complete")
    text = words(as_ana.get(url("ad_accounts", acme, integration.pk)))
    assert "This person reaches no ad account" in text
    assert "Read again" in text


def test_many_accounts_can_be_searched(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    for number in range(300):
        make_ad_account(integration, name=f"Client {number:03}", enabled=False)
    make_ad_account(integration, name="Zed", business_name="Needle Ltd", ad_account_id="act_424242")
    page = url("ad_accounts", acme, integration.pk)
    assert page_text(as_ana.get(page)).count('name="account"') == 301
    for search in ("needle", "act_424242", "zed"):
        response = as_ana.get(page, {"q": search})
        assert page_text(response).count('name="account"') == 1
        assert "Accounts that this search hides stay as they are." in words(response)
    assert "No ad account matches" in words(as_ana.get(page, {"q": "nothing like it"}))


def test_choosing_leads_on_to_the_target(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration, enabled=False)
    response = as_ana.post(
        url("ad_accounts", acme, integration.pk), {"account": [account.pk], "shown": [account.pk]}
    )
    assert response.headers["Location"] == url("new_target", acme, integration.pk)
    assert AdAccount.objects.get().enabled


def test_choosing_none_leads_back_to_the_list(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    account = make_ad_account(integration)
    response = as_ana.post(url("ad_accounts", acme, integration.pk), {"shown": [account.pk]})
    assert response.headers["Location"] == url("list", acme)
    assert not AdAccount.objects.get().enabled


@pytest.mark.parametrize("value", ["x", "99999999999999999999", "foreign"])
def test_wrong_account_is_refused_and_nothing_changes(
    as_ana: Client, acme: Tenant, harbour: Tenant, integration: Integration, value: str
) -> None:
    mine = make_ad_account(integration, enabled=False)
    foreign = make_ad_account(make_integration(harbour), enabled=False)
    wrong = foreign.pk if value == "foreign" else value
    response = as_ana.post(url("ad_accounts", acme, integration.pk), {"account": [mine.pk, wrong]})
    assert response.status_code == 422
    assert "not part of this connection any more" in words(response)
    assert not AdAccount.objects.filter(enabled=True).exists()


# --- the whole way ------------------------------------------------------------------------------
def test_from_consent_to_a_target_with_figures(as_ana: Client, acme: Tenant, start: Any) -> None:
    chosen_page = as_ana.get(press(start())).headers["Location"]
    grant = Integration.objects.get()
    work(grant)
    wanted = grant.ad_accounts.filter(ad_account_id__in=[ACME_EU, ACME_US])
    shown = list(grant.ad_accounts.values_list("pk", flat=True))
    as_ana.post(chosen_page, {"account": [account.pk for account in wanted], "shown": shown})
    work(grant)
    runs = grant.sync_runs.exclude(ad_account=None)
    assert {run.state for run in runs} == {"complete"}
    assert len(runs) == 4

    account = grant.ad_accounts.get(ad_account_id=ACME_EU)
    form = {
        "name": "Spring, new customers",
        "ad_set": account.ad_sets.get(name="Spring, new customers").pk,
        "page": grant.pages.get(name="Acme Outdoor").pk,
        "use_instagram": "on",
        "default_link": "https://acme.example/spring",
    }
    text = words(as_ana.post(url("new_target", acme, grant.pk), form, follow=True))
    assert "Spring, new customers is ready" in text
    assert account.insights.exists()
    assert account.insights_complete_at > datetime.now(UTC) - timedelta(minutes=1)


def test_older_days_show_how_far_they_are(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    run = request_history(make_ad_account(integration))
    SyncRun.objects.filter(pk=run.pk).update(state="running", days_done=7, days_total=900)
    response = as_ana.get(url("progress", acme, integration.pk), {"then": ""})
    assert 'value="7" max="900"' in page_text(response)
