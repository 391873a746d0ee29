from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from integrations.forms import PushTargetForm
from leadmetrics.reports import paging
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_ad_set, make_campaign, make_page
from tests.leadmetrics.reports.worlds import NOW, make_account

URL = "/t/acme/catalog/"


def words_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_each_list_says_what_is_there_in_words(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme, "Acme EU")
    campaign = make_campaign(account, name="Spring", campaign_id="61")
    make_ad_set(campaign, name="25 and older", ad_count=38)
    make_page(account.integration, name="Acme Outdoor", instagram_account_id="9")
    make_page(account.integration, name="Closed door", can_advertise=False)
    make_account(acme, "Acme US", account_status=2, currency="USD")

    assert "Spring 61 Active Sales Acme EU" in words_of(as_vera.get(f"{URL}campaigns/"))
    assert "12 of 50 ads" in words_of(as_vera.get(f"{URL}ad-sets/"))
    pages = words_of(as_vera.get(f"{URL}pages/"))
    assert "Can advertise Linked" in pages
    assert "Cannot advertise Its admin must let the person create ads. Not linked" in pages
    assert "Disabled by Meta" in words_of(as_vera.get(f"{URL}ad-accounts/"))


def test_a_full_ad_set_says_so_and_cannot_become_a_target(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    ad_set = make_ad_set(make_campaign(account), name="Packed", ad_count=50)

    assert "Full Meta allows 50 ads" in words_of(as_vera.get(f"{URL}ad-sets/"))
    html = str(PushTargetForm(integration=account.integration, pages=[])["ad_set"])
    (option,) = re.findall(rf'<option value="{ad_set.pk}".*?</option>', html, re.S)
    assert "disabled" in option
    assert "full: Meta allows 50 ads" in option


def test_what_was_not_counted_is_a_gap_and_not_zero(acme: Tenant, as_vera: Client) -> None:
    make_ad_set(make_campaign(make_account(acme)))

    assert "– Not counted yet" in words_of(as_vera.get(f"{URL}ad-sets/"))


def test_deleted_campaigns_are_kept_apart(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    make_campaign(account, name="Old one", gone_at=NOW)

    assert "Old one" not in words_of(as_vera.get(f"{URL}campaigns/"))
    gone = words_of(as_vera.get(f"{URL}campaigns/", {"gone": "1"}))
    assert "Old one" in gone
    assert "Archived or deleted at Meta" in gone


def test_lists_page_by_name_both_ways(
    acme: Tenant, as_vera: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PER_PAGE", 5)
    account = make_account(acme)
    for number in range(12):
        make_campaign(account, name=f"N{number:03}")

    def names(page: Any) -> list[str]:
        return re.findall(r"<bdi>(N\d+)</bdi>", page.content.decode())

    def follow(page: Any, way: str) -> Any:
        (url,) = re.findall(rf'rel="{way}" href="([^"]*)"', page.content.decode())
        return as_vera.get(url.replace("&amp;", "&"))

    first = as_vera.get(f"{URL}campaigns/")
    second = follow(first, "next")
    assert (names(first)[0], names(second)[0]) == ("N000", "N005")
    assert names(follow(second, "prev")) == names(first)
    assert "Previous" in words_of(second)
    assert "Older" not in words_of(second)


@pytest.mark.parametrize("listed", ["campaigns", "ad-sets", "pages", "ad-accounts"])
def test_queries_do_not_grow_with_the_rows(
    acme: Tenant, as_vera: Client, django_assert_max_num_queries: Any, listed: str
) -> None:
    for number in range(8):
        account = make_account(acme, f"Account {number}")
        make_page(account.integration, page_id=str(number))
        make_ad_set(make_campaign(account))

    with django_assert_max_num_queries(8):
        assert as_vera.get(f"{URL}{listed}/").status_code == 200


def test_other_lists_do_not_exist(acme: Tenant, as_vera: Client) -> None:
    assert as_vera.get(f"{URL}people/").status_code == 404
