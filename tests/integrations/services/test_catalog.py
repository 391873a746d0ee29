"""Reading what a grant reaches, against the stand-in."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from integrations.models import AdAccount, AdSet, Campaign, CustomAudience, Integration, Page
from integrations.services.catalog import request_all_catalogs, request_catalog, sync_now
from integrations.services.clients import NotConnected
from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_account, make_integration
from tests.conftest import StandIn
from tests.integrations.dance import ACME_EU, ACME_JP, ACME_US, OLD_SHOP, work

GRAPH = "http://graph.test/v26.0"


def sync(integration: Integration) -> list[Any]:
    request_catalog(integration)
    return work(integration)


def test_everything_the_person_reaches_is_listed(grant: Integration) -> None:
    sync(grant)
    accounts = {account.ad_account_id: account for account in grant.ad_accounts.all()}
    assert set(accounts) == {ACME_EU, ACME_US, ACME_JP, OLD_SHOP}
    japan = accounts[ACME_JP]
    assert (japan.name, japan.currency, japan.timezone) == (
        "Acme Outdoor Japan",
        "JPY",
        "Asia/Tokyo",
    )
    assert japan.status_label == "Unpaid balance"
    assert not japan.can_run_ads
    assert accounts[OLD_SHOP].status_label == "Disabled by Meta"
    assert [page.name for page in grant.pages.all()] == ["Acme Outdoor", "Acme Trail Club"]
    assert all(page.can_advertise for page in grant.pages.all())


def test_nothing_is_chosen_beforehand(grant: Integration) -> None:
    runs = sync(grant)
    assert not grant.ad_accounts.filter(enabled=True).exists()
    assert len(runs) == 1
    assert not Campaign.objects.exists()


def test_enabled_accounts_are_read_in_runs_of_their_own(
    grant: Integration, account: AdAccount
) -> None:
    runs = sync(grant)
    assert [run.ad_account for run in runs] == [None, account]
    assert {run.state for run in runs} == {"complete"}
    boots = account.campaigns.get(name="Spring hiking boots")
    assert (boots.objective, boots.effective_status) == ("OUTCOME_SALES", "ACTIVE")
    assert boots.ad_sets.filter(name="Returning customers").exists()
    assert account.ad_sets.get(name="Daypacks, dynamic texts").is_dynamic_creative
    buyers = account.audiences.get(name="Buyers, 180 days")
    assert (buyers.lower_bound, buyers.upper_bound, buyers.delivery_code) == (18400, 21600, 200)
    assert account.audiences.get(name="Back pain insoles").lower_bound is None


def test_reading_twice_changes_nothing(grant: Integration, account: AdAccount) -> None:
    sync(grant)
    before = [list(model.objects.order_by("pk").values()) for model in (AdAccount, AdSet, Page)]
    sync(grant)
    after = [list(model.objects.order_by("pk").values()) for model in (AdAccount, AdSet, Page)]
    assert before == after


def test_what_we_decided_survives_a_sync(grant: Integration, account: AdAccount) -> None:
    account.conversion_action_type = "lead"
    account.name = "Old name"
    account.save()
    sync(grant)
    account.refresh_from_db()
    assert account.enabled
    assert account.conversion_action_type == "lead"
    assert account.name == "Acme Outdoor EU"


def test_vanished_ones_are_kept_and_come_back(
    grant: Integration, account: AdAccount, stand_in: StandIn
) -> None:
    stored = Campaign.objects.create(ad_account=account, campaign_id="77", name="Deleted one")
    sync(grant)
    stored.refresh_from_db()
    assert stored.gone_at is not None

    stand_in.control(limit_accounts={"user": "ana", "accounts": ["2"]})
    sync(grant)
    account.refresh_from_db()
    assert account.gone_at is not None
    assert account.enabled

    stand_in.control(limit_accounts={"user": "ana", "accounts": None})
    sync(grant)
    account.refresh_from_db()
    assert account.gone_at is None


def test_gone_account_is_not_read(
    grant: Integration, account: AdAccount, stand_in: StandIn
) -> None:
    stand_in.control(limit_accounts={"user": "ana", "accounts": ["2"]})
    assert len(sync(grant)) == 1


def test_one_account_that_fails_costs_no_other_one(
    grant: Integration, account: AdAccount, stand_in: StandIn
) -> None:
    other = make_ad_account(grant, ad_account_id=ACME_US)
    stand_in.control(fail={"path": f"{ACME_EU}/adsets", "code": 10, "status": 400, "times": 9})
    states = {run.ad_account_id: run.state for run in sync(grant)}
    assert states == {None: "complete", account.pk: "failed", other.pk: "complete"}
    assert other.ad_sets.exists()


def test_pages_that_cannot_be_listed_do_not_hide_the_ad_accounts(
    grant: Integration, stand_in: StandIn
) -> None:
    stand_in.control(fail={"path": "me/accounts", "code": 10, "status": 400, "times": 9})
    (run,) = sync(grant)
    assert run.state == "failed"
    assert run.error
    assert grant.ad_accounts.count() == 4


def test_lost_permission_hides_pages_but_keeps_their_rows(
    grant: Integration, stand_in: StandIn
) -> None:
    sync(grant)
    stand_in.control(remove_scope={"user": "ana", "scope": "pages_show_list"})
    sync(grant)
    assert grant.pages.filter(gone_at=None).count() == 0
    assert grant.pages.count() == 2


def test_expired_token_ends_the_run_and_marks_the_grant(
    grant: Integration, stand_in: StandIn
) -> None:
    stand_in.control(expire_token="ana")
    (run,) = sync(grant)
    grant.refresh_from_db()
    assert (run.state, run.error_code, grant.status) == ("failed", "needs_reconnect", "expired")


def test_long_lists_are_read_to_their_end(
    acme: Tenant, grant: Integration, stand_in: StandIn
) -> None:
    person = stand_in.control(scale={"accounts": 60, "campaigns": 1})["result"]["scale"]
    token = stand_in.control(sign_in=person)["result"]["sign_in"]
    bench = make_integration(acme, token=token, meta_user_id=person)
    sync(bench)
    assert bench.ad_accounts.count() == 60


def test_every_request_is_counted(acme: Tenant, settings: Any, quick: None) -> None:
    settings.META_API_BASE_URL = "http://graph.test"
    integration = make_integration(acme)
    pages = [{"data": [], "paging": {"next": "x", "cursors": {"after": "x"}}}, {"data": []}]
    with responses.RequestsMock() as mock:
        for page in pages:
            mock.get(f"{GRAPH}/me/adaccounts", json=page)
        mock.get(f"{GRAPH}/me/accounts", status=500, json={"error": {"code": 2}})
        mock.get(f"{GRAPH}/me/accounts", status=400, json={"error": {"code": 100}})
        (run,) = sync(integration)
        assert (run.state, run.requests) == ("failed", 4)


def test_row_that_comes_twice_counts_once(acme: Tenant, settings: Any) -> None:
    """A list that changes while it is paged through shows a row on two pages."""
    settings.META_API_BASE_URL = "http://graph.test"
    integration = make_integration(acme)
    row = {"id": "act_1", "name": "One", "account_status": 1, "currency": "EUR"}
    with responses.RequestsMock() as mock:
        mock.get(
            f"{GRAPH}/me/adaccounts",
            json={
                "data": [{**row, "timezone_name": "Nowhere/City"}, {**row, "name": "One, renamed"}],
                "paging": {"cursors": {"after": "x"}},
            },
        )
        mock.get(f"{GRAPH}/me/accounts", json={"data": []})
        (run,) = sync(integration)
    account = integration.ad_accounts.get()
    assert (run.state, account.name) == ("complete", "One, renamed")
    assert account.timezone == "UTC"


def test_ad_set_without_a_known_campaign_is_left_out(acme: Tenant, settings: Any) -> None:
    settings.META_API_BASE_URL = "http://graph.test"
    integration = make_integration(acme)
    account = make_ad_account(integration, ad_account_id="act_1")
    with responses.RequestsMock() as mock:
        mock.get(f"{GRAPH}/me/adaccounts", json={"data": [{"id": "act_1", "name": "One"}]})
        mock.get(f"{GRAPH}/me/accounts", json={"data": []})
        mock.get(f"{GRAPH}/act_1/campaigns", json={"data": []})
        mock.get(
            f"{GRAPH}/act_1/adsets", json={"data": [{"id": "7", "campaign_id": "9", "name": "A"}]}
        )
        mock.get(f"{GRAPH}/act_1/ads", json={"data": []})
        mock.get(f"{GRAPH}/act_1/customaudiences", json={"data": []})
        runs = sync(integration)
    assert [run.state for run in runs] == ["complete", "complete"]
    assert not account.ad_sets.exists()
    assert not CustomAudience.objects.exists()


def test_schedule_asks_for_usable_grants_only(acme: Tenant) -> None:
    usable = make_integration(acme)
    make_integration(acme, status="expired")
    emptied = make_integration(acme)
    Integration.objects.filter(pk=emptied.pk).update(api_key="")
    request_all_catalogs()
    assert usable.sync_runs.count() == 1
    assert Integration.objects.filter(sync_runs__isnull=False).count() == 1


def test_person_may_ask_for_a_sync(acme: Tenant, ana: Actor, ben: Actor, olga: Actor) -> None:
    integration = make_integration(acme)
    assert sync_now(actor=ana, integration_id=integration.pk) == sync_now(
        actor=ana, integration_id=integration.pk
    )
    with pytest.raises(NotAllowed):
        sync_now(actor=ben, integration_id=integration.pk)
    with pytest.raises(NotFound):
        sync_now(actor=olga, integration_id=integration.pk)
    Integration.objects.update(status="expired")
    with pytest.raises(NotConnected):
        sync_now(actor=ana, integration_id=integration.pk)


def test_room_and_advertiser_of_ad_sets_are_read(known: Integration) -> None:
    ad_sets = AdSet.objects.filter(ad_account__ad_account_id=ACME_EU)
    assert ad_sets.get(name="Camping interest, full").ad_count == 50
    assert not ad_sets.get(name="Cold regions, no DSA data").names_advertiser
    assert known.ad_accounts.get(ad_account_id=ACME_EU).user_tasks


@pytest.mark.parametrize("refused", [False, True])
def test_accounts_of_the_person_s_businesses_are_found(
    acme: Tenant, settings: Any, refused: bool
) -> None:
    settings.META_API_BASE_URL = "http://graph.test"
    integration = make_integration(acme, granted_scopes=["business_management"])
    with responses.RequestsMock() as mock:
        mock.get(
            f"{GRAPH}/me/adaccounts", json={"data": [{"id": "act_1", "user_tasks": ["MANAGE"]}]}
        )
        mock.get(f"{GRAPH}/me/accounts", json={"data": []})
        if refused:
            mock.get(f"{GRAPH}/me/businesses", json={"error": {"code": 200}}, status=400)
        else:
            mock.get(f"{GRAPH}/me/businesses", json={"data": [{"id": "7"}]})
            mock.get(
                f"{GRAPH}/7/owned_ad_accounts", json={"data": [{"id": "act_1"}, {"id": "act_2"}]}
            )
            mock.get(f"{GRAPH}/7/client_ad_accounts", json={"data": [{"id": "act_3"}]})
        (run,) = sync(integration)
    assert run.state == "complete"
    found = dict(integration.ad_accounts.values_list("ad_account_id", "user_tasks"))
    wanted = {"act_1": ["MANAGE"]} if refused else {"act_1": ["MANAGE"], "act_2": [], "act_3": []}
    assert found == wanted
