"""Taking decisions back, asking for changes, two approvers, putting off and expiring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import AdVariant, Decision, Push
from approvals.selectors.sending import due_pushes
from approvals.services.push_claims import claim_push
from approvals.services.review import (
    approve_variant,
    edit_variant,
    reject_variant,
    request_changes,
    return_to_review,
)
from approvals.services.undo import push_now, undo_decision
from approvals.services.waiting import defer_variant, expire_undecided, reopen_variant
from approvals.states import PushState, VariantStatus
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy.models import Membership, Role
from tests.approvals.conftest import COPY, make_member_of
from tests.approvals.pages import live_hash


@pytest.fixture
def patient(acme):
    """A workspace in which decisions can be undone for ten minutes."""
    acme.undo_minutes = 10
    acme.save()
    return acme


def approve(actor, variant):
    return approve_variant(actor=actor, variant_id=variant.pk, shown_hash=live_hash(variant))


def reject(actor, variant):
    return reject_variant(
        actor=actor,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        reason_code=Decision.Reason.OFF_BRAND,
    )


def ask(actor, variant, comment="Say the weight."):
    return request_changes(
        actor=actor, variant_id=variant.pk, shown_hash=live_hash(variant), comment=comment
    )


def state_of(variant) -> tuple[str, list[str]]:
    fresh = AdVariant.objects.get(pk=variant.pk)
    return fresh.status, list(fresh.decisions.order_by("pk").values_list("verdict", flat=True))


@pytest.mark.parametrize(
    ("decide", "verdict"), [(approve, "approved"), (reject, "rejected"), (ask, "changes")]
)
def test_a_decision_is_taken_back_and_stays_on_record(patient, ben, variant, decide, verdict):
    decide(ben, variant)
    undo_decision(actor=ben, variant_id=variant.pk)
    assert state_of(variant) == (VariantStatus.PROPOSED, [verdict, "undone"])
    assert not Push.objects.exclude(state=PushState.VOIDED).exists()
    approve(ben, variant)
    assert state_of(variant) == (VariantStatus.APPROVED, [verdict, "undone", "approved"])


def test_no_worker_takes_an_approval_before_the_time_is_over(patient, ben, variant):
    approve(ben, variant)
    push = Push.objects.get()
    assert not due_pushes().exists()
    assert claim_push(push.pk) is None
    assert due_pushes(timezone.now() + timedelta(minutes=11)).get() == push


def test_push_now_ends_the_wait(patient, ben, variant):
    approve(ben, variant)
    push_now(actor=ben, variant_id=variant.pk)
    assert due_pushes().get() == Push.objects.get()
    with pytest.raises(StateConflict):
        push_now(actor=ben, variant_id=variant.pk)


def test_without_a_time_to_undo_an_approval_goes_at_once(ben, variant):
    approve(ben, variant)
    assert due_pushes().exists()
    with pytest.raises(StateConflict, match="over"):
        undo_decision(actor=ben, variant_id=variant.pk)


def test_what_a_worker_has_claimed_is_not_undone(patient, ben, variant):
    approve(ben, variant)
    push_now(actor=ben, variant_id=variant.pk)
    assert claim_push(Push.objects.get().pk)
    with pytest.raises(StateConflict, match="being sent"):
        undo_decision(actor=ben, variant_id=variant.pk)
    assert state_of(variant) == (VariantStatus.PUSHING, ["approved"])


def test_nobody_undoes_the_decision_of_somebody_else(patient, ben, rita, vera, variant):
    reject(ben, variant)
    with pytest.raises(StateConflict):
        undo_decision(actor=rita, variant_id=variant.pk)
    with pytest.raises(NotAllowed):
        undo_decision(actor=vera, variant_id=variant.pk)
    Membership.objects.filter(user_id=ben.user_id).delete()
    with pytest.raises(NotFound):
        undo_decision(actor=ben, variant_id=variant.pk)
    assert state_of(variant) == (VariantStatus.REJECTED, ["rejected"])


def test_an_undo_is_not_undone(patient, ben, variant):
    reject(ben, variant)
    undo_decision(actor=ben, variant_id=variant.pk)
    with pytest.raises(StateConflict):
        undo_decision(actor=ben, variant_id=variant.pk)


def test_the_time_to_undo_ends(patient, ben, variant):
    reject(ben, variant)
    patient.undo_minutes = 0
    patient.save()
    with pytest.raises(StateConflict, match="over"):
        undo_decision(actor=ben, variant_id=variant.pk)


def test_changes_need_words_and_a_new_version_brings_it_back(ben, rita, variant):
    with pytest.raises(InvalidInput):
        ask(ben, variant, "  ")
    ask(ben, variant)
    assert state_of(variant) == (VariantStatus.CHANGES_REQUESTED, ["changes"])
    with pytest.raises(StateConflict):
        approve(rita, variant)
    edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Tents of 1.9 kg"),
    )
    assert state_of(variant)[0] == VariantStatus.PROPOSED


def test_a_rejected_text_is_not_edited_into_the_queue(ben, variant):
    reject(ben, variant)
    with pytest.raises(StateConflict):
        edit_variant(
            actor=ben,
            variant_id=variant.pk,
            shown_hash=live_hash(variant),
            copy=replace(COPY, headline="Another one"),
        )


@pytest.fixture
def four_eyes(acme):
    acme.approvals_needed = 2
    acme.save()
    return acme


def test_two_people_must_approve_the_same_text(four_eyes, ben, rita, variant):
    approve(ben, variant)
    assert state_of(variant) == (VariantStatus.PROPOSED, ["approved"])
    assert not Push.objects.exists()
    with pytest.raises(StateConflict, match="somebody else"):
        approve(ben, variant)
    approve(rita, variant)
    assert state_of(variant)[0] == VariantStatus.APPROVED


def test_an_edit_between_two_approvals_begins_anew(four_eyes, ben, rita, variant):
    approve(ben, variant)
    edit_variant(
        actor=rita,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(COPY, headline="Another headline"),
    )
    approve(rita, variant)  # her own words: she is not the only one who approves
    assert state_of(variant)[0] == VariantStatus.PROPOSED
    approve(ben, variant)
    assert state_of(variant)[0] == VariantStatus.APPROVED


def test_a_target_that_moves_between_two_approvals_begins_anew(
    four_eyes, ben, rita, variant, target
):
    approve(ben, variant)
    target.url_tags = "utm_source=another"
    target.save()
    approve(rita, variant)
    assert state_of(variant)[0] == VariantStatus.PROPOSED
    assert not Push.objects.exists()
    approve(ben, variant)
    assert state_of(variant)[0] == VariantStatus.APPROVED


def test_an_approval_for_another_target_need_not_stand_when_it_is_sent(
    four_eyes, ben, rita, variant, target
):
    approve(ben, variant)
    target.url_tags = "utm_source=another"
    target.save()
    eva = make_member_of(four_eyes, "Eva", Role.REVIEWER)
    approve(rita, variant)
    approve(eva, variant)
    Membership.objects.filter(user_id=ben.user_id).delete()
    assert claim_push(Push.objects.get().pk)


def test_undo_of_the_second_approval_keeps_the_first(four_eyes, patient, ben, rita, variant):
    type(patient).objects.update(undo_minutes=10, approvals_needed=2)
    approve(ben, variant)
    approve(rita, variant)
    undo_decision(actor=rita, variant_id=variant.pk)
    assert state_of(variant)[0] == VariantStatus.PROPOSED
    approve(rita, variant)
    assert state_of(variant)[0] == VariantStatus.APPROVED


def test_after_handing_back_both_approve_anew(four_eyes, ben, rita, variant):
    approve(ben, variant)
    approve(rita, variant)
    return_to_review(actor=rita, variant_id=variant.pk)
    approve(rita, variant)
    assert state_of(variant)[0] == VariantStatus.PROPOSED


def test_each_of_two_approvers_must_still_be_here_when_it_is_sent(four_eyes, ben, rita, variant):
    approve(ben, variant)
    approve(rita, variant)
    Membership.objects.filter(user_id=ben.user_id).delete()
    assert claim_push(Push.objects.get().pk) is None
    assert Push.objects.get().problem_code == "approver_left"


def test_later_moves_it_to_the_end_for_everybody(ben, vera, variant):
    defer_variant(actor=ben, variant_id=variant.pk, shown_hash=live_hash(variant))
    fresh = AdVariant.objects.get(pk=variant.pk)
    assert fresh.status == VariantStatus.PROPOSED
    assert timezone.now() < fresh.queue_at < timezone.now() + timedelta(days=2)
    with pytest.raises(NotAllowed):
        defer_variant(actor=vera, variant_id=variant.pk, shown_hash=live_hash(variant))


def test_what_nobody_decides_expires_as_neither_yes_nor_no(ben, variant):
    assert expire_undecided() == 0
    long_ago = timezone.now() - timedelta(days=31)
    AdVariant.objects.filter(pk=variant.pk).update(updated_at=long_ago)
    assert expire_undecided() == 1
    assert expire_undecided() == 0
    assert state_of(variant) == (VariantStatus.EXPIRED, [])
    with pytest.raises(StateConflict):
        approve(ben, variant)
    reopen_variant(actor=ben, variant_id=variant.pk)
    assert state_of(variant) == (VariantStatus.PROPOSED, [])
