"""Another person connects: approved work goes on only where theirs reaches the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Push
from approvals.services.push import push_variant
from integrations.models import AdAccount, Integration, Page, PushTarget, SyncRun
from integrations.selectors.connections import released_ads
from integrations.services.accounts import use_ad_account
from integrations.services.connect import disconnect
from integrations.services.handover import hand_over
from integrations.waiting import held_by
from leadmetrics.audit.models import AuditEntry
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_decision,
    make_insights,
    make_integration,
    make_page,
    make_push,
    make_push_target,
    make_variant,
)
from tests.conftest import StandIn
from tests.integrations.conftest import page_text
from tests.integrations.dance import ACME_EU, BEN, press, work

ACME_PAGE = "110000000000001"


@pytest.fixture
def left(acme: Tenant, ana: Actor) -> PushTarget:
    """A target on the European ad account, whose grant by somebody who left is over."""
    grant = make_integration(acme, meta_user_name="Jo Brandt", status="revoked")
    account = make_ad_account(grant, ad_account_id=ACME_EU, name="Acme Outdoor EU")
    page = make_page(grant, page_id=ACME_PAGE, name="Acme Outdoor", instagram_account_id="178")
    AdAccount.objects.filter(pk=account.pk).update(default_page=page, url_tags="a=1")
    ad_set = make_ad_set(make_campaign(account), ad_set_id="77")
    return make_push_target(acme, ad_set=ad_set, page=page)


@pytest.fixture
def held(left: PushTarget, ben: Actor) -> Push:
    """An approved ad that waits there."""
    decision = make_decision(make_variant(left, status="approved"), ben)
    return make_push(decision, problem_code="not_connected", problem="Waits.")


def taker_of(left: PushTarget, *, page: dict[str, Any] | None = None, **account: Any) -> Any:
    """Vera's grant in the same workspace, which reaches the same ad account and Page."""
    grant = make_integration(left.tenant, meta_user_name="Vera Lang")
    make_ad_account(
        grant, **{"ad_account_id": ACME_EU, "name": "Acme Outdoor EU", "enabled": False, **account}
    )
    fields = {"page_id": ACME_PAGE, "instagram_account_id": "178", **(page or {})}
    make_page(grant, **fields)
    return grant


def test_same_account_and_page_go_on_with_their_history_and_once(
    left: PushTarget, held: Push, ana: Actor, as_ana: Client, acme: Tenant
) -> None:
    account = left.ad_account
    make_insights([left.ad_set.campaign], days=3)
    vera = taker_of(left)
    assert [moved.pk for moved in hand_over(vera)] == [account.pk]
    account.refresh_from_db()
    left.refresh_from_db()
    held.refresh_from_db()
    assert (account.integration, account.enabled, account.url_tags) == (vera, True, "a=1")
    assert account.insights.count() == 3
    assert vera.ad_accounts.count() == 1
    assert left.page == account.default_page == vera.pages.get()
    assert held.problem_code == ""
    assert len(held_by(vera)) == 1
    assert len(released_ads(vera)) == 1
    assert set(vera.sync_runs.values_list("kind", "ad_account")) == {
        ("insights", account.pk), ("catalog", account.pk)
    }  # fmt: skip
    notice = Notice.objects.get(user_id=ana.user_id)
    assert notice.subject == "Acme Outdoor EU goes on with Vera Lang's connection"
    assert "1 approved ad waited and goes on." in notice.body
    listed = page_text(as_ana.get(notice.path))
    assert "1 approved ad goes on now" in listed
    assert reverse("ads:detail", args=[acme.slug, held.variant_id]) in listed
    assert AuditEntry.objects.get(action="ad_account.handed_over").data["to"] == "Vera Lang"
    assert hand_over(vera) == []
    assert AuditEntry.objects.filter(action="integration.released").count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user_tasks": ["ANALYZE"]}, "may not create ads there"),
        ({"page": {"can_advertise": False}}, "may not advertise for the Page Acme Outdoor"),
        ({"page": {"page_id": "9"}}, "may not advertise for the Page Acme Outdoor"),
        ({"page": {"instagram_account_id": "179"}}, "has another Instagram account now"),
    ],
)
def test_anything_less_is_held_in_words(
    left: PushTarget,
    held: Push,
    as_ana: Client,
    acme: Tenant,
    change: dict[str, Any],
    words: str,
) -> None:
    PushTarget.objects.update(use_instagram=True)
    vera = taker_of(left, **change)
    for _ in range(2):
        assert hand_over(vera) == []
    left.refresh_from_db()
    held.refresh_from_db()
    assert (left.ad_account.integration.meta_user_name, held.problem_code) == (
        "Jo Brandt", "not_connected",
    )  # fmt: skip
    assert words in left.ad_account.held_because
    assert AuditEntry.objects.filter(action="ad_account.not_handed_over").count() == 1
    push_variant(push_id=held.pk)
    ad = reverse("ads:detail", args=[acme.slug, held.variant_id])
    for page in (reverse("connections:list", args=[acme.slug]), ad):
        assert "Vera Lang&#x27;s connection reaches it, but" in page_text(as_ana.get(page))


@pytest.mark.parametrize("reach", ["another account", "gone", "not in use here", "another tenant"])
def test_what_is_not_reached_or_not_wanted_stays(
    left: PushTarget, held: Push, harbour: Tenant, reach: str
) -> None:
    vera = taker_of(left, **({"ad_account_id": "act_9"} if reach == "another account" else {}))
    if reach == "gone":
        vera.ad_accounts.update(gone_at=vera.connected_at)
    if reach == "not in use here":
        AdAccount.objects.filter(pk=left.ad_account_id).update(enabled=False)
    if reach == "another tenant":
        Integration.objects.filter(pk=vera.pk).update(tenant=harbour)
        AdAccount.objects.filter(integration=vera).update(tenant=harbour)
    assert hand_over(vera) == []
    held.refresh_from_db()
    assert held.problem_code == "not_connected"


@pytest.mark.parametrize("status", ["connected", "expiring"])
def test_a_grant_that_works_keeps_what_it_has(left: PushTarget, status: str) -> None:
    Integration.objects.update(status=status)
    assert hand_over(taker_of(left)) == []


def test_a_grant_that_does_not_work_takes_nothing(left: PushTarget) -> None:
    vera = taker_of(left)
    Integration.objects.filter(pk=vera.pk).update(status="expired")
    assert hand_over(vera) == []


def test_an_account_in_use_on_both_keeps_one_row_in_use(left: PushTarget, held: Push) -> None:
    vera = taker_of(left, enabled=True)
    mine = vera.ad_accounts.get()
    assert hand_over(vera) == []
    left.ad_account.refresh_from_db()
    assert "has not read its ad sets yet" in left.ad_account.held_because
    same = make_ad_set(make_campaign(mine), ad_set_id="77")
    assert hand_over(vera) == [mine]
    left.refresh_from_db()
    assert (left.ad_account, left.ad_set, left.page) == (mine, same, vera.pages.get())
    assert list(AdAccount.objects.filter(enabled=True)) == [mine]
    held.refresh_from_db()
    assert held.problem_code == ""


def test_an_admin_who_stays_connects_then_the_old_one_is_left(
    left: PushTarget, held: Push, ana: Actor
) -> None:
    old = left.ad_account.integration
    Integration.objects.update(status="connected")
    vera = taker_of(left, enabled=True)
    make_ad_set(make_campaign(vera.ad_accounts.get()), ad_set_id="77")
    disconnect(actor=ana, integration_id=old.pk)
    assert vera.sync_runs.get().kind == SyncRun.Kind.CATALOG
    hand_over(vera)
    left.refresh_from_db()
    assert left.ad_account.integration == vera


@pytest.mark.parametrize("how", ["revoked", "disconnected"])
def test_older_connection_takes_only_what_was_chosen_on_it(
    left: PushTarget, held: Push, ana: Actor, how: str
) -> None:
    old = left.ad_account.integration
    vera = taker_of(left)
    since = vera.connected_at + timedelta(hours=1)
    fields = {"trouble_since": since} if how == "revoked" else {"last_checked_at": since}
    Integration.objects.filter(pk=old.pk).update(status=how, **fields)
    assert hand_over(vera) == []
    left.ad_account.refresh_from_db()
    assert "but it is not chosen there" in left.ad_account.held_because

    mine = vera.ad_accounts.get()
    use_ad_account(actor=ana, pk=mine.pk, enabled=True)
    make_ad_set(make_campaign(mine), ad_set_id="77")
    assert hand_over(vera) == [mine]
    held.refresh_from_db()
    assert held.problem_code == ""


def test_through_the_dialog_a_person_who_may_goes_on(
    left: PushTarget, held: Push, as_ana: Client, start: Any, stand_in: StandIn
) -> None:
    PushTarget.objects.update(use_instagram=False)
    as_ana.get(press(start()))
    grant = Integration.objects.get(meta_user_name="Ana Keller")
    held.refresh_from_db()
    assert held.problem_code == "not_connected"  # nothing goes on before its reach is known
    work(grant)
    left.refresh_from_db()
    held.refresh_from_db()
    assert (left.ad_account.integration, held.problem_code) == (grant, "")
    assert Page.objects.get(pk=left.page_id).integration == grant


def test_what_waited_is_created_with_the_new_grant_paused_and_once(
    known: Integration,
    account: AdAccount,
    ben: Actor,
    as_ana: Client,
    start: Any,
    stand_in: StandIn,
) -> None:
    """The whole way: approved under a grant that is lost, sent with another person's."""
    ad_set = account.ad_sets.get(name="Spring, new customers")
    page = known.pages.get(page_id=ACME_PAGE)
    target = make_push_target(known.tenant, ad_set=ad_set, page=page)
    held = make_push(make_decision(make_variant(target, status="approved"), ben))
    gone = {"meta_user_id": "900", "meta_user_name": "Jo Brandt", "status": "revoked"}
    Integration.objects.filter(pk=known.pk).update(api_key="", **gone)
    push_variant(push_id=held.pk)
    assert stand_in.read("state")["ads"] == []

    as_ana.get(press(start()))
    grant = Integration.objects.get(meta_user_name="Ana Keller")
    work(grant)
    for _ in range(2):
        push_variant(push_id=held.pk)
    held.refresh_from_db()
    (ad,) = stand_in.read("state")["ads"]
    assert (held.state, held.ad_id) == ("done", ad["id"])
    assert ad["status"] == "PAUSED"
    account.refresh_from_db()
    assert account.integration == grant
    assert account.ad_sets.filter(gone_at=None).count() > 1


def test_through_the_dialog_a_person_who_only_reads_is_held(
    left: PushTarget, held: Push, as_ana: Client, start: Any, stand_in: StandIn
) -> None:
    as_ana.get(press(start(), person=BEN))
    work(Integration.objects.get(meta_user_name="Ben Okafor"))
    left.refresh_from_db()
    held.refresh_from_db()
    assert left.ad_account.integration.meta_user_name == "Jo Brandt"
    assert "may not create ads there" in left.ad_account.held_because
    assert held.problem_code == "not_connected"
