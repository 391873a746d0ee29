"""Support finds an ad by any id and can change nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from approvals.models import Activation, AdVariant, Decision, Proposal, Push, VariantRevision
from approvals.services.repairs import KINDS
from approvals.states import PushState, VariantStatus
from leadmetrics.audit.models import AuditEntry
from tests.builders import make_decision, make_push, make_revision, make_user, make_variant

MODELS = [AdVariant, Push, Decision, VariantRevision, Proposal]


@pytest.fixture
def as_sam(client, db):
    client.force_login(make_user("Sam", "sam@leadmetrics.example", is_staff=True))
    return client


@pytest.fixture
def push(target, ben) -> Push:
    variant = make_variant(target, status=VariantStatus.PAUSED, headline="Tents from 1.9 kg")
    AdVariant.objects.filter(pk=variant.pk).update(client_ref="spring-01")
    Proposal.objects.update(run_id="run-7")
    made = make_push(make_decision(variant, ben), state=PushState.DONE)
    made.steps.create(kind="ad", state="done", fence=1, sent_at=timezone.now(), object_id="77")
    make_variant(target, headline="Somebody else's ad")
    return made


def page(model, kind="changelist", *args) -> str:
    return reverse(f"admin:approvals_{model._meta.model_name}_{kind}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_list_and_detail_can_be_read(as_sam, push, model):
    assert as_sam.get(page(model)).status_code == 200
    row = model.objects.first()
    assert as_sam.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(as_sam, push, model):
    row = model.objects.first()
    assert as_sam.get(page(model, "add")).status_code == 403
    assert as_sam.post(page(model, "change", row.pk), {"status": "paused"}).status_code == 403
    assert as_sam.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_list_offers_no_action(as_sam, push, model):
    assert b'name="action"' not in as_sam.get(page(model)).content


@pytest.mark.parametrize("model", MODELS)
def test_a_superuser_cannot_change_anything_either(client, push, model):
    client.force_login(
        make_user("Root", "root@leadmetrics.example", is_staff=True, is_superuser=True)
    )
    row = model.objects.first()
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_members_without_staff_access_get_nothing(as_ben, push, model):
    assert as_ben.get(page(model)).status_code in (302, 403)


@pytest.mark.parametrize(
    "what",
    ["variant", "ad_id", "creative_id", "reference", "push", "headline", "client_ref", "run"],
)
def test_variant_is_found_by_any_id(as_sam, push, what):
    terms = {
        "variant": str(push.variant_id),
        "ad_id": push.ad_id,
        "creative_id": push.creative_id,
        "reference": push.reference,
        "push": str(push.pk),
        "headline": "Tents from 1.9 kg",
        "client_ref": "spring-01",
        "run": "run-7",
    }
    found = as_sam.get(page(AdVariant), {"q": terms[what]}).context["cl"].result_list
    assert [row.pk for row in found][:1] == [push.variant_id] or push.variant_id in {
        row.pk for row in found
    }
    if what != "run":
        assert len(found) == 1


@pytest.mark.parametrize("what", ["reference", "ad_id", "creative_id", "variant", "headline"])
def test_push_is_found_by_any_id(as_sam, push, what):
    terms = {
        "reference": push.reference,
        "ad_id": push.ad_id,
        "creative_id": push.creative_id,
        "variant": str(push.variant_id),
        "headline": "“Tents from 1.9 kg”",
    }
    found = as_sam.get(page(Push), {"q": terms[what]}).context["cl"].result_list
    assert [row.pk for row in found] == [push.pk]


@pytest.mark.parametrize("model", [Decision, VariantRevision])
def test_decision_and_version_are_found_by_the_reference(as_sam, push, model):
    found = as_sam.get(page(model), {"q": push.reference}).context["cl"].result_list
    assert [row.pk for row in found] == [model.objects.get(variant=push.variant).pk]


def test_push_page_shows_its_steps(as_sam, push):
    content = as_sam.get(page(Push, "change", push.pk)).content.decode()
    assert "77" in content
    assert push.reference in content


def test_variant_page_shows_versions_decisions_and_pushes(as_sam, push):
    make_revision(push.variant, headline="A second version")
    content = as_sam.get(page(AdVariant, "change", push.variant_id)).content.decode()
    for word in ("A second version", push.reference, "Approved"):
        assert word in content


@pytest.mark.parametrize("model", MODELS)
def test_pages_need_few_queries_whatever_the_number(
    as_sam, target, ben, push, model, django_assert_max_num_queries
):
    for number in range(60):
        made = make_variant(target, headline=f"Ad {number}")
        make_push(make_decision(made, ben))
        make_revision(push.variant)
        make_decision(push.variant, ben, verdict="rejected")
    with django_assert_max_num_queries(11):
        as_sam.get(page(model))
    row = push if model is Push else model.objects.order_by("created_at").first()
    with django_assert_max_num_queries(14):
        as_sam.get(page(model, "change", row.pk))


def test_every_model_that_support_needs_is_registered():
    assert all(admin.site.is_registered(model) for model in MODELS)


@pytest.mark.parametrize(
    "what",
    [
        *("campaign", "ad_set", "ad_account", "page", "target", "image", "content", "email"),
        *("approved content", "proposal", "idempotency key", "activation"),
    ],
)
def test_variant_is_found_by_what_surrounds_it(as_sam, push, target, what):
    terms = {
        "campaign": target.ad_set.campaign.campaign_id,
        "ad_set": target.ad_set.ad_set_id,
        "ad_account": target.ad_account.ad_account_id,
        "page": target.page.page_id,
        "target": str(target.pk),
        "image": "f00d" * 8,
        "content": push.variant.head.content_hash,
        "email": push.decision.reviewer.email,
        "approved content": push.payload_hash,
        "proposal": str(push.variant.proposal_id),
        "idempotency key": "spring-7",
    }
    Proposal.objects.filter(pk=push.variant.proposal_id).update(idempotency_key="spring-7")
    reviewer = push.decision.reviewer
    act = Activation.objects.create(push=push, person=reviewer, content_hash="a" * 64, plan={})
    terms["activation"] = str(act.pk)
    Push.objects.update(image_hash=terms["image"])
    found = as_sam.get(page(AdVariant), {"q": terms[what]}).context["cl"].result_list
    assert push.variant_id in {row.pk for row in found}


def test_variant_page_shows_the_cause_the_owner_and_the_story(as_sam, push):
    said = as_sam.get(page(AdVariant, "change", push.variant_id)).content.decode()
    assert "Why is it not live? In the ad account: paused" in said
    assert "somebody who may switch ads on" in said
    assert "Approved: version 1" in said


def failed(push: Push) -> Push:
    AdVariant.objects.filter(pk=push.variant_id).update(status=VariantStatus.PUSH_FAILED)
    push.steps.all().delete()
    push.state, push.ad_id = PushState.FAILED, None
    push.save()
    return push


@pytest.mark.parametrize(
    ("kind", "action", "status"),
    [
        ("release", "ad.support_released", VariantStatus.APPROVED),
        ("hand_back", "ad.support_handed_back", VariantStatus.PROPOSED),
    ],
)
def test_a_repair_needs_a_reason_and_leaves_an_audit_line(as_sam, push, kind, action, status):
    failed(push)
    url = page(AdVariant, "repair", push.variant_id)
    assert as_sam.get(url).status_code == 200
    assert as_sam.post(url, {"kind": kind, "reason": " "}).status_code == 422
    assert AuditEntry.objects.count() == 0
    assert as_sam.post(url, {"kind": kind, "reason": "Ticket 7"}).status_code == 302
    assert AdVariant.objects.get(pk=push.variant_id).status == status
    entry = AuditEntry.objects.get(action=action)
    assert (entry.actor_label, entry.data["reason"]) == ("Sam (support)", "Ticket 7")


def test_looking_again_makes_the_look_due(as_sam, push):
    url = page(AdVariant, "repair", push.variant_id)
    as_sam.post(url, {"kind": "look", "reason": "Ticket 8"})
    assert push.live.next_check_at <= timezone.now()


def test_looking_again_at_an_ad_that_was_stored_differently_reads_it_back_anew(as_sam, push):
    failed(push)
    Push.objects.update(ad_id="1200", problem_code="stored_differently")
    as_sam.post(page(AdVariant, "repair", push.variant_id), {"kind": "look", "reason": "Ticket 8"})
    push.refresh_from_db()
    assert (push.state, push.ad_id) == (PushState.WAITING, "1200")


def test_looking_again_does_not_wait_for_the_time_of_the_next_look_up(as_sam, push):
    AdVariant.objects.filter(pk=push.variant_id).update(status=VariantStatus.PUSH_UNKNOWN)
    later = timezone.now() + timedelta(hours=1)
    Push.objects.update(state=PushState.UNKNOWN, ad_id=None, next_attempt_at=later)
    as_sam.post(page(AdVariant, "repair", push.variant_id), {"kind": "look", "reason": "Ticket 8"})
    push.refresh_from_db()
    assert push.state == PushState.UNKNOWN
    assert push.next_attempt_at <= timezone.now()


def test_a_repair_that_does_not_fit_says_so(as_sam, push):
    url = page(AdVariant, "repair", push.variant_id)
    answer = as_sam.post(url, {"kind": "hand_back", "reason": "Ticket 9"})
    assert answer.status_code == 422
    assert "cannot go back to review" in answer.content.decode()


@pytest.mark.parametrize("kind", ["approve", "approved", "activate", "reject", ""])
def test_nothing_here_stands_in_for_a_decision(as_sam, push, kind):
    url = page(AdVariant, "repair", push.variant_id)
    assert as_sam.post(url, {"kind": kind, "reason": "Please"}).status_code == 404
    assert set(KINDS) == {"look", "release", "hand_back"}


def test_members_without_staff_access_cannot_repair(as_ben, push):
    url = page(AdVariant, "repair", push.variant_id)
    assert as_ben.post(url, {"kind": "look", "reason": "x"}).status_code in (302, 403)
    assert AuditEntry.objects.count() == 0
