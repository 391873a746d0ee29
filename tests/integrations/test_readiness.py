"""The readiness grid names each gap, what is lost, who fixes it, and offers a message to send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import AdAccount, Integration
from integrations.readiness import Row
from integrations.selectors.connections import connections_of
from integrations.selectors.readiness import gaps_of_all, readiness_page
from integrations.services.account_settings import copy_settings, save_settings
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_account,
    make_integration,
    make_page,
    make_push_target,
)
from tests.integrations.conftest import SCOPES, page_text


def row_of(tenant: Tenant) -> Row:
    (row,) = readiness_page(tenant).rows
    return row


@pytest.fixture
def ready(acme: Tenant) -> AdAccount:
    """An ad account with nothing missing."""
    target = make_push_target(acme)
    account = target.ad_account
    Integration.objects.update(granted_scopes=SCOPES)
    AdAccount.objects.update(user_tasks=["ADVERTISE", "ANALYZE"])
    target.page.instagram_account_id = "178"
    target.page.save()
    target.ad_set.ad_count, target.ad_set.names_advertiser = 20, True
    target.ad_set.save()
    return account


def test_nothing_missing_has_no_gap(acme: Tenant, ready: AdAccount) -> None:
    row = row_of(acme)
    assert row.gaps == 0
    assert [cell.title for cell in row.cells] == [
        "Read", "Write", "Page", "Instagram", "Billing", "Currency and timezone", "Room for ads",
        "Advertiser named",
    ]  # fmt: skip
    assert row.cells[6].text == "30 of 50 left"


@pytest.mark.parametrize(
    ("change", "titles", "who"),
    [
        ({"grant": {"status": "revoked"}}, ["Read", "Write"], "Ana Keller"),
        ({"grant": {"granted_scopes": ["ads_read"]}}, ["Write"], "Ana Keller"),
        ({"account": {"user_tasks": ["ANALYZE"]}}, ["Write"], "An admin of the ad account"),
        ({"account": {"user_tasks": []}}, ["Read", "Write"], "An admin of the ad account"),
        ({"page": {"can_advertise": False}}, ["Page"], "An admin of the Page"),
        ({"page": {"instagram_account_id": ""}}, ["Instagram"], "An admin of the Page"),
        ({"account": {"account_status": 2}}, ["Billing"], "An admin of the ad account"),
        ({"ad_set": {"ad_count": 50}}, ["Room for ads"], "Whoever runs the campaigns"),
        (
            {"ad_set": {"names_advertiser": False}},
            ["Advertiser named"],
            "Whoever runs the campaigns",
        ),
    ],
)
def test_each_gap_says_what_is_lost_and_who_fixes_it(
    acme: Tenant, ready: AdAccount, change: dict[str, dict[str, Any]], titles: list[str], who: str
) -> None:
    target = ready.push_targets.get()
    rows = {
        "grant": ready.integration,
        "account": ready,
        "page": target.page,
        "ad_set": target.ad_set,
    }
    for name, fields in change.items():
        type(rows[name]).objects.filter(pk=rows[name].pk).update(**fields)
    gaps = [cell for cell in row_of(acme).cells if cell.is_gap]
    assert [cell.title for cell in gaps] == titles
    assert gaps[0].who == who
    assert gaps[0].message.startswith("Hello")
    assert gaps[0].mail.startswith("mailto:?subject=")


def test_gaps_come_worst_first_where_one_connects_and_looks(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    grant = ready.integration
    make_ad_account(grant, name="A small gap")  # no target yet
    make_ad_account(grant, name="B blocked", account_status=2)
    make_ad_account(grant, name="C blocked twice", account_status=2, user_tasks=["ANALYZE"])
    pages = (("list", []), ("ad_accounts", [grant.pk]), ("new_target", [grant.pk]))
    for name, args in pages:
        text = page_text(as_ana.get(reverse(f"connections:{name}", args=[acme.slug, *args])))
        grid = text[text.index('id="readiness"') :]
        assert "3 of 4 ad accounts need somebody." in " ".join(grid.split()), name
        places = [
            grid.index(f"<bdi>{name}</bdi></a>")
            for name in ("C blocked twice", "B blocked", "A small gap")
        ]
        assert places == sorted(places), name
        assert f"<bdi>{ready.name}</bdi></a>" not in grid, name


def test_many_gaps_are_capped_and_the_rest_is_a_click_away(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    for number in range(15):
        make_ad_account(ready.integration, name=f"Client {number:02}")
    gaps = gaps_of_all(connections_of(acme), [])
    assert (len(gaps.rows), gaps.with_gaps, gaps.total) == (10, 16, 16)
    text = page_text(as_ana.get(reverse("connections:list", args=[acme.slug])))
    assert "The worst 10 are above." in text
    assert reverse("connections:readiness", args=[acme.slug]) in text
    assert "16 ad accounts in use" in text  # folded, for they are many


def test_nothing_missing_is_said_in_one_line(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    text = page_text(as_ana.get(reverse("connections:list", args=[acme.slug])))
    assert "Nothing is missing on the 1 ad account in use." in text
    Integration.objects.update(status="disconnected", api_key="")
    assert 'id="readiness"' not in page_text(
        as_ana.get(reverse("connections:list", args=[acme.slug]))
    )


def test_three_hundred_accounts_are_searchable_and_cheap(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    grant = ready.integration
    for number in range(300):
        make_ad_account(grant, name=f"Client {number:03}")
    pages = (
        ("list", []),
        ("readiness", []),
        ("ad_accounts", [grant.pk]),
        ("new_target", [grant.pk]),
    )
    for name, args in pages:
        url = reverse(f"connections:{name}", args=[acme.slug, *args])
        with CaptureQueriesContext(connection) as queries:
            response = as_ana.get(url)
        assert response.status_code == 200
        assert len(queries) < 12, name
    found = page_text(
        as_ana.get(reverse("connections:readiness", args=[acme.slug]), {"q": "ent 29"})
    )
    assert found.count("<tr>") == 11  # the head, and ten accounts


def test_pages_of_the_grid_show_each_account_once(acme: Tenant, ready: AdAccount) -> None:
    for number in range(120):
        make_ad_account(ready.integration, name=f"Client {number % 7}")
    seen, after = [], None
    while True:
        found = readiness_page(acme, after=after)
        seen += [row.account.pk for row in found.rows]
        if not found.after:
            break
        after = int(found.after)
    assert len(seen) == len(set(seen)) == 121


def test_settings_are_kept_and_copied(acme: Tenant, ana: Actor, ready: AdAccount) -> None:
    page = ready.push_targets.get().page
    other = make_ad_account(ready.integration)
    elsewhere = make_ad_account(make_integration(acme))
    save_settings(
        actor=ana,
        pk=ready.pk,
        page=page,
        use_instagram=True,
        default_link="https://acme.example/spring",
        url_tags="utm_source=meta",
        conversion_action_type="lead",
    )
    done = copy_settings(actor=ana, pk=ready.pk, to=[other.pk, elsewhere.pk])
    for account in (other, elsewhere):
        account.refresh_from_db()
        assert (account.url_tags, account.conversion_action_type) == ("utm_source=meta", "lead")
    assert (other.default_page, other.use_instagram) == (page, True)
    assert (elsewhere.default_page, elsewhere.use_instagram) == (None, False)
    assert done.without_page == [elsewhere]


def test_page_of_another_grant_is_refused(acme: Tenant, ana: Actor, ready: AdAccount) -> None:
    foreign = make_page(make_integration(acme))
    with pytest.raises(InvalidInput):
        save_settings(
            actor=ana, pk=ready.pk, page=foreign, use_instagram=False, default_link="",
            url_tags="", conversion_action_type="",
        )  # fmt: skip


def test_settings_page_saves_and_copies(acme: Tenant, as_ana: Client, ready: AdAccount) -> None:
    other = make_ad_account(ready.integration)
    url = reverse("connections:account_settings", args=[acme.slug, ready.pk])
    refused = as_ana.post(url, {"url_tags": "no pairs", "conversion_action_type": "DROP TABLE"})
    assert refused.status_code == 422
    as_ana.post(url, {"url_tags": "utm_source=meta"})
    copy = reverse("connections:copy_settings", args=[acme.slug, ready.pk])
    assert "Copied to 1 ad account" in page_text(as_ana.post(copy, {"to": other.pk}, follow=True))
    assert "Choose at least one" in page_text(as_ana.post(copy, {}, follow=True))
    other.refresh_from_db()
    assert other.url_tags == "utm_source=meta"


def test_accounts_to_copy_to_are_searched_without_losing_what_is_ticked(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    made = [make_ad_account(ready.integration, name=f"Client {number:03}") for number in range(300)]
    AdAccount.objects.filter(pk=ready.pk).update(url_tags="utm_source=meta")
    page = reverse("connections:account_settings", args=[acme.slug, ready.pk])
    assert "All 300" in page_text(as_ana.get(page))
    copy = reverse("connections:copy_settings", args=[acme.slug, ready.pk])
    with CaptureQueriesContext(connection) as queries:
        found = as_ana.post(copy, {"look": "1", "q": "ent 29", "to": made[7].pk})
    assert len(queries) < 12
    assert [other.name for other in found.context["others"]] == [
        "Client 007", *(f"Client 29{number}" for number in range(10))
    ]  # fmt: skip
    assert page_text(found).count("checked") == 1
    assert not AdAccount.objects.filter(name="Client 007", url_tags="utm_source=meta")
    done = as_ana.post(copy, {"q": "ent 29", "to": made[7].pk, "everyone": "on"}, follow=True)
    assert "Copied to 11 ad accounts." in page_text(done)
    copied = AdAccount.objects.filter(url_tags="utm_source=meta").exclude(pk=ready.pk)
    assert {account.name for account in copied} == {other.name for other in found.context["others"]}


def test_nothing_found_to_copy_to_is_said(
    acme: Tenant, as_ana: Client, ready: AdAccount, harbour: Tenant
) -> None:
    make_ad_account(ready.integration)
    foreign = make_ad_account(make_integration(harbour), name="Not ours")
    copy = reverse("connections:copy_settings", args=[acme.slug, ready.pk])
    response = as_ana.post(copy, {"look": "1", "q": "not ours", "to": foreign.pk})
    assert response.status_code == 200
    assert "No ad account matches." in page_text(response)
    assert foreign.name not in page_text(response)


def test_settings_page_says_that_older_days_are_read_again(
    acme: Tenant, as_ana: Client, ready: AdAccount
) -> None:
    for days in (3, 60):
        ready.insight_days.create(
            level="campaign",
            day=timezone.localdate() - timedelta(days=days),
            read_at=timezone.now(),
        )
    AdAccount.objects.filter(pk=ready.pk).update(insights_complete_at=timezone.now())
    url = reverse("connections:account_settings", args=[acme.slug, ready.pk])
    assert "Older days" not in page_text(as_ana.post(url, {"url_tags": "a=b"}, follow=True))
    saved = page_text(as_ana.post(url, {"conversion_action_type": "lead"}, follow=True))
    assert "Older days are read again, so that all count the same." in saved
    assert "Older days are being read." in page_text(as_ana.get(url))
