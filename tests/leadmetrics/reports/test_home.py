from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.models import AdAccount, CampaignInsight
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_set,
    make_campaign,
    make_push_target,
    make_variant,
    store_insights,
)
from tests.leadmetrics.reports.pages import text_of
from tests.leadmetrics.reports.worlds import (
    NOW,
    TODAY,
    make_account,
    make_day,
    make_run,
)

URL = "/t/acme/"


def make_variants(account: AdAccount, *statuses: str) -> None:
    target = make_push_target(account.tenant, ad_set=make_ad_set(make_campaign(account)))
    for status in statuses:
        make_variant(target, status=status)


def metric(response: Any, label: str) -> str:
    """What the card with this label says."""
    found = re.search(
        rf'<p class="metric__label">{label}</p>(.*?)</div>', response.content.decode(), re.S
    )
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1])).strip()


def test_logged_out_people_go_to_sign_in(acme: Tenant, client: Client) -> None:
    assert client.get(URL).headers["Location"] == "/sign-in/?next=/t/acme/"


def test_a_fresh_workspace_has_one_first_step(
    acme: Tenant, as_vera: Client, as_ana: Client
) -> None:
    page = as_ana.get(URL)

    assert 'class="button button--primary" href="/t/acme/connections/"' in page.content.decode()
    assert "Connect the Facebook account" in text_of(page)
    assert "button--primary" not in as_vera.get(URL).content.decode()
    assert "An admin of this workspace does this step." in text_of(as_vera.get(URL))


@pytest.mark.parametrize(
    ("enabled", "variants", "says"),
    [
        (False, (), "Choose which ad accounts to use"),
        (True, (), "Choose the ad set, the Page and the link"),
    ],
)
def test_the_first_steps_follow_each_other(
    acme: Tenant, as_ana: Client, enabled: bool, variants: tuple[str, ...], says: str
) -> None:
    make_account(acme, enabled=enabled)

    assert says in text_of(as_ana.get(URL))


def test_after_the_first_proposal_the_steps_are_gone(acme: Tenant, as_ana: Client) -> None:
    make_variants(make_account(acme), "rejected")

    words = text_of(as_ana.get(URL))

    assert "The way to your first ad" not in words
    assert "Nothing needs you right now." in words


def test_what_needs_a_reviewer_is_listed(acme: Tenant, as_ben: Client) -> None:
    make_variants(
        make_account(acme),
        *["proposed", "proposed", "push_failed", "push_unknown", "paused", "meta_refused"],
    )

    page = as_ben.get(URL)

    words = text_of(page)
    assert "2 variants waiting for a decision" in words
    assert "1 approved ad did not reach Meta" in words
    assert "1 ad being looked up at Meta" in words
    assert "1 ad refused by Meta" in words
    assert "4 things need somebody." in words
    for status in ("push_failed", "meta_refused"):
        assert f'href="/t/acme/ads/?status={status}"' in page.content.decode()


def test_a_viewer_is_not_asked_to_review(acme: Tenant, as_vera: Client) -> None:
    make_variants(make_account(acme), "proposed")

    assert "waiting for a decision" not in text_of(as_vera.get(URL))


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("expiring", "The access of Olga Owner ends on 30 Nov"),
        ("expired", "The access of Olga Owner no longer works"),
        ("revoked", "The access of Olga Owner no longer works"),
        ("needs_reconnect", "The access of Olga Owner no longer works"),
    ],
)
def test_a_grant_in_trouble_is_named_with_who_can_fix_it(
    acme: Tenant, as_ana: Client, as_vera: Client, status: str, says: str
) -> None:
    grant = make_account(acme).integration
    grant.status = status
    grant.metadata = {"tokenExpiresAt": (NOW + timedelta(days=6)).isoformat()}
    grant.save()

    for_admin, for_viewer = as_ana.get(URL), as_vera.get(URL)

    assert says in text_of(for_admin)
    assert 'class="list__title" href="/t/acme/connections/"' in for_admin.content.decode()
    assert "An admin of this workspace can see to it." in text_of(for_viewer)
    assert 'href="/t/acme/connections/"' not in for_viewer.content.decode()


def test_an_account_that_cannot_run_ads_and_a_cut_pull_are_named(
    acme: Tenant, as_ana: Client
) -> None:
    make_account(acme, "Closed one", account_status=2)
    make_run(make_account(acme, "Cut one"), "failed", error="Meta was busy.")

    words = text_of(as_ana.get(URL))

    assert "Closed one: Disabled by Meta" in words
    assert "Performance of Cut one was not read to the end" in words
    assert "Meta was busy." in words


def test_yesterday_is_compared_with_the_day_before(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_run(account)
    for ago, spend, clicks, conversions in ((1, 30, 20, 4), (2, 20, 25, 4), (3, 999, 999, 999)):
        make_day(
            account,
            TODAY - timedelta(days=ago),
            spend=spend,
            clicks=clicks,
            conversions=conversions,
            impressions=1000,
        )

    page = as_vera.get(URL)

    assert metric(page, "Spend") == "€30.00 +50.0% up day before: €20.00"
    assert metric(page, "Clicks") == "20 −20.0% down day before: 25"
    assert metric(page, "Conversions") == "4 no change day before: 4"
    assert metric(page, "CTR") == "2.00% −20.0% down day before: 2.50%"


def test_each_account_has_its_own_yesterday(acme: Tenant, as_vera: Client) -> None:
    honolulu = make_account(acme, "Hawaii", timezone="Pacific/Honolulu")  # there it is the 23rd
    berlin = make_account(acme, "Berlin")
    for account in (honolulu, berlin):
        make_run(account)
    for account, ago, spend in ((honolulu, 1, 100), (honolulu, 2, 7), (berlin, 1, 10)):
        make_day(account, TODAY - timedelta(days=ago), spend=spend)

    assert metric(as_vera.get(URL), "Spend").startswith("€17.00")


def test_a_yesterday_that_was_not_read_to_its_end_is_not_shown(
    acme: Tenant, as_vera: Client
) -> None:
    evening = NOW - timedelta(hours=14)
    early = make_account(acme, "Early", insights_complete_at=evening)
    make_run(early)
    make_day(early, TODAY - timedelta(days=1), spend=10)

    assert "Yesterday has not been read completely yet" in metric(as_vera.get(URL), "Spend")

    whole = make_account(acme, "Whole")
    make_run(whole)
    make_day(whole, TODAY - timedelta(days=1), spend=5)
    page = as_vera.get(URL)
    assert metric(page, "Spend").startswith("€5.00")
    assert "Without Early : its yesterday has not been read completely yet" in text_of(page)


def test_currencies_have_blocks_of_their_own(acme: Tenant, as_vera: Client) -> None:
    for name, currency in (("EU", "EUR"), ("US", "USD")):
        account = make_account(acme, name, currency=currency)
        make_run(account)
        make_day(account, TODAY - timedelta(days=1), spend=10)

    words = text_of(as_vera.get(URL))

    assert "Yesterday in EUR" in words
    assert "Yesterday in USD" in words
    assert "US$10.00" in words


def test_before_the_first_complete_pull_home_says_so(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, insights_complete_at=None)
    make_day(account, TODAY - timedelta(days=1), spend=10)

    words = text_of(as_vera.get(URL))

    assert "Performance is on its way" in words
    assert "€10.00" not in words


def test_queries_do_not_grow_with_the_rows(
    acme: Tenant, as_ana: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        account = make_account(acme, f"Account {number}", currency=("EUR", "USD")[number % 2])
        make_run(account, "failed")
        store_insights(
            CampaignInsight(
                ad_account=account,
                campaign_id=str(campaign),
                campaign_name="Spring",
                date_start=TODAY - timedelta(days=ago),
                spend=1,
            )
            for campaign in range(3)
            for ago in range(30)
        )
    make_variants(account, *["proposed"] * 6, *["push_failed"] * 2)

    with django_assert_max_num_queries(11):
        assert as_ana.get(URL).status_code == 200
