"""Choosing ad accounts, and making places for approved ads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from django.utils import timezone

from integrations.models import AdAccount, Integration, PushTarget, SyncRun
from integrations.services.accounts import (
    archive_push_target,
    choose_ad_accounts,
    create_push_target,
    use_ad_account,
)
from integrations.services.catalog import sync_catalog
from integrations.services.insights import pull_insights
from integrations.services.runs import Overtaken, claim, request_run
from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_integration,
    make_page,
    make_push_target,
)


@pytest.fixture
def integration(acme: Tenant) -> Integration:
    return make_integration(acme)


@pytest.fixture
def accounts(integration: Integration) -> list[AdAccount]:
    return [make_ad_account(integration, enabled=False) for _ in range(3)]


def enabled(integration: Integration) -> set[int]:
    return set(integration.ad_accounts.filter(enabled=True).values_list("pk", flat=True))


def choose(actor: Actor, integration: Integration, *chosen: AdAccount, **more: Any) -> None:
    choose_ad_accounts(
        actor=actor,
        integration_id=integration.pk,
        chosen=[account.pk for account in chosen],
        **more,
    )


def test_chosen_accounts_are_read_at_once(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    choose(ana, integration, *accounts[:2])
    assert enabled(integration) == {account.pk for account in accounts[:2]}
    assert sorted(SyncRun.objects.values_list("ad_account", "kind")) == sorted(
        (account.pk, kind) for account in accounts[:2] for kind in ("catalog", "insights")
    )
    entries = AuditEntry.objects.filter(action="ad_account.enabled")
    assert {entry.data["ad_account_id"] for entry in entries} == {
        account.ad_account_id for account in accounts[:2]
    }
    assert len(entries) == 2
    integration.refresh_from_db()
    assert integration.defaults.ad_account_id == accounts[0].ad_account_id


def test_choosing_the_same_again_does_nothing(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    choose(ana, integration, accounts[0])
    before = AuditEntry.objects.count(), SyncRun.objects.count()
    choose(ana, integration, accounts[0])
    assert (AuditEntry.objects.count(), SyncRun.objects.count()) == before


def test_account_left_out_is_used_no_more(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    choose(ana, integration, *accounts)
    choose(ana, integration, accounts[2])
    assert enabled(integration) == {accounts[2].pk}
    assert AuditEntry.objects.filter(action="ad_account.disabled").count() == 2


def test_account_that_a_search_hid_stays_as_it_is(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    choose(ana, integration, accounts[0], accounts[1])
    choose(ana, integration, accounts[2], shown=[accounts[1].pk, accounts[2].pk])
    assert enabled(integration) == {accounts[0].pk, accounts[2].pk}


def test_disabled_account_can_be_chosen_for_reading(integration: Integration, ana: Actor) -> None:
    account = make_ad_account(integration, enabled=False, account_status=2)
    choose(ana, integration, account)
    assert enabled(integration) == {account.pk}


@pytest.mark.parametrize("whose", ["gone", "other grant", "other tenant", "nobody"])
def test_account_that_is_not_reached_changes_nothing(
    integration: Integration,
    accounts: list[AdAccount],
    ana: Actor,
    harbour: Tenant,
    whose: str,
) -> None:
    wrong = {
        "gone": lambda: make_ad_account(integration, gone_at=datetime.now(UTC), enabled=False).pk,
        "other grant": lambda: make_ad_account(make_integration(integration.tenant)).pk,
        "other tenant": lambda: make_ad_account(make_integration(harbour)).pk,
        "nobody": lambda: 10**30,
    }[whose]()
    with pytest.raises(InvalidInput):
        choose_ad_accounts(actor=ana, integration_id=integration.pk, chosen=[accounts[0].pk, wrong])
    assert enabled(integration) == set()
    assert not AuditEntry.objects.exists()


def test_only_admins_of_the_tenant_choose(
    integration: Integration, accounts: list[AdAccount], ben: Actor, olga: Actor
) -> None:
    with pytest.raises(NotAllowed):
        choose(ben, integration, accounts[0])
    with pytest.raises(NotFound):
        choose(olga, integration, accounts[0])
    with pytest.raises(NotAllowed):
        use_ad_account(actor=ben, pk=accounts[0].pk, enabled=True)
    with pytest.raises(NotFound):
        use_ad_account(actor=olga, pk=accounts[0].pk, enabled=True)


def test_one_account_is_switched_off_and_on(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    use_ad_account(actor=ana, pk=accounts[1].pk, enabled=True)
    assert enabled(integration) == {accounts[1].pk}
    use_ad_account(actor=ana, pk=accounts[1].pk, enabled=False)
    assert enabled(integration) == set()
    integration.refresh_from_db()
    assert integration.defaults.ad_account_id == ""


def test_account_that_is_left_is_not_read_on(
    integration: Integration, accounts: list[AdAccount], ana: Actor
) -> None:
    choose(ana, integration, *accounts[:2])
    at_work = claim(accounts[0].sync_runs.get(kind="insights").pk, 20)
    assert at_work is not None
    use_ad_account(actor=ana, pk=accounts[0].pk, enabled=False)
    assert set(accounts[0].sync_runs.values_list("state", "error_code")) == {("failed", "not_used")}
    assert set(accounts[1].sync_runs.values_list("state", flat=True)) == {"waiting"}
    with pytest.raises(Overtaken):
        at_work.progress()


@pytest.mark.parametrize("kind", list(SyncRun.Kind))
def test_run_of_an_account_that_is_not_used_asks_nothing(
    integration: Integration, kind: SyncRun.Kind
) -> None:
    account = make_ad_account(integration, enabled=False)
    today = timezone.localdate()
    run = request_run(
        integration=integration, ad_account=account, kind=kind, since=today, until=today
    )
    with responses.RequestsMock():
        (sync_catalog if kind == "catalog" else pull_insights)(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "not_used")


def test_gone_account_can_be_left_but_not_taken(integration: Integration, ana: Actor) -> None:
    account = make_ad_account(integration, gone_at=datetime.now(UTC))
    use_ad_account(actor=ana, pk=account.pk, enabled=False)
    with pytest.raises(InvalidInput):
        use_ad_account(actor=ana, pk=account.pk, enabled=True)


# --- push targets -------------------------------------------------------------------------------
def make(actor: Actor, ad_set: Any, page: Any, **changes: Any) -> PushTarget:
    values = {
        "name": "Spring",
        "default_link": "https://acme.example/",
        "url_tags": "",
        "use_instagram": False,
        **changes,
    }
    return create_push_target(actor=actor, ad_set=ad_set, page=page, **values)


def test_target_names_ad_set_page_and_link(integration: Integration, ana: Actor) -> None:
    ad_set = make_ad_set(make_campaign(make_ad_account(integration)))
    page = make_page(integration)
    target = make(ana, ad_set, page)
    assert (target.ad_account, target.ad_set, target.page) == (ad_set.ad_account, ad_set, page)
    assert AuditEntry.objects.get().data == {
        "name": "Spring",
        "ad_set": ad_set.name,
        "page": page.name,
    }


@pytest.mark.parametrize(
    ("account", "ad_set", "page", "instagram", "field", "words"),
    [
        ({"enabled": False}, {}, {}, False, "ad_set", "not used here"),
        ({"gone_at": datetime.now(UTC)}, {}, {}, False, "ad_set", "not used here"),
        ({"account_status": 2}, {}, {}, False, "ad_set", "disabled by meta"),
        ({"account_status": 3}, {}, {}, False, "ad_set", "unpaid balance"),
        ({}, {"gone_at": datetime.now(UTC)}, {}, False, "ad_set", "not used here"),
        ({}, {"is_dynamic_creative": True}, {}, False, "ad_set", "dynamic creative"),
        ({}, {}, {"can_advertise": False}, False, "page", "may not advertise"),
        ({}, {}, {"gone_at": datetime.now(UTC)}, False, "page", "may not advertise"),
        ({}, {}, {}, True, "use_instagram", "no Instagram account"),
    ],
)
def test_place_that_cannot_carry_an_approved_ad_is_refused_at_its_field(
    integration: Integration,
    ana: Actor,
    account: dict[str, Any],
    ad_set: dict[str, Any],
    page: dict[str, Any],
    instagram: bool,
    field: str,
    words: str,
) -> None:
    where = make_ad_set(make_campaign(make_ad_account(integration, **account)), **ad_set)
    with pytest.raises(InvalidInput) as caught:
        make(ana, where, make_page(integration, **page), use_instagram=instagram)
    assert [problem["field"] for problem in caught.value.problems] == [field]
    assert words in caught.value.user_message
    assert not PushTarget.objects.exists()


def test_name_is_taken_once_among_live_targets(integration: Integration, ana: Actor) -> None:
    ad_set, page = make_ad_set(make_campaign(make_ad_account(integration))), make_page(integration)
    first = make(ana, ad_set, page)
    with pytest.raises(InvalidInput) as caught:
        make(ana, ad_set, page)
    assert caught.value.problems[0]["field"] == "name"
    archive_push_target(actor=ana, target_id=first.pk)
    make(ana, ad_set, page)
    assert PushTarget.objects.count() == 2


def test_ad_set_and_page_must_belong_together(
    integration: Integration, harbour: Tenant, ana: Actor, ben: Actor
) -> None:
    ad_set = make_ad_set(make_campaign(make_ad_account(integration)))
    foreign = make_ad_set(make_campaign(make_ad_account(make_integration(harbour))))
    with pytest.raises(NotFound):
        make(ana, foreign, make_page(foreign.ad_account.integration))
    with pytest.raises(NotFound):
        make(ana, ad_set, make_page(make_integration(integration.tenant)))
    with pytest.raises(NotAllowed):
        make(ben, ad_set, make_page(integration))


def test_archiving_is_one_act(acme: Tenant, ana: Actor, ben: Actor, olga: Actor) -> None:
    target = make_push_target(acme)
    for actor, error in ((ben, NotAllowed), (olga, NotFound)):
        with pytest.raises(error):
            archive_push_target(actor=actor, target_id=target.pk)
    archive_push_target(actor=ana, target_id=target.pk)
    at = PushTarget.objects.get().archived_at
    archive_push_target(actor=ana, target_id=target.pk)
    assert PushTarget.objects.get().archived_at == at
    assert AuditEntry.objects.count() == 1
