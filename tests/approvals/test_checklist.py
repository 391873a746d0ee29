"""The checks of one ad in words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import timezone

from approvals.checklist import Check, checklist
from approvals.models import VariantRevision
from approvals.rules import findings_now
from integrations.models import Integration
from leadmetrics.tenancy.models import Tenant

TENANT = Tenant(claims="best ever\nguaranteed")


def revision(**changes) -> VariantRevision:
    return VariantRevision(
        **{
            "primary_text": "Pack light. Walk far.",
            "headline": "Tents from 1.9 kg",
            "description": "Free returns",
            "link": "https://www.acme.example/tents?ref=1",
            "call_to_action": "SHOP_NOW",
            "flags": [],
            **changes,
        }
    )


def goal(**changes) -> SimpleNamespace:
    account = SimpleNamespace(
        name="Acme EU",
        enabled=True,
        can_run_ads=True,
        status_label="Active",
        integration=SimpleNamespace(is_usable=True),
    )
    parts = {
        "ad_account": account,
        "page": SimpleNamespace(name="Acme Outdoor", gone_at=None, can_advertise=True),
        "ad_set": ad_set(),
        "default_link": "https://acme.example/",
        "name": "Spring",
        "archived_at": None,
    }
    return SimpleNamespace(**{**parts, **changes})


def checks_of(revision, target) -> list[Check]:
    return checklist(revision, TENANT, target, findings_now(revision, TENANT, target))


def texts(found, tone):
    return [check.text for check in found if check.tone == tone]


def test_checks_of_a_clean_ad_all_pass():
    found = checks_of(revision(), goal())
    assert {check.tone for check in found} == {"good"}
    assert "Headline: 17 of 40 characters" in texts(found, "good")


def test_checks_of_a_flagged_ad_begin_with_the_flag_and_do_not_pass_that_field():
    found = checks_of(revision(headline="The best ever tents for you and me and them"), goal())
    assert (found[0].tone, found[0].text) == (
        "bad",
        "Headline has 43 characters; 40 are allowed.",
    )
    assert texts(found, "warn") == ["Headline: “best ever” is on your list of claims to prove."]
    assert not any(text.startswith("Headline:") for text in texts(found, "good"))


def test_checks_of_an_unencrypted_link_warn():
    found = checks_of(revision(link="http://acme.example/"), goal())
    assert texts(found, "warn") == ["The link is not encrypted. Use https."]


def page(**changes) -> SimpleNamespace:
    return SimpleNamespace(**{"name": "P", "gone_at": None, "can_advertise": True, **changes})


def ad_set(**changes) -> SimpleNamespace:
    campaign = SimpleNamespace(objective="OUTCOME_SALES")
    values = {
        "name": "25+",
        "gone_at": None,
        "is_dynamic_creative": False,
        "campaign": campaign,
        **changes,
    }
    return SimpleNamespace(**values)


@pytest.mark.parametrize(
    ("part", "tone", "words"),
    [
        ({"page": page(can_advertise=False)}, "bad", "may not advertise"),
        ({"page": page(gone_at=timezone.now())}, "bad", "may not advertise"),
        ({"ad_set": ad_set(gone_at=timezone.now())}, "bad", "no longer in the ad account"),
        ({"ad_set": ad_set(is_dynamic_creative=True)}, "bad", "dynamic creatives only"),
        ({"archived_at": timezone.now()}, "warn", "was put away"),
    ],
)
def test_checks_name_what_keeps_the_ad_from_its_target(part, tone, words):
    first = checks_of(revision(), goal(**part))[0]
    assert first.tone == tone
    assert words in first.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"enabled": False}, "switched off"),
        ({"can_run_ads": False, "status_label": "Closed"}, "closed"),
        ({"integration": Integration(status="expired")}, "must be renewed"),
    ],
)
def test_checks_name_what_is_wrong_with_the_ad_account(change, words):
    target = goal()
    for name, value in change.items():
        setattr(target.ad_account, name, value)
    assert words in texts(checks_of(revision(), target), "bad")[0]


def test_checks_keep_what_was_looked_up_at_the_door():
    flag = {
        "code": "duplicate",
        "field": "primary_text",
        "message": "The very same ad is there since 1 May 2027: rejected.",
        "severity": "warn",
    }
    found = checks_of(revision(flags=[flag]), goal())
    assert texts(found, "warn") == [flag["message"]]
    assert "Not proposed before" not in texts(found, "good")
