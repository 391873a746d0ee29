"""What admins may enter, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.forms import AdAccountsForm, PushTargetForm
from integrations.models import Integration
from integrations.selectors.places import pages_of
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_integration,
    make_page,
)


@pytest.fixture
def integration(acme: Tenant) -> Integration:
    return make_integration(acme)


def target_form(integration: Integration, **changes: Any) -> PushTargetForm:
    ad_set = make_ad_set(make_campaign(make_ad_account(integration)))
    data = {
        "name": "Spring",
        "ad_set": ad_set.pk,
        "page": make_page(integration).pk,
        "default_link": "https://acme.example/spring",
        "url_tags": "utm_source=meta&utm_medium=paid",
        **changes,
    }
    return PushTargetForm(data, integration=integration, pages=pages_of(integration))


def test_good_input_passes(integration: Integration) -> None:
    assert target_form(integration).errors == {}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("name", "x" * 121, "at most 120"),
        ("ad_set", "", "required"),
        ("ad_set", "99999999999999999999999", "cannot be used any more"),
        ("ad_set", "x", "cannot be used any more"),
        ("page", "-1", "cannot be used any more"),
        ("default_link", "javascript:alert(1)", "Enter a web address"),
        ("default_link", "ftp://acme.example/", "Enter a web address"),
        ("default_link", "https://", "Enter a web address"),
        ("default_link", "https://user:pass@acme.example/", "user name and password"),
        ("default_link", f"https://acme.example/{'x' * 1000}", "at most 1000"),
        ("url_tags", "two words", "Write pairs"),
        ("url_tags", "utm_source", "Write pairs"),
        ("url_tags", "a=1&&b=2", "Write pairs"),
        ("url_tags", "=1", "Write pairs"),
        ("url_tags", "a=1#b", "Write pairs"),
        ("url_tags", "a=1?b=2", "Write pairs"),
        ("url_tags", f"a={'x' * 500}", "at most 500"),
    ],
)
def test_bad_input_is_named_at_its_field(
    integration: Integration, field: str, value: str, words: str
) -> None:
    errors = target_form(integration, **{field: value}).errors
    assert list(errors) == [field]
    assert words in errors[field][0]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("url_tags", "?utm_source=meta", "utm_source=meta"),
        ("url_tags", "", ""),
        ("url_tags", "a=&b={{campaign.name}}", "a=&b={{campaign.name}}"),
        ("default_link", "acme.example/x", "https://acme.example/x"),
        ("default_link", "", ""),
    ],
)
def test_common_ways_of_writing_are_understood(
    integration: Integration, field: str, value: str, kept: str
) -> None:
    form = target_form(integration, **{field: value})
    assert form.errors == {}
    assert form.cleaned_data[field] == kept


def test_nothing_is_chosen_beforehand(integration: Integration) -> None:
    make_ad_set(make_campaign(make_ad_account(integration)))
    make_page(integration)
    html = PushTargetForm(integration=integration, pages=pages_of(integration)).as_p()
    assert html.count("selected") == 2
    assert '<option value="" selected>Choose an ad set</option>' in html
    assert '<option value="" selected>Choose the Page that speaks</option>' in html


def test_only_what_can_be_used_is_offered(integration: Integration, harbour: Tenant) -> None:
    good = make_ad_set(make_campaign(make_ad_account(integration)), name="Good one")
    make_ad_set(make_campaign(make_ad_account(integration, enabled=False)), name="Not in use")
    make_ad_set(make_campaign(make_ad_account(make_integration(harbour))), name="Foreign")
    make_page(integration, name="Not ours", can_advertise=False)
    html = PushTargetForm(integration=integration, pages=pages_of(integration)).as_p()
    assert good.name in html
    assert not any(name in html for name in ("Not in use", "Foreign", "Not ours"))


def test_ad_sets_that_cannot_carry_an_ad_are_shown_with_the_reason(
    integration: Integration,
) -> None:
    account = make_ad_account(integration, name="Acme EU")
    make_ad_set(make_campaign(account), name="Mixed", is_dynamic_creative=True)
    unpaid = make_ad_account(integration, name="Acme Japan", account_status=3)
    make_ad_set(make_campaign(unpaid), name="Tokyo")
    html = PushTargetForm(integration=integration, pages=pages_of(integration)).as_p()
    assert "dynamic creative mixes texts: cannot be used" in html
    assert 'label="Acme Japan (unpaid balance: no ads can be created)"' in html
    assert html.count(" disabled") == 2


def test_accounts_of_the_grant_can_be_chosen(integration: Integration) -> None:
    account = make_ad_account(integration)
    form = AdAccountsForm({"account": [account.pk], "shown": [account.pk]}, integration=integration)
    assert form.is_valid()
    assert form.cleaned_data == {"account": [account.pk], "shown": [account.pk]}


@pytest.mark.parametrize("value", ["x", "-1", "99999999999999999999999", "1 OR 1=1", "²"])
def test_odd_account_ids_are_refused_in_words(integration: Integration, value: str) -> None:
    form = AdAccountsForm({"account": [value]}, integration=integration)
    assert "not part of this connection" in form.errors["account"][0]
