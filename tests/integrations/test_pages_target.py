"""The page that makes a target: what it offers, checks and says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.models import AdAccount, Integration, PushTarget
from integrations.services.catalog import request_catalog
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
from tests.integrations.test_pages import url, words


@pytest.fixture
def integration(acme: Tenant) -> Integration:
    return make_integration(acme, granted_scopes=SCOPES)


def test_form_waits_for_the_ad_sets(as_ana: Client, acme: Tenant, integration: Integration) -> None:
    page = url("new_target", acme, integration.pk)
    assert "No ad set to choose from" in words(as_ana.get(page))
    request_catalog(integration)
    assert "The form appears here by itself." in words(as_ana.get(page))


def test_missing_page_is_explained(as_ana: Client, acme: Tenant, integration: Integration) -> None:
    make_ad_set(make_campaign(make_ad_account(integration)))
    make_page(integration, can_advertise=False)
    text = words(as_ana.get(url("new_target", acme, integration.pk)))
    assert "No Page that ads can speak for" in text


def fields_of(response: Any) -> dict[str, Any]:
    """What the form for a target starts with."""
    form = response.context["form"]
    names = ("ad_set", "page", "use_instagram", "default_link", "url_tags")
    return {name: form[name].value() for name in names}


def test_target_starts_as_its_ad_account_has_it(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    page = make_page(integration, instagram_account_id="178")
    make_page(integration)
    account = make_ad_account(
        integration,
        default_page=page,
        use_instagram=True,
        default_link="https://acme.example/spring",
        url_tags="utm_source=meta",
    )
    make_ad_set(make_campaign(account))
    other = make_ad_set(make_campaign(make_ad_account(integration)), name="Not of this account")
    as_it_has = {
        "ad_set": None,
        "page": page.pk,
        "use_instagram": True,
        "default_link": "https://acme.example/spring",
        "url_tags": "utm_source=meta",
    }
    where = url("new_target", acme, integration.pk)
    asked = as_ana.get(where, {"account": account.pk})
    assert fields_of(asked) == as_it_has
    assert other.name not in words(asked)
    # Which of the two nobody said yet.
    assert fields_of(as_ana.get(where))["page"] is None
    other.ad_account.enabled = False
    other.ad_account.save()
    assert fields_of(as_ana.get(where)) == as_it_has  # the only one in use


def test_target_starts_as_the_newest_one_where_the_account_says_nothing(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    older, newer, gone = (
        make_page(integration, instagram_account_id="178", name=name)
        for name in ("Older", "Newer", "No right")
    )
    ad_set = make_ad_set(make_campaign(make_ad_account(integration)))
    for number, page in enumerate((older, newer)):
        make_push_target(
            acme,
            ad_set=ad_set,
            page=page,
            name=page.name,
            use_instagram=page == newer,
            default_link=f"https://acme.example/{number}",
            url_tags=f"n={number}",
        )
    fields = fields_of(as_ana.get(url("new_target", acme, integration.pk)))
    assert fields == {
        "ad_set": None,
        "page": newer.pk,
        "use_instagram": True,
        "default_link": "https://acme.example/1",
        "url_tags": "n=1",
    }
    gone.can_advertise = False
    gone.save()
    AdAccount.objects.update(default_page=gone, url_tags="of=account")
    fields = fields_of(as_ana.get(url("new_target", acme, integration.pk)))
    assert (fields["page"], fields["url_tags"]) == (newer.pk, "of=account")


@pytest.mark.parametrize("asked", ["", "x", "-1", "9" * 40, "²"])
def test_an_account_that_is_none_here_starts_nothing(
    as_ana: Client, acme: Tenant, integration: Integration, asked: str
) -> None:
    make_page(integration)
    make_ad_set(make_campaign(make_ad_account(integration, url_tags="a=1")))
    response = as_ana.get(url("new_target", acme, integration.pk), {"account": asked})
    assert fields_of(response)["url_tags"] is None


def test_target_is_made_and_the_way_for_agents_shown(
    as_ana: Client, acme: Tenant, integration: Integration, settings: Any
) -> None:
    ad_set = make_ad_set(make_campaign(make_ad_account(integration)))
    page = make_page(integration)
    form = {"name": "Spring", "ad_set": ad_set.pk, "page": page.pk, "default_link": "acme.example"}
    response = as_ana.post(url("new_target", acme, integration.pk), form, follow=True)
    target = PushTarget.objects.get()
    assert response.redirect_chain == [(url("target_ready", acme, target.pk), 302)]
    text = words(response)
    assert "Spring is ready" in text
    assert str(target.pk) in text
    assert f"{settings.SITE_URL}/api/v1/variants" in text
    assert "https://acme.example" in text


def test_made_target_leads_to_the_next_ad_account(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    target = make_push_target(
        acme, ad_set=make_ad_set(make_campaign(make_ad_account(integration, name="A done")))
    )
    page = url("target_ready", acme, target.pk)
    assert "Next ad account" not in words(as_ana.get(page))
    make_ad_account(integration, name="B not in use", enabled=False)
    make_ad_account(integration, name="C unpaid", account_status=3)
    waits = [make_ad_account(integration, name=name) for name in ("D waits", "E waits")]
    text = words(as_ana.get(page))
    assert "2 ad accounts in use have no place for approved ads yet." in text
    assert f"?account={waits[0].pk}" in page_text(as_ana.get(page))
    make_push_target(acme, ad_set=make_ad_set(make_campaign(waits[0])))
    assert "1 ad account in use has no place" in words(as_ana.get(page))


def test_refused_target_keeps_what_was_typed(
    as_ana: Client, acme: Tenant, integration: Integration
) -> None:
    mixed = make_ad_set(make_campaign(make_ad_account(integration)), is_dynamic_creative=True)
    page = make_page(integration)
    form = {"name": "My name for it", "ad_set": mixed.pk, "page": page.pk, "url_tags": "a=1"}
    response = as_ana.post(url("new_target", acme, integration.pk), form)
    assert response.status_code == 422
    text = page_text(response)
    assert "mixes texts by itself" in text
    assert 'value="My name for it"' in text
    assert 'value="a=1"' in text
    assert not PushTarget.objects.exists()


def test_ad_set_of_another_tenant_is_no_choice(
    as_ana: Client, acme: Tenant, harbour: Tenant, integration: Integration
) -> None:
    make_ad_set(make_campaign(make_ad_account(integration)))
    page = make_page(integration)
    foreign = make_push_target(harbour)
    form = {"name": "X", "ad_set": foreign.ad_set_id, "page": page.pk}
    response = as_ana.post(url("new_target", acme, integration.pk), form)
    assert "This ad set cannot be used any more." in words(response)
