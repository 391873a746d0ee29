"""What the checks at the door look up: other ads, the target's sites, campaign and picture."""

from __future__ import annotations

from dataclasses import replace

from approvals.checks.finding import Finding
from approvals.models import AdImage
from approvals.services.checking import check_for_target, usual_sites_of
from approvals.services.propose import withdraw_variant
from approvals.services.review import approve_variant, edit_variant
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import live_hash

OTHER = replace(COPY, link="https://outdoor.example/tents")


def flags_of(target, copy, image=None) -> dict[str, Finding]:
    checked = check_for_target(tenant=target.tenant, target=target, copy=copy, image=image)
    return {flag.code: flag for flag in checked.flags}


def test_the_very_same_ad_is_a_duplicate(agent, target):
    first = propose(agent, target)
    assert first.head.flags == []
    again = propose(agent, target)
    assert [flag["code"] for flag in again.head.flags] == ["duplicate"]
    assert "waiting for review" in again.head.flags[0]["message"]


def test_an_ad_with_another_word_or_a_withdrawn_twin_is_no_duplicate(agent, target):
    first = propose(agent, target)
    assert flags_of(target, replace(COPY, headline="Tents from 2 kg")) == {}
    withdraw_variant(actor=agent, variant_id=first.pk)
    assert flags_of(target, COPY) == {}


def test_an_ad_of_another_tenant_is_no_duplicate(agent, target, harbour):
    propose(agent, target)
    target.tenant = harbour
    assert flags_of(target, COPY) == {}


def test_editing_an_ad_does_not_make_it_its_own_duplicate(agent, target, ben):
    variant = propose(agent, target)
    edited = edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Tents!"),
    )
    back = edit_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(edited), copy=COPY)
    assert back.head.flags == []


def test_a_link_to_another_site_is_marked_until_such_an_ad_was_approved(agent, target, ben):
    assert usual_sites_of(target) == {"acme.example"}
    found = flags_of(target, OTHER)["other_site"]
    assert (found.field, found.words) == ("link", "outdoor.example")
    variant = propose(agent, target, OTHER)
    approve_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    assert usual_sites_of(target) == {"acme.example", "outdoor.example"}
    assert flags_of(target, replace(OTHER, headline="Another")) == {}


def test_a_target_without_a_usual_site_takes_any(target):
    target.default_link = ""
    assert "other_site" not in flags_of(target, OTHER)


def test_claims_are_the_tenants_own(target):
    assert flags_of(target, replace(COPY, headline="The best ever")).keys() == {"claim"}
    target.tenant.claims = "Pack  light\n\n最高"
    assert flags_of(target, COPY)["claim"].words == "Pack light"
    assert flags_of(target, replace(COPY, primary_text="これが最高です"))["claim"].words == "最高"
    assert flags_of(target, replace(COPY, primary_text="Unpack lightly")) == {}


def test_the_picture_and_the_button_must_fit(target):
    target.ad_set.campaign.objective = "OUTCOME_LEADS"
    found = flags_of(target, COPY, AdImage(width=400, height=1200))
    assert found.keys() == {"image_small", "image_ratio", "button_unfit"}
    assert "aims at leads" in found["button_unfit"].message
    fitting = replace(COPY, call_to_action="SIGN_UP")
    assert flags_of(target, fitting, AdImage(width=1080, height=1350)) == {}
